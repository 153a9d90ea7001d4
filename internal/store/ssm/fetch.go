package ssm

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// unreadable collects the keys that cannot be decrypted.
type unreadable struct {
	keys []secret.Key
	why  error
}

func (u unreadable) err() error {
	if len(u.keys) == 0 {
		return nil
	}
	slices.Sort(u.keys)
	return &store.Unreadable{Keys: u.keys, Err: u.why}
}

// fetchAll reads exactly these keys, in order; missing ones are an error.
func fetchAll[P parameter](ctx context.Context, s *Store, keys []secret.Key, decrypt bool) ([]secret.Entry, unreadable, error) {
	var ask, missing []secret.Key
	for _, k := range keys {
		// One impossible name would fail the request of nine others.
		if k == "" || !possible(s.name(k)) || !s.asked(k) {
			missing = append(missing, k)
		} else if !slices.Contains(ask, k) {
			ask = append(ask, k)
		}
	}
	found, bad, err := fetch[P](ctx, s, ask, decrypt)
	if err != nil {
		return nil, bad, s.explain(s.o.Path, err)
	}
	es := make([]secret.Entry, 0, len(keys))
	for _, k := range keys {
		if e, ok := found[k]; ok {
			es = append(es, e)
		} else if !slices.Contains(bad.keys, k) && !slices.Contains(missing, k) {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return nil, bad, s.notFound(missing)
	}
	if decrypt {
		err = s.checkValues(es)
	}
	return es, bad, err
}

func (s *Store) notFound(keys []secret.Key) error {
	return store.NewMissing(keys, s.o.Keys, "below "+s.o.Path)
}

// A request has ten names at most; ten requests run at once.
const (
	chunk    = 10
	parallel = 10
)

// fetch reads what there is of keys, which are all different.
func fetch[P parameter](ctx context.Context, s *Store, keys []secret.Key, decrypt bool) (map[secret.Key]secret.Entry, unreadable, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &fetcher[P]{s: s, decrypt: decrypt, found: map[secret.Key]secret.Entry{}}
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for part := range slices.Chunk(keys, chunk) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f.read(ctx, part); err != nil {
				cancel(err) // the first one ends the others
			}
		})
	}
	wg.Wait()
	return f.found, f.bad, context.Cause(ctx)
}

type fetcher[P parameter] struct {
	s       *Store
	decrypt bool

	mu    sync.Mutex
	found map[secret.Key]secret.Entry
	bad   unreadable
}

// read makes one request, and then one for each key if one of them spoils it.
func (f *fetcher[P]) read(ctx context.Context, keys []secret.Key) error {
	err := f.request(ctx, keys)
	if fail, ok := errors.AsType[*failure](err); !ok || !f.decrypt || !aboutKey(fail) {
		return err
	}
	if len(keys) == 1 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.bad.keys = append(f.bad.keys, keys[0])
		if f.bad.why == nil {
			f.bad.why = f.s.explain(f.s.name(keys[0]), err)
		}
		return nil
	}
	for i := range keys {
		if err := f.read(ctx, keys[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetcher[P]) request(ctx context.Context, keys []secret.Key) error {
	if err := f.s.reads.wait(ctx); err != nil {
		return err
	}
	in := namesIn{WithDecryption: f.decrypt}
	for _, k := range keys {
		in.Names = append(in.Names, f.s.name(k))
	}
	var p page[P]
	if err := f.s.read(ctx, "GetParameters", in, &p); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range p.Parameters {
		if k, ok := f.s.key(one.id()); ok && slices.Contains(keys, k) {
			f.found[k] = one.entry(k)
		}
	}
	return nil
}
