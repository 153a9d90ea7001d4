package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// storeMode is the mode of a new store, less the umask: it is sealed. A plain
// one is for its owner.
const (
	storeMode = 0o666
	plainMode = 0o600
)

// Put writes one secret.
func (s *Store) Put(ctx context.Context, e secret.Entry, o store.PutOptions) (version int64, err error) {
	vs, err := s.PutAll(ctx, []secret.Entry{e}, o)
	if err != nil {
		return 0, err
	}
	return vs[0], nil
}

// PutAll writes all of them or none.
func (s *Store) PutAll(ctx context.Context, es []secret.Entry, o store.PutOptions) (versions []int64, err error) {
	if err := checkEntries(es); err != nil {
		return nil, err
	}
	err = s.update(ctx, func(d *document, ks *keys) error {
		versions = versions[:0]
		var probs []error
		for _, e := range es {
			v, err := s.put(d, ks, e, o)
			probs = append(probs, err)
			versions = append(versions, v)
		}
		return errors.Join(probs...)
	}, func(p *plainFile) error {
		versions = versions[:0]
		for _, e := range es {
			if err := p.put(e, o); err != nil {
				return err
			}
			versions = append(versions, 1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

// checkEntries reports everything that this store cannot keep.
func checkEntries(es []secret.Entry) error {
	var probs []error
	bad := func(format string, args ...any) {
		probs = append(probs, errs.New(errs.Invalid, format, args...))
	}
	seen := map[secret.Key]bool{}
	for _, e := range es {
		if _, err := secret.ParseKey(string(e.Key)); err != nil {
			probs = append(probs, err)
		}
		if seen[e.Key] {
			bad("key %q is given twice", e.Key)
		}
		seen[e.Key] = true
		if n := e.Value.Len(); n > MaxValue {
			bad("the value of %s has %d bytes, and the local store takes %d", e.Key, n, MaxValue)
		}
		if len(e.Description) > MaxDescription || !utf8.ValidString(e.Description) {
			bad("the description of %s is not text of at most %d bytes", e.Key, MaxDescription)
		}
		if e.Type != "" || len(e.Tags) > 0 {
			bad("%s: the local store has no types and no tags", e.Key)
		}
	}
	return errors.Join(probs...)
}

// put adds a version.
func (s *Store) put(d *document, ks *keys, e secret.Entry, o store.PutOptions) (int64, error) {
	last, ok := d.last(e.Key)
	exists := ok && !last.deleted
	if o.Expect == store.EachVersion {
		o.Expect = e.Version
	}
	if err := checkExpect(e.Key, last.version, exists, o); err != nil {
		return 0, err
	}
	l := line{key: e.Key, version: last.version + 1, time: formatTime(s.o.Now()), description: e.Description}
	if l.description == "" && exists {
		l.description = last.description
	}
	d.add(ks.seal(d.id, l, e.Value.Reveal()))
	return l.version, nil
}

// checkExpect judges the condition of a write.
func checkExpect(k secret.Key, version int64, exists bool, o store.PutOptions) error {
	switch {
	case o.Expect == store.AnyVersion:
		return nil
	case !exists && o.Expect != 0:
		return errs.New(errs.Conflict, "%s does not exist, and version %d was expected", k, o.Expect)
	case exists && o.Expect == 0:
		return errs.New(errs.Conflict, "%s exists already, in version %d", k, version)
	case exists && o.Expect != version:
		return errs.New(errs.Conflict, "%s is in version %d, and version %d was expected", k, version, o.Expect).
			WithHint("look at what changed: skret history %s", errs.Word(string(k)))
	}
	return nil
}

// ID is that of the sealed file; a store in clear has none.
func (s *Store) ID() (string, error) {
	c, err := s.load()
	if err != nil || c.sealed == nil {
		return "", err
	}
	return c.sealed.id, nil
}

// Versions is the method of [store.Timeline].
func (s *Store) Versions(ctx context.Context) ([]secret.Entry, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	switch {
	case c.plain != nil:
		return nil, errs.New(errs.Invalid, "store %s keeps no earlier versions", s.o.File).WithHint("skret local encrypt makes it one that does")
	case c.sealed == nil: // there was never anything
		return nil, nil
	}
	lines := slices.Clone(c.sealed.lines)
	if len(s.o.Keys) > 0 {
		lines = slices.DeleteFunc(lines, func(l line) bool { return !slices.Contains(s.o.Keys, l.key) })
	}
	return s.open(ctx, c.sealed, lines)
}

// Delete removes the secrets: their last version says so, and the earlier ones
// stay until newer ones push them out.
func (s *Store) Delete(ctx context.Context, ks ...secret.Key) error {
	var missing []secret.Key
	c, err := s.load()
	if err != nil {
		return err
	}
	if c.sealed == nil && c.plain == nil { // do not make a store to delete from
		return s.notFound(ks)
	}
	err = s.update(ctx, func(d *document, _ *keys) error {
		missing = nil
		for _, k := range ks {
			last, ok := d.last(k)
			if !ok || last.deleted {
				missing = append(missing, k)
				continue
			}
			d.add(line{key: k, version: last.version + 1, time: formatTime(s.o.Now()), deleted: true})
		}
		return nil
	}, func(p *plainFile) error {
		missing = nil
		for _, k := range ks {
			if !p.remove(k) {
				missing = append(missing, k)
			}
		}
		return nil
	})
	if err == nil && len(missing) > 0 {
		err = s.notFound(missing)
	}
	return err
}

// History returns the versions that are kept of k, oldest first. A plain store
// has none.
func (s *Store) History(ctx context.Context, k secret.Key) ([]secret.Entry, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	if c.plain != nil {
		if _, ok := c.plain.values[k]; !ok {
			return nil, s.notFound([]secret.Key{k})
		}
		return nil, errs.New(errs.Invalid, "history of %s: a store in clear keeps no earlier versions", k).
			WithHint("skret local encrypt makes it one that does")
	}
	if c.sealed == nil {
		return nil, s.notFound([]secret.Key{k})
	}
	from, to := c.sealed.versions(k)
	if from == to {
		return nil, s.notFound([]secret.Key{k})
	}
	return s.open(ctx, c.sealed, c.sealed.lines[from:to])
}

// open returns the entries of lines, with their values.
func (s *Store) open(ctx context.Context, d *document, lines []line) ([]secret.Entry, error) {
	ks, err := s.unlock(ctx, d)
	if err != nil {
		return nil, err
	}
	o := &opener{keys: ks, id: d.id}
	es := make([]secret.Entry, 0, len(lines))
	for _, l := range lines {
		e := l.entry()
		if !l.deleted {
			v, err := o.open(l)
			if err != nil {
				return nil, s.damaged("%w", err)
			}
			e.Value = secret.NewValue(v)
		}
		es = append(es, e)
	}
	return es, nil
}

// update changes the store under its lock, by the one of the two functions that
// is for its format. A store that does not exist is made. Nothing is written
// when the function fails.
func (s *Store) update(ctx context.Context, sealed func(*document, *keys) error, plain func(*plainFile) error) error {
	// Whatever may have to ask or to make an identity comes before the lock.
	c, err := s.load()
	if err != nil {
		return err
	}
	switch {
	case c.sealed != nil:
		_, err = s.unlock(ctx, c.sealed)
	case c.plain == nil:
		if _, err = s.ensureIdentity(ctx); err == nil {
			_, err = s.identify(ctx)
		}
	}
	if err != nil {
		return err
	}
	var mode fs.FileMode = storeMode
	if c.plain != nil {
		mode = plainMode
	}
	made := false
	err = durable.Update(ctx, s.o.File, mode, MaxFile, func(old []byte) ([]byte, error) {
		if old == nil {
			d, ks, err := s.create(ctx)
			if err != nil {
				return nil, err
			}
			made = true
			return s.edit(d, ks, sealed)
		}
		c, err := s.parse(old)
		if err != nil {
			return nil, err
		}
		if c.plain != nil {
			if err := plain(c.plain); err != nil {
				return nil, err
			}
			return c.plain.print()
		}
		ks, err := s.unlock(ctx, c.sealed)
		if err != nil {
			return nil, err
		}
		return s.edit(c.sealed, ks, sealed)
	})
	if err == nil && made {
		s.sayCreated()
	}
	return err
}

// edit applies f and prints the document.
func (s *Store) edit(d *document, ks *keys, f func(*document, *keys) error) ([]byte, error) {
	if err := f(d, ks); err != nil {
		return nil, err
	}
	return []byte(d.print(ks.sum)), nil
}

// create returns a new, empty document, sealed for the user and for those that
// the configuration names.
func (s *Store) create(ctx context.Context) (*document, *keys, error) {
	me, err := s.identify(ctx)
	if err != nil {
		return nil, nil, err
	}
	d := &document{id: strings.ToLower(rand.Text()), recipients: addRecipients(nil, append(me.recipients[:1:1], s.o.Recipients...)...)}
	ks, err := deriveKeys(newDataKey(), d.id)
	if err != nil {
		return nil, nil, err
	}
	if d.wrapped, err = wrap(ks.data, d.recipients); err != nil {
		return nil, nil, fmt.Errorf("make %s: %w", s.o.File, err)
	}
	return d, ks, nil
}

func (s *Store) sayCreated() {
	rs, err := s.Recipients()
	if err != nil {
		return // another process may have changed it since
	}
	who := "you"
	if n := len(rs) - 1; n == 1 {
		who += " and one other recipient"
	} else if n > 1 {
		who += fmt.Sprintf(" and %d other recipients", n)
	}
	s.o.Notice("made " + s.o.File + ", sealed for " + who + "; it can be committed")
}

// Encrypt converts a store in clear to a sealed one, in one step, and returns
// how many secrets it has. A sealed one is left as it is: changed is false.
func (s *Store) Encrypt(ctx context.Context) (secrets int, changed bool, err error) {
	c, err := s.load()
	if err != nil {
		return 0, false, err
	}
	switch {
	case c.sealed != nil:
		return len(c.sealed.current()), false, nil
	case c.plain == nil:
		return 0, false, s.notSealed(c)
	}
	if _, err := s.ensureIdentity(ctx); err != nil {
		return 0, false, err
	}
	if _, err := s.identify(ctx); err != nil {
		return 0, false, err
	}
	err = durable.Update(ctx, s.o.File, storeMode, MaxFile, func(old []byte) ([]byte, error) {
		c, err := s.parse(old)
		if err != nil {
			return nil, err
		}
		if c.sealed != nil {
			return nil, errs.New(errs.Conflict, "another process has sealed %s meanwhile", s.o.File)
		}
		d, ks, err := s.create(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range c.plain.entries() {
			d.add(ks.seal(d.id, line{key: e.Key, version: 1, time: formatTime(s.o.Now())}, c.plain.values[e.Key]))
		}
		secrets = len(d.lines)
		return []byte(d.print(ks.sum)), nil
	})
	return secrets, err == nil, err
}
