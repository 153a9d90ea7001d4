// Package cache keeps the secrets of an environment on this machine, sealed, for
// when the service that has them cannot be reached, or need not be asked.
//
// A [Store] is put around the store of a service:
//
//	s := cache.New(service, cache.Options{Folder: folder, Of: place, MaxAge: 7 * 24 * time.Hour, Key: key, MakeKey: makeKey})
//
// What [Store.List] reads of the whole environment is kept as one set. It promises:
//
//   - A set serves for the identity, the place and the settings that it was read
//     with. For others it is as if there were none.
//   - It serves in the service's place when the network or the service fails, and
//     says how old it is; never after a refusal: who may not read any more, or has
//     to sign in again, gets that error. A list that lacks a single secret is not
//     kept.
//   - With a TTL it serves without a request while it is younger.
//   - A write through a Store drops every set that may hold what was written,
//     whoever's it is, and a list that was begun before the write ended is not
//     kept: one's own write is seen at once.
//   - A set is sealed with XChaCha20-Poly1305, bound to all that is readable beside
//     it. One that was changed by a single bit is said to be, and is not used.
//   - It is written as a whole or not at all, in a folder of the user's alone.
//
// Its limits: whoever has the key and the file has the secrets, and with a TTL a
// right that was taken away lasts until its end. Writes past skret are seen when
// the service is asked next. Whoever may write the file can bring back an older
// copy of it, of no more than MaxAge.
package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Service is the store of a service: what is wrapped.
type Service interface {
	store.Store
	store.Historian
	store.Tagger
	store.Checker
}

// Options are what a store needs. Folder, Of, Key, MakeKey, Notice and Log are
// never empty.
type Options struct {
	Folder Folder
	Of     Place

	// A set younger than TTL serves before the service is asked; 0: none does.
	// One older than MaxAge serves for nothing; 0: nothing is kept.
	TTL, MaxAge time.Duration

	Offline bool // ask no service
	Refresh bool // the service answers, or nobody does

	// Key returns the key of 32 bytes that sets are sealed with, nil when there is
	// none yet. MakeKey makes it; one process at a time is in it.
	Key, MakeKey func(ctx context.Context) ([]byte, error)

	Notice func(msg string) // a line for the user
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Store is the store of a service with what is kept of it.
type Store struct {
	service Service
	o       Options
	writes  sync.Once
	saidAge sync.Once
}

var _ Service = (*Store)(nil)

// New returns the store. It touches nothing.
func New(s Service, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{service: s, o: o}
}

// List is the method of [store.Store].
func (s *Store) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	below := func(all []secret.Entry) ([]secret.Entry, error) { return startingWith(all, prefix), nil }
	return s.read(ctx, below, func() ([]secret.Entry, error) {
		if prefix != "" || s.o.MaxAge == 0 {
			return s.service.List(ctx, prefix)
		}
		return s.listAndKeep(ctx)
	})
}

// Get is the method of [store.Store].
func (s *Store) Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	exactly := func(all []secret.Entry) ([]secret.Entry, error) { return s.exactly(all, keys) }
	return s.read(ctx, exactly, func() ([]secret.Entry, error) { return s.service.Get(ctx, keys...) })
}

// Names is the method of [store.Store]. The service is asked for them, unless
// there is to be no request; what it says shows whether the set is still true.
func (s *Store) Names(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	if s.o.Offline {
		es, err := s.offline(ctx, func(all []secret.Entry) ([]secret.Entry, error) { return startingWith(all, prefix), nil })
		for i := range es {
			es[i].Value = secret.Value{}
		}
		return es, err
	}
	es, err := s.service.Names(ctx, prefix)
	if err == nil && prefix == "" && s.o.TTL > 0 {
		if kept, kerr := s.kept(ctx); kerr == nil && !slices.EqualFunc(kept.entries, es, sameVersion) {
			s.forget(ctx)
		}
	}
	return es, err
}

func sameVersion(a, b secret.Entry) bool {
	return a.Key == b.Key && a.Version == b.Version && a.Modified.Equal(b.Modified)
}

// History is the method of [store.Historian]. Earlier versions are not kept.
func (s *Store) History(ctx context.Context, k secret.Key) ([]secret.Entry, error) {
	if s.o.Offline {
		return nil, notCached("history", k)
	}
	return s.service.History(ctx, k)
}

