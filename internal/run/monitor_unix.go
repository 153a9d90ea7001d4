//go:build unix

package run

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// MonitorArg is the first argument by which skret is started as a monitor.
const MonitorArg = "__monitor"

// startBehindMonitor starts the command on its own terminal, by a second skret
// between us. That leads the terminal's session, so that the command's group has
// a parent there which is not of the group: to any other the kernel gives no
// ^Z, nor does vim stop itself. Master and monitor end with us.
func (c *child) startBehindMonitor(j *Job, files []int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // as in startHere
		defer runtime.UnlockOSThread()
		defer func() { _ = r.Close() }()
		// At its own number, and not among the first: those may be somebody's.
		report := int(w.Fd())
		_, _ = unix.FcntlInt(uintptr(report), unix.F_SETFD, 0)
		args := append([]string{"skret", MonitorArg, strconv.Itoa(report), j.Path}, j.Args...)
		pid, err := spawn(self, args, j.Env, files, &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1})
		_ = w.Close()
		if err != nil {
			started <- err
			return
		}
		defer wait(pid, func(unix.WaitStatus) {})
		lines := bufio.NewScanner(r)
		what, number := line(lines)
		if what != "started" {
			started <- syscall.Errno(number)
			return
		}
		c.pid = number
		started <- nil
		for {
			what, number := line(lines)
			if what != "changed" { // it was killed, and the command is told by TERM
				number = int(unix.SIGKILL)
			}
			status := unix.WaitStatus(number)
			c.changed <- status
			if !status.Stopped() {
				return
			}
		}
	}()
	return <-started
}

// line reads one report of a monitor.
func line(s *bufio.Scanner) (what string, number int) {
	if !s.Scan() {
		return "", int(unix.EIO)
	}
	_, _ = fmt.Sscanf(s.Text(), "%s %d", &what, &number)
	return what, number
}

// Monitor is the program between skret and a command with a terminal of its own.
// args are a descriptor to report to, the path and the command's arguments.
func Monitor(args, env []string) int {
	runtime.LockOSThread()
	if len(args) < 3 {
		return CodeFailed
	}
	report, err := strconv.Atoi(args[0])
	if err != nil {
		return CodeFailed
	}
	unix.CloseOnExec(report)
	w := os.NewFile(uintptr(report), "report")
	if w == nil {
		return CodeFailed
	}
	// The terminal's end is the command's to hear of; we stay to tell its status.
	if !ignored(unix.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	}
	pid, err := spawn(args[1], args[2:], env, []int{0, 1, 2}, &syscall.SysProcAttr{Foreground: true, Ctty: 1})
	if err != nil {
		no, _ := err.(syscall.Errno) //nolint:errorlint // as ForkExec returns it
		_, _ = fmt.Fprintf(w, "failed %d\n", int(no))
		return CodeFailed
	}
	_, _ = fmt.Fprintf(w, "started %d\n", pid)
	wait(pid, func(status unix.WaitStatus) { _, _ = fmt.Fprintf(w, "changed %d\n", int(status)) })
	return 0
}
