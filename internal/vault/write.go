package vault

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

var (
	// errMoved says that another process has changed the key meanwhile.
	errMoved = errors.New("the key of the sign-ins was changed by another process")
	// errNothing says that there is nothing to write.
	errNothing = errors.New("nothing to write")
)

// Put keeps a login: it makes the sign-in of c's service and name, or replaces
// it. It sets LoggedIn and Generation, and drops the sessions. The first sign-in
// of a service becomes its default; c.Default is not looked at.
//
// When the key is lost for good, Put makes a new one and drops, with a notice,
// what the old one sealed.
func (v *Vault) Put(ctx context.Context, c Credential, m Material) (Credential, error) {
	if err := check(c, m); err != nil {
		return Credential{}, err
	}
	var out Credential
	err := v.seal(ctx, true, nil, func(d *document, k *key) error {
		e := d.find(c.Service, c.Name)
		if e == nil {
			e = &entry{Service: c.Service, Name: c.Name, Default: len(d.of(c.Service)) == 0}
			d.Credentials = append(d.Credentials, e)
		}
		now := stored(v.o.Now())
		if !now.After(e.LoggedIn) {
			now = e.LoggedIn.Add(1) // the clock stands: it is another login all the same
		}
		e.Method, e.Meta, e.LoggedIn, e.Sessions = c.Method, maps.Clone(c.Meta), now, nil
		e.Generation++
		out = e.credential()
		return k.sealEntry(e, m)
	})
	return out, err
}

// Renew keeps new material and c.Meta for the same sign-in, and its sessions. The
// error has the kind Conflict unless what is kept is exactly c.
func (v *Vault) Renew(ctx context.Context, c Credential, m Material) (Credential, error) {
	if err := check(c, m); err != nil {
		return Credential{}, err
	}
	var out Credential
	same := func(d *document) error {
		if d.exactly(c) == nil {
			return movedOn(c)
		}
		return nil
	}
	err := v.seal(ctx, false, same, func(d *document, k *key) error {
		e := d.find(c.Service, c.Name)
		sessions := k.openSessions(e)
		e.Meta = maps.Clone(c.Meta)
		e.Generation++
		if err := k.sealEntry(e, m); err != nil {
			return err
		}
		err := k.sealSessions(e, sessions)
		out = e.credential()
		return err
	})
	return out, err
}

// PutSession keeps a session of c, in place of one with its key, and drops those
// that have expired. When c's sign-in is gone or another one, it does nothing.
func (v *Vault) PutSession(ctx context.Context, c Credential, s Session, m Material) error {
	err := check(c, m)
	if err == nil {
		err = checkText("a session", s.Key, s.Meta)
	}
	if err != nil {
		return err
	}
	if s.Key == "" {
		return errs.New(errs.Invalid, "a session of the sign-in %s has no key", c.label())
	}
	there := func(d *document) error {
		if e := d.find(c.Service, c.Name); e == nil || !e.is(c) {
			return errNothing
		}
		return nil
	}
	return v.seal(ctx, false, there, func(d *document, k *key) error {
		e := d.find(c.Service, c.Name)
		now := v.o.Now()
		e.Sessions = slices.DeleteFunc(e.Sessions, func(o session) bool { return o.Key == s.Key || !o.Expires.After(now) })
		e.Sessions = append(e.Sessions, session{Key: s.Key, Expires: stored(s.Expires), Meta: maps.Clone(s.Meta)})
		return k.sealSession(e, &e.Sessions[len(e.Sessions)-1], m)
	})
}

// Delete removes a sign-in; the first by name becomes the default when that goes.
// It needs no key. The error has the kind NotFound if there is none.
func (v *Vault) Delete(ctx context.Context, service, name string) error {
	return v.mark(ctx, service, name, func(d *document, e *entry) error {
		d.Credentials = slices.DeleteFunc(d.Credentials, func(o *entry) bool { return o == e })
		if rest := d.of(service); e.Default && len(rest) > 0 {
			rest[0].Default = true
		}
		return nil
	})
}

// SetDefault makes the sign-in its service's default. It needs no key. The error
// has the kind NotFound if there is none.
func (v *Vault) SetDefault(ctx context.Context, service, name string) error {
	return v.mark(ctx, service, name, func(d *document, e *entry) error {
		if e.Default {
			return errNothing
		}
		for _, o := range d.of(service) {
			o.Default = o == e
		}
		return nil
	})
}

