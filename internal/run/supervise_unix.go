//go:build unix

package run

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Supervisor is skret beside a command. The command has a process group of its
// own, so that each signal has one way to it:
//
//   - What is sent to skret, or to its group, is handed on once. INT, QUIT, TERM,
//     TSTP and CONT go to the command's group, as a terminal sends them; HUP, USR1
//     and USR2 to the command alone, whose helpers may not know them.
//   - What is typed goes to the group that has the terminal. That is the command's,
//     where skret is alone in its own group. In a pipeline or a script, whose other
//     processes ^C is meant for as well, the terminal stays with them until the
//     command wants to read it or to set its mode.
//
// When ^Z stops the command, skret stops too, with its group, so that the shell
// sees a stopped job; when it is continued, the command gets the terminal back.
//
// A command that ends leaves its status; one that a signal ended, the signal.
type Supervisor struct {
	signals chan os.Signal
	conts   chan os.Signal // CONT alone
	marks   chan os.Signal // see continuedMeanwhile
	tty     tty
	told    bool      // a TSTP came to us, and the command has not stopped yet
	undone  time.Time // when a CONT came in the meantime
	resumed time.Time // when a stop of ours ended; zero when its CONT has been seen
}

// handed are the signals that are handed on. None is for skret itself.
func handed() []os.Signal {
	return []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTSTP, unix.SIGWINCH}
}

// NewSupervisor begins to catch signals, those of before the start included, so
// that from here on what was made for the command is removed whatever comes. One
// that is ignored (nohup) stays so, for the command as well.
func NewSupervisor() *Supervisor {
	s := &Supervisor{signals: make(chan os.Signal, 64), conts: make(chan os.Signal, 1), marks: make(chan os.Signal, 1)}
	signal.Notify(s.conts, unix.SIGCONT)
	signal.Notify(s.marks, mark)
	for _, sig := range handed() {
		if !ignored(sig.(syscall.Signal)) {
			signal.Notify(s.signals, sig)
		}
	}
	// A reader that has gone is the command's concern: it will see so by itself.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	return s
}

// Run starts the command and returns when it has ended: nil, a [Status], a
// [Signaled], or a [CommandError] when it could not be started or ctx ended
// before it. It is then ended by TERM, and by KILL after j.KillAfter.
func (s *Supervisor) Run(ctx context.Context, j Job) error {
	defer signal.Stop(s.signals)
	defer signal.Stop(s.conts)
	if sig, ok := s.ended(); ok {
		return sig
	}
	defer s.tty.open(j)()
	if unix.Getpid() == 1 {
		defer reapOrphans()()
	}
	c, err := s.start(&j)
	if err != nil {
		return err
	}
	var (
		late bool
		over = ctx.Done()
		next []string         // the environment of the next start, while this command is being ended
		kill <-chan time.Time // when TERM has not been enough
	)
	end := func() {
		c.signalGroup(unix.SIGTERM)
		c.signalGroup(unix.SIGCONT) // a stopped one could not do as it is told
		kill = time.After(j.KillAfter)
	}
	for {
		select {
		case status := <-c.changed:
			if status.Stopped() {
				s.stopped(c, status.StopSignal())
				continue
			}
			c.finish()
			s.tty.takeBack(nil)
			switch {
			case late:
				return timedOut(j.Args[0], context.Cause(ctx))
			case next == nil:
				return outcome(status)
			}
			j.Env, next, kill = next, nil, nil
			s.tty.reset()
			if c, err = s.start(&j); err != nil {
				return err
			}
		case answered := <-c.asks:
			s.tty.asked = true
			s.tty.resume(c)
			close(answered)
		case <-s.conts:
			s.continued(c)
		case sig := <-s.signals:
			switch sig {
			case unix.SIGINT, unix.SIGQUIT, unix.SIGTERM:
				next = nil // it is not to be started again
				c.signalGroup(sig.(syscall.Signal))
			case unix.SIGTSTP:
				s.told = true
				c.signalGroup(unix.SIGTSTP)
			case unix.SIGWINCH:
				c.resize()
			default:
				c.signal(sig.(syscall.Signal))
			}
		case change := <-j.Changes:
			switch {
			case change.Env == nil:
				c.signal(change.Signal.(syscall.Signal))
			case !late:
				if next == nil {
					end()
				}
				next = change.Env
			}
		case <-over:
			late, over, next = true, nil, nil
			end()
		case <-kill:
			c.signalGroup(unix.SIGKILL)
		}
	}
}

