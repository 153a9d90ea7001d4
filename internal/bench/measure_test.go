//go:build bench && unix

package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// program is one command line that is measured.
type program struct {
	path string
	args []string
	dir  string
	env  []string
	tty  bool // its streams are a terminal that answers nothing
}

// run runs the program once and returns how long it took and what it wrote.
func (p program) run(t *testing.T) (time.Duration, []byte) {
	t.Helper()
	c := exec.Command(p.path, p.args...)
	c.Dir, c.Env = p.dir, p.env
	if p.tty {
		return p.onTerminal(t, c)
	}
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	start := time.Now()
	err := c.Run()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s %.80q: %v\n%.1000s", filepath.Base(p.path), p.args, err, errOut.Bytes())
	}
	return took, out.Bytes()
}

func (p program) onTerminal(t *testing.T, c *exec.Cmd) (time.Duration, []byte) {
	t.Helper()
	start := time.Now()
	f, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, _ := io.ReadAll(f) // ends with an error when the program has ended
	err = c.Wait()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s %q on a terminal: %v\n%s", filepath.Base(p.path), p.args, err, out)
	}
	return took, out
}

// medians runs the programs in turn, so that what else the machine does meets
// all of them, and returns the median of each.
func medians(t *testing.T, rounds int, ps ...program) []time.Duration {
	t.Helper()
	all := make([][]time.Duration, len(ps))
	for round := range rounds + 1 {
		for i, p := range ps {
			took, _ := p.run(t)
			if round > 0 { // the first one warms the caches
				all[i] = append(all[i], took)
			}
		}
	}
	out := make([]time.Duration, len(ps))
	for i := range all {
		out[i] = median(all[i])
	}
	return out
}

func median[T int64 | time.Duration](xs []T) T {
	xs = slices.Sorted(slices.Values(xs))
	return xs[len(xs)/2]
}

// peak returns the median of the most memory the program had, in KiB.
func peak(t *testing.T, helper string, rounds int, p program) int64 {
	t.Helper()
	p.path, p.args = helper, append([]string{p.path}, p.args...)
	var all []int64
	for range rounds {
		_, out := p.run(t)
		kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kib)
	}
	return median(all)
}

// table is the report.
type table struct{ missed int }

// row prints one bar: what was measured, what is allowed.
func (b *table) row(name string, got, bar float64, unit, detail string) {
	verdict := "met"
	if got > bar {
		verdict = "NOT MET"
		b.missed++
	}
	fmt.Printf("| %-58s | %7.2f%-3s | %5.2f%-3s | %-7s | %s |\n", name, got, unit, bar, unit, verdict, detail)
}

func (b *table) head() {
	fmt.Printf("| %-58s | %-10s | %-8s | %-7s | %s |\n|---|---|---|---|---|\n", "", "measured", "at most", "", "medians")
}

// ms shows durations as milliseconds.
func ms(ds ...time.Duration) string {
	var out []string
	for _, d := range ds {
		out = append(out, fmt.Sprintf("%.2f", d.Seconds()*1000))
	}
	return strings.Join(out, " / ") + " ms"
}

// build compiles the package into a file of this name, as make does.
func build(t *testing.T, name, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	c := exec.Command("go", "build", "-tags", "nethttpomithttp2", "-trimpath", "-gcflags=all=-l", "-gcflags=github.com/skret/skret/internal/leak=",
		"-gcflags=runtime=", "-gcflags=internal/runtime/...=", "-gcflags=internal/abi=", "-gcflags=reflect=", "-gcflags=encoding/json=",
		"-ldflags", "-s -w", "-o", out, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, msg)
	}
	return out
}
