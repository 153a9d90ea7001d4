package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
	"github.com/skret/skret/internal/store/storetest"
)

// service is a store whose plug can be pulled.
type service struct {
	*local.Store

	mu     sync.Mutex
	broken error
	asked  int
	during func() // called once, within the next list
}

func (s *service) ask() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.broken
}

func (s *service) Check(secret.Entry) error { return nil }

func (s *service) Tags(context.Context, secret.Key) (map[string]string, error) { return nil, s.ask() }

func (s *service) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	if err := s.ask(); err != nil {
		bad, partial := errors.AsType[*store.Unreadable](err)
		if !partial {
			return nil, err
		}
		es, lerr := s.Store.List(ctx, prefix)
		return startingWith(es, "A"), errors.Join(lerr, bad)
	}
	es, err := s.Store.List(ctx, prefix)
	if s.during != nil {
		during := s.during
		s.during = nil
		during()
	}
	return es, err
}

func (s *service) Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	if err := s.ask(); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, keys...)
}

// world is a service, a machine that caches it, and a clock.
type world struct {
	*service
	o       Options
	key     []byte
	now     time.Time
	mu      sync.Mutex
	notices []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	w.service = &service{Store: local.New(local.Options{
		File: filepath.Join(dir, "secrets.yaml"), Home: filepath.Join(dir, "home"), IdentityFile: filepath.Join(dir, "home", "identity.txt"),
	})}
	w.o = Options{
		Folder: Folder(filepath.Join(dir, "home", "cache", "secrets")), TTL: 10 * time.Minute, MaxAge: 24 * time.Hour,
		Of: Place{
			Title: "prod (/app/prod)", Environment: "prod", Identity: "profile p", Who: "AKIA1", Region: "eu-west-1", Path: "/app/prod",
		},
		Key: func(context.Context) ([]byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.key, nil
		},
		MakeKey: func(context.Context) ([]byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.key != nil {
				return nil, errors.New("a second key")
			}
			w.key = bytes.Repeat([]byte{7}, 32)
			return w.key, nil
		},
		Notice: func(msg string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notices = append(w.notices, msg)
		},
		Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return w.now },
	}
	return w
}

// open returns a store as a process has it.
func (w *world) open(change ...func(*Options)) *Store {
	o := w.o
	for _, c := range change {
		c(&o)
	}
	return New(w.service, o)
}

func (w *world) put(t *testing.T, k, v string) {
	t.Helper()
	e := secret.Entry{Key: secret.Key(k), Value: secret.NewValue(v)}
	if _, err := w.service.Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion}); err != nil {
		t.Fatal(err)
	}
}

// said returns what was said since it was last called.
func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.notices, "\n")
	w.notices = nil
	return s
}

// list lists by s, and fails unless that gives the pairs after so many requests.
func (w *world) list(t *testing.T, s *Store, requests int, want string) {
	t.Helper()
	before := w.asked
	es, err := s.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(es); got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got := w.asked - before; got != requests {
		t.Errorf("%d requests, want %d", got, requests)
	}
}

func text(es []secret.Entry) string {
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "%s=%s ", e.Key, e.Value.Reveal())
	}
	return strings.TrimSpace(b.String())
}

func fallback(o *Options) { o.TTL = 0 }
func off(o *Options)      { o.TTL, o.MaxAge = 0, 0 }
func offline(o *Options)  { o.Offline = true }
func refresh(o *Options)  { o.Refresh = true }

var noNetwork = errs.New(errs.Network, "no answer")

// A store with a cache is a store: also one that prefers what it has kept.
func TestCachedStoreIsAStore(t *testing.T) {
	storetest.Run(t, storetest.Capabilities{MaxValue: local.MaxValue, KeepsDeletions: true}, func(t *testing.T) store.Store {
		return newWorld(t).open()
	})
}

func TestPreferAsksOnlyWhenTheSetIsOld(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.list(t, w.open(), 1, "A=1")
	w.put(t, "A", "2") // past skret
	w.list(t, w.open(), 0, "A=1")
	w.now = w.now.Add(10*time.Minute - 1)
	w.list(t, w.open(), 0, "A=1")
	w.list(t, w.open(refresh), 1, "A=2")
	w.list(t, w.open(), 0, "A=2")
	w.now = w.now.Add(10 * time.Minute)
	w.list(t, w.open(), 1, "A=2")
	if s := w.said(); s != "" {
		t.Errorf("said %q", s)
	}
}

