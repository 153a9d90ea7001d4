package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A masked command on a terminal has one of its own, in everything but the values.
func TestMaskOnATerminal(t *testing.T) {
	p := matrixProject(t)
	c := p.onTerminal(t, nil, "skret", "run", "--mask", "--", "sh", "-c",
		`test -t 0 && test -t 1 && test -t 2 && echo all are; stty size; printf '\033[31m%s\033[0m\n' $A; echo $A >&2; cat $TLS_KEY; echo; exit 5`)
	status, out := c.end()
	if status.ExitStatus() != 5 || !strings.Contains(out, "all are\r\n") || !strings.Contains(out, "\x1b[31m***\x1b[0m\r\n***\r\n***\r\n") {
		t.Errorf("status %#x, %q", status, out)
	}
	if !c.echo() {
		t.Error("the terminal stays in raw mode")
	}
}

// What is typed is the command's, which may have it echoed or not.
func TestMaskHandsOnKeys(t *testing.T) {
	p := matrixProject(t)
	c := p.onTerminal(t, nil, "skret", "run", "--mask", "--", "sh", "-c",
		`stty -echo; printf 'password: '; read hidden; stty echo; echo; echo ${#hidden}; printf 'name: '; read name; echo "hello $name"; cat; echo done`)
	c.wait("password: ")
	c.send("typed-unseen\n")
	c.wait("12\r\n")
	c.wait("name: ")
	c.send("wor\x7frld\n") // the line is edited, as on any terminal
	c.wait("hello world")
	c.send("to cat\n\x04")
	c.wait("to cat\r\nto cat\r\n")
	status, out := c.end()
	if status.ExitStatus() != 0 || strings.Contains(out, "typed-unseen") || !strings.Contains(out, "done") || !c.echo() {
		t.Errorf("status %#x, %q", status, out)
	}
}

// A pager or a question for a password reads keys from the terminal, whatever the
// standard input is. In a pipeline they are another's until the command asks.
func TestMaskHandsOnKeysBesideTheInput(t *testing.T) {
	const question = `skret run --mask -- sh -c 'stty -echo </dev/tty; printf "password: "; read x </dev/tty; echo ${#x} $A.'`
	for _, s := range []struct{ name, line, asks, keys string }{
		{"input from a file", question + ` </dev/null`, "password: ", "typed-unseen\n"},
		{"input from a pipe", `echo piped | ` + question, "password: ", "typed-unseen\n"},
		{"an earlier one asks", `{ printf 'name: ' >/dev/tty; read x </dev/tty; echo ${#x}; } | skret run --mask -- sh -c 'read x; echo $x $A.'`, "name: ", "twelve bytes\n"},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := matrixProject(t)
			c := p.onTerminal(t, nil, "sh", "-c", s.line)
			c.wait(s.asks)
			c.send(s.keys)
			c.wait("12 ***.")
			if status, out := c.end(); status.ExitStatus() != 0 || strings.Contains(out, "typed-unseen") || !c.echo() {
				t.Errorf("status %#x, echo %v, %q", status, c.echo(), out)
			}
		})
	}
}

// The size is there from the start, and follows the window.
func TestMaskFollowsTheWindow(t *testing.T) {
	p := matrixProject(t)
	c := p.onTerminal(t, nil, "skret", "run", "--mask", "--", "sh", "-c", `trap 'stty size; exit 0' WINCH; echo ready; while :; do read line; done`)
	c.wait("ready")
	if err := pty.Setsize(c.master, &pty.Winsize{Rows: 33, Cols: 111}); err != nil {
		t.Fatal(err)
	}
	c.wait("33 111")
	if status, out := c.end(); status.ExitStatus() != 0 {
		t.Errorf("status %#x, %q", status, out)
	}
}

