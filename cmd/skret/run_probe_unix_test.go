//go:build unix

package main

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func probed() []os.Signal {
	return []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT, unix.SIGWINCH}
}

func signalName(sig os.Signal) string {
	return strings.TrimPrefix(unix.SignalName(sig.(syscall.Signal)), "SIG")
}