func TestFallbackServesOnlyWhatIsNoRefusal(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		served bool
	}{
		{"network", noNetwork, true},
		{"wrapped", fmt.Errorf("list: %w", noNetwork), true},
		{"deadline", context.DeadlineExceeded, true},
		{"the service fails", errs.New(errs.Backend, "x: %w", errs.ErrFailed), true},
		{"backend", errs.New(errs.Backend, "nonsense"), false},
		{"denied", errs.New(errs.Auth, "denied"), false},
		{"denied for want of network", errs.New(errs.Auth, "no: %w", noNetwork), false},
		{"denied since it failed", errs.New(errs.Auth, "no: %w", errs.ErrFailed), false},
		{"not found", errs.New(errs.NotFound, "gone"), false},
		{"invalid", errs.New(errs.Invalid, "no"), false},
		{"config", errs.New(errs.Config, "no"), false},
		{"cancelled", context.Canceled, false},
		{"a part", &store.Unreadable{Keys: []secret.Key{"B"}, Err: noNetwork}, false},
		{"unknown", errors.New("what"), false},
	} {
		for _, mode := range []func(*Options){fallback, func(*Options) {}} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				w.put(t, "A", "1")
				w.put(t, "B", "2")
				w.list(t, w.open(mode), 1, "A=1 B=2")
				w.now = w.now.Add(3 * time.Hour)
				w.broken = c.err
				es, err := w.open(mode).List(t.Context(), "")
				one, oneErr := w.open(mode).Get(t.Context(), "B")
				said := w.said()
				if c.served {
					if err != nil || oneErr != nil || text(es) != "A=1 B=2" || text(one) != "B=2" || !strings.Contains(said, "using secrets cached 3 h ago: ") {
						t.Fatalf("%s, %s, %v, %v; said %q", text(es), text(one), err, oneErr, said)
					}
				} else if !errors.Is(err, c.err) || !errors.Is(oneErr, c.err) || said != "" || strings.Contains(text(es), "B=") {
					t.Fatalf("%s, %v; said %q", text(es), err, said)
				}
				// Who asks for the service's own answer gets no other.
				if _, err := w.open(mode, refresh).List(t.Context(), ""); !errors.Is(err, c.err) {
					t.Errorf("refresh: %v", err)
				}
			})
		}
	}
}

func TestMaxAgeBoundsEverything(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.list(t, w.open(), 1, "A=1")
	w.broken = noNetwork
	w.now = w.now.Add(24 * time.Hour)
	w.list(t, w.open(), 1, "A=1")
	w.said()
	w.now = w.now.Add(time.Second)
	for _, s := range []*Store{w.open(), w.open(offline)} {
		if es, err := s.List(t.Context(), ""); errs.KindOf(err) != errs.Network {
			t.Errorf("%s, %v", text(es), err)
		}
	}
	if s := w.said(); !strings.Contains(s, "it is 24 h old, and max_age is 24 h") {
		t.Errorf("said %q", s)
	}
	// A clock that was set back makes nothing younger.
	w.now = w.now.Add(-25 * time.Hour)
	if es, err := w.open().List(t.Context(), ""); err == nil {
		t.Errorf("from the future: %s", text(es))
	}
}

func TestNothingIsServedToAnotherIdentityPlaceOrSetting(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.list(t, w.open(), 1, "A=1")
	w.broken = noNetwork
	for name, change := range map[string]func(*Place){
		"identity":    func(p *Place) { p.Identity = "profile q" },
		"who":         func(p *Place) { p.Who = "AKIA2" },
		"account":     func(p *Place) { p.Account = "111122223333" },
		"role":        func(p *Place) { p.Role = "r" },
		"region":      func(p *Place) { p.Region = "us-east-1" },
		"endpoint":    func(p *Place) { p.Endpoint = "https://elsewhere" },
		"path":        func(p *Place) { p.Path = "/app" },
		"environment": func(p *Place) { p.Environment = "dev" },
		"keys":        func(p *Place) { p.Keys = []secret.Key{"A"} },
		"shifted":     func(p *Place) { p.Identity, p.Who = p.Identity+p.Who, "" },
	} {
		if es, err := w.open(func(o *Options) { change(&o.Of) }).List(t.Context(), ""); err == nil {
			t.Errorf("%s: %s", name, text(es))
		}
	}
	if s := w.said(); s != "" {
		t.Errorf("said %q", s)
	}
	// Nor by putting one's file in the place of the other's.
	other := w.o.Of
	other.Who = "AKIA2"
	data, err := os.ReadFile(w.o.Folder.file(w.o.Of.name() + suffix))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.o.Folder.file(other.name()+suffix), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if es, err := w.open(func(o *Options) { o.Of = other }).List(t.Context(), ""); err == nil || !strings.Contains(w.said(), "something else than skret has changed it") {
		t.Errorf("a moved file: %s, %v", text(es), err)
	}
	w.broken = nil
	w.list(t, w.open(), 0, "A=1")
}

