package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// repository makes a project that git knows, with a secret whose value is token, and
// in it these files.
func repository(t *testing.T, files map[string]string) *project {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	p := newProject(t, "provider: local", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=n", "GIT_AUTHOR_EMAIL=e", "GIT_COMMITTER_NAME=n", "GIT_COMMITTER_EMAIL=e")
	p.git(t, "init", "-q")
	p.skret(t, "set", "TOKEN="+token)
	p.write(t, files)
	return p
}

const token = "tok-0123456789"

func (p *project) write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(p.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *project) git(t *testing.T, args ...string) {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir, c.Env = p.dir, p.env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// scan runs skret, as its user says, and returns the exit code and both outputs.
func (p *project) scan(t *testing.T, skret string, as *syscall.Credential, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := exec.Command(skret, append([]string{"scan"}, args...)...)
	c.Dir, c.Env = p.dir, p.env
	c.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var out, errOut strings.Builder
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errOut.String()
}

// G8: what a repository configures is not run.
func TestScanRunsNothingThatARepositoryConfigures(t *testing.T) {
	t.Parallel()
	p := repository(t, map[string]string{"a.txt": "a\n", ".gitignore": "*\n!*.txt\n!.gitattributes\n"})
	p.git(t, "add", "-A")
	p.git(t, "commit", "-q", "-m", "one")
	p.write(t, map[string]string{
		"a.txt": token, "b.txt": token, ".gitattributes": "* diff=x filter=x merge=x\n",
		"x.sh":              "#!/bin/sh\necho \"$0 $*\" >> " + p.dir + "/ran\n",
		".git/fsmonitor.sh": "#!/bin/sh\necho \"$0 $*\" >> " + p.dir + "/ran\n",
	})
	p.git(t, "add", "-A")
	x := filepath.Join(p.dir, "x.sh")
	for _, hook := range []string{"pre-commit", "post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"} {
		p.write(t, map[string]string{"hooks/" + hook: "#!/bin/sh\necho hook >> " + p.dir + "/ran\n"})
	}
	for name, value := range map[string]string{
		"core.fsmonitor": filepath.Join(p.dir, ".git", "fsmonitor.sh"), "core.hooksPath": "hooks", "core.pager": x, "core.editor": x,
		"core.sshCommand": x, "core.gitProxy": x, "core.askPass": x, "core.alternateRefsCommand": x, "credential.helper": x,
		"diff.external": x, "diff.x.command": x, "diff.x.textconv": x, "filter.x.clean": x, "filter.x.smudge": x, "filter.x.process": x,
		"filter.x.required": "true", "gpg.program": x, "log.showSignature": "true", "pager.diff": x, "alias.rev-parse": "!" + x,
		"interactive.diffFilter": x, "remote.o.url": "ext::" + x, "remote.o.promisor": "true", "protocol.allow": "always",
		"extensions.partialClone": "o", "remote.o.uploadpack": x,
	} {
		p.git(t, "config", name, value)
	}
	// A content that a partial clone would fetch.
	c := exec.Command("git", "rev-parse", "HEAD:a.txt")
	c.Dir, c.Env = p.dir, p.env
	blob, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.dir, ".git", "objects", string(blob[:2]), strings.TrimSpace(string(blob[2:])))); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(p.dir, "ran"))
	for args, want := range map[string]int{
		"": 10, "--staged": 10, "--since HEAD": 0, "--history": 1, "a.txt": 10, "--install-hook": 6,
	} {
		if code, out, errOut := p.scan(t, "skret", nil, strings.Fields(args)...); code != want {
			t.Errorf("scan %s: exit %d, want %d\n%s%s", args, code, want, out, errOut)
		}
		if ran, err := os.ReadFile(filepath.Join(p.dir, "ran")); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("scan %s ran %s", args, ran)
		}
	}
}

// What cannot be looked into is told, and never ends in success.
func TestScanSaysWhatItCouldNotLookInto(t *testing.T) {
	t.Parallel()
	p := repository(t, map[string]string{"fine.txt": "x", "closed.txt": token, "folder/closed.txt": token, "other/tracked.txt": "x"})
	p.git(t, "add", "closed.txt", "other/tracked.txt")
	skret, as := p.unprivileged(t)
	closed := []string{"closed.txt", "folder", "other"}
	for _, name := range closed {
		if err := os.Chmod(filepath.Join(p.dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, name := range closed {
			_ = os.Chmod(filepath.Join(p.dir, name), 0o700)
		}
	})
	code, out, errOut := p.scan(t, skret, as, "--format", "json")
	var doc struct{ Problems []struct{ File, Why string } }
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 1 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errOut)
	}
	files := map[string]bool{}
	for _, x := range doc.Problems {
		files[x.File] = true
		if !strings.Contains(x.Why, "ermission denied") {
			t.Errorf("%s: %q", x.File, x.Why)
		}
	}
	for _, name := range []string{"closed.txt", "folder", "other/tracked.txt"} {
		if !files[name] || !strings.Contains(errOut, "skret: not looked into: "+name+": ") {
			t.Errorf("%s is not told\n%s", name, errOut)
		}
	}
	// Something that is found is more than something that is not looked into.
	p.write(t, map[string]string{"leak.txt": token})
	if code, _, errOut := p.scan(t, skret, as); code != 10 || !strings.Contains(errOut, "not looked into: closed.txt") {
		t.Errorf("exit %d\n%s", code, errOut)
	}
	// A file whose content cannot be had, and one that never ends.
	if code, _, errOut := p.scan(t, skret, as, "/proc/self/mem", "/dev/zero"); code != 1 ||
		!strings.Contains(errOut, "/proc/self/mem: input/output error") || !strings.Contains(errOut, "/dev/zero: it is no regular file") {
		t.Errorf("exit %d\n%s", code, errOut)
	}
}

// A repository of somebody else is refused by git, and skret says so.
func TestScanSaysThatGitRefusesARepository(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a file of somebody else is made by root alone")
	}
	p := repository(t, map[string]string{"a.txt": token})
	skret, as := p.unprivileged(t)
	dir := filepath.Join(p.dir, ".git")
	if err := errors.Join(os.Chown(dir, 1, 1), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := p.scan(t, skret, as)
	if code != 1 || out != "" || !strings.Contains(errOut, "error: git: detected dubious ownership") || !strings.Contains(errOut, "hint: the repository belongs to somebody else") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

// unprivileged gives the project to somebody whom file modes bind, and a copy of
// skret that he may run. For those who are not root that is who they are.
func (p *project) unprivileged(t *testing.T) (skret string, as *syscall.Credential) {
	t.Helper()
	path, err := exec.LookPath("skret")
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return path, nil
	}
	const nobody = 65534
	skret = filepath.Join(p.dir, "bin", "skret")
	if err := os.Mkdir(filepath.Dir(skret), 0o755); err != nil {
		t.Fatal(err)
	}
	// By another process: what this one has open for writing, a child that a test
	// beside this one starts has too for a moment, and then it cannot be run.
	if out, err := exec.Command("cp", path, skret).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.write(t, map[string]string{".git/info/exclude": "/bin\n/home\n"})
	for d := filepath.Dir(p.dir); d != "/" && d != filepath.Clean(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err = filepath.WalkDir(p.dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, nobody, nobody))
	})
	if err != nil {
		t.Fatal(err)
	}
	return skret, &syscall.Credential{Uid: nobody, Gid: nobody}
}
