package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// Backend tells where the key is now, as a word and in words; before the first
// login, where it would be, which may put the keyring to the test.
func (v *Vault) Backend() (Store, string, error) {
	d, err := v.load()
	if err != nil {
		return "", "", err
	}
	s := d.Store
	if s == "" {
		s = v.pick(nil)
	}
	if v.o.KeyFile != "" && s != Plaintext && (d.Store == "" || d.Store == KeyFile || v.namedKeyFits(d)) {
		return KeyFile, v.place(KeyFile, true), nil
	}
	return s, v.place(s, false), nil
}

// namedKeyFits tells whether SKRET_KEY_FILE has d's key.
func (v *Vault) namedKeyFits(d *document) bool {
	raw, err := v.namedKey()
	if err != nil {
		return false
	}
	k, err := derive(raw, d.Key.ID)
	return err == nil && k.Key.Check == d.Key.Check
}

// Choose moves to another store, and remembers that. All material is sealed with
// a new key in one write; then the old key is removed from its place, unless that
// is a file that the user named. The store that is in use is left as it is.
func (v *Vault) Choose(ctx context.Context, s Store) error {
	if !slices.Contains([]Store{Keyring, KeyFile, Passphrase, Plaintext}, s) {
		return errs.New(errs.Invalid, "there is no store %q for sign-ins", s).WithHint("use keyring, keyfile, passphrase or plaintext")
	}
	for range tries {
		d, err := v.load()
		if err != nil || d.Store == s {
			return err
		}
		err = v.move(ctx, d, s)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return errs.New(errs.Conflict, "%w", errMoved).WithHint("try again")
}

// move seals all of d's material with a key in the store s.
func (v *Vault) move(ctx context.Context, d *document, s Store) error {
	var old *key
	if len(d.Credentials) > 0 {
		var err error
		if old, err = v.key(ctx, d); err != nil && v.o.KeyFile != "" { // it names the new place, perhaps
			old, err = v.keyInPlace(ctx, d)
		}
		if err != nil && !isLost(err) {
			return err
		}
	}
	k, err := v.create(ctx, s)
	if err != nil {
		return err
	}
	var gone []*entry
	err = v.update(ctx, func(now *document) error {
		if now.header != d.header {
			return errMoved
		}
		now.header = k.header
		if old == nil {
			gone, now.Credentials = now.Credentials, nil
		}
		for _, e := range now.Credentials {
			if err := reseal(e, old, k); err != nil {
				return err
			}
		}
		return nil
	})
	v.settle(ctx, k, gone, err)
	if err != nil {
		return err
	}
	v.forget(ctx, d.header)
	if d.Store == KeyFile && v.o.KeyFile == "" {
		if err := durable.Remove(v.ownKeyFile()); err != nil {
			v.o.Notice("an old key of skret's is still in " + v.ownKeyFile() + ", and opens nothing any more")
		}
	}
	return nil
}

// reseal seals with k what old opens.
func reseal(e *entry, old, k *key) error {
	m, err := old.openEntry(e)
	if err != nil {
		return err
	}
	sessions := old.openSessions(e)
	if err := k.sealEntry(e, m); err != nil {
		return err
	}
	return k.sealSessions(e, sessions)
}