// ended tells whether a signal came before the start that is to end skret.
func (s *Supervisor) ended() (Signaled, bool) {
	for {
		select {
		case sig := <-s.signals:
			switch sig {
			case unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM:
				return Signaled(sig.(syscall.Signal)), true
			}
		default:
			return 0, false
		}
	}
}

// maskDelay is how long a mask may keep back what was written.
const maskDelay = 50 * time.Millisecond

// soon is more than the time between two events that are one for the kernel.
const soon = time.Second

// stopped answers a stop of the command. One by STOP, which is for that process
// alone, is not ours to share.
func (s *Supervisor) stopped(c *child, sig syscall.Signal) {
	switch sig {
	case unix.SIGTTIN, unix.SIGTTOU:
		if !s.told && s.tty.give(c) { // it had asked for the terminal
			c.signalGroup(unix.SIGCONT)
			return
		}
	case unix.SIGTSTP:
	default:
		return
	}
	told := s.told
	s.told = false
	undone := time.Since(s.undone) < soon
	s.undone = time.Time{}
	if undone { // whoever stopped us has continued us by now
		c.signalGroup(unix.SIGCONT)
		return
	}
	if c.master != nil {
		time.Sleep(maskDelay) // for the last that it wrote, such as ^Z
	}
	had := s.tty.takeBack(c)
	suspend(sig, had && !told, func() bool {
		undone = told && s.continuedMeanwhile()
		return undone
	})
	// Here we have been continued, or nobody could have done that, and so we were
	// not stopped: then neither may the command be.
	if !undone {
		s.resumed = time.Now()
	}
	s.tty.resume(c)
	c.resize()
	c.signalGroup(unix.SIGCONT)
}

// continuedMeanwhile tells whether a CONT has come that has not been seen yet. The
// runtime hands signals over late: but a signal of our own comes behind it.
func (s *Supervisor) continuedMeanwhile() bool {
	markHere()
	<-s.marks
	select {
	case <-s.conts:
		return true
	default:
		return false
	}
}

// continued hands on a CONT, unless it is the one that ended a stop of ours and
// has been handed on there.
func (s *Supervisor) continued(c *child) {
	if time.Since(s.resumed) < soon {
		s.resumed = time.Time{}
		return
	}
	if s.told {
		s.told, s.undone = false, time.Now()
	}
	s.tty.resume(c) // fg continues a job that runs in the background, too
	c.signalGroup(unix.SIGCONT)
}

// outcome is how a command has ended.
func outcome(status unix.WaitStatus) error {
	switch {
	case status.Signaled():
		return Signaled(status.Signal())
	case status.ExitStatus() != 0:
		return Status(status.ExitStatus())
	}
	return nil
}

// failed is why the program at path was not started, which exists.
func failed(path string, args, env []string, err error) error {
	switch {
	case errors.Is(err, syscall.E2BIG):
		return &CommandError{CodeFailed, tooMuch(startSize(path, args, env), 0, env)}
	case errors.Is(err, syscall.ENOEXEC):
		return notExecutable(args[0], "its format is wrong: no program of this system and no #! in its first line",
			"skret starts no shell on its own: begin the file with #!/bin/sh, or use skret run -- sh "+path)
	case errors.Is(err, syscall.ENOENT):
		return notExecutable(args[0], "the interpreter in its first line, or its loader, does not exist", "check the first line of "+path)
	}
	return cannot(args[0], path, err)
}
