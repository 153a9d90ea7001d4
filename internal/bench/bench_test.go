//go:build bench && unix

// Package bench measures what skret promises about speed, memory and size
// (docs/benchmarks.md), as ratios to a Go hello-world that is measured in the
// same minute on the same machine. It is a report: a bar that is not met is
// printed as such, and fails nothing.
package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// suite is what all measurements share.
type suite struct {
	table
	rounds int
	env    []string

	hello, skret, peak, bare string // programs
}

func TestBench(t *testing.T) {
	s := &suite{
		rounds: 31,
		hello:  build(t, "hello", "./testdata/hello"),
		skret:  build(t, "skret", "github.com/skret/skret/cmd/skret"),
		peak:   build(t, "peak", "./testdata/peak"),
		bare:   build(t, "bare", "./testdata/bare"),
	}
	if n, err := strconv.Atoi(os.Getenv("BENCH_ROUNDS")); err == nil && n > 0 {
		s.rounds = n
	}
	// Nothing of this machine's settings is measured.
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm-256color"}

	fmt.Printf("%s/%s, %d cores, %s; each a median of %d runs, in turn with what it is compared to\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), s.rounds)
	s.head()
	s.start(t)
	s.local(t)
	s.auth(t)
	s.cache(t)
	s.scan(t)
	s.transfer(t)
	s.ssm(t)
	s.size(t)
	fmt.Printf("\n%d not met\n", s.missed)
}

// start measures `--version`, on a pipe and on a terminal.
func (s *suite) start(t *testing.T) {
	hello, version := program{path: s.hello, env: s.env}, program{path: s.skret, args: []string{"--version"}, env: s.env}
	m := medians(t, s.rounds, version, hello)
	s.row("--version / hello", ratio(m), 2.6, "x", ms(m...))

	hello.tty, version.tty = true, true
	m = medians(t, s.rounds, version, hello)
	s.row("--version / hello, terminal that answers nothing", ratio(m), 2.6, "x", ms(m...))
	_, out := version.run(t)
	s.row("  bytes of control sequences written to it", float64(bytes.Count(out, []byte{'\x1b'})), 0, "", fmt.Sprintf("%q", out))
}

// local measures `run` on the sealed file.
func (s *suite) local(t *testing.T) {
	hello := program{path: s.hello, env: s.env}
	ten, thousand := s.localProject(t, 10), s.localProject(t, 1000)
	m := medians(t, s.rounds, ten, hello)
	s.row("run -- true, 10 local secrets / hello", ratio(m), 3.5, "x", ms(m...))
	m = medians(t, s.rounds, thousand, ten)
	s.row("run -- true, 1,000 local secrets / 10", ratio(m), 2, "x", ms(m...))
}

// localProject makes a project with n secrets and returns `run -- true` in it.
func (s *suite) localProject(t *testing.T, n int) program {
	t.Helper()
	dir := project(t, "provider: local\n    file: .skret.secrets.yaml\n")
	args := []string{"set"}
	for i := range n {
		args = append(args, fmt.Sprintf("KEY_%04d=value number %d of this benchmark", i, i))
	}
	program{path: s.skret, args: args, dir: dir, env: s.env}.run(t)
	return program{path: s.skret, args: []string{"run", "--", "true"}, dir: dir, env: s.env}
}

// size measures the binary.
func (s *suite) size(t *testing.T) {
	fi, err := os.Stat(s.skret)
	if err != nil {
		t.Fatal(err)
	}
	s.row("stripped binary", float64(fi.Size())/1e6, 13, "MB", strconv.FormatInt(fi.Size(), 10)+" bytes")
}

// project makes a folder with a .skret.yaml whose environment has the settings.
func project(t *testing.T, settings string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := "version: \"1\"\nenvironments:\n  dev:\n    " + settings
	if err := os.WriteFile(filepath.Join(dir, ".skret.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func ratio[T ~int64](m []T) float64 { return float64(m[0]) / float64(m[1]) }
