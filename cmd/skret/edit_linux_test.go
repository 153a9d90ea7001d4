package main

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// editProject is a project with a secret KEY, an editor that is a script, and a
// folder in memory of its own.
func editProject(t *testing.T, editor string) (p *project, memory string) {
	t.Helper()
	memory = memoryDir(t)
	p = newProject(t, "provider: local", "XDG_RUNTIME_DIR="+memory)
	p.skret(t, "set", "KEY=first")
	p.setEditor(t, editor)
	return p, memory
}

// memoryDir is a folder in memory, of the test's own.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir := "/dev/shm/skret-test-" + rand.Text()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// setEditor makes the script the editor: $1 is the text.
func (p *project) setEditor(t *testing.T, script string) {
	t.Helper()
	name := filepath.Join(p.dir, "editor")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "EDITOR="+name)
}

// left are the files below dir.
func left(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (p *project) wantValue(t *testing.T, want string) {
	t.Helper()
	if got := string(p.skret(t, "get", "KEY")); got != want {
		t.Errorf("the value is %q, want %q", got, want)
	}
}

func TestEditGoesOnOverWhatChangedMeanwhile(t *testing.T) {
	// The first time somebody else writes, the second time nobody does.
	const script = "test -e raced || { : > raced; skret set KEY=theirs OTHER=theirs; sed -i 's/first/mine/' $1; }\ngrep meanwhile $1 || :\n"
	for answer, want := range map[string]struct{ value, says string }{
		"e\r": {"mine", "KEY was changed by somebody else meanwhile"},
		"k\r": {"theirs", "your text is in "},
		"d\r": {"theirs", "and version 1 was expected"},
	} {
		p, memory := editProject(t, script)
		c := p.onTerminal(t, nil, "skret", "edit")
		c.wait("keep the text in a file, or discard it?")
		c.send(answer)
		c.wait(want.says)
		_, out := c.end()
		p.wantValue(t, want.value)
		if strings.Contains(out, "to delete") {
			t.Errorf("what somebody else added was to be deleted:\n%s", out)
		}
		files := left(t, memory)
		if kept := answer == "k\r"; len(files) > 0 != kept {
			t.Errorf("%q: left is %q", answer, files)
		}
	}
}

func TestEditAsksBeforeItDeletes(t *testing.T) {
	p, memory := editProject(t, "sed -i '/^OTHER/d' $1\n")
	p.skret(t, "set", "OTHER=x")
	c := p.onTerminal(t, nil, "skret", "edit")
	c.wait("delete OTHER from dev (")
	c.wait("? [y/N] ")
	c.send("n\r")
	c.wait("discard it?")
	c.send("d\r")
	if status, _ := c.end(); status.ExitStatus() != 8 {
		t.Errorf("ended with %d", status.ExitStatus())
	}
	p.skret(t, "get", "OTHER")
	c = p.onTerminal(t, nil, "skret", "edit")
	c.wait("? [y/N] ")
	c.send("y\r")
	c.wait("deleted OTHER")
	c.end()
	if files := left(t, memory); len(files) > 0 {
		t.Errorf("left is %q", files)
	}
}

func TestEditLeavesInterruptsToTheEditor(t *testing.T) {
	p, memory := editProject(t, "trap 'echo caught' INT\nstty -echo raw isig\necho editing\nwhile ! read x; do :; done\nsed -i 's/first/second/' $1\n")
	c := p.onTerminal(t, nil, "skret", "edit", "KEY")
	c.wait("editing")
	c.send("\x03")
	c.wait("caught")
	c.send("\n")
	c.wait("set KEY, version 2")
	if !c.echo() {
		t.Error("the mode that the editor set has stayed")
	}
	if status, out := c.end(); status.ExitStatus() != 0 {
		t.Errorf("ended with %d\n%s", status.ExitStatus(), out)
	}
	p.wantValue(t, "second")
	if files := left(t, memory); len(files) > 0 {
		t.Errorf("left is %q", files)
	}
}

func TestEditLeavesNoTextWhenItIsEnded(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		p, memory := editProject(t, "cp $1 $1~\necho hunter2 > $(dirname $1)/.KEY.swp\necho editing\nexec sleep 60\n")
		c := p.onTerminal(t, nil, "skret", "edit", "KEY")
		c.wait("editing")
		if len(left(t, memory)) != 3 {
			t.Error("where is the text?")
		}
		if err := c.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if status, out := c.end(); status.ExitStatus() != 128+int(sig) {
			t.Errorf("%v: ended with %d\n%s", sig, status.ExitStatus(), out)
		}
		if files := left(t, memory); len(files) > 0 {
			t.Errorf("%v: left is %q", sig, files)
		}
		p.wantValue(t, "first")
	}
}

func TestEditSweepsWhatAKillLeft(t *testing.T) {
	p, memory := editProject(t, "echo editing\nread x\n")
	c := p.onTerminal(t, nil, "skret", "edit", "KEY")
	c.wait("editing")
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	if len(left(t, memory)) != 1 {
		t.Error("where is the text?")
	}
	p.setEditor(t, "true\n")
	cmd := exec.CommandContext(t.Context(), "skret", "edit", "KEY")
	cmd.Dir, cmd.Env = p.dir, p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if files := left(t, memory); len(files) > 0 {
		t.Errorf("left is %q", files)
	}
}

func TestEditStopsAndGoesOnWithItsEditor(t *testing.T) {
	p, _ := editProject(t, "kill -TSTP 0\nsed -i 's/first/second/' $1\n") // as vi does at ^Z
	c := p.onTerminal(t, nil, "sh", "-i")
	c.wait("prompt> ")
	c.send("skret edit KEY\n")
	c.wait("Stopped")
	c.wait("prompt> ")
	p.wantValue(t, "first")
	c.send("fg\n")
	c.wait("set KEY, version 2")
	c.wait("prompt> ")
	c.send("exit\n")
	c.end()
	p.wantValue(t, "second")
}
