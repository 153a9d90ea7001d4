//go:build unix

package run

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// TestMain makes the test binary, when it is started as "exec", a program that
// does nothing but Exec: its arguments are a file with the environment, the path
// and the command's own arguments.
func TestMain(m *testing.M) {
	if os.Args[0] != "exec" {
		os.Exit(m.Run())
	}
	env, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = Exec(os.Args[2], os.Args[3:], strings.Split(string(env), "\x00"))
	}
	os.Stderr.WriteString(err.Error() + "\n" + errs.HintOf(err) + "\n")
	c, _ := errors.AsType[*CommandError](err)
	os.Exit(c.Code)
}

// execs returns a command that does Exec(path, args, env) in a process of its own.
func execs(t *testing.T, env []string, path string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, 0o600, strings.Join(env, "\x00"), t.TempDir(), "env")
	c := exec.CommandContext(t.Context(), self)
	c.Args = append([]string{"exec", file, path}, args...)
	return c
}

func write(t *testing.T, mode os.FileMode, content string, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLook(t *testing.T) {
	work, a, b := t.TempDir(), t.TempDir(), t.TempDir()
	t.Chdir(work)
	script := "#!/bin/sh\n"
	write(t, 0o755, script, b, "both")
	write(t, 0o644, script, a, "both")
	write(t, 0o644, script, a, "plain")
	write(t, 0o755, script, work, "here")
	write(t, 0o755, script, a, "with space")
	if err := os.Mkdir(filepath.Join(a, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := a + ":" + b
	for _, c := range []struct {
		name, path, want string
		code             int
		hint             string
	}{
		{name: "both", path: path, want: filepath.Join(b, "both")}, // the first has no x: looked for further on, as shells do
		{name: "with space", path: path, want: filepath.Join(a, "with space")},
		{name: "./here", path: "", want: "./here"},
		{name: filepath.Join(b, "both"), path: "", want: filepath.Join(b, "both")},
		{name: "plain", path: path, code: 126, hint: "chmod +x"},
		{name: "folder", path: path, code: 126, hint: "check the name"},
		{name: work, path: path, code: 126},
		{name: filepath.Join(a, "plain", "x"), path: path, code: 127},
		{name: "here", path: path, code: 127, hint: "write ./here"},
		{name: "here", path: ".:" + path, code: 126, hint: "write ./here"},
		{name: "here", path: path + ":", code: 126, hint: "write ./here"},
		{name: "both", path: path + ":", want: filepath.Join(b, "both")},
		{name: "nothing", path: path, code: 127, hint: "PATH"},
		{name: "nothing", path: "", code: 127, hint: "PATH is empty"},
		{name: "./nothing", path: path, code: 127},
		{name: "npm start && ls", path: path, code: 127, hint: "sh -c"},
		{name: "", path: path, code: 127},
	} {
		got, err := Look(c.name, c.path)
		if c.code == 0 {
			if err != nil || got != c.want {
				t.Errorf("%q in %q: %q, %v", c.name, c.path, got, err)
			}
			continue
		}
		e, ok := errors.AsType[*CommandError](err)
		if !ok || e.Code != c.code || got != "" || !strings.Contains(errs.HintOf(err), c.hint) {
			t.Errorf("%q in %q: %q, %v, hint %q", c.name, c.path, got, err, errs.HintOf(err))
		}
	}
}

func TestExecSaysWhyItFailed(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, path string
		env        []string
		code       int
		want       string
	}{
		{"no format", write(t, 0o755, "echo hello\n", dir, "noformat"), nil, CodeNotExecutable, "skret starts no shell"},
		{"no interpreter", write(t, 0o755, "#!/does/not/exist\n", dir, "nointerp"), nil, CodeNotExecutable, "interpreter"},
		{"a folder", dir, nil, CodeNotExecutable, "permission denied"},
		{"not executable", write(t, 0o644, "#!/bin/sh\n", dir, "nox"), nil, CodeNotExecutable, "chmod +x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := execs(t, c.env, c.path, "name")
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", cmd.ProcessState, out)
			}
		})
	}
}

func TestExecPassesArgumentsAndEnvironmentExactly(t *testing.T) {
	args := []string{"sh", "-c", `printf '%s\n' "$0" "$@"; printf %s "$ODD"`, "--flag", "-x=1", "", "a b", "$HOME", "*"}
	odd := "a\nb\r\n\x1b[31m\xff\xfe'\"$HOME`id`\\"
	out, err := execs(t, []string{"A=1", "ODD=" + odd}, "/bin/sh", args...).Output()
	if want := strings.Join(args[3:], "\n") + "\n" + odd; err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}
