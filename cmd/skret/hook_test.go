//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/hook"
)

// Real shells load the variables on entering a project and put everything back on
// leaving it, also from one project into another, and keep the last status.
func TestHookInShells(t *testing.T) {
	for _, c := range []struct{ shell, load, status string }{
		{"bash", `eval "$(skret hook bash)"; p() { eval "$PROMPT_COMMAND"; }`, `(exit 7); p; echo "status $?"`},
		{"zsh", `eval "$(skret hook zsh)"; p() { local s=$?; (exit $s); _skret_hook; }`, `(exit 7); p; echo "status $?"`},
		{"fish", `skret hook fish | source; function p; _skret_hook; end`, `fish -c "exit 7"; p; echo "status $status"`},
	} {
		t.Run(c.shell, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(c.shell)
			if err != nil {
				t.Skip(c.shell + " is not here")
			}
			p := newHookProjects(t)
			script := strings.Join([]string{
				c.load, "p", `echo "out:$TOKEN"`,
				"cd a", "p", `echo "a:$TOKEN|$PLAIN"`,
				"cd sub", "p", `echo "sub:$TOKEN"`,
				"cd ../../b", "p", `echo "b:$TOKEN|$PLAIN"`,
				"cd ..", "p", `echo "out:$TOKEN|$PLAIN"`, c.status,
			}, "\n")
			cmd := exec.Command(program, "-c", script)
			if c.shell == "fish" {
				cmd = exec.Command(program, "--no-config", "-c", script)
			}
			cmd.Dir, cmd.Env = p.dir, append(p.env, "PLAIN=mine")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var got []string
			for line := range strings.Lines(string(out)) {
				if !strings.HasPrefix(line, "skret: ") {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			want := "out: a:of a|it's \"$(echo no)\" sub:of a b:of b|mine out:|mine status 7"
			if strings.Join(got, " ") != want {
				t.Errorf("got  %s\nwant %s\nall of it:\n%s", strings.Join(got, " "), want, out)
			}
		})
	}
}

// What another folder has loaded is taken back by itself, before anything that may
// last or be ended by ^C.
func TestHookLeavesBeforeItEnters(t *testing.T) {
	t.Parallel()
	p := newHookProjects(t)
	had := hook.State{File: filepath.Join(p.dir, "b", ".skret.yaml"), Names: []string{"OLD"}}
	for shell, again := range map[string]string{"bash": "hook update bash", "zsh": "hook update zsh", "fish": "hook update fish | source"} {
		cmd := exec.Command(filepath.Join(p.dir, "bin", "skret"), "hook", "update", shell)
		cmd.Dir, cmd.Env = filepath.Join(p.dir, "a"), append(p.env, "OLD=1", hook.Variable+"="+had.String())
		out, err := cmd.Output()
		leave, rest, _ := strings.Cut(string(out), "\n")
		if err != nil || !strings.HasSuffix(leave, " OLD SKRET_HOOK") || !strings.Contains(rest, again) || strings.Contains(rest, "TOKEN") {
			t.Errorf("%s: %q, %v", shell, out, err)
		}
	}
}

type hookProjects struct {
	dir string
	env []string
}

// newHookProjects makes two trusted projects beside each other.
func newHookProjects(t *testing.T) hookProjects {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "home", "a/sub", "b", ".git"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(self, filepath.Join(bin, "skret")); err != nil {
		t.Fatal(err)
	}
	p := hookProjects{dir, []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "GORACE=atexit_sleep_ms=0",
	}}
	for name, secrets := range map[string][]string{"a": {"TOKEN=of a", `PLAIN=it's "$(echo no)"`}, "b": {"TOKEN=of b"}} {
		config := "version: \"1\"\nenvironments:\n  dev:\n    provider: local\n"
		if err := os.WriteFile(filepath.Join(dir, name, ".skret.yaml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{append([]string{"set"}, secrets...), {"trust", "--shell", "--yes"}} {
			cmd := exec.Command(filepath.Join(bin, "skret"), args...)
			cmd.Dir, cmd.Env = filepath.Join(dir, name), p.env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("skret %q: %v\n%s", args, err, out)
			}
		}
	}
	return p
}
