//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
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

// jobShell is as much of a shell as ^Z needs: it starts its arguments as a job that
// has the terminal, says when that is stopped, and continues it at any line.
func jobShell() {
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		panic(err)
	}
	job, err := syscall.ForkExec(path, os.Args[1:], &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Foreground: true, Ctty: 0},
	})
	if err != nil {
		panic(err)
	}
	signal.Ignore(syscall.SIGTTOU) // the job is started, and does not inherit it
	foreground := func(group int) {
		if err := unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, group); err != nil {
			panic(err)
		}
	}
	lines := bufio.NewReader(os.Stdin)
	for {
		var status unix.WaitStatus
		if _, err := unix.Wait4(job, &status, unix.WUNTRACED, nil); err != nil {
			continue
		}
		foreground(unix.Getpgrp())
		if !status.Stopped() {
			fmt.Printf("ended %#x.\n", int(status))
			return
		}
		fmt.Printf("stopped %s.\n", signalName(status.StopSignal()))
		_, _ = lines.ReadString('\n')
		foreground(job)
		_ = unix.Kill(-job, unix.SIGCONT)
	}
}
