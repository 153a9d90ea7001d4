//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/store/local"
)

// values reads the project's store within this process, in its own way: a torn
// file is an error here.
func (p *project) values(t *testing.T) map[string]string {
	t.Helper()
	es, err := local.New(local.Options{
		File: filepath.Join(p.dir, ".skret.secrets.yaml"), IdentityFile: filepath.Join(p.dir, "home", ".skret", "identity.txt"),
	}).List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string, len(es))
	for _, e := range es {
		all[string(e.Key)] = e.Value.Reveal()
	}
	return all
}

// G3: 64 processes at once, ten times, each with a key of its own, from the
// moment when there is neither a store nor an identity.
func TestProcessesLoseNoWrite(t *testing.T) {
	const processes, rounds = 64, 10
	p := localProject(t)
	for round := range rounds {
		var wg sync.WaitGroup
		for i := range processes {
			wg.Go(func() {
				c := exec.Command("skret", "set", fmt.Sprintf("K_%d_%d", round, i), fmt.Sprint(round*i))
				c.Dir, c.Env = p.dir, p.env
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("round %d, process %d: %v: %s", round, i, err, out)
				}
			})
		}
		wg.Wait()
	}
	all := p.values(t)
	for round := range rounds {
		for i := range processes {
			if k := fmt.Sprintf("K_%d_%d", round, i); all[k] != fmt.Sprint(round*i) {
				t.Errorf("%s is lost", k)
			}
		}
	}
	if len(all) != processes*rounds {
		t.Errorf("%d of %d keys", len(all), processes*rounds)
	}
}

// G1, G2, G4: killed at 300 random moments of a write, the file is whole, has
// every write that was acknowledged, and nothing is in clear beside it.
func TestKilledWritersTearNothing(t *testing.T) {
	const keys, kills = 300, 300
	p := localProject(t)
	all := make(map[string]string, keys)
	pairs := []string{"set"}
	for i := range keys {
		k := fmt.Sprintf("KEY_%03d", i)
		all[k] = fmt.Sprintf("marker-%d-at-first", i)
		pairs = append(pairs, k+"="+all[k])
	}
	p.skret(t, pairs...)

	acknowledged, killed, midway := 0, 0, 0
	span := 10 * time.Millisecond // half of the writers shall end before they are killed: it adapts
	for i := range kills {
		k, v := fmt.Sprintf("KEY_%03d", rand.IntN(keys)), fmt.Sprintf("marker-%d-at-last", i)
		c := exec.Command("skret", "set", k, v)
		c.Dir, c.Env = p.dir, p.env
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(float64(span)*(0.4+0.9*rand.Float64())), func() { _ = c.Process.Kill() })
		err := c.Wait()
		kill.Stop()

		got := p.values(t)
		if err == nil {
			acknowledged++
			span -= span / 20
			all[k] = v
		} else {
			killed++
			if left, _ := filepath.Glob(filepath.Join(p.dir, ".*.skret-tmp")); len(left) > 0 || got[k] == v {
				midway++
			}
			span += span / 20
			if got[k] == v { // written, and killed before it could say so
				all[k] = v
			}
		}
		for k, v := range all {
			if got[k] != v {
				t.Fatalf("after write %d (%v) %s is %q, not %q", i, err, k, got[k], v)
			}
		}
		if len(got) != keys {
			t.Fatalf("after write %d there are %d keys", i, len(got))
		}
		nothingInClear(t, p.dir, "marker-")
	}
	t.Logf("%d acknowledged, %d killed, %d of them within the write", acknowledged, killed, midway)
	if acknowledged == 0 || killed == 0 {
		t.Errorf("no test: %d acknowledged, %d killed", acknowledged, killed)
	}
	// What the killed left goes with the next write.
	p.skret(t, "set", "KEY_000", "marker-end")
	if left, _ := filepath.Glob(filepath.Join(p.dir, ".*.skret-tmp")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// nothingInClear fails if a file directly in the folder has the text.
func nothingInClear(t *testing.T, dir, text string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err == nil && strings.Contains(string(b), text) {
			t.Fatalf("%s has %q in clear", f.Name(), text)
		}
	}
}
