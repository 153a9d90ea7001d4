// Package store says what a place that holds secrets can do.
//
// A [Store] is rooted at one environment: its keys are relative to the
// environment's path. The stores are in the packages below this one; each
// passes the suite of package storetest. What only some stores can do is a
// second, small interface, found by type assertion.
package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Store is a place that holds secrets. Its methods may be called by several
// goroutines at once. Errors carry a kind of package errs.
type Store interface {
	// Names returns all entries whose key starts with prefix ("" for all),
	// sorted by key, without values and without decrypting anything.
	Names(ctx context.Context, prefix secret.Key) ([]secret.Entry, error)

	// Get returns the entries of exactly these keys with their values, in the
	// order asked. Missing keys give an error of kind NotFound that names all of
	// them. Entries that cannot be read are left out and named by an
	// *Unreadable error, which comes with the entries that can.
	Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error)

	// List is Names with values. An *Unreadable error comes with the entries
	// that can be read.
	List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error)

	// Put writes one secret and returns its new version. When it returns nil
	// the value is kept: on disk and flushed, or acknowledged by the service.
	// Of e it uses Key, Value, Type, Description and Tags; an empty Type means
	// the type that the secret has, or the store's default.
	Put(ctx context.Context, e secret.Entry, o PutOptions) (version int64, err error)

	// Delete removes the secrets. Missing keys give a [*Missing] error, after
	// the others were removed.
	Delete(ctx context.Context, keys ...secret.Key) error
}

// PutOptions are the conditions of a write.
type PutOptions struct {
	// Expect is the version that the secret must have, as a condition:
	// AnyVersion for none, 0 for "must not exist", EachVersion for that of the
	// entry. When it differs, Put returns an error of kind Conflict and has
	// written nothing.
	Expect int64
}

// The conditions of [PutOptions.Expect] that are no version.
const (
	AnyVersion  int64 = -1 // whatever it is
	EachVersion int64 = -2 // the Version of the entry that is written
)

// Historian is a store that keeps earlier versions.
type Historian interface {
	// History returns the versions that are kept, oldest first, with values,
	// deletions included. A key that never existed gives NotFound.
	History(ctx context.Context, k secret.Key) ([]secret.Entry, error)
}

// Checker is a store with rules of its own for what is written.
type Checker interface {
	// Check tells what the store would refuse of e, all at once, without a
	// request. Put does the same by itself.
	Check(e secret.Entry) error
}

// Batcher is a store that writes several secrets in one step: all or none.
type Batcher interface {
	// PutAll is Put for several secrets. It returns the new versions in order.
	PutAll(ctx context.Context, es []secret.Entry, o PutOptions) (versions []int64, err error)
}

// Timeline is a store that can tell what it had at an earlier time.
type Timeline interface {
	// Versions returns every version that is kept of every secret, deletions
	// included, sorted by key, then by version.
	Versions(ctx context.Context) ([]secret.Entry, error)
}

// Identified is a store of which there can be several in one place, one after
// the other.
type Identified interface {
	// ID tells this one from others; "" if it has none. It makes no request.
	ID() (string, error)
}

// Unreadable is the error that goes with a partial result.
type Unreadable struct {
	Keys []secret.Key
	Err  error // why, for the first of them; carries the kind
}

func (e *Unreadable) Error() string {
	return fmt.Sprintf("cannot read %s: %v", secret.Join(e.Keys), e.Err)
}

// Unwrap returns the cause.
func (e *Unreadable) Unwrap() error { return e.Err }

// Entries are those that cannot be read, without a value; each says why.
func (e *Unreadable) Entries() []secret.Entry {
	es := make([]secret.Entry, len(e.Keys))
	for i, k := range e.Keys {
		es[i] = secret.Entry{Key: k, Hidden: e.Err.Error()}
	}
	return es
}

// Missing is the error of keys that do not exist.
type Missing struct {
	Keys []secret.Key
	Err  error // says so; of kind NotFound
}

// NewMissing returns the error of keys that are not in a place, such as "below
// /myapp/prod". asked are the keys that the environment is limited to, if it is.
func NewMissing(missing, asked []secret.Key, place string) *Missing {
	hint := "see what there is with skret list"
	switch {
	case len(asked) == 0:
	case slices.Contains(asked, missing[0]):
		hint = "keys: in the configuration lists it: set it with skret set, or take it out there"
	default:
		hint = "only what keys: in the configuration lists is read"
	}
	return &Missing{missing, errs.New(errs.NotFound, "not found %s: %s", place, secret.Join(missing)).WithHint("%s", hint)}
}

func (e *Missing) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Missing) Unwrap() error { return e.Err }

// Others are those of the keys that do exist.
func (e *Missing) Others(keys []secret.Key) []secret.Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k secret.Key) bool { return slices.Contains(e.Keys, k) })
}
