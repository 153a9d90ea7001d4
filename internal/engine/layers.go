package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// layered is several stores as one. Of a key that several have, the nearest wins;
// writes and deletions are the nearest store's own.
type layered struct {
	store.Store // the nearest

	o      Options
	layers []*layer // the nearest first
}

// layer is one of the stores. It is opened when it is first needed.
type layer struct {
	o    Options // of this layer as if it were all
	open func(ctx context.Context) (store.Store, error)
}

var _ store.Historian = (*layered)(nil)

// newLayered returns the layers of o.Project, whose nearest store is open.
func newLayered(o Options, own store.Store) *layered {
	l := &layered{Store: own, o: o}
	for i, one := range slices.Backward(o.Project.Layers) {
		lo := o
		lo.Project = o.Project.Of(one)
		open := opener(lo)
		if i == len(o.Project.Layers)-1 {
			open = func(context.Context) (store.Store, error) { return own, nil }
		}
		l.layers = append(l.layers, &layer{lo, open})
	}
	return l
}

// opener opens the store of o.Project at the first call.
func opener(o Options) func(ctx context.Context) (store.Store, error) {
	var mu sync.Mutex
	var s store.Store
	return func(context.Context) (_ store.Store, err error) {
		mu.Lock()
		defer mu.Unlock()
		if s == nil {
			s, err = openStore(o)
		}
		return s, err
	}
}

// shared are the options of stores that are used at the same time: they put one
// question to the user at a time, and none that was just answered, and have one
// session where they can.
func shared(o Options) Options {
	o.sessions = &sessions{known: map[[6]string]session{}}
	var turn sync.Mutex
	if ask := o.AskPassphrase; ask != nil {
		answers := map[string][]byte{}
		o.AskPassphrase = func(ctx context.Context, prompt string) (answer []byte, err error) {
			turn.Lock()
			defer turn.Unlock()
			answer, known := answers[prompt]
			if !known {
				if answer, err = ask(ctx, prompt); err != nil {
					return nil, err
				}
				answers[prompt] = answer
			}
			return slices.Clone(answer), nil
		}
	}
	if again := o.Relogin; again != nil {
		var mu sync.Mutex
		done := map[string]int{}
		times := func(name string, more int) int {
			mu.Lock()
			defer mu.Unlock()
			done[name] += more
			return done[name]
		}
		o.Relogin = func(ctx context.Context, name string, why error) error {
			before := times(name, 0)
			turn.Lock()
			defer turn.Unlock()
			if times(name, 0) > before { // while this one waited
				return nil
			}
			err := again(ctx, name, why)
			if err == nil {
				times(name, 1)
			}
			return err
		}
	}
	return o
}

// part is what one layer answers.
type part struct {
	entries    []secret.Entry
	unreadable *store.Unreadable
	missing    []secret.Key
}

// all asks all layers at the same time. The first failure ends the others.
func (l *layered) all(ctx context.Context, ask func(ctx context.Context, one *layer, s store.Store) (part, error)) ([]part, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make([]part, len(l.layers))
	var wg sync.WaitGroup
	for i, one := range l.layers {
		wg.Go(func() {
			s, err := one.open(ctx)
			if err == nil {
				parts[i], err = ask(ctx, one, s)
			}
			if err != nil {
				cancel(fmt.Errorf("%s: %w", one.o.Project.Describe(), err))
			}
		})
	}
	wg.Wait()
	return parts, context.Cause(ctx)
}

// merge makes one answer of those of the layers, sorted by key. What a layer lacks
// another may have, and what cannot be read is no matter where a nearer layer has it.
// listed are the keys that keys: of the configuration names, if it does.
func (l *layered) merge(parts []part, listed []secret.Key) ([]secret.Entry, error) {
	var es []secret.Entry
	var missing []secret.Key
	bad := &store.Unreadable{}
	seen := map[secret.Key]bool{}
	for _, p := range parts {
		var here []secret.Key
		for _, e := range p.entries {
			if !seen[e.Key] {
				es = append(es, e)
			}
			here = append(here, e.Key)
		}
		if p.unreadable != nil {
			for _, k := range p.unreadable.Keys {
				if !seen[k] {
					bad.Keys = append(bad.Keys, k)
				}
				here = append(here, k)
			}
			if len(bad.Keys) > 0 && bad.Err == nil {
				bad.Err = p.unreadable.Err
			}
		}
		for _, k := range here {
			seen[k] = true
		}
		missing = append(missing, p.missing...)
	}
	secret.SortEntries(es)
	slices.Sort(missing)
	missing = slices.DeleteFunc(slices.Compact(missing), func(k secret.Key) bool { return seen[k] })
	if len(missing) > 0 {
		return nil, store.NewMissing(missing, listed, "in any layer of "+l.o.Project.Env)
	}
	if len(bad.Keys) > 0 {
		slices.Sort(bad.Keys)
		return es, bad
	}
	return es, nil
}

