package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Rename gives a secret another key, with its value, type, description and tags,
// and returns the version that it has there. The history stays with the old key:
// the local store keeps it, AWS deletes it.
//
// The new key must not exist. Where a store cannot do both in one step, the new
// secret is made before the old one is deleted: a crash between the two leaves
// both, and the same call again completes it.
func (c *Client) Rename(ctx context.Context, from, to secret.Key) (int64, error) {
	if from == to {
		return 0, errs.New(errs.Invalid, "%s is its name already", from)
	}
	if _, err := secret.ParseKey(string(to)); err != nil {
		return 0, err
	}
	c.visit.Names(from, to)
	old, err := c.carried(ctx, from)
	if err != nil {
		return 0, err
	}
	moved := old
	moved.Key = to
	if _, ok := c.own.(store.Changer); ok {
		done, err := c.Change(ctx, []store.Change{{Now: &moved}, {Was: &old}})
		if err != nil {
			return 0, err
		}
		return done[0].Version, nil
	}
	version, err := c.makeOnce(ctx, moved)
	if err != nil {
		return 0, err
	}
	if _, err := c.Change(ctx, []store.Change{{Was: &old}}); err != nil {
		return 0, errs.Each(fmt.Sprintf("%s has the value of %s now, which is still there", to, from), err)
	}
	return version, nil
}

// carried reads all of a secret that goes with it.
func (c *Client) carried(ctx context.Context, k secret.Key) (secret.Entry, error) {
	es, err := c.own.Get(ctx, k)
	if err != nil {
		return secret.Entry{}, c.elsewhere(ctx, err)
	}
	c.visit.Read(es...)
	e := es[0]
	t, ok := c.own.(store.Tagger)
	if !ok {
		return e, nil
	}
	// A reading of the value does not tell the description; the history does.
	all, err := history(ctx, c.own, k)
	if err != nil {
		return e, err
	}
	if e = all[len(all)-1]; e.Version != es[0].Version {
		return e, errs.New(errs.Conflict, "%s is being changed just now", k).WithHint("try again")
	}
	e.Tags, err = t.Tags(ctx, k)
	return e, err
}

// makeOnce writes a secret that must not exist, unless it exists with this value:
// an earlier call made it.
func (c *Client) makeOnce(ctx context.Context, e secret.Entry) (int64, error) {
	done, err := c.Put(ctx, 0, e)
	if err == nil {
		return done[0].Version, nil
	}
	if errs.KindOf(err) != errs.Conflict {
		return 0, err
	}
	es, gerr := c.own.Get(ctx, e.Key)
	if gerr != nil {
		return 0, errors.Join(err, gerr)
	}
	if !es[0].Value.Equal(e.Value) {
		return 0, errs.New(errs.Conflict, "%s exists already, with another value", e.Key).
			WithHint("choose another name, or delete it first: skret delete %s", e.Key)
	}
	return es[0].Version, nil
}
