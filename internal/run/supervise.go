package run

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Job is a command that skret stays beside, since something must outlive its
// start: files that are to be removed, output to be masked, secrets that change,
// or a limit of time.
type Job struct {
	Path string   // the program, as [Look] found it
	Args []string // the first is the name that the user called it by
	Env  []string

	// Mask, unless it is nil, is laid over all that the command writes. It is then
	// not the command that writes to Out and Err, but we.
	Mask     func(io.Writer) io.WriteCloser
	Out, Err io.Writer

	// Whether the standard streams are terminals. Where the output is, a command
	// that is masked gets a terminal of its own. The keys are handed on where the
	// input is too, or nobody else needs them, and else once the command asks.
	InTTY, OutTTY, ErrTTY bool

	KillAfter time.Duration // how long after TERM comes KILL
	Changes   <-chan Change // may be nil
}

// Change is what a supervised command has to learn. With Env it is ended and
// started anew; otherwise it gets the signal, and goes on.
type Change struct {
	Env    []string
	Signal os.Signal
}

// Signaled is the end of a supervised command by a signal. It is no failure of
// skret's, and nothing is to be said about it. [Signaled.Raise] passes it on.
type Signaled syscall.Signal

func (s Signaled) Error() string {
	return "the command was ended by signal: " + syscall.Signal(s).String()
}

// ExitCode returns the status by which shells show the signal.
func (s Signaled) ExitCode() int { return 128 + int(s) }

// CodeTimedOut is the exit code of a command that --timeout ended, that of
// timeout(1).
const CodeTimedOut = 124

// timedOut is the error of a command that was ended for cause.
func timedOut(name string, cause error) error {
	return &CommandError{CodeTimedOut, fmt.Errorf("command %q: %w", name, cause)}
}
