//go:build real

package main

import (
	"math/rand/v2"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// What TestExactThroughSSM asserts, with ten values for each name, against a
// server of SSM that others wrote.
func TestRealExactThroughMoto(t *testing.T) {
	moto := realtest.Moto(t)
	r := rand.New(rand.NewPCG(5, 6))
	names := ssmNames(r)
	p := newProject(t, "provider: aws\n    path: /app/dev\n    region: us-east-1", moto.Env(t)...)
	for range exactRounds {
		want := map[string]string{}
		for _, n := range names {
			want[n] = randomValue(r, true) + "."
		}
		p.exact(t, want, true)
	}
}
