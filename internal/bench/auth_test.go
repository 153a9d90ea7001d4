//go:build bench && unix

package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// auth measures `run` with a sign-in of IAM Identity Center that is warm, against
// the same with an access key in the environment.
func (s *suite) auth(t *testing.T) {
	c := fake.NewCloud()
	t.Cleanup(c.Close)
	c.Set(func(r *fake.CloudRules) { r.Polls, r.Lax = 1, true })
	c.Assign(fake.Account, "Deploy")
	for i := range 10 {
		c.SSM.Put(fmt.Sprintf("/bench/auth/KEY_%d", i), "value")
	}
	keys := append(slices.Clip(s.env), c.Env()...)
	env := append(slices.Clip(keys), "SKRET_HOME="+t.TempDir()) // where somebody is signed in
	dir := project(t, "provider: aws\n    path: /bench/auth\n    region: "+fake.Region+"\n")
	withKeys := program{path: s.skret, args: []string{"run", "--", "true"}, dir: dir, env: append(slices.Clip(keys), c.User("bench").Env()...)}
	login := program{path: s.skret, dir: dir, env: env, args: []string{
		"auth", "login", "aws", "--method", "sso", "--flow", "device", "--opt", "start_url=https://acme.awsapps.com/start", "--opt", "region=" + fake.Region,
	}}
	login.run(t)
	warm := withKeys
	warm.env = env
	c.Forget()
	warm.run(t)
	s.row("run -- true, warm sign-in: requests besides SSM's", float64(c.Count("", "")), 0, "", "IAM Identity Center, key file")
	m := medians(t, s.rounds, warm, withKeys)
	s.row("run -- true, warm sign-in / keys in the environment", ratio(m), 1.15, "x", ms(m...))
}
