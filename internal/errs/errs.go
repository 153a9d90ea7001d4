// Package errs gives an error its kind and its next step.
//
// The package that knows what went wrong makes the error with [New] and says
// its [Kind] once, and perhaps one hint: what the user can do now. Everyone
// above wraps with fmt.Errorf and %w, saying what it was doing. Only the
// command line turns a kind into an exit code.
//
// A message names the operation, the object and the cause, in lower case,
// without a full stop. It never holds a secret, and never what a server sent
// unless that was cut and neutralised.
package errs

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is. The kinds are those of the
// table of exit codes in the manual.
type Kind uint8

// The kinds of failure.
const (
	Unclassified Kind = iota // none of the others, and trouble with local files
	Config                   // the configuration is missing or wrong
	Backend                  // the service or the store refused or failed
	Auth                     // no identity, an expired one, or the wrong one
	NotFound                 // what was asked for does not exist
	Conflict                 // it exists already, or changed in the meantime
	Network                  // no answer, timed out, or throttled to the end
	Invalid                  // wrong input or wrong usage
	Drift                    // a difference was found, and was asked about
	Leak                     // a secret was found where none may be
)

// ErrFailed is in the error of a service that failed by itself: it refused
// nothing.
var ErrFailed = errors.New("the service failed")

var names = [...]string{"unclassified", "config", "backend", "auth", "not_found", "conflict", "network", "invalid", "drift", "leak"}

// String returns the kind's name as it stands in JSON errors.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Unclassified]
}

// Error is an error with a kind and, perhaps, a hint.
type Error struct {
	Kind Kind
	Hint string // the next step, as a sentence without a full stop; may be empty
	err  error
}

// New returns an error of kind k. The format takes %w.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, err: fmt.Errorf(format, args...)}
}

// WithHint returns the error with the next step set.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// KindOf returns the outermost kind that is set in err, in its first branch that
// has one. A deadline that passed without a kind of its own is Network; anything
// else is Unclassified.
func KindOf(err error) Kind {
	if e := find(err, func(e *Error) bool { return e.Kind != Unclassified }); e != nil {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Network
	}
	return Unclassified
}

// HintOf returns the first hint in err, outermost first, or "".
func HintOf(err error) string {
	if e := find(err, func(e *Error) bool { return e.Hint != "" }); e != nil {
		return e.Hint
	}
	return ""
}

// find walks err's tree, outermost first, for an *Error that ok accepts.
func find(err error, ok func(*Error) bool) *Error {
	if e, is := err.(*Error); is && ok(e) { //nolint:errorlint // the walk below is the unwrapping
		return e
	}
	switch u := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if next := u.Unwrap(); next != nil {
			return find(next, ok)
		}
	case interface{ Unwrap() []error }:
		for _, next := range u.Unwrap() {
			if e := find(next, ok); e != nil {
				return e
			}
		}
	}
	return nil
}

// All returns the errors that errors.Join put together, or err alone. Only joins
// at the top are taken apart: what was wrapped since is one error.
func All(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, All(e)...)
	}
	return all
}

// Each wraps every error of [All] with what was being done.
func Each(doing string, err error) error {
	var all []error
	for _, e := range All(err) {
		all = append(all, fmt.Errorf("%s: %w", doing, e))
	}
	return errors.Join(all...)
}
