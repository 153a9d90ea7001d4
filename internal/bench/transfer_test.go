//go:build bench && unix

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/fake"
)

// transfer measures bulk writes into SSM: as fast as the service allows, and not
// faster.
func (s *suite) transfer(t *testing.T) {
	f := fake.NewSSM()
	t.Cleanup(f.Close)
	env := append(append([]string{}, s.env...), f.Env()...)
	late := overshoot()
	const many = 200
	var text strings.Builder
	for i := range many {
		fmt.Fprintf(&text, "KEY_%03d=value-number-%d\n", i, i)
	}
	imports := func(path string, n int) program {
		dir := project(t, fmt.Sprintf("provider: aws\n    path: %s\n    region: %s\n", path, fake.Region))
		lines := strings.Join(strings.SplitAfter(text.String(), "\n")[:n], "")
		if err := os.WriteFile(filepath.Join(dir, "in.env"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return program{path: s.skret, args: []string{"import", "--from", "dotenv", "--file", "in.env"}, dir: dir, env: env}
	}
	f.Set(func(r *fake.Rules) { r.Latency = latency - late })
	took, _ := imports("/bulk/many", many).run(t)
	one := many * latency
	s.row("import, 200 new keys into SSM / 200 x 20 ms", float64(took)/float64(one), 0.15, "x", ms(took, one))
	if got := f.Count("PutParameter"); got != many {
		t.Errorf("%d writes", got)
	}

	const slow, rate = 40, 3
	f.Set(func(r *fake.Rules) { r.Latency, r.WriteRate = 5*time.Millisecond, rate })
	f.Forget()
	floor := time.Duration(slow-rate) * time.Second / rate
	took, _ = imports("/bulk/slow", slow).run(t)
	s.row("import, 40 keys, 3 writes a second / the floor", float64(took)/float64(floor), 1.15, "x", fmt.Sprintf("%s; %d requests", ms(took, floor), f.Count("PutParameter")))
	for _, l := range strings.SplitAfter(text.String(), "\n")[:slow] {
		name, _, _ := strings.Cut(l, "=")
		if _, ok := f.Parameter("/bulk/slow/" + name); !ok {
			t.Errorf("%s is lost", name)
		}
	}
}
