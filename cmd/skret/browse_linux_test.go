package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/fake"
)

// mode returns the mode of the terminal.
func (c *console) mode() (mode unix.Termios) {
	c.t.Helper()
	c.control(func(fd int) error {
		m, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			mode = *m
		}
		return err
	})
	return mode
}

// resize gives the terminal another size.
func (c *console) resize(width, height uint16) {
	c.t.Helper()
	c.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height})
	})
}

func (c *console) control(f func(fd int) error) {
	c.t.Helper()
	raw, err := c.master.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		if err := f(int(fd)); err != nil {
			c.t.Error(err)
		}
	})
}

const (
	otherScreen = "\x1b[?1049h"
	firstScreen = "\x1b[?1049l"
)

// browsed is a project with secrets, and the interface on a terminal, listing them.
func browsed(t *testing.T, args ...string) (*project, *console, unix.Termios) {
	t.Helper()
	p := newProject(t, "provider: local\n    file: dev.yaml\n  prod:\n    provider: local\n    file: prod.yaml\n    protected: true")
	p.skret(t, "set", "-e", "dev", "DB_URL=value-of-db", "TOKEN=value-of-token", "SAME=value-of-same")
	p.skret(t, "set", "-e", "prod", "DB_URL=value-of-prod", "SAME=value-of-same")
	var found unix.Termios
	c := p.onTerminal(t, func(c *exec.Cmd) {
		c.Env = append(c.Env, "EDITOR="+editor(t, p))
	}, "sh", append([]string{"-c", `read go; exec skret browse "$@"`, "sh"}, args...)...)
	found = c.mode()
	c.send("\n")
	return p, c, found
}

// editor is a program that puts a text in place of the one that it edits.
func editor(t *testing.T, p *project) string {
	t.Helper()
	name := filepath.Join(p.dir, "editor")
	if err := os.WriteFile(name, []byte("#!/bin/sh\necho editing; printf 'value-of-editor' > \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBrowseShowsOneValueAtATime(t *testing.T) {
	_, c, found := browsed(t, "-e", "dev")
	c.wait("TOKEN")
	if m := c.mode(); m.Lflag&(unix.ECHO|unix.ICANON) != 0 {
		t.Errorf("mode %+v", m)
	}
	c.send("\r")
	c.wait("value-of-db")
	c.send("\x1b[B")
	c.wait("\x1b[2K") // what it showed is taken away
	c.send("/tok\r\r")
	c.wait("value-of-token")
	c.resize(40, 10)
	c.wait("1 of 3 secrets")
	c.send("q")
	c.wait("\x1b[2K")
	c.send("\x03")
	status, out := c.end()
	if status.ExitStatus() != 0 || c.mode() != found {
		t.Errorf("status %#x, mode %+v, found %+v", status, c.mode(), found)
	}
	shown, after, _ := strings.Cut(out, firstScreen)
	for value, times := range map[string]int{"value-of-db": 1, "value-of-token": 2, "value-of-same": 0, "value-of-prod": 0} { // the resize shows it again
		if strings.Count(shown, value) != times || strings.Contains(after, value) {
			t.Errorf("%s is shown %d times, want %d: %q", value, strings.Count(shown, value), times, out)
		}
	}
	asksNothing(t, out)
}

// asksNothing tells whether all that was written is text, and sequences that no
// terminal answers.
func asksNothing(t *testing.T, out string) {
	t.Helper()
	known := regexp.MustCompile(`\x1b\[(\?(1049|25|7|2004|2026)[hl]|[0-9;]*m|[0-9]+;1H|2[JK])`)
	text := strings.ReplaceAll(known.ReplaceAllString(out, ""), "\r\n", "")
	if i := strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }); i >= 0 {
		t.Errorf("%q at %d of %q", text[i], i, text)
	}
}

func TestBrowseLeavesTheTerminalAsItWas(t *testing.T) {
	for _, s := range []struct {
		name string
		do   func(*console)
		code int
	}{
		{"q", func(c *console) { c.send("q") }, 0},
		{"Esc", func(c *console) { c.send("\x1b") }, 0},
		{"^C", func(c *console) { c.send("\x03") }, 0},
		{"TERM", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGTERM) }, 143},
		{"HUP", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGHUP) }, 129},
		{"INT", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGINT) }, 130},
		{"^Z, where nobody could continue it, and q", func(c *console) {
			c.send("\x1a")
			c.wait(firstScreen)
			c.wait(otherScreen)
			c.send("q")
		}, 0},
		{"TERM with a value shown", func(c *console) {
			c.send("\r")
			c.wait("value-of-db")
			_ = c.cmd.Process.Signal(unix.SIGTERM)
		}, 143},
		{"TERM while a question is asked", func(c *console) {
			c.send("d")
			c.wait("delete DB_URL")
			_ = c.cmd.Process.Signal(unix.SIGTERM)
		}, 143},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			_, c, found := browsed(t, "-e", "dev")
			c.wait("TOKEN")
			s.do(c)
			status, out := c.end()
			if status.ExitStatus() != s.code || c.mode() != found {
				t.Errorf("status %#x, want %d; mode %+v, found %+v", status, s.code, c.mode(), found)
			}
			i := strings.LastIndex(out, firstScreen)
			if i < 0 || strings.Contains(out[i:], "value-of") || !strings.Contains(out, "\x1b[?25h"+firstScreen) {
				t.Errorf("%q", out)
			}
			asksNothing(t, out)
		})
	}
}

