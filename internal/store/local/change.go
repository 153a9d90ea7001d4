package local

import (
	"context"
	"errors"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

var _ store.Changer = (*Store)(nil)

// Change is the method of [store.Changer].
func (s *Store) Change(ctx context.Context, cs []store.Change) (versions []int64, err error) {
	var put []secret.Entry
	for _, c := range cs {
		if c.Now != nil {
			put = append(put, *c.Now)
		}
	}
	if err := checkEntries(put); err != nil {
		return nil, err
	}
	err = s.update(ctx, func(d *document, ks *keys) error {
		versions = make([]int64, len(cs))
		probs := make([]error, len(cs))
		for i, c := range cs {
			versions[i], probs[i] = s.changeOne(d, ks, c)
		}
		return errors.Join(probs...)
	}, func(p *plainFile) error {
		versions = make([]int64, len(cs))
		probs := make([]error, len(cs))
		for i, c := range cs {
			versions[i], probs[i] = p.change(c)
		}
		return errors.Join(probs...)
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

func (s *Store) changeOne(d *document, ks *keys, c store.Change) (int64, error) {
	o := store.PutOptions{}
	if c.Was != nil {
		o.Expect = c.Was.Version
	}
	if c.Now != nil {
		return s.put(d, ks, *c.Now, o)
	}
	last, ok := d.last(c.Was.Key)
	if err := checkExpect(c.Was.Key, last.version, ok && !last.deleted, o); err != nil {
		return 0, err
	}
	d.add(line{key: c.Was.Key, version: last.version + 1, time: formatTime(s.o.Now()), deleted: true})
	return 0, nil
}

// change compares values, since a store in clear has no versions.
func (p *plainFile) change(c store.Change) (int64, error) {
	value, exists := p.values[c.Key()]
	switch {
	case c.Was == nil && exists:
		return 0, errs.New(errs.Conflict, "%s exists already", c.Key())
	case c.Was != nil && !exists:
		return 0, errs.New(errs.Conflict, "%s does not exist any more", c.Key())
	case c.Was != nil && !c.Was.Value.Equal(secret.NewValue(value)):
		return 0, errs.New(errs.Conflict, "%s has another value by now", c.Key())
	case c.Now == nil:
		p.remove(c.Key())
		return 0, nil
	}
	return 1, p.put(*c.Now, store.PutOptions{Expect: store.AnyVersion})
}
