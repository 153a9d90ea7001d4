package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/transfer"
)

// storeEnd is a store as a source and as a target.
type storeEnd struct{ s store.Store }

var _ transfer.Target = storeEnd{}

// Read is the method of [transfer.Source].
func (t storeEnd) Read(ctx context.Context) ([]secret.Entry, error) {
	es, err := t.s.List(ctx, "")
	if bad, ok := errors.AsType[*store.Unreadable](err); ok {
		es, err = append(es, bad.Entries()...), nil
	}
	return es, err
}

// Rules is the method of [transfer.Target]. A store takes keys as they are.
func (t storeEnd) Rules() transfer.Rules {
	r := transfer.Rules{Readable: true, Workers: 16, Name: func(k secret.Key) (secret.Key, string) {
		_, err := secret.ParseKey(string(k))
		return k, why(err)
	}}
	if c, ok := t.s.(store.Checker); ok {
		r.Value = func(name secret.Key, v secret.Value) string {
			return why(c.Check(secret.Entry{Key: name, Value: v}))
		}
	}
	return r
}

// why is an error as a reason in a plan.
func why(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// List is the method of [transfer.Target]. What cannot be read is there, and
// its value is not known.
func (t storeEnd) List(ctx context.Context) ([]secret.Entry, error) { return t.Read(ctx) }

// Put is the method of [transfer.Target]. Somebody else's write after the list
// was made is not written over.
func (t storeEnd) Put(ctx context.Context, e secret.Entry, was *secret.Entry) error {
	expect := int64(0)
	if was != nil {
		if expect = was.Version; was.Hidden != "" {
			expect = store.AnyVersion
		}
	}
	_, err := t.s.Put(ctx, e, store.PutOptions{Expect: expect})
	return err
}

// Delete is the method of [transfer.Target].
func (t storeEnd) Delete(ctx context.Context, names ...secret.Key) error {
	err := t.s.Delete(ctx, names...)
	if _, gone := errors.AsType[*store.Missing](err); gone {
		return nil
	}
	return err
}

// fileStoreEnd is a store that writes all or nothing.
type fileStoreEnd struct {
	storeEnd
	b store.Batcher
}

var _ transfer.Batcher = fileStoreEnd{}

// BatchSize is the method of [transfer.Batcher].
func (fileStoreEnd) BatchSize() int { return 0 }

// PutAll is the method of [transfer.Batcher].
func (t fileStoreEnd) PutAll(ctx context.Context, es []secret.Entry) error {
	_, err := t.b.PutAll(ctx, es, store.PutOptions{Expect: store.EachVersion})
	return err
}

// past is an environment as it was.
type past struct {
	c    *Client
	when When
}

// When is a time or a version.
type When struct {
	At      time.Time // what was there at this time
	Version int64     // of each secret this version, or its newest before
}

func (w When) String() string {
	if w.Version > 0 {
		return fmt.Sprintf("v%d", w.Version)
	}
	return w.At.UTC().Format(time.RFC3339)
}

// Read is the method of [transfer.Source].
func (p past) Read(ctx context.Context) ([]secret.Entry, error) {
	stores, err := p.c.stores(ctx)
	if err != nil {
		return nil, err
	}
	var es []secret.Entry
	seen := map[secret.Key]bool{}
	for _, s := range stores {
		all, err := versions(ctx, s)
		if err != nil {
			return nil, errs.Each(p.c.Project.Describe(), err)
		}
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].Key == all[0].Key {
				n++
			}
			if e, there := p.when.pick(all[:n]); there && !seen[e.Key] {
				es = append(es, e)
				seen[e.Key] = true
			}
			all = all[n:]
		}
	}
	secret.SortEntries(es)
	return es, nil
}

// pick finds what a secret was among its versions, oldest first.
func (w When) pick(versions []secret.Entry) (e secret.Entry, there bool) {
	i := len(versions) - 1
	for i >= 0 && (w.Version > 0 && versions[i].Version > w.Version || w.Version == 0 && versions[i].Modified.After(w.At)) {
		i--
	}
	switch {
	case i < 0 && versions[0].Version > 1:
		return secret.Entry{Key: versions[0].Key, Hidden: "the version of then is no longer kept"}, true
	case i < 0 || versions[i].Deleted:
		return secret.Entry{}, false
	}
	return versions[i], true
}

// versions returns all versions of all secrets of a store. In SSM the history ends
// with the parameter: what was deleted is not there.
func versions(ctx context.Context, s store.Store) ([]secret.Entry, error) {
	if t, ok := s.(store.Timeline); ok {
		return t.Versions(ctx)
	}
	h, ok := s.(store.Historian)
	if !ok {
		return nil, errs.New(errs.Invalid, "this store keeps no earlier versions")
	}
	names, err := s.Names(ctx, "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	histories := make([][]secret.Entry, len(names))
	var wg sync.WaitGroup
	turns := make(chan struct{}, 8)
	for i, e := range names {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			es, err := h.History(ctx, e.Key)
			if err != nil {
				cancel(fmt.Errorf("history of %s: %w", e.Key, err))
			}
			histories[i] = es
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return slices.Concat(histories...), nil
}
