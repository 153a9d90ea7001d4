package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Done is what came of one [store.Change].
type Done struct {
	Key     secret.Key
	Version int64 // 0: it was deleted
}

// Change makes the changes in the environment's own store, of several layers the
// nearest, each under the condition that the secret is still what it was. A store
// that can makes all of them or none. In another one all conditions are looked at
// first; then writes go one by one, under their conditions, and what was done
// before a failure is returned with the error. Deletions come last: that nobody
// writes between the look and the deletion is not promised there.
func (c *Client) Change(ctx context.Context, cs []store.Change) ([]Done, error) {
	for _, ch := range cs {
		c.visit.Names(ch.Key())
	}
	if s, ok := c.own.(store.Changer); ok {
		versions, err := s.Change(ctx, cs)
		if err != nil {
			return nil, err
		}
		done := make([]Done, len(cs))
		for i, ch := range cs {
			done[i] = Done{ch.Key(), versions[i]}
			if ch.Now == nil {
				c.visit.Deleted(ch.Key())
			} else {
				c.visit.Wrote(ch.Key())
			}
		}
		return done, nil
	}
	if err := c.unmoved(ctx, cs); err != nil {
		return nil, err
	}
	var put []secret.Entry
	var gone []secret.Key
	for _, ch := range cs {
		if ch.Now == nil {
			gone = append(gone, ch.Was.Key)
			continue
		}
		e := *ch.Now
		if e.Version = 0; ch.Was != nil {
			e.Version = ch.Was.Version
		}
		put = append(put, e)
	}
	var done []Done
	if len(put) > 0 {
		written, err := c.Put(ctx, store.EachVersion, put...)
		for _, w := range written {
			done = append(done, Done(w))
		}
		if err != nil {
			return done, err
		}
	}
	if len(gone) == 0 {
		return done, nil
	}
	err := c.own.Delete(ctx, gone...)
	if _, missing := errors.AsType[*store.Missing](err); err != nil && !missing { // what is gone is what was wanted
		return done, err
	}
	c.visit.Deleted(gone...)
	for _, k := range gone {
		done = append(done, Done{Key: k})
	}
	return done, nil
}

// unmoved looks at the conditions of all changes.
func (c *Client) unmoved(ctx context.Context, cs []store.Change) error {
	es, err := c.own.Names(ctx, commonPrefix(cs))
	if err != nil {
		return err
	}
	var probs []error
	for _, ch := range cs {
		i := slices.IndexFunc(es, func(e secret.Entry) bool { return e.Key == ch.Key() })
		switch {
		case ch.Was == nil && i >= 0:
			probs = append(probs, errs.New(errs.Conflict, "%s exists already", ch.Key()))
		case ch.Was != nil && i < 0:
			probs = append(probs, errs.New(errs.Conflict, "%s does not exist any more", ch.Key()))
		case ch.Was != nil && es[i].Version != ch.Was.Version:
			probs = append(probs, errs.New(errs.Conflict, "%s was changed meanwhile: it is in version %d, not %d", ch.Key(), es[i].Version, ch.Was.Version).
				WithHint("look at what changed: skret history %s", errs.Word(string(ch.Key()))))
		}
	}
	return errors.Join(probs...)
}

// commonPrefix is what the keys of all changes begin with, so that no more names
// are asked for than needed.
func commonPrefix(cs []store.Change) secret.Key {
	prefix := cs[0].Key()
	for _, ch := range cs[1:] {
		n := 0
		for k := ch.Key(); n < min(len(prefix), len(k)) && prefix[n] == k[n]; n++ {
		}
		prefix = prefix[:n]
	}
	return prefix
}
