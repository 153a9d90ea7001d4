package run

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/skret/skret/internal/errs"
)

// Supervisor is skret beside a command. The console sends ^C to both; skret
// outlives it. Command and children are in a job that ends with skret, should
// that be killed. There is no TERM on Windows: what is to be ended, is.
type Supervisor struct{ dropped chan os.Signal }

// NewSupervisor begins to catch ^C.
func NewSupervisor() *Supervisor {
	s := &Supervisor{make(chan os.Signal, 1)}
	signal.Notify(s.dropped, os.Interrupt)
	return s
}

// Run starts the command and returns when it has ended: nil, a [Status], or a
// [CommandError] when it could not be started or ctx ended before it.
func (s *Supervisor) Run(ctx context.Context, j Job) error {
	defer signal.Stop(s.dropped)
	for {
		next, err := runOnce(ctx, j)
		if next == nil {
			return err
		}
		j.Env = next
	}
}

// runOnce runs the command once; next is the environment to start it anew with.
func runOnce(ctx context.Context, j Job) (next []string, err error) {
	c := command(j.Path, j.Args, j.Env)
	c.WaitDelay = time.Second // for what its own children write
	if j.Mask != nil {
		out, errOut := j.Mask(j.Out), j.Mask(j.Err)
		defer func() { _, _ = out.Close(), errOut.Close() }()
		c.Stdout, c.Stderr = struct{ io.Writer }{out}, struct{ io.Writer }{errOut}
	}
	if err := c.Start(); err != nil {
		return nil, notExecutable(j.Args[0], err.Error(), "check "+j.Path)
	}
	end, release := confine(c.Process)
	defer release()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	over, late := ctx.Done(), false
	for {
		select {
		case err := <-ended:
			exit, failed := errors.AsType[*exec.ExitError](err)
			switch {
			case late:
				return nil, timedOut(j.Args[0], context.Cause(ctx))
			case next != nil:
				return next, nil
			case failed:
				return nil, Status(exit.ExitCode())
			}
			return nil, nil
		case change := <-j.Changes:
			if next = change.Env; next != nil && !late {
				end()
			}
		case <-over:
			over, late, next = nil, true, nil
			end()
		}
	}
}

// confine puts the process into a job; end ends all that is in it, and so does
// our own end, unless release came before: what the command has left running then
// goes on.
func confine(p *os.Process) (end, release func()) {
	kill := func() { _ = p.Kill() }
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return kill, func() {}
	}
	limit := func(flags uint32) error {
		info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags}}
		_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
		return err
	}
	handle, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(p.Pid))
	if err == nil {
		err = limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
	}
	if err == nil {
		err = windows.AssignProcessToJobObject(job, handle)
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return kill, func() {}
	}
	_ = windows.CloseHandle(handle)
	return func() { _ = windows.TerminateJobObject(job, 1) }, sync.OnceFunc(func() {
		_ = limit(0)
		_ = windows.CloseHandle(job)
	})
}

// Raise does nothing: there are no signals to die of.
func (s Signaled) Raise() {}

// MonitorArg is the first argument by which skret is started as a monitor, which
// Windows has no use for.
const MonitorArg = "__monitor"

// Monitor is not there.
func Monitor(_, _ []string) int { return CodeFailed }

// ParseSignal refuses: a process cannot be sent a signal here.
func ParseSignal(string) (os.Signal, error) {
	return nil, errs.New(errs.Invalid, "--on-change: there are no signals on Windows").WithHint("use --on-change restart or exec=PROGRAM")
}
