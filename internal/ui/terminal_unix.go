//go:build unix

package ui

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal, and its mode as it was found.
type terminal struct {
	in, out *os.File
	fd      int
	found   *unix.Termios
}

func openTerminal() (*terminal, error) {
	// Blocking, and so without the runtime's poller, which does not know
	// terminals on every system.
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "/dev/tty")
	found, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &terminal{in: f, out: f, fd: fd, found: found}, nil
}

func (t *terminal) close() { _ = t.in.Close() }

// hide switches the echo off; the line editing of the system stays.
func (t *terminal) hide() error {
	m := *t.found
	m.Lflag &^= unix.ECHO | unix.ECHONL
	m.Lflag |= unix.ICANON | unix.ISIG
	m.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(t.fd, setTermios, &m)
}

func (t *terminal) restore() { _ = unix.IoctlSetTermios(t.fd, setTermios, t.found) }

// discard throws away what was typed and not read, and tells whether there was
// something.
func (t *terminal) discard() bool {
	m := *t.found
	m.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON // without ICANON a line that has no end yet counts too
	if unix.IoctlSetTermios(t.fd, setTermios, &m) != nil {
		return false
	}
	defer t.restore()
	n, err := unix.IoctlGetInt(t.fd, inputQueued)
	if err != nil || n == 0 {
		return false
	}
	flushInput(t.fd)
	return true
}

// suspensions returns the signals by which a job is stopped and continued.
func suspensions() (<-chan os.Signal, func()) {
	ch := make(chan os.Signal, 1)
	asking.Add(1)
	signal.Notify(ch, unix.SIGTSTP, unix.SIGCONT)
	return ch, func() {
		signal.Stop(ch)
		asking.Add(-1)
	}
}

func isSuspend(sig os.Signal) bool { return sig == unix.SIGTSTP }
