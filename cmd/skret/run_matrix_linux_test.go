package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The matrix of run: in every mode, on pipes and on a terminal, a command ends as
// it does without skret, and gets every signal once.

// runModes are the ways to run a command. All but the first stay beside it, and
// have a file for it that must be gone afterwards.
var runModes = []struct {
	name string
	args []string
}{
	{"exec", []string{"--except", "TLS_KEY"}},
	{"supervise", []string{"--supervise"}},
	{"mask", []string{"--mask"}},
	{"watch", []string{"--watch"}},
}

// matrixProject is a project with a secret that is a file.
func matrixProject(t *testing.T) *project {
	t.Helper()
	p := newProject(t, "provider: local\nschema:\n  TLS_KEY: {as: file}")
	if err := os.Symlink(memoryDir(t), p.runtime()); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "XDG_RUNTIME_DIR="+p.runtime())
	p.skret(t, "set", "A=secret-value-of-a", "TLS_KEY=secret-value-of-key")
	return p
}

// runtime is the folder for files in memory.
func (p *project) runtime() string { return filepath.Join(p.dir, "runtime") }

// nothingStray asserts that no file for a command is left.
func (p *project) nothingStray(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(p.runtime(), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// piped is a command on pipes, in a group of its own; what it writes is collected
// as that of one on a terminal is.
type piped struct {
	*console
	stdin io.WriteCloser
}

func (p *project) onPipes(t *testing.T, name string, args ...string) *piped {
	t.Helper()
	c := &piped{console: &console{t: t, cmd: exec.CommandContext(t.Context(), name, args...)}}
	c.more = sync.NewCond(&c.mu)
	c.cmd.Dir, c.cmd.Env = p.dir, p.env
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.master = r
	c.cmd.Stdout, c.cmd.Stderr = w, w
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	go c.collect()
	c.limit(t)
	return c
}

func (c *piped) send(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, keys); err != nil {
		c.t.Fatal(err)
	}
}

// said returns what the command has written up to what was waited for last.
func (c *console) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.out[:c.seen])
}

// running is a command of which a test waits for words, by pipes or a terminal.
type running interface {
	wait(text string)
	said() string
	send(keys string)
	end() (unix.WaitStatus, string)
}

// start runs skret by pipes or on a terminal and returns it with its process.
func (p *project) start(t *testing.T, terminal bool, args ...string) (running, *os.Process) {
	t.Helper()
	if terminal {
		c := p.onTerminal(t, nil, "skret", args...)
		return c, c.cmd.Process
	}
	c := p.onPipes(t, "skret", args...)
	return c, c.cmd.Process
}

// eachWay runs f in every mode, by pipes and on a terminal.
func eachWay(t *testing.T, f func(t *testing.T, p *project, terminal bool, mode []string)) {
	for _, mode := range runModes {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/terminal=%v", mode.name, terminal), func(t *testing.T) {
				t.Parallel()
				p := matrixProject(t)
				f(t, p, terminal, append([]string{"run"}, mode.args...))
				p.nothingStray(t)
			})
		}
	}
}

func TestRunEndsAsTheCommandDoes(t *testing.T) {
	eachWay(t, func(t *testing.T, p *project, terminal bool, mode []string) {
		if err := os.WriteFile(filepath.Join(p.dir, "plain"), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			args   []string
			code   int
			signal unix.Signal
		}{
			{args: []string{"true"}},
			{args: []string{"sh", "-c", "exit 7"}, code: 7},
			{args: []string{"sh", "-c", "exit 255"}, code: 255},
			{args: []string{"sh", "-c", "kill -TERM $$"}, signal: unix.SIGTERM},
			{args: []string{"sh", "-c", "kill -KILL $$"}, signal: unix.SIGKILL},
			{args: []string{"sh", "-c", "kill -SEGV $$"}, signal: unix.SIGSEGV},
			{args: []string{"no-such-command"}, code: 127},
			{args: []string{"./plain"}, code: 126},
			{args: []string{p.dir}, code: 126},
		} {
			r, _ := p.start(t, terminal, append(append(mode, "--"), c.args...)...)
			status, out := r.end()
			if c.signal != 0 && (!status.Signaled() || status.Signal() != c.signal || status.CoreDump()) || c.signal == 0 && (!status.Exited() || status.ExitStatus() != c.code) {
				t.Errorf("%q: status %#x; %q", c.args, status, out)
			}
			if strings.Contains(out, "goroutine") || strings.Contains(out, "secret-value") {
				t.Errorf("%q: %q", c.args, out)
			}
		}
	})
}

