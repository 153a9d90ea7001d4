//go:build bench && unix

package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// cache measures `run` on what is kept of SSM, against the same number of secrets in
// the sealed file.
func (s *suite) cache(t *testing.T) {
	f := fake.NewSSM()
	t.Cleanup(f.Close)
	for i := range 1000 {
		f.Put(fmt.Sprintf("/bench/cache/KEY_%04d", i), fmt.Sprintf("value number %d of this benchmark", i))
	}
	env := append(append(slices.Clip(s.env), f.Env()...), "SKRET_HOME="+t.TempDir()) // whose key is made here
	dir := project(t, "provider: aws\n    path: /bench/cache\n    region: "+fake.Region+"\n    cache: {mode: prefer, ttl: 1h}\n")
	kept := program{path: s.skret, args: []string{"run", "--", "true"}, dir: dir, env: env}
	kept.run(t)
	f.Forget()
	m := medians(t, s.rounds, kept, s.localProject(t, 1000))
	s.row("run -- true, 1,000 cached secrets / 1,000 local", ratio(m), 2.5, "x", ms(m...))
	s.row("  requests", float64(f.Count("")), 0, "", "cache: {mode: prefer}")
}
