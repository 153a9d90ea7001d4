package run

import (
	"fmt"

	"github.com/skret/skret/internal/errs"
)

// The exit codes of a command that was not started, those of shells and env(1).
const (
	CodeFailed        = 125 // skret failed before the start
	CodeNotExecutable = 126 // the program was found and cannot be executed
	CodeNotFound      = 127 // there is no such program
)

// CommandError says why a program cannot be started.
type CommandError struct {
	Code int // CodeFailed, CodeNotExecutable or CodeNotFound
	err  error
}

func (e *CommandError) Error() string { return e.err.Error() }

// Unwrap returns the cause, which has a kind and a hint.
func (e *CommandError) Unwrap() error { return e.err }

// Status is the exit status of a command that Exec waited for, when it is not
// 0. It is no failure of skret's, and nothing is to be said about it.
type Status int

func (s Status) Error() string { return fmt.Sprintf("the command ended with exit status %d", int(s)) }

// ExitCode returns the status.
func (s Status) ExitCode() int { return int(s) }

func notFound(name, hint string) error {
	return &CommandError{CodeNotFound, errs.New(errs.NotFound, "command %q not found", name).WithHint("%s", hint)}
}

func notExecutable(name, why, hint string) error {
	return &CommandError{CodeNotExecutable, errs.New(errs.Invalid, "command %q cannot be executed: %s", name, why).WithHint("%s", hint)}
}
