package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/ui"
)

// codes is the only table from kinds of errors to exit codes.
var codes = map[errs.Kind]int{
	errs.Unclassified: 1,
	errs.Config:       2,
	errs.Backend:      3,
	errs.Auth:         4,
	errs.NotFound:     5,
	errs.Conflict:     6,
	errs.Network:      7,
	errs.Invalid:      8,
	errs.Drift:        9,
	errs.Leak:         10,
}

// exitCoder is an error that knows its own exit code: `run` has codes that are
// no kind of failure of skret's.
type exitCoder interface {
	error
	ExitCode() int
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ sig os.Signal }

func (i interrupted) Error() string { return "stopped by signal: " + i.sig.String() }

func (i interrupted) ExitCode() int {
	if s, ok := i.sig.(syscall.Signal); ok {
		return 128 + int(s)
	}
	return 1
}

// exitCode returns the process's exit code for err.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if c, ok := errors.AsType[exitCoder](err); ok {
		return c.ExitCode()
	}
	return codes[errs.KindOf(err)]
}

// end returns the process's exit code for err. When err is that the command was
// ended by a signal, so is this process, and whoever started it sees that.
func end(err error) int {
	if s, ok := errors.AsType[run.Signaled](err); ok {
		s.Raise()
	}
	return exitCode(err)
}

// report prints err to stderr: the only place that does. Joined errors are
// printed one a line, each with its hint.
func report(s *ui.Streams, err error, asJSON bool) {
	if _, ok := errors.AsType[run.Status](err); ok {
		return
	}
	if _, ok := errors.AsType[run.Signaled](err); ok {
		return
	}
	all := errs.All(err)
	if asJSON {
		doc := newErrorJSON(all[0])
		doc.Code = exitCode(err)
		for _, e := range all[1:] {
			doc.More = append(doc.More, newErrorJSON(e))
		}
		b, _ := json.Marshal(map[string]any{"error": doc})
		fmt.Fprintf(s.Err, "%s\n", b)
		return
	}
	for _, e := range all {
		fmt.Fprintf(s.Err, "skret: error: %s\n", ui.Safe(e.Error()))
		if h := errs.HintOf(e); h != "" {
			fmt.Fprintf(s.Err, "skret: hint: %s\n", ui.Safe(h))
		}
	}
}

// errorJSON is an error; More are those that go with it, without a code.
type errorJSON struct {
	Code    int         `json:"code,omitempty"`
	Kind    string      `json:"kind"`
	Message string      `json:"message"`
	Hint    string      `json:"hint"`
	More    []errorJSON `json:"more,omitempty"`
}

func newErrorJSON(err error) errorJSON {
	return errorJSON{Kind: errs.KindOf(err).String(), Message: ui.Safe(err.Error()), Hint: ui.Safe(errs.HintOf(err))}
}