// ready waits for a probe to have begun and returns its process.
func ready(r running) int {
	r.wait("ready ")
	r.wait(".")
	words := strings.Fields(r.said())
	pid, _ := strconv.Atoi(strings.TrimSuffix(words[len(words)-1], "."))
	return pid
}

func TestRunHandsOnEachSignalOnce(t *testing.T) {
	names := map[unix.Signal]string{unix.SIGINT: "INT", unix.SIGTERM: "TERM", unix.SIGHUP: "HUP", unix.SIGUSR1: "USR1", unix.SIGQUIT: "QUIT"}
	eachWay(t, func(t *testing.T, p *project, terminal bool, mode []string) {
		r, process := p.start(t, terminal, append(mode, "--", "probe")...)
		child := ready(r)
		want := map[string]int{}
		once := func(name string) {
			t.Helper()
			r.wait("got " + name + ".")
			// What came twice is there by now: signals are handed on in their order.
			_ = process.Signal(unix.SIGUSR2)
			r.wait("got USR2.")
			want[name]++
			want["USR2"]++
		}
		for sig, name := range names {
			_ = process.Signal(sig)
			once(name)
			_ = unix.Kill(-process.Pid, sig)
			once(name)
		}
		if terminal {
			r.send("\x03")
			once("INT")
			r.send("\x1c")
			once("QUIT")
		}
		r.send("on\n")
		status, out := r.end()
		if status.ExitStatus() != 7 || alive(child) {
			t.Errorf("status %#x, alive %v", status, alive(child))
		}
		for name, n := range want {
			if got := strings.Count(out, "got "+name+"."); got != n {
				t.Errorf("%s came %d times, and was sent %d times: %q", name, got, n, out)
			}
		}
	})
}

// state returns the letter of a process's state, "" when there is none.
func state(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(stat), ") ")
	letter, _, _ := strings.Cut(after, " ")
	return letter
}

func alive(pid int) bool { s := state(pid); return s != "" && s != "Z" && s != "X" }

// until waits for something that no event tells of.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// stopped tells whether all of these are, with each of their threads: one that is
// on its way still reads from the terminal.
func stopped(pids ...int) func() bool {
	return func() bool {
		for _, pid := range pids {
			threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
			for _, thread := range threads {
				if tid, _ := strconv.Atoi(filepath.Base(thread)); state(tid) != "T" {
					return false
				}
			}
		}
		return true
	}
}

// A stop stops both, and a CONT continues both, and comes once.
func TestRunStopsAndContinues(t *testing.T) {
	for _, mode := range runModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			p := matrixProject(t)
			r := p.onPipes(t, "skret", append(append([]string{"run"}, mode.args...), "--", "probe")...)
			child, pid := ready(r), r.cmd.Process.Pid
			for i, to := range []int{pid, -pid, pid} {
				_ = unix.Kill(to, unix.SIGTSTP)
				until(t, "the stop", stopped(pid, child))
				_ = unix.Kill(to, unix.SIGCONT)
				r.wait("got CONT.")
				_ = r.cmd.Process.Signal(unix.SIGUSR2)
				r.wait("got USR2.")
				if out := r.said(); strings.Count(out, "got CONT.") != i+1 {
					t.Errorf("CONT came more than once: %q", out)
				}
			}
			r.send("on\n")
			if status, _ := r.end(); status.ExitStatus() != 7 {
				t.Errorf("status %#x", status)
			}
			p.nothingStray(t)
		})
	}
}

