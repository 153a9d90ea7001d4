package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// console is a command on a terminal of its own, whose session it leads. What
// it writes is collected; the terminal itself never answers anything.
type console struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File

	mu    sync.Mutex
	more  *sync.Cond
	out   []byte
	seen  int // bytes of out that wait has passed
	ended bool
}

// onTerminal starts the command on a new terminal; setup may change it first.
func (p *project) onTerminal(t *testing.T, setup func(*exec.Cmd), name string, args ...string) *console {
	t.Helper()
	c := &console{t: t, cmd: exec.CommandContext(t.Context(), name, args...)}
	c.more = sync.NewCond(&c.mu)
	c.cmd.Dir, c.cmd.Env = p.dir, append([]string{"TERM=xterm", "PS1=prompt> ", "ENV="}, p.env...)
	if setup != nil {
		setup(c.cmd)
	}
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if master, err = nonblocking(master); err != nil {
		t.Fatal(err)
	}
	c.master = master
	t.Cleanup(func() { _ = master.Close() })
	if c.cmd.Stdin == nil {
		c.cmd.Stdin = tty
	}
	if c.cmd.Stdout == nil {
		c.cmd.Stdout = tty
	}
	c.cmd.Stderr = tty
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.collect()
	c.limit(t)
	return c
}

// patience is how long a command may take before its test fails, and shows what
// there was.
const patience = 2 * time.Minute

// limit ends a command that outlasts the patience, and what waits for its words.
func (c *console) limit(t *testing.T) {
	limit := time.AfterFunc(patience, func() {
		_ = c.master.Close()
		_ = c.cmd.Process.Kill()
	})
	t.Cleanup(func() { limit.Stop() })
}

// nonblocking returns f as a file that can be closed while it is read.
func nonblocking(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return os.NewFile(uintptr(fd), f.Name()), err
}

func (c *console) collect() {
	buf := make([]byte, 4096)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.out = append(c.out, buf[:n]...)
		c.ended = err != nil // nobody has the terminal open any more
		c.more.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns when text was written after what the last wait found.
func (c *console) wait(text string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if i := bytes.Index(c.out[c.seen:], []byte(text)); i >= 0 {
			c.seen += i + len(text)
			return
		}
		if c.ended {
			c.t.Fatalf("%q never came:\n%q", text, c.out)
		}
		c.more.Wait()
	}
}

// send types.
func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the command and returns its status and all that it wrote.
func (c *console) end() (unix.WaitStatus, string) {
	c.t.Helper()
	_ = c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended {
		c.more.Wait()
	}
	return unix.WaitStatus(c.cmd.ProcessState.Sys().(syscall.WaitStatus)), string(c.out)
}

// echo tells whether the terminal shows what is typed.
func (c *console) echo() (on bool) {
	c.t.Helper()
	raw, err := c.master.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		mode, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			c.t.Error(err)
			return
		}
		on = mode.Lflag&unix.ECHO != 0
	})
	return on
}

func TestTerminalPromptEchoesNothing(t *testing.T) {
	p := localProject(t)
	c := p.onTerminal(t, nil, "skret", "set", "KEY")
	c.wait("value of KEY: ")
	if c.echo() {
		t.Error("the echo is on during the prompt")
	}
	c.send("s3cret with $igns\n")
	status, out := c.end()
	if status.ExitStatus() != 0 || strings.Contains(out, "s3cret") || !c.echo() {
		t.Errorf("status %d, echo %v, output %q", status.ExitStatus(), c.echo(), out)
	}
	if got := p.skret(t, "get", "KEY"); string(got) != "s3cret with $igns" {
		t.Errorf("stored %q", got)
	}
}

