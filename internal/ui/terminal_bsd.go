//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package ui

import "golang.org/x/sys/unix"

const (
	getTermios  = unix.TIOCGETA
	setTermios  = unix.TIOCSETA
	inputQueued = 0x4004667f // FIONREAD, the same on all of them

	maxLine = 1023 // bytes of a line that the terminal keeps
)

func flushInput(fd int) { _ = unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, 1) } // FREAD

// suspend stops the process as ^Z would: see the one for Linux.
func suspend() { _ = unix.Kill(unix.Getpid(), unix.SIGTTIN) }
