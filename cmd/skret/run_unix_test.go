//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// localProject is a project with a local store.
func localProject(t testing.TB) *project {
	t.Helper()
	return newProject(t, "provider: local\n    file: .skret.secrets.yaml")
}

// Whatever can be in an environment arrives in it as it is.
func TestRunPassesEveryByte(t *testing.T) {
	p := localProject(t)
	var all []byte
	for b := 1; b < 256; b++ {
		all = append(all, byte(b))
	}
	odd := string(all) + "\n\n$(id) `id` ' \" \\ \r\n"
	p.skret(t, "set", "--", "ODD", odd)
	if got := p.skret(t, "run", "--", "sh", "-c", `printf %s "$ODD"; echo .`); string(got) != odd+".\n" {
		t.Errorf("%q", got)
	}
	found := false
	for v := range strings.SplitSeq(string(p.skret(t, "run", "--", "dumpenv")), "\x00") {
		found = found || v == "ODD="+odd
	}
	if !found {
		t.Error("the environment does not have the value")
	}
}

// A NUL cannot be in an environment: the key is named and nothing starts.
func TestRunRefusesNUL(t *testing.T) {
	p := localProject(t)
	c := exec.Command("skret", "set", "BAD/KEY")
	c.Dir, c.Env, c.Stdin = p.dir, p.env, strings.NewReader("hunter2\x00")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c = exec.Command("skret", "run", "--", "no-such-command")
	c.Dir, c.Env = p.dir, p.env
	out, _ := c.CombinedOutput()
	if c.ProcessState.ExitCode() != 125 || !strings.Contains(string(out), `key "BAD/KEY": the value holds a NUL byte`) ||
		!strings.Contains(string(out), "no-such-command") || strings.Contains(string(out), "hunter2") {
		t.Errorf("%v: %s", c.ProcessState, out)
	}
	p.skret(t, "run", "--except", "BAD_KEY", "--", "true")
}

// A reader that has gone ends skret as it ends any program: by PIPE.
func TestClosedPipeEndsBySignal(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	for _, args := range [][]string{{"--version"}, {"--help"}, {"get", "A"}, {"list"}, {"list", "--format", "json"}, {"run", "--mask", "--", "echo", "of a command that has ended well"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		c := exec.Command("skret", args...)
		c.Dir, c.Env, c.Stdout = p.dir, p.env, w
		err = c.Run()
		_ = w.Close()
		if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != syscall.SIGPIPE {
			t.Errorf("%q: %v", args, err)
		}
	}
}