// Whatever byte is changed, however: it is said, not served, and fetched anew.
func TestEveryByteCounts(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "value")
	s := w.open()
	w.list(t, s, 1, "A=value")
	name := w.o.Folder.file(w.o.Of.name() + suffix)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if set, err := open(w.key, w.o.Of, bad); err == nil {
			t.Fatalf("byte %d changed, and it opens: %s", i, text(set.entries))
		} else if _, ok := errors.AsType[*damage](err); !ok {
			t.Fatalf("byte %d: %v", i, err)
		}
		if set, err := open(w.key, w.o.Of, bytes.Clone(good[:i])); err == nil {
			t.Fatalf("cut at %d, and it opens: %s", i, text(set.entries))
		}
	}
	if _, err := open(bytes.Repeat([]byte{8}, 32), w.o.Of, bytes.Clone(good)); err == nil {
		t.Fatal("another key opens it")
	}
	bad := append(bytes.Clone(good), 0)
	if err := os.WriteFile(name, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	w.list(t, s, 1, "A=value")
	if said := w.said(); strings.Count(said, "is not used: something else than skret has changed it") != 1 {
		t.Errorf("said %q", said)
	}
	w.list(t, s, 0, "A=value")
	if err := os.WriteFile(name, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open(offline).List(t.Context(), ""); errs.KindOf(err) != errs.Network {
		t.Errorf("offline: %v", err)
	}
}

func TestOwnWritesAreSeenAtOnce(t *testing.T) {
	for name, writer := range map[string]func(*Options){
		"by the same":         func(*Options) {},
		"with the cache off":  off,
		"by another identity": func(o *Options) { o.Of.Who = "AKIA2" },
		"from above":          func(o *Options) { o.Of.Path = "/app" },
		"from the root":       func(o *Options) { o.Of.Path = "/" },
		"from below":          func(o *Options) { o.Of.Path = "/app/prod/db" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.put(t, "A", "1")
			w.list(t, w.open(), 1, "A=1")
			e := secret.Entry{Key: "A", Value: secret.NewValue("2")}
			if _, err := w.open(writer).Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion}); err != nil {
				t.Fatal(err)
			}
			w.list(t, w.open(), 1, "A=2")
			if err := w.open(writer).Delete(t.Context(), "A"); err != nil {
				t.Fatal(err)
			}
			w.list(t, w.open(), 1, "")
		})
	}
	t.Run("elsewhere", func(t *testing.T) {
		w := newWorld(t)
		w.list(t, w.open(), 1, "")
		elsewhere := w.open(func(o *Options) { o.Of.Path = "/app/prod2" })
		if err := elsewhere.Delete(t.Context(), "A"); errs.KindOf(err) != errs.NotFound {
			t.Fatal(err)
		}
		w.list(t, w.open(), 0, "")
	})
}

// A list that was under way when something was written is not kept: it may be of
// before.
func TestListOfBeforeAWriteIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.during = func() {
		e := secret.Entry{Key: "A", Value: secret.NewValue("2")}
		if _, err := w.open(off).Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion}); err != nil {
			t.Error(err)
		}
	}
	w.list(t, w.open(), 1, "A=1")
	w.list(t, w.open(), 1, "A=2")
	w.list(t, w.open(), 0, "A=2")
}