// read asks a store, and sorts what comes into a part. A store that is limited to
// some keys answers nothing when one is missing: the others are then asked for.
func read(ctx context.Context, s store.Store, keys []secret.Key, ask func() ([]secret.Entry, error)) (p part, err error) {
	p.entries, err = ask()
	if gone, ok := errors.AsType[*store.Missing](err); ok {
		p.missing = gone.Keys
		rest := gone.Others(keys)
		if p.entries, err = nil, nil; len(rest) > 0 {
			p.entries, err = s.Get(ctx, rest...)
		}
	}
	if bad, ok := errors.AsType[*store.Unreadable](err); ok {
		p.unreadable, err = bad, nil
	}
	return p, err
}

// keysWith returns the keys that the layer is limited to and that start with prefix.
func (one *layer) keysWith(prefix secret.Key) []secret.Key {
	return slices.DeleteFunc(placeKeys(one.o.Project), func(k secret.Key) bool { return !strings.HasPrefix(string(k), string(prefix)) })
}

// listed returns the keys that must be there, in whichever layer.
func (l *layered) listed() (keys []secret.Key) {
	for _, one := range l.layers {
		keys = append(keys, placeKeys(one.o.Project)...)
	}
	return keys
}

// Names is the method of [store.Store].
func (l *layered) Names(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	parts, err := l.all(ctx, func(ctx context.Context, one *layer, s store.Store) (part, error) {
		p, err := read(ctx, s, one.keysWith(prefix), func() ([]secret.Entry, error) { return s.Names(ctx, prefix) })
		if p.unreadable != nil {
			for _, k := range p.unreadable.Keys {
				p.entries = append(p.entries, secret.Entry{Key: k})
			}
			p.unreadable = nil
		}
		for i := range p.entries {
			p.entries[i].Value = secret.Value{}
		}
		return p, err
	})
	if err != nil {
		return nil, err
	}
	return l.merge(parts, l.listed())
}

// List is the method of [store.Store].
func (l *layered) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	parts, err := l.all(ctx, func(ctx context.Context, one *layer, s store.Store) (part, error) {
		return read(ctx, s, one.keysWith(prefix), func() ([]secret.Entry, error) { return s.List(ctx, prefix) })
	})
	if err != nil {
		return nil, err
	}
	return l.merge(parts, l.listed())
}

// Get is the method of [store.Store].
func (l *layered) Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	parts, err := l.all(ctx, func(ctx context.Context, _ *layer, s store.Store) (part, error) {
		return read(ctx, s, keys, func() ([]secret.Entry, error) { return s.Get(ctx, keys...) })
	})
	if err != nil {
		return nil, err
	}
	found, err := l.merge(parts, placeKeys(l.o.Project))
	if found == nil && err != nil {
		return nil, err
	}
	var es []secret.Entry
	for _, k := range keys { // in the order asked
		if i, ok := secret.SearchEntries(found, k); ok {
			es = append(es, found[i])
		}
	}
	return es, err
}

// stores returns the stores of all layers, the nearest first.
func (c *Client) stores(ctx context.Context) ([]store.Store, error) {
	l, ok := c.store.(*layered)
	if !ok {
		return []store.Store{c.store}, nil
	}
	all := make([]store.Store, len(l.layers))
	for i, one := range l.layers {
		var err error
		if all[i], err = one.open(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", one.o.Project.Describe(), err)
		}
	}
	return all, nil
}

// History is the method of [store.Historian]: that of the nearest layer that has
// one of this key.
func (l *layered) History(ctx context.Context, k secret.Key) ([]secret.Entry, error) {
	for _, one := range l.layers {
		s, err := one.open(ctx)
		if err != nil {
			return nil, err
		}
		es, err := history(ctx, s, k)
		if _, gone := errors.AsType[*store.Missing](err); !gone {
			return es, err
		}
	}
	return nil, store.NewMissing([]secret.Key{k}, nil, "in any layer of "+l.o.Project.Env)
}

// below makes more of the error of keys that are not in the nearest layer: where
// else they are. What comes from there cannot be changed here.
func (l *layered) below(ctx context.Context, err error) error {
	gone, ok := errors.AsType[*store.Missing](err)
	if !ok {
		return err
	}
	var where []string
	var there config.Layer
	keys := slices.Clone(gone.Keys)
	for _, one := range l.layers[1:] {
		if len(keys) == 0 {
			break
		}
		s, err := one.open(ctx)
		if err != nil {
			continue // that they are not in the nearest is what counts
		}
		p, err := read(ctx, s, keys, func() ([]secret.Entry, error) { return s.Get(ctx, keys...) })
		if err != nil || len(p.entries) == 0 {
			continue
		}
		for _, e := range p.entries {
			where = append(where, fmt.Sprintf("%s comes from %s", e.Key, one.o.Project.Describe()))
			keys = slices.DeleteFunc(keys, func(k secret.Key) bool { return k == e.Key })
		}
		there = one.o.Project.Layers[0]
	}
	if where == nil {
		return err
	}
	hint := "change it there: -e " + there.Env
	if there.Place.Provider == config.ProviderAWS {
		hint += " --path " + there.Place.Path
	}
	return &store.Missing{Keys: gone.Keys, Err: errs.New(errs.NotFound, "not found in %s itself: %s; %s",
		l.o.Project.Describe(), secret.Join(gone.Keys), strings.Join(where, ", ")).WithHint("%s", hint)}
}