// The terminal is as it was, whatever the end: the command left it in raw mode and
// was killed, or was stopped.
func TestMaskLeavesTheTerminalAsItWas(t *testing.T) {
	for _, end := range []string{"kill -KILL $$", "kill -TERM $$", "exit 3", "kill -TERM $PPID; read x"} {
		p := matrixProject(t)
		c := p.onTerminal(t, nil, "skret", "run", "--mask", "--", "sh", "-c", "stty raw -echo; echo ready; "+end)
		if _, out := c.end(); !strings.Contains(out, "ready") || !c.echo() {
			t.Errorf("%s: echo %v, %q", end, c.echo(), out)
		}
	}
}

// Only what is on the terminal goes through the one of its own.
func TestMaskWithPartsOnATerminal(t *testing.T) {
	for _, s := range []struct{ name, line, want string }{
		{"input from a pipe", `echo piped | skret run --mask -- sh -c 'read x; test -t 1 && echo $x $A.'`, "piped ***."},
		{"output to a pipe", `skret run --mask -- sh -c 'test -t 0; echo $? $A; echo $A >&2' | sed 's/$/ of sed/'`, "0 *** of sed"},
		{"errors to a pipe", `skret run --mask -- sh -c 'test -t 1 && echo out $A; echo err $A >&2' 2>&1 >/dev/tty | sed 's/$/ of sed/'`, "err *** of sed"},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := matrixProject(t)
			c := p.onTerminal(t, nil, "sh", "-c", s.line)
			if status, out := c.end(); status.ExitStatus() != 0 || !strings.Contains(out, s.want) || strings.Contains(out, "secret-value") {
				t.Errorf("status %#x, %q", status, out)
			}
		})
	}
}

// The window is closed: the command is told, and nothing is left.
func TestRunWithTheWindowGone(t *testing.T) {
	for _, mode := range runModes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			p := matrixProject(t)
			c := p.onTerminal(t, nil, "skret", append(append([]string{"run"}, mode.args...), "--", "probe")...)
			child := ready(c)
			c.send("typed\n")
			c.wait("line typed.")
			_ = c.master.Close()
			if status, out := c.end(); status.Exited() && status.ExitStatus() == 0 || alive(child) {
				t.Errorf("status %#x, alive %v, %q", status, alive(child), out)
			}
			p.nothingStray(t)
		})
	}
}

// An ignored HUP stays so, for skret and the command.
func TestRunUnderNohup(t *testing.T) {
	for _, mode := range runModes {
		p := matrixProject(t)
		line := "trap '' HUP; exec skret run " + strings.Join(mode.args, " ") + " -- sh -c 'echo ready $$.; read line; echo $line; exit 6'"
		r := p.onPipes(t, "sh", "-c", line)
		child := ready(r)
		_ = unix.Kill(-r.cmd.Process.Pid, unix.SIGHUP)
		_ = unix.Kill(child, unix.SIGHUP)
		r.send("on\n")
		r.wait("on")
		if status, out := r.end(); status.ExitStatus() != 6 {
			t.Errorf("%s: status %#x, %q", mode.name, status, out)
		}
		p.nothingStray(t)
	}
}

// The command has the descriptors that skret was started with, and no others.
func TestRunPassesNoDescriptors(t *testing.T) {
	p := matrixProject(t)
	with := func(command string) string {
		c := exec.Command("sh", "-c", "exec 7<.skret.yaml; "+command)
		c.Dir, c.Env = p.dir, p.env
		out, err := c.Output()
		if err != nil {
			t.Errorf("%s: %q, %v", command, out, err)
		}
		return string(out)
	}
	for _, list := range []string{"ls /proc/self/fd", "head -1 /dev/fd/7"} {
		want := with(list)
		for _, mode := range runModes {
			if got := with("skret run " + strings.Join(mode.args, " ") + " -- " + list); got != want {
				t.Errorf("%s, %s: %q, want %q", mode.name, list, got, want)
			}
		}
	}
	_, want := p.onTerminal(t, nil, "ls", "/proc/self/fd").end()
	if _, got := p.onTerminal(t, nil, "skret", "run", "--mask", "--", "ls", "/proc/self/fd").end(); got != want {
		t.Errorf("on a terminal of its own: %q, want %q", got, want)
	}
}
