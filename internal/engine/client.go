package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Key makes a key of what a user wrote. In an AWS environment a parameter's
// full name is taken too, when it is below the environment's path. The key may
// break the rules for new keys: what exists can be read and deleted by its
// exact name.
func (c *Client) Key(s string) (secret.Key, error) {
	if s == "" {
		_, err := secret.ParseKey(s)
		return "", err
	}
	if c.Project.Place.Provider != config.ProviderAWS || !strings.HasPrefix(s, "/") {
		return secret.Key(s), nil
	}
	root := strings.TrimSuffix(c.Project.Place.Path, "/") + "/"
	rest, below := strings.CutPrefix(s, root)
	if !below || rest == "" {
		return "", errs.New(errs.Invalid, "%q is not below the environment's path %q", s, c.Project.Place.Path).
			WithHint("choose another path with --path, or another environment with -e")
	}
	return secret.Key(rest), nil
}

// Keys is [Client.Key] for several, all wrong ones reported at once.
func (c *Client) Keys(ss []string) ([]secret.Key, error) {
	keys := make([]secret.Key, 0, len(ss))
	var probs []error
	for _, s := range ss {
		k, err := c.Key(s)
		if err != nil {
			probs = append(probs, err)
			continue
		}
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, errors.Join(probs...)
}

// Names, List, Get and Delete are those of [store.Store].

// Names lists without values and without decrypting.
func (c *Client) Names(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	return c.store.Names(ctx, prefix)
}

// List lists with values; a *store.Unreadable error comes with the others.
func (c *Client) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	es, err := c.store.List(ctx, prefix)
	c.visit.Read(es...)
	return es, err
}

// Get reads exactly these keys.
func (c *Client) Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	c.visit.Names(keys...)
	es, err := c.store.Get(ctx, keys...)
	c.visit.Read(es...)
	return es, err
}

// Delete removes exactly these keys. Of several layers only the nearest is touched.
func (c *Client) Delete(ctx context.Context, keys ...secret.Key) error {
	c.visit.Names(keys...)
	err := c.own.Delete(ctx, keys...)
	c.visit.Deleted(gone(keys, err)...)
	return c.elsewhere(ctx, err)
}

// elsewhere says of keys that are not in the nearest layer where else they are.
func (c *Client) elsewhere(ctx context.Context, err error) error {
	if l, ok := c.store.(*layered); ok && err != nil {
		return l.below(ctx, err)
	}
	return err
}

// Written is the result of one write.
type Written struct {
	Key     secret.Key
	Version int64
}

// Put writes the secrets, whose keys must follow the rules, each under the
// condition expect (see [store.PutOptions]). A store that can writes all of
// them or none; otherwise they are written one after the other, and what was
// written before a failure is returned with the error. Of several layers the nearest
// is written.
func (c *Client) Put(ctx context.Context, expect int64, es ...secret.Entry) (done []Written, err error) {
	defer func() { c.visit.Wrote(writtenKeys(done)...) }()
	var probs []error
	seen := map[secret.Key]bool{}
	rules, strict := c.own.(store.Checker)
	for _, e := range es {
		c.visit.Names(e.Key)
		if _, err := secret.ParseKey(string(e.Key)); err != nil {
			probs = append(probs, err)
		} else if seen[e.Key] {
			probs = append(probs, errs.New(errs.Invalid, "key %q is given twice", e.Key))
		} else if strict {
			probs = append(probs, rules.Check(e))
		}
		seen[e.Key] = true
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	o := store.PutOptions{Expect: expect}
	if b, ok := c.own.(store.Batcher); ok {
		versions, err := b.PutAll(ctx, es, o)
		if err != nil {
			return nil, err
		}
		done := make([]Written, len(es))
		for i, e := range es {
			done[i] = Written{e.Key, versions[i]}
		}
		return done, nil
	}
	for _, e := range es {
		v, err := c.own.Put(ctx, e, o)
		if err != nil {
			return done, fmt.Errorf("set %s: %w", e.Key, err)
		}
		done = append(done, Written{e.Key, v})
	}
	return done, nil
}

// History returns the versions that the store keeps of k, oldest first: of several
// layers those of the nearest that has one.
func (c *Client) History(ctx context.Context, k secret.Key) ([]secret.Entry, error) {
	c.visit.Names(k)
	es, err := history(ctx, c.store, k)
	c.visit.Read(es...)
	return es, err
}

func history(ctx context.Context, s store.Store, k secret.Key) ([]secret.Entry, error) {
	h, ok := s.(store.Historian)
	if !ok {
		return nil, errs.New(errs.Invalid, "history of %s: this store keeps no earlier versions", k)
	}
	return h.History(ctx, k)
}

// Version returns one version of k with its value.
func (c *Client) Version(ctx context.Context, k secret.Key, version int64) (secret.Entry, error) {
	es, err := c.History(ctx, k)
	if err != nil {
		return secret.Entry{}, err
	}
	return pick(es, k, version)
}

// pick finds a version in a history; a deletion has no value to give.
func pick(es []secret.Entry, k secret.Key, version int64) (secret.Entry, error) {
	i := slices.IndexFunc(es, func(e secret.Entry) bool { return e.Version == version })
	if i < 0 {
		return secret.Entry{}, errs.New(errs.NotFound, "%s has no version %d, or it is no longer kept", k, version).
			WithHint("see the versions with skret history %s", errs.Word(string(k)))
	}
	if es[i].Deleted {
		return secret.Entry{}, errs.New(errs.NotFound, "version %d of %s is its deletion", version, k).
			WithHint("see the versions with skret history %s", errs.Word(string(k)))
	}
	return es[i], nil
}

// Rollback writes an earlier version's value as a new version, unless the
// secret changed in the meantime. Version 0 means the one before the current. Of
// several layers only the nearest counts.
func (c *Client) Rollback(ctx context.Context, k secret.Key, version int64) (from, to int64, err error) {
	c.visit.Names(k)
	es, err := history(ctx, c.own, k)
	if err != nil {
		return 0, 0, c.elsewhere(ctx, err)
	}
	current := es[len(es)-1]
	if version == 0 {
		for _, e := range es[:len(es)-1] {
			if !e.Deleted {
				version = e.Version
			}
		}
		if version == 0 {
			return 0, 0, errs.New(errs.NotFound, "%s has no earlier version", k)
		}
	}
	if version == current.Version && !current.Deleted {
		return 0, 0, errs.New(errs.Invalid, "version %d of %s is the current one", version, k).
			WithHint("see the versions with skret history %s", errs.Word(string(k)))
	}
	old, err := pick(es, k, version)
	if err != nil {
		return 0, 0, err
	}
	expect := current.Version
	if current.Deleted {
		expect = 0
	}
	old.Tags = nil // they belong to the secret, not to a version
	if to, err = c.own.Put(ctx, old, store.PutOptions{Expect: expect}); err == nil {
		c.visit.Wrote(k)
	}
	return version, to, err
}
