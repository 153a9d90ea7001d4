//go:build unix

package run

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// child is a command that was started.
type child struct {
	pid     int // and its group
	changed chan unix.WaitStatus
	pumps   []*pump
	master  *os.File           // of its terminal; nil when it has none of its own
	asks    chan chan struct{} // see asking
	ended   chan struct{}
}

// onTerminal tells whether the command gets a terminal of its own.
func (j *Job) onTerminal() bool { return j.Mask != nil && j.OutTTY }

// start starts the command, with the streams that it is to have.
func (s *Supervisor) start(j *Job) (*child, error) {
	c := &child{changed: make(chan unix.WaitStatus, 1), asks: make(chan chan struct{}), ended: make(chan struct{})}
	files := []int{0, 1, 2}
	var ours []io.Closer // ends of pipes that are the command's
	defer func() {
		for _, f := range ours {
			_ = f.Close()
		}
	}()
	if j.onTerminal() {
		master, slave, err := openPTY()
		if err != nil {
			return nil, &CommandError{CodeFailed, err}
		}
		ours = append(ours, slave)
		c.master = master
		s.tty.imitate(slave)
		c.resize()
		c.pump(master, &asking{WriteCloser: j.Mask(j.Out), c: c, was: c.mode()})
		files[1] = int(slave.Fd())
		if j.InTTY {
			files[0] = files[1]
		}
		if j.ErrTTY {
			files[2] = files[1]
		}
	}
	for fd, to := range map[int]io.Writer{1: j.Out, 2: j.Err} {
		if j.Mask == nil || files[fd] != fd {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			c.finish()
			return nil, &CommandError{CodeFailed, err}
		}
		ours = append(ours, w)
		files[fd] = int(w.Fd())
		c.pump(r, j.Mask(to))
	}
	var err error
	if c.master != nil {
		s.tty.resume(c)
		err = c.startBehindMonitor(j, files)
	} else {
		err = c.startHere(j, files, s.tty.alone && s.tty.foreground(), s.tty.fd)
		if err == nil {
			s.tty.started(c)
		}
	}
	if err != nil {
		c.finish()
		return nil, failed(j.Path, j.Args, j.Env, err)
	}
	return c, nil
}

// startHere starts the command as our child, in a group of its own, with the
// terminal if foreground is set. What it does is told by c.changed.
func (c *child) startHere(j *Job, files []int, foreground bool, tty int) error {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if foreground {
		attr.Foreground, attr.Ctty = true, tty
	}
	started := make(chan error)
	go func() {
		// For the kernel the thread that starts a process is its parent, by whose
		// death it is told: so it stays as long as the command.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		pid, err := spawn(j.Path, j.Args, j.Env, files, attr)
		c.pid = pid
		started <- err
		if err == nil {
			wait(pid, func(status unix.WaitStatus) { c.changed <- status })
		}
	}()
	return <-started
}

// spawn starts a program that is told by TERM when we die, where the system can.
func spawn(path string, args, env []string, files []int, attr *syscall.SysProcAttr) (pid int, err error) {
	toldOfDeath(attr)
	fds := make([]uintptr, len(files))
	for i, fd := range files {
		fds[i] = uintptr(fd)
	}
	return syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: fds, Sys: attr})
}

// wait calls changed at each stop of the process and at its end.
func wait(pid int, changed func(unix.WaitStatus)) {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		changed(status)
		if !status.Stopped() {
			return
		}
	}
}

func (c *child) signal(sig syscall.Signal)      { _ = unix.Kill(c.pid, sig) }
func (c *child) signalGroup(sig syscall.Signal) { _ = unix.Kill(-c.pid, sig) }

// pump begins to copy the command's output.
func (c *child) pump(from *os.File, to io.WriteCloser) {
	c.pumps = append(c.pumps, newPump(from, to))
}

// finish returns when all that the command has written is where it belongs. What
// its own children write later is not waited for.
func (c *child) finish() {
	close(c.ended)
	for _, p := range c.pumps {
		p.finish()
	}
}

// asking is the output of a command that has a terminal of its own. One that has
// set the mode of that, such as a pager or what asks for a password, wants keys,
// also when its standard input is no terminal. It is told by c.asks, and answered by
// a close, before the question can be seen.
type asking struct {
	io.WriteCloser
	c    *child
	was  *term.State
	told bool
}

func (a *asking) Write(p []byte) (int, error) {
	if !a.told && a.differs(a.c.mode()) {
		a.told = true
		answered := make(chan struct{})
		select {
		case a.c.asks <- answered:
			<-answered
		case <-a.c.ended:
		}
	}
	return a.WriteCloser.Write(p)
}

func (a *asking) differs(now *term.State) bool {
	return now != nil && a.was != nil && *now != *a.was
}

// mode returns that of the command's own terminal, nil when it is gone.
func (c *child) mode() (mode *term.State) {
	if master, err := c.master.SyscallConn(); err == nil {
		_ = master.Control(func(fd uintptr) { mode, _ = term.GetState(int(fd)) })
	}
	return mode
}

// resize gives the command's terminal the size of ours.
func (c *child) resize() {
	if c.master == nil {
		return
	}
	size, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	if master, err := c.master.SyscallConn(); err == nil { // not Fd: the pump may close it
		_ = master.Control(func(fd uintptr) { _ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	}
}
