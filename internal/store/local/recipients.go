package local

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// parseRecipient reads a public key: of age, or a line of an authorized_keys
// file of type ed25519 or rsa.
func parseRecipient(s string) (age.Recipient, error) {
	var r age.Recipient
	var err error
	if strings.HasPrefix(s, "ssh-") {
		r, err = agessh.ParseRecipient(s)
	} else {
		var all []age.Recipient
		if all, err = age.ParseRecipients(strings.NewReader(s)); err == nil && len(all) == 1 {
			r = all[0]
		}
	}
	if err == nil && r == nil || strings.ContainsAny(s, "\r\n") {
		err = errors.New("more or less than one key")
	}
	if err != nil {
		e := errs.New(errs.Invalid, "recipient %q: this is not a public key", s)
		if strings.Contains(s, "SECRET-KEY") || strings.Contains(s, "PRIVATE") {
			e = errs.New(errs.Invalid, "a recipient is a public key, and this is a private one")
		}
		return nil, e.WithHint("give an age key (age1...) or an ssh key (ssh-ed25519 ... or ssh-rsa ...)")
	}
	return r, nil
}

// parseRecipients reads all, and reports all that are wrong.
func parseRecipients(all []string) ([]age.Recipient, error) {
	rs := make([]age.Recipient, 0, len(all))
	var probs []error
	for _, s := range all {
		r, err := parseRecipient(s)
		if err != nil {
			probs = append(probs, err)
		}
		rs = append(rs, r)
	}
	return rs, errors.Join(probs...)
}

// sameRecipient compares the keys, not the comments behind ssh keys.
func sameRecipient(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return slices.Equal(x[:min(2, len(x))], y[:min(2, len(y))])
}

func hasRecipient(all []string, r string) bool {
	return slices.ContainsFunc(all, func(have string) bool { return sameRecipient(have, r) })
}

// addRecipients returns all with those of more that it has not, tidied.
func addRecipients(all []string, more ...string) []string {
	all = slices.Clone(all)
	for _, r := range more {
		if r = strings.Join(strings.Fields(r), " "); !hasRecipient(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// wrap encrypts the data key for the recipients.
func wrap(data []byte, recipients []string) (string, error) {
	rs, err := parseRecipients(recipients)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, rs...)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", errs.New(errs.Invalid, "seal for the recipients: %w", err)
	}
	return coding.EncodeToString(out.Bytes()), nil
}

// unlock opens the document's data key and checks the document with it.
func (s *Store) unlock(ctx context.Context, d *document) (*keys, error) {
	s.mu.Lock()
	ks := s.opened[d.id+d.wrapped]
	s.mu.Unlock()
	if ks == nil {
		data, err := s.unwrap(ctx, d)
		if err != nil {
			return nil, err
		}
		if ks, err = deriveKeys(data, d.id); err != nil {
			return nil, s.damaged("%w", err)
		}
	}
	if !ks.verify(d) {
		return nil, s.tampered(ks, d)
	}
	s.mu.Lock()
	s.opened[d.id+d.wrapped] = ks
	s.mu.Unlock()
	return ks, nil
}

// unwrap decrypts the data key.
func (s *Store) unwrap(ctx context.Context, d *document) ([]byte, error) {
	sealedFor := "sealed for " + strings.Join(d.recipients, ", ")
	me, err := s.identify(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s, %s: %w", s.o.File, sealedFor, err)
	}
	box, err := coding.DecodeString(d.wrapped)
	if err != nil {
		return nil, s.damaged("the data key is damaged")
	}
	r, err := age.Decrypt(bytes.NewReader(box), me.keys...)
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(r, dataKeySize+1))
	}
	if err == nil {
		return data, nil
	}
	_, nobody := errors.AsType[*age.NoIdentityMatchError](err)
	if nobody && !slices.ContainsFunc(me.recipients, func(r string) bool { return hasRecipient(d.recipients, r) }) {
		return nil, errs.New(errs.Auth, "store %s is %s, and not for you", s.o.File, sealedFor).
			WithHint("ask one of them to run: skret local recipients add %s", errs.Word(me.recipients[0]))
	}
	return nil, s.damaged("the data key is damaged")
}

// tampered is the error about a document whose mac is wrong; it says what is.
func (s *Store) tampered(ks *keys, d *document) error {
	var broken []string
	o := &opener{keys: ks, id: d.id}
	for _, l := range d.lines {
		if _, err := o.open(l); err != nil && !l.deleted {
			broken = append(broken, fmt.Sprintf("%s#%d", l.key, l.version))
		}
	}
	if len(broken) > 0 {
		return s.damaged("it was changed outside skret, or is damaged: %s", strings.Join(broken, ", "))
	}
	return s.damaged("it was changed outside skret: every value is intact, but lines were added, removed or changed")
}