// Names that the service has otherwise show that the set is out of date.
func TestNamesCorrectTheSet(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	s := w.open()
	w.list(t, s, 1, "A=1")
	if _, err := s.Names(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.list(t, s, 0, "A=1")
	w.put(t, "B", "2")
	w.list(t, s, 0, "A=1")
	if es, err := s.Names(t.Context(), ""); err != nil || len(es) != 2 {
		t.Fatal(es, err)
	}
	w.list(t, s, 1, "A=1 B=2")
}

func TestOffline(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.put(t, "db/x", "2")
	s := w.open(fallback, offline)
	if _, err := s.List(t.Context(), ""); errs.KindOf(err) != errs.Network || errs.HintOf(err) == "" || !strings.Contains(err.Error(), "nothing is cached") {
		t.Fatal(err)
	}
	if _, err := w.open(off, offline).List(t.Context(), ""); errs.KindOf(err) != errs.Config || !strings.Contains(errs.HintOf(err), "cache:") {
		t.Fatal(err)
	}
	w.list(t, w.open(fallback), 1, "A=1 db/x=2")
	w.list(t, s, 0, "A=1 db/x=2")
	if said := w.said(); said != "using secrets cached 0 s ago (--offline): prod (/app/prod)" {
		t.Errorf("said %q", said)
	}
	before := w.asked
	names, err := s.Names(t.Context(), "db/")
	if err != nil || len(names) != 1 || names[0].Key != "db/x" || names[0].Value.Present() {
		t.Error(names, err)
	}
	if es, err := s.Get(t.Context(), "db/x", "A"); err != nil || text(es) != "db/x=2 A=1" {
		t.Error(text(es), err)
	}
	if _, err := s.Get(t.Context(), "A", "NOPE"); errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "NOPE") {
		t.Error(err)
	}
	_, putErr := s.Put(t.Context(), secret.Entry{Key: "A", Value: secret.NewValue("3")}, store.PutOptions{Expect: store.AnyVersion})
	_, historyErr := s.History(t.Context(), "A")
	_, tagsErr := s.Tags(t.Context(), "A")
	for _, err := range []error{putErr, historyErr, tagsErr, s.Delete(t.Context(), "A")} {
		if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "--offline") {
			t.Error(err)
		}
	}
	if w.asked != before {
		t.Error("the service was asked")
	}
}

// A key that is not in the set may be new: the service is asked for it.
func TestGetAsksForWhatIsNotInTheSet(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.list(t, w.open(), 1, "A=1")
	w.put(t, "B", "2")
	before := w.asked
	if es, err := w.open().Get(t.Context(), "A"); err != nil || text(es) != "A=1" || w.asked != before {
		t.Error(text(es), err, w.asked-before)
	}
	if es, err := w.open().Get(t.Context(), "A", "B"); err != nil || text(es) != "A=1 B=2" || w.asked != before+1 {
		t.Error(text(es), err, w.asked-before)
	}
	w.broken = noNetwork
	if _, err := w.open().Get(t.Context(), "B"); !errors.Is(err, noNetwork) {
		t.Error(err)
	}
}

func TestPartIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.put(t, "B", "2")
	w.broken = &store.Unreadable{Keys: []secret.Key{"B"}, Err: errs.New(errs.Auth, "denied")}
	if _, err := w.open().List(t.Context(), ""); err == nil {
		t.Fatal("no error")
	}
	w.broken = nil
	if es, err := w.open().List(t.Context(), "A"); err != nil || text(es) != "A=1" {
		t.Fatal(text(es), err)
	}
	if all, err := w.o.Folder.List(); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
}

// Off means that nothing is made, read or asked for.
func TestOffTouchesNothing(t *testing.T) {
	w := newWorld(t)
	w.o.Key = func(context.Context) ([]byte, error) { t.Error("the key is asked for"); return nil, nil }
	s := w.open(off)
	w.list(t, s, 1, "")
	if err := s.Delete(t.Context(), "A"); errs.KindOf(err) != errs.NotFound {
		t.Fatal(err)
	}
	if w.o.Folder.there() {
		t.Error("a folder was made")
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "0")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := w.open()
			for range 10 {
				if es, err := s.List(t.Context(), ""); err != nil || len(es) != 1 {
					t.Error(text(es), err)
				}
			}
		})
	}
	for i := range 10 {
		e := secret.Entry{Key: "A", Value: secret.NewValue(fmt.Sprint(i))}
		if _, err := w.open().Put(t.Context(), e, store.PutOptions{Expect: store.AnyVersion}); err != nil {
			t.Fatal(err)
		}
		if es, err := w.open().List(t.Context(), ""); err != nil || text(es) != fmt.Sprintf("A=%d", i) {
			t.Errorf("after write %d: %s, %v", i, text(es), err)
		}
	}
	wg.Wait()
	if s := w.said(); s != "" {
		t.Errorf("said %q", s)
	}
}

func TestKeyThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.put(t, "A", "1")
	w.list(t, w.open(), 1, "A=1")
	w.key = nil
	w.list(t, w.open(), 1, "A=1")
	if s := w.said(); !strings.Contains(s, "its key is gone") {
		t.Errorf("said %q", s)
	}
	w.list(t, w.open(), 0, "A=1")

	// Where the key cannot be had, secrets come from the service all the same.
	w.o.Key = func(context.Context) ([]byte, error) {
		return nil, errs.New(errs.Auth, "the keyring is locked").WithHint("unlock it")
	}
	w.list(t, w.open(), 1, "A=1")
	if s := w.said(); !strings.Contains(s, "cannot be cached: the keyring is locked; unlock it") {
		t.Errorf("said %q", s)
	}
	w.broken = noNetwork
	if _, err := w.open().List(t.Context(), ""); !errors.Is(err, noNetwork) {
		t.Error(err)
	}
	if s := w.said(); !strings.Contains(s, "is not used: the keyring is locked; unlock it") {
		t.Errorf("said %q", s)
	}
}

func TestFilesAreTheUsersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are of Unix")
	}
	w := newWorld(t)
	w.put(t, "MARKER_KEY", "mArKeR-value")
	w.list(t, w.open(), 1, "MARKER_KEY=mArKeR-value")
	set := w.o.Folder.file(w.o.Of.name() + suffix)
	for name, want := range map[string]os.FileMode{string(w.o.Folder): 0o700, set: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	data, err := os.ReadFile(set)
	if err != nil || bytes.Contains(data, []byte("mArKeR")) || bytes.Contains(data, []byte("MARKER_KEY")) {
		t.Errorf("%q, %v", data, err)
	}
	// What others could read is taken from them, and that is said.
	if err := os.Chmod(set, 0o644); err != nil {
		t.Fatal(err)
	}
	w.list(t, w.open(), 0, "MARKER_KEY=mArKeR-value")
	if info, err := os.Stat(set); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(w.said(), "could be read by others") {
		t.Error(info.Mode(), err)
	}
	// A link is not followed.
	away := filepath.Join(t.TempDir(), "away")
	if err := errors.Join(os.Rename(set, away), os.Symlink(away, set)); err != nil {
		t.Fatal(err)
	}
	w.broken = noNetwork
	if es, err := w.open().List(t.Context(), ""); !errors.Is(err, noNetwork) {
		t.Error(text(es), err)
	}
}

// What is over is removed when something is kept, and what is left of a writer
// that was killed.
func TestFolderStaysSmall(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.list(t, w.open(func(o *Options) { o.Of.Who = fmt.Sprint(i) }), 1, "")
	}
	if all, err := w.o.Folder.List(); err != nil || len(all) != 5 {
		t.Fatal(len(all), err)
	}
	left := w.o.Folder.file("." + w.o.Of.name() + suffix + ".ABCDEF.skret-tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(25 * time.Hour)
	w.list(t, w.open(), 1, "")
	all, err := w.o.Folder.List()
	if err != nil || len(all) != 1 || all[0].Names != 0 || all[0].Path != "/app/prod" {
		t.Fatal(all, err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("left over: %v", err)
	}
}

func TestDrop(t *testing.T) {
	w := newWorld(t)
	w.list(t, w.open(), 1, "")
	w.list(t, w.open(func(o *Options) { o.Of.Path = "/other" }), 1, "")
	if err := os.WriteFile(w.o.Folder.file("odd"+suffix), []byte("odd"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := w.o.Folder.List()
	if err != nil || len(all) != 3 || !all[2].Damaged {
		t.Fatal(all, err)
	}
	if n, err := w.o.Folder.Drop(t.Context(), func(i Info) bool { return i.Path == "/other" }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	w.list(t, w.open(), 0, "")
	if n, err := w.o.Folder.Drop(t.Context(), func(Info) bool { return true }); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	w.list(t, w.open(), 1, "")
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59 * time.Minute: "59 min", time.Hour: "1 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days",
	} {
		if got := Age(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// What is decoded is what was encoded, and whatever else is decoded does no harm.
func FuzzEntries(f *testing.F) {
	f.Add([]byte("A"), []byte("value"), "SecureString", int64(3), []byte{})
	f.Add([]byte(""), []byte("\x00\xff\n"), "", int64(-1), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, k, v []byte, typ string, n int64, odd []byte) {
		e := secret.Entry{Key: secret.Key(k), Value: secret.NewValue(string(v)), Type: typ, Description: typ, Version: n, Modified: time.UnixMilli(n).UTC()}
		es, err := decode(string(encode([]secret.Entry{e, e})))
		if err != nil || len(es) != 2 {
			t.Fatal(len(es), err)
		}
		got := es[1]
		if got.Key != e.Key || !got.Value.Equal(e.Value) || got.Type != typ || got.Description != typ || got.Version != n || !got.Modified.Equal(e.Modified) {
			t.Fatalf("%+v", got)
		}
		_, _ = decode(string(odd))
	})
}
