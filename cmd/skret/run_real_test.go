//go:build real && linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/realtest"
)

// screen is a command in tmux, which is a real terminal to it.
type screen struct {
	t      *testing.T
	p      *project
	socket string
}

func (p *project) onScreen(t *testing.T, line string) *screen {
	t.Helper()
	s := &screen{t, p, filepath.Join(p.dir, "tmux")}
	s.tmux("-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "24", line)
	t.Cleanup(func() { s.tmux("kill-server") })
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	c := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
	c.Dir, c.Env = s.p.dir, append([]string{"TERM=xterm", "LC_ALL=C.UTF-8"}, s.p.env...)
	out, err := c.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (s *screen) send(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

// shows waits until the screen shows text, and returns all of it.
func (s *screen) shows(text string) (all string) {
	s.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for {
		all = s.tmux("capture-pane", "-p")
		if strings.Contains(all, text) {
			return all
		}
		if time.Now().After(end) {
			s.t.Fatalf("never on the screen: %q\n%s", text, all)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// vim works as it does without a mask: it edits, stops, follows the window, and
// writes what was typed.
func TestRealVimUnderMask(t *testing.T) {
	realtest.Need(t, "tmux", "apt-get install tmux")
	realtest.Need(t, "vim", "apt-get install vim")
	p := matrixProject(t)
	s := p.onScreen(t, "PS1='prompt> ' ENV= sh -i")
	s.shows("prompt>")
	s.send("skret run --mask -- vim -u NONE -N -n note", "Enter")
	s.shows(`"note" [New]`)
	s.send("i", "first line", "Enter", "C-r", "=", "$A", "Enter", "Escape")
	if all := s.shows("***"); strings.Contains(all, "secret-value") {
		t.Errorf("the value is on the screen:\n%s", all)
	}
	s.send(":set columns? lines?", "Enter")
	s.shows("columns=90")
	s.send("Enter")
	s.tmux("resize-window", "-x", "70", "-y", "20")
	s.send(":set columns?", "Enter")
	s.shows("columns=70")
	s.send("C-z")
	s.shows("Stopped")
	s.send("clear; fg", "Enter")
	s.shows("first line")
	s.send(":wq", "Enter")
	s.shows("prompt>")
	s.send("clear; stty -a | grep -o '[ -]echo ' | tr -d '\\n'; echo status $?", "Enter")
	s.shows(" echo status 0")
	if text, err := os.ReadFile(filepath.Join(p.dir, "note")); err != nil || string(text) != "first line\nsecret-value-of-a\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	p.nothingStray(t)
}

func TestRealTopAndLessUnderMask(t *testing.T) {
	realtest.Need(t, "tmux", "apt-get install tmux")
	realtest.Need(t, "top", "apt-get install procps")
	realtest.Need(t, "less", "apt-get install less")
	p := matrixProject(t)
	if err := os.WriteFile(filepath.Join(p.dir, "text"), []byte("begin\nsecret-value-of-a\n"+strings.Repeat("line\n", 100)+"last of all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := p.onScreen(t, "PS1='prompt> ' ENV= sh -i")
	s.shows("prompt>")
	s.send("skret run --mask -- top -d 1", "Enter")
	s.shows("PID USER")
	s.send("q")
	s.shows("prompt>")
	s.send("clear; skret run --mask -- less text", "Enter")
	s.shows("***")
	s.send("G")
	s.shows("last of all")
	s.send("/begin", "Enter")
	s.send("g")
	s.shows("begin")
	s.send("q")
	s.send("skret run --mask -- cat text | less", "Enter")
	s.shows("begin")
	s.send("G")
	s.shows("last of all")
	s.send("q")
	s.send("clear; echo status $?", "Enter")
	s.shows("status 0")
	p.nothingStray(t)
}

// As the first process of a container skret hands on what ends it, and waits for
// orphans.
func TestRealFirstProcess(t *testing.T) {
	unshare := realtest.Need(t, "unshare", "apt-get install util-linux")
	for _, mode := range runModes[1:] {
		p := matrixProject(t)
		args := append(append([]string{"--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child", "skret", "run"}, mode.args...),
			"--", "sh", "-c", `sh -c 'sh -c "exit 0" & echo $! > orphan'; trap 'echo told; exit 3' TERM
				while [ -e /proc/$(cat orphan) ]; do sleep 0.05; done; echo reaped; kill -TERM 1; while :; do sleep 0.05; done`)
		r := p.onPipes(t, unshare, args...)
		r.wait("reaped")
		r.wait("told")
		if status, out := r.end(); status.ExitStatus() != 3 {
			t.Errorf("%s: status %#x, %q", mode.name, status, out)
		}
		p.nothingStray(t)
	}
}