func TestTerminalPromptEnds(t *testing.T) {
	for _, s := range []struct {
		name string
		do   func(*console)
		code int
		says string
	}{
		{"by ^C", func(c *console) { c.send("half\x03") }, 130, "interrupt"},
		{`by ^\`, func(c *console) { c.send("half\x1c") }, 131, "quit"},
		{"by ^D on an empty line", func(c *console) { c.send("\x04") }, 8, "nothing was entered"},
		{"by TERM", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGTERM) }, 143, "terminated"},
		{"by HUP", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGHUP) }, 129, "hangup"},
		{"by an empty line", func(c *console) { c.send("\n") }, 8, "is empty"},
		{"by a paste of several lines", func(c *console) { c.send("-----BEGIN\nhalf\n-----END\n") }, 8, "more than one line"},
		{"by a paste of several lines, the last one open", func(c *console) { c.send("half\nrest") }, 8, "more than one line"},
		{"by a line that is cut", func(c *console) { c.send(strings.Repeat("half", 1500) + "\n") }, 8, "too long for a terminal"},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := localProject(t)
			c := p.onTerminal(t, nil, "skret", "set", "KEY")
			c.wait("value of KEY: ")
			s.do(c)
			status, out := c.end()
			if status.ExitStatus() != s.code || !strings.Contains(out, s.says) || strings.Contains(out, "half") {
				t.Errorf("status %#x, want %d; output %q", status, s.code, out)
			}
			if !c.echo() {
				t.Error("the echo stays off")
			}
			if list := p.skret(t, "list"); len(list) > 0 {
				t.Errorf("something was stored: %q", list)
			}
		})
	}
}

func TestTerminalWindowGone(t *testing.T) {
	for _, s := range []struct{ name, script string }{
		{"", "exec skret set KEY"},
		{"with HUP ignored", "trap '' HUP; exec skret set KEY"},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := localProject(t)
			c := p.onTerminal(t, nil, "sh", "-c", s.script)
			c.wait("value of KEY: ")
			_ = c.master.Close()
			if status, _ := c.end(); status.Exited() && status.ExitStatus() == 0 {
				t.Errorf("status %#x", status)
			}
		})
	}
}

func TestTerminalStopAndContinueDuringPrompt(t *testing.T) {
	p := localProject(t)
	c := p.onTerminal(t, nil, "sh", "-i")
	c.wait("prompt> ")
	c.send("skret set KEY\n")
	c.wait("value of KEY: ")
	c.send("\x1a")
	c.wait("prompt> ")
	if !c.echo() {
		t.Error("the echo stays off in the shell")
	}
	c.send("fg\n")
	c.wait("value of KEY: ")
	if c.echo() {
		t.Error("the echo is on after fg")
	}
	c.send("s3cret\n")
	c.wait("version 1")
	c.send("exit\n")
	if _, out := c.end(); strings.Contains(out, "s3cret") {
		t.Errorf("%q", out)
	}
	if got := p.skret(t, "get", "KEY"); string(got) != "s3cret" {
		t.Errorf("stored %q", got)
	}
}

func TestTerminalConfirms(t *testing.T) {
	for _, s := range []struct {
		keys string
		code int
	}{
		{"\n", 8}, {"n\n", 8}, {"what\n", 8}, {"\x04", 8}, {"\x03", 130}, {"y\n", 0}, {" YES \n", 0},
	} {
		p := localProject(t)
		p.skret(t, "set", "A=1")
		c := p.onTerminal(t, nil, "skret", "delete", "A")
		c.wait("[y/N] ")
		c.send(s.keys)
		status, out := c.end()
		kept := len(p.skret(t, "list")) > 0
		if status.ExitStatus() != s.code || kept == (s.code == 0) {
			t.Errorf("%q: status %#x, kept %v, %q", s.keys, status, kept, out)
		}
	}
}

// lock encrypts the project's identity by a passphrase.
func (p *project) lock(t *testing.T, passphrase string) {
	t.Helper()
	file := filepath.Join(p.dir, "home", ".skret", "identity.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(10)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		t.Fatal("cannot lock the identity")
	}
	if err := os.WriteFile(file, sealed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The question comes on the terminal also when the streams are pipes, which
// stay the command's alone.
func TestTerminalPassphraseBeforeRun(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	p.lock(t, "open sesame")

	var out bytes.Buffer
	c := p.onTerminal(t, func(c *exec.Cmd) { c.Stdin, c.Stdout = strings.NewReader("piped\n"), &out },
		"skret", "run", "--", "sh", "-c", "cat; echo A is $A; exit 4")
	c.wait("passphrase of ")
	c.send("open sesame\n")
	status, terminal := c.end()
	if status.ExitStatus() != 4 || out.String() != "piped\nA is 1\n" || strings.Contains(terminal, "sesame") {
		t.Errorf("status %#x, stdout %q, terminal %q", status, out.String(), terminal)
	}

	for _, s := range []struct {
		name string
		do   func(*console)
		code int
	}{
		{"^C", func(c *console) { c.send("\x03") }, 130},
		{"TERM", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGTERM) }, 143},
		{"HUP", func(c *console) { _ = c.cmd.Process.Signal(unix.SIGHUP) }, 129},
		{"a wrong passphrase", func(c *console) { c.send("wrong\n") }, 125},
		{"nothing", func(c *console) { c.send("\x04") }, 125},
	} {
		c := p.onTerminal(t, nil, "skret", "run", "--", "echo", "started")
		c.wait("passphrase of ")
		s.do(c)
		if status, out := c.end(); status.ExitStatus() != s.code || strings.Contains(out, "started") || !c.echo() {
			t.Errorf("%s: status %#x, echo %v, %q", s.name, status, c.echo(), out)
		}
	}

	without := exec.CommandContext(t.Context(), "skret", "run", "--", "true")
	without.Dir, without.Env, without.SysProcAttr = p.dir, p.env, &syscall.SysProcAttr{Setsid: true}
	said, _ := without.CombinedOutput()
	if without.ProcessState.ExitCode() != 125 || !strings.Contains(string(said), "no terminal to ask on") {
		t.Errorf("without a terminal: %v, %s", without.ProcessState, said)
	}
	c = p.onTerminal(t, nil, "skret", "run", "--no-input", "--", "true")
	if status, out := c.end(); status.ExitStatus() != 125 || !strings.Contains(out, "locked") {
		t.Errorf("without input: status %#x, %q", status, out)
	}
}

func TestTerminalIsTheCommands(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	c := p.onTerminal(t, nil, "skret", "run", "--", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo is-terminal; exit 9")
	if status, out := c.end(); status.ExitStatus() != 9 || !strings.Contains(out, "is-terminal") {
		t.Errorf("status %#x, %q", status, out)
	}
}

func TestTerminalInterruptReachesTheCommandOnce(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	c := p.onTerminal(t, nil, "skret", "run", "--", "sh", "-c",
		`trap 'echo got-it' INT; echo ready; while ! read line; do :; done; echo "line $line"; exit 7`)
	c.wait("ready")
	c.send("\x03")
	c.wait("got-it")
	c.send("on\n")
	if status, out := c.end(); status.ExitStatus() != 7 || strings.Count(out, "got-it") != 1 || !strings.Contains(out, "line on") {
		t.Errorf("status %#x, %q", status, out)
	}

	for key, sig := range map[string]unix.Signal{"\x03": unix.SIGINT, "\x1c": unix.SIGQUIT} {
		c = p.onTerminal(t, nil, "skret", "run", "--", "sh", "-c", `echo ready; read line`)
		c.wait("ready")
		c.send(key)
		if status, out := c.end(); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: status %#x, %q", sig, status, out)
		}
	}
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGKILL} {
		c = p.onTerminal(t, nil, "skret", "run", "--", "sh", "-c", `echo ready; read line`)
		c.wait("ready")
		_ = c.cmd.Process.Signal(sig)
		if status, out := c.end(); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: status %#x, %q", sig, status, out)
		}
	}
}

func TestTerminalStopAndContinueTheCommand(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	c := p.onTerminal(t, nil, "sh", "-i")
	c.wait("prompt> ")
	c.send("skret run -- sh -c 'echo ready $A; read line; echo got $line; exit 5'\n")
	c.wait("ready 1")
	c.send("\x1a")
	c.wait("prompt> ")
	c.send("fg\n")
	c.wait("skret")
	c.send("on\n")
	c.wait("got on")
	c.wait("prompt> ")
	c.send("echo status $?\n")
	c.wait("status 5")
	c.send("exit\n")
	c.end()
}

// A terminal that answers nothing costs nothing: it is never asked.
func TestTerminalIsNeverAsked(t *testing.T) {
	p := localProject(t)
	p.skret(t, "set", "A=1")
	for _, args := range [][]string{
		{"--version"}, {"version"}, {"--help"}, {"list"}, {"get", "A"}, {"set", "B=2"}, {"run", "--help"}, {"run", "--", "true"},
		{"get", "none"}, {"completion", "bash"},
	} {
		c := p.onTerminal(t, nil, "skret", args...)
		if _, out := c.end(); strings.ContainsAny(out, "\x1b\x05\u009b") || out == "" && args[len(args)-1] != "true" {
			t.Errorf("%q: %q", args, out)
		}
	}
}

// Nothing of a value, a key or a message reaches a terminal raw.
func TestTerminalGetsNoControlCharacters(t *testing.T) {
	p := localProject(t)
	var all strings.Builder
	for b := 1; b < 256; b++ {
		all.WriteByte(byte(b))
	}
	for r := rune(0x80); r < 0xa0; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u200e\u200f\u2028\u2029\ufeff")
	odd := all.String()
	p.skret(t, "set", "--description", strings.ToValidUTF8(odd, "?"), "--", "ODD", odd)
	for _, args := range [][]string{
		{"get", "ODD"}, {"list"}, {"history", "ODD"}, {"get", odd}, {"set", odd + "=x"}, {"delete", "--yes", odd}, {"-e", odd, "list"},
		{odd}, {"--" + odd}, {"list", "--format", odd}, {"run", "--", odd}, {"run", "--only", "[" + odd, "--", "true"}, {"--config", odd, "list"},
	} {
		c := p.onTerminal(t, nil, "skret", args...)
		_, out := c.end()
		for _, r := range strings.ReplaceAll(out, "\r\n", "\n") {
			if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0xfffd ||
				r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
				t.Errorf("%.40q: %U in %q", args, r, out)
				break
			}
		}
	}
	// Elsewhere the bytes are exact.
	if got := p.skret(t, "get", "ODD"); string(got) != odd {
		t.Errorf("%q", got)
	}
}

// On a terminal an expired sign-in is offered to be renewed, and the command goes
// on with it; whoever declines has the error.
func TestTerminalOffersToSignInAgain(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.ssoLogin(t, "--no-verify")
	for _, answer := range []string{"n\n", "y\n"} {
		c.Revoke()
		con := p.onTerminal(t, nil, "skret", "get", "KEY")
		con.wait("is over")
		con.wait("sign in now? [y/N] ")
		con.send(answer)
		status, out := con.end()
		if answer == "y\n" && (status.ExitStatus() != 0 || !strings.Contains(out, "ABCD-EFGH") || !strings.HasSuffix(out, "v\r\n")) {
			t.Errorf("status %d: %q", status.ExitStatus(), out)
		}
		if answer == "n\n" && status.ExitStatus() != 4 {
			t.Errorf("status %d: %q", status.ExitStatus(), out)
		}
	}
}

// A QR code is drawn for a device code on a terminal, and nowhere else.
func TestTerminalShowsAQRCode(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	con := p.onTerminal(t, nil, "skret", "auth", "login", "aws", "--flow", "device", "--opt", "start_url=https://acme.awsapps.com/start", "--opt", "region="+"us-east-1")
	if status, out := con.end(); status.ExitStatus() != 0 || !strings.Contains(out, "\u2588\u2588\u2588") {
		t.Errorf("status %d: %q", status.ExitStatus(), out)
	}
	if r := p.ssoLogin(t); strings.Contains(r.stderr, "\u2588") {
		t.Error("in a pipe")
	}
}

// Account and role are chosen from a list, by number or by a part of the name.
func TestTerminalChoosesAccountAndRole(t *testing.T) {
	c := newCloud(t)
	for _, role := range []string{"Deploy", "ReadOnly"} {
		c.Assign("444455556666", role)
	}
	p := onCloud(t, c)
	con := p.onTerminal(t, nil, "skret", "auth", "login", "aws", "--flow", "device")
	con.wait("start URL of IAM Identity Center: ")
	con.send("https://acme.awsapps.com/start\n")
	con.wait("region of IAM Identity Center [us-east-1]: ")
	con.send("\n")
	con.wait("account, by number or by a part of its name: ")
	con.send("nonsense\n")
	con.wait("none is meant by that; account: ")
	con.send("4444\n")
	con.wait("role in account 444455556666, by number or by a part of its name: ")
	con.send("2\n")
	if status, out := con.end(); status.ExitStatus() != 0 || !strings.Contains(out, "444455556666:assumed-role/AWSReservedSSO_ReadOnly_") {
		t.Errorf("status %d: %q", status.ExitStatus(), out)
	}
}
