// Package transfer carries secrets from one place to another: import, sync, copy
// and diff are its faces.
//
// A [Source] is read, a [Target] lists what it has, [Make] compares the two and
// says in a [Plan] what there is to do, and [Plan.Apply] does it. The plan is a
// pure function of what was read, so that a dry run cannot disagree with a real
// one, and everything that would be refused is known before the first write.
//
// # Write-only targets
//
// Many targets take values and never give them back. What was written there is
// remembered in a [State]: the source's version of each secret, or, where a
// source has none, a keyed hash of the value that is bound to the target and the
// name. Nothing of a value can be learnt from it without the key, which is kept
// in the user's vault.
//
// # Failures
//
// One secret that is refused does not keep the others back, unless the target
// refuses the user, or any more requests. Every success is written down before
// the next one begins, so that after a kill -9 the next run goes on where this
// one ended. At an interruption nothing new is begun, what is on the way is
// waited for, and what came of it is written down.
package transfer

import (
	"context"
	"fmt"

	"github.com/skret/skret/internal/secret"
)

// Source is a place that secrets are read from.
type Source interface {
	// Read returns all secrets of the place, by the names that it has for them,
	// in any order. One whose value cannot be had is among them, without a value
	// and with Hidden saying why. An error means that nothing is known.
	Read(ctx context.Context) ([]secret.Entry, error)
}

// Target is a place that secrets are written to. Its methods may be called by
// several goroutines at once.
type Target interface {
	// Rules says what the target takes. It makes no request.
	Rules() Rules

	// List returns what is there. The key of an entry is its name there. It has
	// a value if the target gives values back, and Modified if it says when it
	// was written last.
	List(ctx context.Context) ([]secret.Entry, error)

	// Put creates or replaces one secret. The key of e is its name there; was is
	// what List returned of it, nil if it was not there. When Put returns nil the
	// target has acknowledged the value.
	Put(ctx context.Context, e secret.Entry, was *secret.Entry) error

	// Delete removes secrets by their names there. One that is not there is no
	// error.
	Delete(ctx context.Context, names ...secret.Key) error
}

// Batcher is a target that writes several secrets in one step, all or none.
type Batcher interface {
	// BatchSize is how many go into one step; 0 is any number.
	BatchSize() int

	// PutAll is Put for several. The version of an entry is the one that List
	// returned, 0 if it was not there.
	PutAll(ctx context.Context, es []secret.Entry) error
}

// Rules are what a target takes: pure functions and numbers, by which a plan is
// judged before the first write.
type Rules struct {
	// Name returns the name that a key of the source has at the target. why is
	// the reason for which there can be none, as the end of "NAME cannot be
	// written: ..."; "" if there is one.
	Name func(k secret.Key) (name secret.Key, why string)

	// Same returns what two names have in common when they are one secret at the
	// target, such as the name in upper case. nil: only equal names are one.
	Same func(name secret.Key) string

	// Value returns why the target would refuse a value under this name, in the
	// words of Name; "" if it would not. nil: any value is taken.
	Value func(name secret.Key, v secret.Value) (why string)

	MaxNames int // how many secrets there may be; 0: any number
	MaxBytes int // how many bytes names and values may have together; 0: any number

	Readable bool // List gives values
	Workers  int  // how many requests at a time; 0 is 4
}

// same returns what a name has in common with those that are one with it: they
// are compared, and what is written is remembered, by that.
func (r Rules) same(name secret.Key) secret.Key {
	if r.Same == nil {
		return name
	}
	return secret.Key(r.Same(name))
}

// count writes a number of things: "1 secret", "3 secrets".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
