package run

import (
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct sigaction, larger than it is on any machine. The
// zero value is the default action. The runtime of Go gives no way to that: it
// prints goroutines for some signals, and does nothing for others.
type action [128]byte

// handler returns what the action does, in the kernel's word for it.
func (a *action) handler() uintptr { return *(*uintptr)(unsafe.Pointer(a)) }

func sigaction(sig syscall.Signal, set, old *action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

// ignored tells whether the signal was ignored when we started. The runtime has
// replaced what it found for most, but not for those that stop.
func ignored(sig syscall.Signal) bool {
	if sig != unix.SIGTSTP {
		return signal.Ignored(sig)
	}
	var now action
	sigaction(sig, nil, &now)
	return now.handler() == ignore().handler()
}

// suspend stops this process as sig does, which is TSTP or one of its kin, and
// its whole group if asked to. It returns when we are continued; or at once, when
// nobody could continue us, for then the kernel does not stop us. undone tells
// whether somebody has continued us before.
func suspend(sig syscall.Signal, group bool, undone func() bool) {
	var was action
	sigaction(sig, new(action), &was)
	blocking(sig, func() {
		// To this thread, which takes it when it is no longer blocked, so that the stop
		// comes before the return. A CONT that comes from here on drops it.
		_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
		switch {
		case undone():
			sigaction(sig, ignore(), nil) // drops it too
		case group && unix.Getpgrp() != unix.Getpid():
			_ = unix.Kill(0, sig)
		}
	})
	sigaction(sig, &was, nil)
}

// ignore is the action of a signal that is ignored.
func ignore() *action {
	var a action
	*(*uintptr)(unsafe.Pointer(&a)) = 1
	return &a
}

// mark is a signal that means nothing, and that the runtime hands over after a
// CONT.
const mark = unix.SIGIO

// markHere sends it to this thread, which takes it at once.
func markHere() { _ = unix.Tgkill(unix.Getpid(), unix.Gettid(), mark) }

// Raise ends this process by the signal, without a core file: that would hold
// secrets. It returns if that cannot be, as for the first process of a container.
func (s Signaled) Raise() {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	sigaction(syscall.Signal(s), new(action), nil)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), syscall.Signal(s))
}

// withoutTTOU does f without being stopped for it: a process whose group does not
// have the terminal is, when it changes something there.
func withoutTTOU(f func()) { blocking(unix.SIGTTOU, f) }

// blocking does f while this thread takes no such signal.
func blocking(sig syscall.Signal, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var block, was unix.Sigset_t
	block.Val[0] = 1 << (sig - 1)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &block, &was) == nil {
		defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &was, nil) }()
	}
	f()
}

// toldOfDeath has the kernel tell the process that we start when we die.
func toldOfDeath(attr *syscall.SysProcAttr) { attr.Pdeathsig = unix.SIGTERM }
