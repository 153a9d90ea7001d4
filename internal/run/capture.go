package run

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"time"

	"github.com/skret/skret/internal/errs"
)

// captureWait is how long a command that is to end may take for it.
const captureWait = 2 * time.Second

// Capture runs a program without a terminal and without input, in dir, and writes
// all that it prints to w. It returns the exit status, 128+n for a death by signal
// n. When it ends, or ctx does, so does what it has started, as far as that stayed in
// its process group; for ctx the error is its cause.
func Capture(ctx context.Context, path string, args, env []string, dir string, w io.Writer) (status int, err error) {
	c := exec.CommandContext(ctx, path)
	c.Args, c.Env, c.Dir = args, env, dir
	c.Stdout, c.Stderr = w, w
	c.WaitDelay = captureWait
	apart(c)
	runtime.LockOSThread() // whose end the program would take for ours
	defer runtime.UnlockOSThread()
	err = c.Run()
	if c.Process != nil {
		endRest(c)
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return statusOf(exit), nil
	}
	if errors.Is(err, exec.ErrWaitDelay) { // something that it started still had its output
		return 0, nil
	}
	if err != nil {
		return 0, errs.New(errs.Unclassified, "start %q: %w", args[0], err)
	}
	return 0, nil
}