// Recipients returns for whom the store is sealed. It needs no identity.
func (s *Store) Recipients() ([]string, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	if c.sealed == nil {
		return nil, s.notSealed(c)
	}
	return c.sealed.recipients, nil
}

// notSealed is the error about a store that has no recipients.
func (s *Store) notSealed(c content) error {
	if c.plain != nil {
		return errs.New(errs.Invalid, "store %s is in clear and has no recipients", s.o.File).WithHint("seal it first: skret local encrypt")
	}
	return errs.New(errs.NotFound, "there is no store %s yet", s.o.File).
		WithHint("the first skret set makes it, for you and for what recipients: in the configuration lists")
}

// AddRecipients seals the data key for more recipients and returns which of them
// are new. The secrets stay as they are.
func (s *Store) AddRecipients(ctx context.Context, more []string) (added []string, err error) {
	if _, err := parseRecipients(more); err != nil {
		return nil, err
	}
	err = s.change(ctx, func(d *document, ks *keys) (*keys, error) {
		all := addRecipients(d.recipients, more...)
		added = all[len(d.recipients):]
		if len(added) == 0 {
			return nil, nil
		}
		var err error
		d.recipients = all
		d.wrapped, err = wrap(ks.data, all)
		return ks, err
	})
	return added, err
}

// RemoveRecipients seals everything anew, under a new data key, for those who
// stay. What they could read before they may have kept.
func (s *Store) RemoveRecipients(ctx context.Context, gone []string) error {
	return s.change(ctx, func(d *document, ks *keys) (*keys, error) {
		for _, r := range gone {
			if !hasRecipient(d.recipients, r) {
				return nil, errs.New(errs.NotFound, "%s is not sealed for %q", s.o.File, r).
					WithHint("skret local recipients list shows for whom it is")
			}
		}
		d.recipients = slices.DeleteFunc(d.recipients, func(r string) bool { return hasRecipient(gone, r) })
		me, err := s.identify(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(me.recipients, func(r string) bool { return hasRecipient(d.recipients, r) }) {
			return nil, errs.New(errs.Invalid, "this would leave you without access to %s", s.o.File).
				WithHint("another recipient can remove you")
		}
		return reseal(d, ks)
	})
}

// reseal seals the document under a new data key.
func reseal(d *document, ks *keys) (*keys, error) {
	fresh, err := deriveKeys(newDataKey(), d.id)
	if err != nil {
		return nil, err
	}
	o := &opener{keys: ks, id: d.id}
	for i, l := range d.lines {
		if l.deleted {
			continue
		}
		v, err := o.open(l)
		if err != nil {
			return nil, errs.New(errs.Backend, "%w", err)
		}
		d.lines[i] = fresh.seal(d.id, l, v)
	}
	d.wrapped, err = wrap(fresh.data, d.recipients)
	return fresh, err
}

// change changes a sealed store under its lock. edit returns the keys that the
// document is sealed with then, or nil to leave it as it is.
func (s *Store) change(ctx context.Context, edit func(*document, *keys) (*keys, error)) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	if c.sealed == nil {
		return s.notSealed(c)
	}
	// Before the lock is taken: it may have to ask for a passphrase.
	if _, err := s.unlock(ctx, c.sealed); err != nil {
		return err
	}
	return durable.Update(ctx, s.o.File, storeMode, MaxFile, func(old []byte) ([]byte, error) {
		c, err := s.parse(old)
		if err != nil {
			return nil, err
		}
		if c.sealed == nil {
			return nil, s.notSealed(c)
		}
		ks, err := s.unlock(ctx, c.sealed)
		if err != nil {
			return nil, err
		}
		if ks, err = edit(c.sealed, ks); err != nil || ks == nil {
			return nil, err
		}
		return []byte(c.sealed.print(ks.sum)), nil
	})
}

// sshIdentity makes an identity of a private key of ssh.
func sshIdentity(key any) (age.Identity, error) {
	switch k := key.(type) {
	case *ed25519.PrivateKey:
		return agessh.NewEd25519Identity(*k)
	case ed25519.PrivateKey:
		return agessh.NewEd25519Identity(k)
	case *rsa.PrivateKey:
		return agessh.NewRSAIdentity(k)
	}
	return nil, errors.New("a type that cannot decrypt")
}