func TestBrowseWindowGone(t *testing.T) {
	for _, script := range []string{"exec skret browse", "trap '' HUP; exec skret browse"} {
		p := localProject(t)
		c := p.onTerminal(t, nil, "sh", "-c", script)
		c.wait("no secrets here yet")
		_ = c.master.Close()
		if status, _ := c.end(); status.Exited() && status.ExitStatus() == 0 {
			t.Errorf("%s: status %#x", script, status)
		}
	}
}

func TestBrowseStopsAndContinues(t *testing.T) {
	for _, line := range []string{"skret browse", "sh -c 'skret browse; echo ended'"} { // whoever waits for it stops with it
		p := localProject(t)
		p.skret(t, "set", "KEY=value-of-key")
		c := p.onTerminal(t, nil, "sh", "-i")
		c.wait("prompt> ")
		c.send(line + "\n")
		c.wait("KEY")
		c.send("\r")
		c.wait("value-of-key")
		c.send("\x1a")
		c.wait(firstScreen)
		c.wait("prompt> ")
		if !c.echo() {
			t.Error("the echo stays off in the shell")
		}
		c.send("fg\n")
		c.wait(otherScreen)
		c.wait("KEY")
		if c.echo() {
			t.Error("the echo is on after fg")
		}
		c.send("q")
		c.wait(firstScreen)
		c.wait("prompt> ")
		c.send("exit\n")
		if _, out := c.end(); strings.Count(out, "value-of-key") != 1 {
			t.Errorf("%q", out)
		}
	}
}

func TestBrowseEdits(t *testing.T) {
	p, c, found := browsed(t, "-e", "dev")
	c.wait("TOKEN")
	c.send("e")
	c.wait(firstScreen)
	c.wait("editing")
	c.wait(otherScreen)
	c.wait("set DB_URL, version 2")
	c.send("nNEW/KEY\r")
	c.wait(firstScreen)
	c.wait("editing")
	c.wait("set NEW/KEY, version 1")
	c.wait("4 secrets")
	c.send("dy")
	c.wait("deleted NEW/KEY")
	c.send("gh")
	c.wait("history of DB_URL")
	c.send("jby")
	c.wait("version 1 of DB_URL is back, as version 3")
	c.send("c\x1b[B\r")
	c.wait("compared with prod")
	c.send("\x1b[C\x1b")
	c.wait("3 secrets")
	c.send("\x03")
	status, out := c.end()
	if status.ExitStatus() != 0 || c.mode() != found || strings.Contains(out, "value-of") {
		t.Errorf("status %#x: %q", status, out)
	}
	for key, want := range map[string]string{"DB_URL": "value-of-db", "TOKEN": "value-of-token"} {
		if got := p.skret(t, "get", "-e", "dev", key); string(got) != want {
			t.Errorf("%s is %q", key, got)
		}
	}
}

// An environment that is protected is asked for by its name, by the editor's command too.
func TestBrowseProtects(t *testing.T) {
	p, c, _ := browsed(t, "-e", "prod")
	c.wait("SAME")
	c.send("dy\r")
	c.wait("not confirmed")
	c.send("e")
	c.wait("type its name to go on: ")
	c.send("dev\n")
	c.wait(otherScreen)
	c.wait("not confirmed")
	c.send("dprod\r")
	c.wait("deleted DB_URL")
	c.send("q")
	if status, out := c.end(); status.ExitStatus() != 0 {
		t.Errorf("status %#x: %q", status, out)
	}
	if list := string(p.skret(t, "list", "-e", "prod")); strings.Contains(list, "DB_URL") || !strings.Contains(list, "SAME") {
		t.Errorf("%q", list)
	}
}

// A question of the store is asked on the terminal in place of the screen.
func TestBrowseAsksForThePassphrase(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "KEY=value-of-key")
	p.lock(t, "open sesame")
	c := p.onTerminal(t, nil, "skret", "browse")
	c.wait("KEY")
	c.send("\r")
	c.wait("passphrase of ")
	if c.echo() {
		t.Error("the echo is on during the prompt")
	}
	c.send("open sesame\n")
	c.wait(otherScreen)
	c.wait("value-of-key")
	c.send("\x03")
	if status, out := c.end(); status.ExitStatus() != 0 || strings.Contains(out, "sesame") || !c.echo() {
		t.Errorf("status %#x: %q", status, out)
	}
}