// mark changes an entry in what needs no key.
func (v *Vault) mark(ctx context.Context, service, name string, change func(*document, *entry) error) error {
	if err := checkNames(service, name); err != nil {
		return err
	}
	d, err := v.load()
	if err != nil {
		return err
	}
	if d.find(service, name) == nil { // no lock, and no folder, for nothing
		return notFound(service, name)
	}
	return v.update(ctx, func(d *document) error {
		e := d.find(service, name)
		if e == nil {
			return notFound(service, name)
		}
		return change(d, e)
	})
}

// seal changes the file by what needs its key. The key is fetched, or made, and
// the user perhaps asked for it, before the file is locked; if the file has
// another one by then, all begins anew. allowed, if not nil, is asked before the
// key is fetched and again under the lock.
func (v *Vault) seal(ctx context.Context, login bool, allowed func(*document) error, change func(*document, *key) error) error {
	if allowed == nil {
		allowed = func(*document) error { return nil }
	}
	for range tries {
		d, err := v.load()
		if err == nil {
			err = allowed(d)
		}
		if err != nil {
			return unlessNothing(err)
		}
		k, err := v.keyForWriting(ctx, d, login)
		if err != nil {
			if now, lerr := v.load(); lerr == nil && now.header != d.header {
				continue // it has moved to another place
			}
			return err
		}
		var gone []*entry
		err = v.update(ctx, func(now *document) error {
			if now.header != d.header {
				return errMoved
			}
			if err := allowed(now); err != nil {
				return err
			}
			if k.header != now.header {
				gone = now.Credentials
				now.header, now.Credentials = k.header, nil
			}
			return change(now, k)
		})
		if k.header != d.header {
			v.settle(ctx, k, gone, err)
		}
		if err == nil && d.Store == "" && k.Store == KeyFile && v.o.KeyFile == "" {
			v.o.Notice("there is no OS keyring to use here: the key of your sign-ins is in " + v.ownKeyFile() +
				", which you alone may read. It protects a credentials.yaml that is copied or committed, not a home that others read; --store passphrase protects more")
		}
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return errs.New(errs.Conflict, "%w", errMoved).WithHint("try again")
}

// keyForWriting returns the file's key. For a login it makes one where there is
// none, where it is lost, and where it is not to be had but nothing needs it.
func (v *Vault) keyForWriting(ctx context.Context, d *document, login bool) (*key, error) {
	if d.Store != "" {
		k, err := v.key(ctx, d)
		if err == nil || !login || !isLost(err) && len(d.Credentials) > 0 {
			return k, err
		}
	}
	s := d.Store
	if s == "" {
		s = v.pick(ctx.Done())
	}
	return v.create(ctx, s)
}

// settle ends the making of a new key: it says what that means, or takes the key
// back if the file did not get it.
func (v *Vault) settle(ctx context.Context, k *key, gone []*entry, err error) {
	if err != nil {
		if now, lerr := v.load(); lerr == nil && now.header != k.header {
			v.forget(ctx, k.header)
		}
		return
	}
	var names []string
	for _, e := range gone {
		if v.lastSeen().find(e.Service, e.Name) == nil {
			names = append(names, e.Service+"/"+e.Name)
		}
	}
	if len(names) > 0 {
		v.o.Notice("the key of the sign-ins kept until now is lost, and they with it: sign in again to " + strings.Join(names, ", "))
	}
}

// update changes the file under its lock. change gets what the file holds then;
// it must not wait for anything, and nothing is written if it gives an error.
func (v *Vault) update(ctx context.Context, change func(*document) error) error {
	name, err := v.file()
	if err != nil {
		return err
	}
	if err := durable.PrivateDir(filepath.Dir(name)); err != nil {
		return err
	}
	var d *document
	err = durable.Update(ctx, name, 0o600, maxFile, func(old []byte) ([]byte, error) {
		d = &document{}
		if old != nil {
			if d, err = parse(name, old); err != nil {
				return nil, err
			}
		}
		if err := change(d); err != nil {
			return nil, err
		}
		return d.print()
	})
	if err != nil {
		return unlessNothing(err)
	}
	v.saw(d)
	return nil
}

func unlessNothing(err error) error {
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// check refuses a sign-in that cannot be kept as it is.
func check(c Credential, m Material) error {
	if err := checkNames(c.Service, c.Name); err != nil {
		return err
	}
	if err := checkText("the sign-in", c.Method, c.Meta); err != nil {
		return err
	}
	return checkText("the material", "", m.all())
}

// stored is how a time reads after it was written down.
func stored(t time.Time) time.Time { return t.UTC().Round(0) }
