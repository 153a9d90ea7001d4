package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/skret/skret/internal/errs"
)

// errOtherKey says that a key is not the file's.
var errOtherKey = errors.New("it is another key")

// lostKey is the error of a key that is gone for good: its place can be looked
// into, and does not have it.
type lostKey struct{ cause *errs.Error }

func (l *lostKey) Error() string { return l.cause.Error() }
func (l *lostKey) Unwrap() error { return l.cause }

func lost(format string, args ...any) error {
	return &lostKey{errs.New(errs.Auth, "open the sign-ins: %w", fmt.Errorf(format, args...)).
		WithHint("bring the key back, or sign in again with skret auth login: that makes a new key and drops what the old one sealed")}
}

func isLost(err error) bool {
	_, is := errors.AsType[*lostKey](err)
	return is
}

// key returns the key that d's material is sealed with: from SKRET_KEY_FILE if
// that is set, whatever the file says.
func (v *Vault) key(ctx context.Context, d *document) (*key, error) {
	if v.o.KeyFile == "" {
		return v.keyInPlace(ctx, d)
	}
	instead := "unset SKRET_KEY_FILE: the key is in " + v.place(d.Store, false)
	if d.Store == KeyFile {
		instead = "let SKRET_KEY_FILE name the file that has it; without SKRET_KEY_FILE that is " + v.ownKeyFile()
	}
	k, err := v.fetched(d, v.namedKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.New(errs.Auth, "open the sign-ins: SKRET_KEY_FILE: %w", err).WithHint("%s", instead)
	case errors.Is(err, errOtherKey):
		return nil, errs.New(errs.Auth, "open the sign-ins: the key in %s (SKRET_KEY_FILE) is not theirs", v.o.KeyFile).WithHint("%s", instead)
	}
	return k, err
}

// keyInPlace returns d's key from the place that d names. Another key there means
// that ours is gone.
func (v *Vault) keyInPlace(ctx context.Context, d *document) (*key, error) {
	k, err := v.fetched(d, func() ([]byte, error) { return v.fetch(ctx, d) })
	if errors.Is(err, errOtherKey) {
		return nil, lost("the key in %s is not theirs", v.place(d.Store, false))
	}
	return k, err
}

// fetched makes d's key from what fetch returns. That is called once; who comes
// meanwhile waits, so that nothing is asked twice.
func (v *Vault) fetched(d *document, fetch func() ([]byte, error)) (*key, error) {
	if d.Store == Plaintext {
		return &key{header: d.header}, nil
	}
	v.keyMu.Lock()
	defer v.keyMu.Unlock()
	if v.opened != nil && v.opened.header == d.header {
		return v.opened, nil
	}
	raw, err := fetch()
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	k, err := derive(raw, d.Key.ID)
	if err != nil {
		return nil, err
	}
	if k.Key.Check != d.Key.Check {
		return nil, errOtherKey
	}
	k.header = d.header
	v.opened = k
	return k, nil
}

// fetch gets the key's bytes from the place that d names.
func (v *Vault) fetch(ctx context.Context, d *document) ([]byte, error) {
	switch d.Store {
	case Keyring:
		return v.ringGet(ctx, d.Key.ID)
	case KeyFile:
		return v.ownKey()
	}
	return v.unwrap(ctx, d.Key.Wrapped)
}

// pick chooses a store where none has been chosen.
func (v *Vault) pick(done <-chan struct{}) Store {
	switch {
	case v.o.KeyFile != "":
		return KeyFile
	case v.o.PassphraseFile != "":
		return Passphrase
	case v.probe(done):
		return Keyring
	}
	return KeyFile
}

// create makes a key and puts it in its place.
func (v *Vault) create(ctx context.Context, s Store) (*key, error) {
	if s == Plaintext {
		return &key{header: header{Store: s}}, nil
	}
	raw, id, wrapped := newKey(), rand.Text(), ""
	var err error
	switch s {
	case Keyring:
		err = v.ringPut(ctx, id, raw)
	case KeyFile:
		raw, err = v.ensureKeyFile(ctx, raw)
	case Passphrase:
		wrapped, err = v.wrap(ctx, raw)
	}
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	k, err := derive(raw, id)
	if err != nil {
		return nil, err
	}
	k.Store, k.Key.Wrapped = s, wrapped
	v.keyMu.Lock()
	defer v.keyMu.Unlock()
	v.opened = k
	return k, nil
}

// forget removes a key from its place, as far as that is ours: a key file may be
// that of another process by now, and one that was named is the user's.
func (v *Vault) forget(ctx context.Context, h header) {
	if h.Store != Keyring {
		return
	}
	if err := v.ringDelete(ctx, h.Key.ID); err != nil {
		v.o.Notice("an old key of skret's is still in the OS keyring, and opens nothing any more")
	}
}

// place says in words where a key is in this store.
func (v *Vault) place(s Store, named bool) string {
	switch {
	case s == Plaintext:
		return "nowhere: the sign-ins are in clear"
	case named:
		return "key file " + v.o.KeyFile + " (SKRET_KEY_FILE)"
	case s == Keyring:
		return "the OS keyring"
	case s == KeyFile:
		return "key file " + v.ownKeyFile()
	}
	return "the file itself, under a passphrase"
}