func TestBrowseIsRefusedWhereItCannotBeDrawn(t *testing.T) {
	p := localProject(t)
	for _, env := range []string{"TERM=dumb", "TERM=", "CI=true"} {
		c := p.onTerminal(t, func(c *exec.Cmd) { c.Env = append(c.Env, env) }, "skret", "browse")
		if status, out := c.end(); status.ExitStatus() != 8 || strings.Contains(out, "\x1b") {
			t.Errorf("%s: status %#x, %q", env, status, out)
		}
	}
	c := p.onTerminal(t, nil, "sh", "-c", "skret browse | cat")
	if _, out := c.end(); strings.Contains(out, "\x1b") || !strings.Contains(out, "skret list") {
		t.Errorf("%q", out)
	}
	c = p.onTerminal(t, nil, "skret", "browse", "-e", "nope")
	if status, out := c.end(); status.ExitStatus() == 0 || strings.Contains(out, "\x1b") {
		t.Errorf("status %#x, %q", status, out)
	}
}

func TestBrowseWithoutColour(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "KEY=value")
	for env, colour := range map[string]bool{"NO_COLOR=1": false, "NO_COLOR=": true} {
		c := p.onTerminal(t, func(c *exec.Cmd) { c.Env = append(c.Env, env) }, "skret", "browse")
		c.wait("KEY")
		c.send("q")
		if _, out := c.end(); regexp.MustCompile(`\x1b\[[0-9;]*3[0-7]m`).MatchString(out) != colour {
			t.Errorf("%s: %q", env, out)
		}
	}
}

// A service is asked for names alone until a value is to be shown, and one that does not
// answer freezes nothing.
func TestBrowseAsksAServiceForOneValue(t *testing.T) {
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	aws.Put("/app/dev/DB_URL", "value-of-db")
	aws.Put("/app/dev/TOKEN", "value-of-token")
	p := newProject(t, "provider: aws\n    path: /app/dev\n    region: us-east-1", aws.Env()...)
	c := p.onTerminal(t, nil, "skret", "browse")
	c.wait("TOKEN")
	c.send("\x1b[B/tok\r")
	c.wait("1 of 2 secrets")
	c.send("\x1b")
	c.wait("DB_URL")
	for _, one := range aws.Calls() {
		if one.Body["WithDecryption"] == true || one.Op == "GetParameters" {
			t.Errorf("%s %v before a value was asked for", one.Op, one.Body)
		}
	}
	aws.Forget()
	c.send("G\r")
	c.wait("value-of-token")
	if calls := aws.Calls(); len(calls) != 1 || calls[0].Op != "GetParameters" {
		t.Errorf("%v", calls)
	}
	aws.Fault(fake.Fault{Do: "hang", Times: -1})
	c.send("g\r")
	c.wait("Esc gives up")
	c.send("j")
	c.wait("DB_URL") // the cursor moves on
	c.send("\x1b")
	c.wait("gave up reading DB_URL")
	c.send("R")
	c.wait("listing dev")
	c.send("q")
	if status, out := c.end(); status.ExitStatus() != 0 || strings.Contains(out, "value-of-db") {
		t.Errorf("status %#x: %q", status, out)
	}
}

// What may be changed next is what the service has, not what a cache has kept.
func TestBrowseIsServedByNoCache(t *testing.T) {
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	aws.Put("/app/dev/TOKEN", "value-of-before")
	p := newProject(t, "provider: aws\n    path: /app/dev\n    region: us-east-1\n    cache: {mode: prefer}", aws.Env()...)
	p.skret(t, "run", "--", "true")
	c := p.onTerminal(t, nil, "skret", "browse")
	c.wait("TOKEN")
	aws.Put("/app/dev/TOKEN", "value-of-now")
	c.send("\r")
	c.wait("value-of-now")
	c.send("q")
	if status, out := c.end(); status.ExitStatus() != 0 || strings.Contains(out, "value-of-before") {
		t.Errorf("status %#x: %q", status, out)
	}
}

// What the guide tells a reader to type works.
func TestGuideOfBrowse(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "browse.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := commandLines(string(text))
	if len(lines) == 0 {
		t.Fatal("no commands")
	}
	p := newProject(t, "provider: local\n  prod:\n    provider: local\n    file: prod.yaml")
	p.skret(t, "config", "-e", "prod")
	for _, line := range lines {
		if !strings.Contains(line, "-e") {
			line += " -e dev" // the guide's project has a default
		}
		c := p.onTerminal(t, nil, "sh", "-c", line)
		c.wait("no secrets here yet")
		c.send("q")
		if status, out := c.end(); status.ExitStatus() != 0 {
			t.Errorf("%s: %#x, %q", line, status, out)
		}
	}
}
