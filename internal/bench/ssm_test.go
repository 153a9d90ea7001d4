//go:build bench && unix

package bench

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/fake"
)

// latency is what the far service takes for each answer.
const latency = 20 * time.Millisecond

// overshoot returns by how much a sleep of that length is late, here and now.
func overshoot() time.Duration {
	var all []time.Duration
	for range 21 {
		start := time.Now()
		time.Sleep(latency)
		all = append(all, time.Since(start)-latency)
	}
	return median(all)
}

// ssm measures `run` on SSM Parameter Store, which a server on loopback plays.
func (s *suite) ssm(t *testing.T) {
	f := fake.NewSSM()
	t.Cleanup(f.Close)
	s.env = append(s.env, f.Env()...)
	walk := map[int]program{}
	var names []string
	for _, n := range []int{10, 100, 1000} {
		for i := range n {
			name := fmt.Sprintf("KEY_%04d", i)
			f.Put(fmt.Sprintf("/bench/%d/%s", n, name), fmt.Sprintf("value number %d of this benchmark", i))
			if n == 100 {
				names = append(names, name)
			}
		}
		dir := project(t, fmt.Sprintf("provider: aws\n    path: /bench/%d\n    region: %s\n", n, fake.Region))
		walk[n] = program{path: s.skret, args: []string{"run", "--", "true"}, dir: dir, env: s.env}
	}

	hello := program{path: s.hello, env: s.env}
	m := medians(t, s.rounds, walk[10], hello)
	s.row("run -- true, SSM, 10 parameters, no latency / hello", ratio(m), 5.2, "x", ms(m...))
	kib := peak(t, s.peak, s.rounds, walk[10])
	s.row("  its peak memory", float64(kib)*1024/1e6, 10.5, "MB", fmt.Sprintf("%d KiB; hello %d", kib, peak(t, s.peak, s.rounds, hello)))

	// A sleep lasts longer than it is told to. The server is told less, so that
	// what it takes is the latency.
	late := overshoot()
	f.Set(func(r *fake.Rules) { r.Latency = latency - late })
	for _, c := range []struct {
		n   int
		bar float64
	}{{10, 1.35}, {100, 1.08}, {1000, 1.05}} {
		pages := c.n / 10
		ideal := time.Duration(pages) * latency
		bare := program{path: s.bare, args: []string{f.URL, strconv.Itoa(pages)}, env: s.env}
		m := medians(t, s.rounds, walk[c.n], bare)
		s.row(fmt.Sprintf("run -- true, SSM, %d parameters / %d x 20 ms", c.n, pages), float64(m[0])/float64(ideal), c.bar, "x",
			fmt.Sprintf("%s; a bare client in Go %s", ms(m[0], ideal), ms(m[1])))
		f.Forget()
		walk[c.n].run(t)
		s.row("  requests", float64(f.Count("")), float64(pages), "", fmt.Sprintf("%d GetParametersByPath", f.Count("GetParametersByPath")))
		s.row("  connections", float64(f.Conns()), 1, "", "")
	}

	declared := walk[100]
	declared.dir = project(t, fmt.Sprintf("provider: aws\n    path: /bench/100\n    region: %s\n    keys: [%s]\n", fake.Region, strings.Join(names, ", ")))
	m = medians(t, s.rounds, declared, walk[100])
	s.row("run -- true, SSM, 100 in keys: / the walk", ratio(m), 0.2, "x", ms(m...))
}