// ^Z and fg, from a shell, and from a script within one.
func TestRunStopsAndContinuesFromAShell(t *testing.T) {
	for _, mode := range runModes {
		for _, script := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/script=%v", mode.name, script), func(t *testing.T) {
				t.Parallel()
				p := matrixProject(t)
				line := append(append([]string{"skret", "run"}, mode.args...), "--", "probe")
				if script {
					text := strings.Join(line, " ") + "\nexit $?\n"
					if err := os.WriteFile(filepath.Join(p.dir, "script"), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					line = []string{"sh", "script"}
				}
				c := p.onTerminal(t, nil, "jobshell", line...)
				child := ready(c)
				for range 3 {
					c.send("typed\n") // what has read once has the terminal
					c.wait("line typed.")
					c.send("\x1a")
					c.wait("stopped TSTP.")
					until(t, "the stop", stopped(child))
					if !c.echo() {
						t.Error("the echo is off in the shell")
					}
					c.send("fg\n")
					c.wait("got CONT.")
				}
				interrupts := 0
				if !script { // else it is for the script as well, which ends by it
					interrupts = 1
					c.send("\x03")
					c.wait("got INT.")
				}
				c.send("on\n")
				c.wait("ended 0x700.")
				// What had to be given the terminal when it wanted to read has been continued for that, too.
				if _, out := c.end(); !script && strings.Count(out, "got CONT.") != 3 || strings.Count(out, "got INT.") != interrupts {
					t.Errorf("%q", out)
				}
				p.nothingStray(t)
			})
		}
	}
}

// A skret that is killed leaves no command running, and the next run removes its
// files.
func TestRunKilled(t *testing.T) {
	for _, mode := range runModes[1:] {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/terminal=%v", mode.name, terminal), func(t *testing.T) {
				t.Parallel()
				p := matrixProject(t)
				script := `trap 'echo TERM > told; exit' TERM; trap '' HUP; echo ready $$.; while :; do read line || sleep 0.01; done`
				r, process := p.start(t, terminal, append(append([]string{"run", "--mount", "all.json"}, mode.args...), "--", "sh", "-c", script)...)
				child := ready(r)
				_ = process.Kill()
				_, _ = r.end()
				until(t, "the command's end", func() bool { return !alive(child) })
				if told, err := os.ReadFile(filepath.Join(p.dir, "told")); err != nil || string(told) != "TERM\n" {
					t.Errorf("the command was told %q, %v", told, err)
				}
				if left, _ := filepath.Glob(filepath.Join(p.runtime(), "skret-run-*")); len(left) != 1 {
					t.Errorf("%q", left)
				}
				p.skret(t, "run", "--except", "TLS_KEY", "--", "true")
				p.nothingStray(t)
				if _, err := os.Stat(filepath.Join(p.dir, "all.json")); err == nil {
					t.Error("the mounted file is still there")
				}
			})
		}
	}
}

// What a living skret has is not swept, nor a file that somebody else has put in
// the place of one that was mounted.
func TestRunSweepsNoMoreThanItMay(t *testing.T) {
	p := matrixProject(t)
	living := p.onPipes(t, "skret", "run", "--mount", "living.json", "--", "probe")
	ready(living)
	dead := p.onPipes(t, "skret", "run", "--mount", "dead.json", "--", "probe")
	ready(dead)
	_ = dead.cmd.Process.Kill()
	_, _ = dead.end()
	mine := filepath.Join(p.dir, "dead.json")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.skret(t, "run", "--", "true")
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.runtime(), "skret-run-*", "TLS_KEY")); len(left) != 1 {
		t.Errorf("files for the living command: %q", left)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "living.json")); err != nil {
		t.Error(err)
	}
	living.send("on\n")
	if status, out := living.end(); status.ExitStatus() != 7 {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// Of many that are ended in any way, killed included, nothing is left.
func TestRunLeavesNothing(t *testing.T) {
	p := matrixProject(t)
	for i := range 40 {
		r := p.onPipes(t, "skret", "run", "--mask", "--mount", "all.json", "--", "sh", "-c", "echo ready $$.; read line")
		child := ready(r)
		switch i % 4 {
		case 0:
			r.send("\n")
		case 1:
			_ = r.cmd.Process.Signal(unix.SIGTERM)
		case 2:
			_ = unix.Kill(child, unix.SIGKILL)
		case 3:
			_ = r.cmd.Process.Kill()
		}
		_, _ = r.end()
		until(t, "the command's end", func() bool { return !alive(child) })
	}
	p.skret(t, "run", "--", "true")
	p.nothingStray(t)
	if _, err := os.Stat(filepath.Join(p.dir, "all.json")); err == nil {
		t.Error("the mounted file is still there")
	}
}
