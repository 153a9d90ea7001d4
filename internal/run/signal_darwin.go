package run

import (
	"fmt"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func ignored(sig syscall.Signal) bool { return signal.Ignored(sig) }

// suspend stops this process as ^Z would, and its whole group if asked to. The
// runtime does not give TSTP its default action back once it has caught it, and
// TTIN is of the same kind. undone tells whether
// somebody has continued us before.
func suspend(_ syscall.Signal, group bool, undone func() bool) {
	if undone() {
		return
	}
	who := unix.Getpid()
	if group {
		who = 0
	}
	_ = unix.Kill(who, unix.SIGTTIN)
}

// mark is a signal that means nothing, and that the runtime hands over after a
// CONT.
const mark = unix.SIGIO

func markHere() { _ = unix.Kill(unix.Getpid(), mark) }

// Raise ends this process by the signal, without a core file: that would hold
// secrets. A shell takes our place for it, since the runtime has no way to the
// default action of every signal. It returns if that cannot be.
func (s Signaled) Raise() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = syscall.Exec("/bin/sh", []string{"sh", "-c", fmt.Sprintf("kill -%d $$", int(s))}, nil)
}

// withoutTTOU does f without being stopped for it: a process whose group does not
// have the terminal is, when it changes something there.
func withoutTTOU(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	block, was := uint32(1)<<(unix.SIGTTOU-1), uint32(0)
	const blocked, set = 1, 3 // SIG_BLOCK, SIG_SETMASK
	if mask(blocked, &block, &was) == 0 {
		defer func() { _ = mask(set, &was, nil) }()
	}
	f()
}

func mask(how uintptr, set, old *uint32) syscall.Errno {
	_, _, no := syscall.Syscall(unix.SYS___PTHREAD_SIGMASK, how, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old))) //nolint:staticcheck // there is no wrapper
	return no
}

// toldOfDeath does nothing: this system does not tell a process of another's death.
func toldOfDeath(*syscall.SysProcAttr) {}
