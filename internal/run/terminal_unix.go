//go:build unix

package run

import (
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// tty is the terminal that controls us, if there is one, and who has it: our
// group, or the command's. A command with a terminal of its own (behind, see
// [Job]) never has this one: its keys are handed on.
type tty struct {
	fd    int         // -1 without one
	found *term.State // its mode at the start
	alone bool        // nobody else in our group needs it
	given bool        // the command's group has it
	asked bool        // the command is to have it, or its keys, whoever else needs it

	behind bool
	keys   *keys // handed on from it, when the command has one of its own
}

// open finds the terminal and returns the function that leaves it as it was.
func (t *tty) open(j Job) (restore func()) {
	t.behind = j.onTerminal()
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.fd = -1
		return func() {}
	}
	t.fd = fd
	t.found, _ = term.GetState(fd)
	// The first of a job, and no part of a pipeline.
	t.alone = unix.Getpgrp() == unix.Getpid() && !pipe(0) && !pipe(1) && !pipe(2)
	if t.behind {
		t.keys, t.asked = &keys{fd: fd}, j.InTTY || t.alone
	}
	return func() {
		t.takeBack(nil)
		_ = unix.Close(fd)
	}
}

// pipe tells whether fd is a pipe or a socket, at whose other end somebody is.
func pipe(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFIFO || kind == unix.S_IFSOCK
}

// foreground tells whether our group has the terminal.
func (t *tty) foreground() bool {
	return t.has(unix.Getpgrp())
}

// has tells whether that group has the terminal.
func (t *tty) has(group int) bool {
	if t.fd < 0 {
		return false
	}
	now, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && now == group
}

// started notes that the command began with the terminal, if it did.
func (t *tty) started(c *child) {
	t.given = t.has(c.pid)
}

// give gives the terminal to the command, if it is ours to give.
func (t *tty) give(c *child) bool {
	if t.behind || !t.foreground() {
		return false
	}
	t.given = t.hand(c.pid) == nil
	return t.given
}

// takeBack ends what resume began, and tells whether there was something to end.
// From a command that goes on, c, it takes what that still has; nil is one that
// has ended.
func (t *tty) takeBack(c *child) (had bool) {
	switch {
	case t.keys != nil && t.keys.on:
		t.keys.pause()
		t.reset()
		return true
	case t.given:
		t.given, t.asked = false, true
		if c != nil && !t.has(c.pid) { // a shell was faster
			return false
		}
		_ = t.hand(unix.Getpgrp())
		return true
	}
	return false
}

// resume gives the command the terminal, or its keys, where it is to have them
// and our group has the terminal.
func (t *tty) resume(c *child) {
	if !t.foreground() {
		return
	}
	switch {
	case t.keys != nil && !t.keys.on && t.asked:
		_, _ = term.MakeRaw(t.fd)
		t.keys.resume(c.master)
	case !t.behind && !t.given && (t.alone || t.asked):
		t.give(c)
	}
}

// reset puts back the mode that the terminal had, whatever the command left.
func (t *tty) reset() {
	if t.found != nil {
		withoutTTOU(func() { _ = term.Restore(t.fd, t.found) })
	}
}

// hand makes a group the one that has the terminal.
func (t *tty) hand(group int) (err error) {
	withoutTTOU(func() { err = unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, group) })
	return err
}

// imitate gives the command's terminal the mode of ours.
func (t *tty) imitate(slave *os.File) {
	if t.found != nil {
		_ = term.Restore(int(slave.Fd()), t.found)
	}
}

// keys hands on what is typed.
type keys struct {
	fd   int
	on   bool
	wake *os.File // closing it ends the wait for a key
}

// resume begins to hand keys on.
func (k *keys) resume(to *os.File) {
	woken, wake, err := os.Pipe()
	if err != nil {
		return
	}
	k.on, k.wake = true, wake
	go func() {
		defer func() { _ = woken.Close() }()
		buf := make([]byte, 4096)
		for quit := int(woken.Fd()); await(k.fd, quit); {
			n, err := unix.Read(k.fd, buf)
			if err == nil && n > 0 {
				_, err = to.Write(buf[:n])
			}
			if n <= 0 || err != nil {
				return
			}
		}
	}()
}

// pause ends that. What is typed from here on is for whoever has the terminal
// then.
func (k *keys) pause() {
	k.on = false
	_ = k.wake.Close()
}

func openSlave(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