// Tags is the method of [store.Tagger]. They are not kept.
func (s *Store) Tags(ctx context.Context, k secret.Key) (map[string]string, error) {
	if s.o.Offline {
		return nil, notCached("tags", k)
	}
	return s.service.Tags(ctx, k)
}

func notCached(what string, k secret.Key) error {
	return errs.New(errs.Invalid, "--offline: %s of %s: only what a secret is now is cached", what, k).WithHint("leave --offline out")
}

// Check is the method of [store.Checker].
func (s *Store) Check(e secret.Entry) error { return s.service.Check(e) }

// Put is the method of [store.Store].
func (s *Store) Put(ctx context.Context, e secret.Entry, o store.PutOptions) (int64, error) {
	done, err := s.write(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	return s.service.Put(ctx, e, o)
}

// Delete is the method of [store.Store].
func (s *Store) Delete(ctx context.Context, keys ...secret.Key) error {
	done, err := s.write(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.service.Delete(ctx, keys...)
}

// write drops what is kept, before the first write, in case we are killed, and
// by done after each.
func (s *Store) write(ctx context.Context) (done func(), err error) {
	if s.o.Offline {
		return nil, errs.New(errs.Invalid, "--offline: %s cannot be written without its service", s.o.Of.Title).WithHint("leave --offline out")
	}
	s.writes.Do(func() { s.forget(ctx) })
	return func() { s.forget(ctx) }, nil
}

// forget drops every set that may have what is in our place.
func (s *Store) forget(ctx context.Context) {
	_, err := s.o.Folder.Drop(context.WithoutCancel(ctx), func(i Info) bool { return i.overlaps(s.o.Of) })
	if err != nil {
		s.o.Notice(fmt.Sprintf("what is cached of %s cannot be dropped, and may be out of date: %v", s.o.Of.Title, err))
	}
}

// read answers from the kept set, by pick, or from the service, by ask.
func (s *Store) read(ctx context.Context, pick func([]secret.Entry) ([]secret.Entry, error), ask func() ([]secret.Entry, error)) ([]secret.Entry, error) {
	if s.o.Offline {
		return s.offline(ctx, pick)
	}
	look := sync.OnceValues(func() (*set, error) {
		if ctx.Err() != nil { // a deadline that is over is why we look
			return s.kept(context.WithoutCancel(ctx))
		}
		return s.kept(ctx)
	})
	if s.o.TTL > 0 && !s.o.Refresh {
		kept, err := look()
		if err != nil {
			s.o.Log.Info("the cache does not serve", "why", err)
		} else if s.age(kept) < s.o.TTL {
			if es, err := pick(kept.entries); err == nil {
				s.o.Log.Info("served from the cache", "age", s.age(kept))
				return es, nil
			}
		}
	}
	es, err := ask()
	if s.o.MaxAge == 0 || s.o.Refresh || !failed(err) {
		return es, err
	}
	kept, kerr := look()
	if kerr != nil {
		if !errors.Is(kerr, errNone) {
			s.o.Notice(withHint(kerr))
		}
		return es, err
	}
	served, perr := pick(kept.entries)
	if perr != nil {
		return es, err
	}
	s.o.Notice(fmt.Sprintf("using secrets cached %s ago: %v", Age(s.age(kept)), err))
	return served, nil
}

// withHint is an error as a notice has it.
func withHint(err error) string {
	if h := errs.HintOf(err); h != "" {
		return err.Error() + "; " + h
	}
	return err.Error()
}

// failed tells whether err is of the network, or of a service that failed by
// itself: it refused nothing. A part of what was asked for is no failure.
func failed(err error) bool {
	if _, partial := errors.AsType[*store.Unreadable](err); partial || errors.Is(err, context.Canceled) {
		return false
	}
	kind := errs.KindOf(err)
	return kind == errs.Network || kind == errs.Backend && errors.Is(err, errs.ErrFailed)
}

// offline answers from the kept set alone.
func (s *Store) offline(ctx context.Context, pick func([]secret.Entry) ([]secret.Entry, error)) ([]secret.Entry, error) {
	if s.o.MaxAge == 0 {
		return nil, errs.New(errs.Config, "--offline: nothing is cached of %s, since its cache is off", s.o.Of.Title).
			WithHint("set cache: {mode: fallback} in .skret.yaml, and read once without --offline")
	}
	kept, err := s.kept(ctx)
	if err != nil {
		return nil, errs.New(errs.Network, "--offline: %w", err).WithHint("run the command without --offline")
	}
	s.saidAge.Do(func() {
		s.o.Notice(fmt.Sprintf("using secrets cached %s ago (--offline): %s", Age(s.age(kept)), s.o.Of.Title))
	})
	return pick(kept.entries)
}

// listAndKeep asks for all secrets, and keeps them if that is all of them.
func (s *Store) listAndKeep(ctx context.Context) ([]secret.Entry, error) {
	before, kerr := s.o.Folder.begin()
	es, err := s.service.List(ctx, "")
	if err != nil {
		return es, err
	}
	if kerr == nil {
		kerr = s.keep(ctx, before, es)
	}
	if kerr != nil {
		s.o.Notice(fmt.Sprintf("the secrets of %s cannot be cached: %s", s.o.Of.Title, withHint(kerr)))
	}
	return es, nil
}

// keep seals a list that was begun when the folder was as before says.
func (s *Store) keep(ctx context.Context, before string, es []secret.Entry) error {
	key, err := s.o.Key(ctx)
	if key == nil && err == nil {
		if key, err = s.makeKey(ctx); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	now := s.o.Now()
	data, err := seal(key, s.o.Of, Info{Names: len(es), Kept: now.UTC(), Until: now.Add(s.o.MaxAge).UTC()}, es)
	if err != nil {
		return err
	}
	return s.o.Folder.put(ctx, s.o.Of.name(), data, before, now)
}

// makeKey makes the key, unless another process has just done so.
func (s *Store) makeKey(ctx context.Context) ([]byte, error) {
	unlock, err := s.o.Folder.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, err := s.o.Key(ctx); key != nil || err != nil {
		return key, err
	}
	return s.o.MakeKey(ctx)
}

// errNone says that nothing is kept.
var errNone = errors.New("nothing is cached")

// kept opens the set of our place, if it may serve.
func (s *Store) kept(ctx context.Context) (*set, error) {
	data, repaired, err := s.o.Folder.get(s.o.Of.name())
	if errors.Is(err, errNone) {
		return nil, fmt.Errorf("%w of %s for %s", err, s.o.Of.Title, s.o.Of.Identity)
	}
	var kept *set
	if err == nil {
		kept, err = s.open(ctx, data)
	}
	if err != nil {
		err = fmt.Errorf("what is cached of %s is not used: %w", s.o.Of.Title, err)
		if _, changed := errors.AsType[*damage](err); changed {
			s.o.Notice(err.Error())
			return nil, fmt.Errorf("%w of %s that can be used", errNone, s.o.Of.Title)
		}
		return nil, err
	}
	if repaired {
		s.o.Notice(string(s.o.Folder) + " could be read by others, and no longer can")
	}
	switch age := s.age(kept); {
	case age < -maxAhead:
		return nil, fmt.Errorf("what is cached of %s is not used: by this machine's clock it is of the future", s.o.Of.Title)
	case age > s.o.MaxAge:
		return nil, fmt.Errorf("what is cached of %s is not used: it is %s old, and max_age is %s", s.o.Of.Title, Age(age), Age(s.o.MaxAge))
	}
	return kept, nil
}

// maxAhead is how much later than now a set may be of: clocks are set.
const maxAhead = 2 * time.Minute

func (s *Store) open(ctx context.Context, data []byte) (*set, error) {
	key, err := s.o.Key(ctx)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, &damage{"its key is gone"}
	}
	return open(key, s.o.Of, data)
}

func (s *Store) age(kept *set) time.Duration { return s.o.Now().Sub(kept.info.Kept) }

// exactly finds the keys among all, in their order.
func (s *Store) exactly(all []secret.Entry, keys []secret.Key) ([]secret.Entry, error) {
	es := make([]secret.Entry, 0, len(keys))
	var missing []secret.Key
	for _, k := range keys {
		i, ok := secret.SearchEntries(all, k)
		if !ok {
			missing = append(missing, k)
			continue
		}
		es = append(es, all[i])
	}
	if len(missing) > 0 {
		return nil, store.NewMissing(missing, s.o.Of.Keys, "in what is cached of "+s.o.Of.Title)
	}
	return es, nil
}

func startingWith(all []secret.Entry, prefix secret.Key) []secret.Entry {
	return slices.DeleteFunc(all, func(e secret.Entry) bool { return !strings.HasPrefix(string(e.Key), string(prefix)) })
}

// Age writes how old something is: 40 s, 12 min, 3 h, 2 days.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
