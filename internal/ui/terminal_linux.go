package ui

import (
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	getTermios  = unix.TCGETS
	setTermios  = unix.TCSETS
	inputQueued = unix.TIOCINQ

	maxLine = 4095 // bytes of a line that the terminal keeps; it drops the rest
)

func flushInput(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }

// suspend stops the process as ^Z would. The runtime does not give TSTP its
// default action back once it has caught it, and TTIN is of the same kind: it
// stops a job, and does nothing to a process that nobody could continue. It is
// sent to this thread so that the stop comes before the return.
func suspend() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTTIN)
}
