// Package storetest is the suite that every store passes: the contract of
// package store, as tests. Only tests import it.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Capabilities{MaxValue: 4096}, func(t *testing.T) store.Store { ... })
//	}
package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Capabilities are what stores may differ in.
type Capabilities struct {
	// MaxValue is the size in bytes of the largest value: that is kept, and one
	// byte more is refused.
	MaxValue int

	// Keeps tells whether the store takes a value of these bytes. What it does
	// not take, it must refuse with kind Invalid, naming the key. nil: all.
	Keeps func(value string) bool

	// KeepsDeletions says that a deletion is a version: the history stays, and
	// version numbers go on when the key comes back.
	KeepsDeletions bool

	// Break makes one key of the store unreadable and leaves the others
	// readable. nil: the store cannot be in that state.
	Break func(t *testing.T, s store.Store, k secret.Key)
}

func (c Capabilities) keeps(v string) bool { return c.Keeps == nil || c.Keeps(v) }

// Run runs the suite. Each call of open returns a store of its own that is empty.
func Run(t *testing.T, c Capabilities, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Capabilities, store.Store)
	}{
		{"an empty store has nothing", testEmpty},
		{"names come sorted, by prefix and without values", testNames},
		{"get answers in the order asked", testGetOrder},
		{"get names all that is missing", testGetMissing},
		{"versions count up", testVersions},
		{"a condition that does not hold writes nothing", testExpect},
		{"values are exact, or refused", testValues},
		{"the largest value is kept, a larger one refused", testMaxValue},
		{"many secrets are listed whole", testMany},
		{"delete removes what there is and names what is not", testDelete},
		{"history shows the versions, oldest first", testHistory},
		{"history of a deleted secret", testHistoryOfDeleted},
		{"an unreadable secret hides no other", testUnreadable},
		{"a batch is all or none", testBatch},
		{"concurrent writes of different keys are all kept", testConcurrentKeys},
		{"of concurrent creations one wins", testConcurrentCreate},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c, open(t)) })
	}
}

func entry(k secret.Key, v string) secret.Entry {
	return secret.Entry{Key: k, Value: secret.NewValue(v)}
}

func put(t *testing.T, s store.Store, k secret.Key, v string) int64 {
	t.Helper()
	version, err := s.Put(t.Context(), entry(k, v), store.PutOptions{Expect: store.AnyVersion})
	if err != nil {
		t.Fatalf("put %s: %v", k, err)
	}
	return version
}

// wantKind fails unless err has the kind and names all of the words.
func wantKind(t *testing.T, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind {
		t.Fatalf("error of kind %v: %v; want kind %v", errs.KindOf(err), err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not name %q: %v", w, err)
		}
	}
}

func keys(es []secret.Entry) []secret.Key {
	ks := make([]secret.Key, len(es))
	for i, e := range es {
		ks[i] = e.Key
	}
	return ks
}

// wantEntries fails unless es has exactly these keys and values, in order.
func wantEntries(t *testing.T, es []secret.Entry, err error, pairs ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range es {
		if !e.Value.Present() {
			t.Errorf("%s has no value", e.Key)
		}
		got = append(got, string(e.Key), e.Value.Reveal())
	}
	if !slices.Equal(got, pairs) {
		t.Errorf("got %q, want %q", got, pairs)
	}
}

func testEmpty(t *testing.T, _ Capabilities, s store.Store) {
	for name, list := range map[string]func(context.Context, secret.Key) ([]secret.Entry, error){"names": s.Names, "list": s.List} {
		if es, err := list(t.Context(), ""); err != nil || len(es) != 0 {
			t.Errorf("%s: %v %v", name, keys(es), err)
		}
	}
	_, err := s.Get(t.Context(), "A")
	wantKind(t, err, errs.NotFound, "A")
	wantKind(t, s.Delete(t.Context(), "A"), errs.NotFound, "A")
}

func testNames(t *testing.T, _ Capabilities, s store.Store) {
	for _, k := range []secret.Key{"db/url", "API_KEY", "db/pass", "db-x", "z.y"} {
		put(t, s, k, "value of "+string(k))
	}
	es, err := s.Names(t.Context(), "")
	if want := []secret.Key{"API_KEY", "db-x", "db/pass", "db/url", "z.y"}; err != nil || !slices.Equal(keys(es), want) {
		t.Fatalf("got %v %v, want %v", keys(es), err, want)
	}
	for _, e := range es {
		if e.Value.Present() {
			t.Errorf("%s comes with its value", e.Key)
		}
		if e.Version != 1 {
			t.Errorf("%s has version %d", e.Key, e.Version)
		}
	}
	es, err = s.Names(t.Context(), "db/")
	if want := []secret.Key{"db/pass", "db/url"}; err != nil || !slices.Equal(keys(es), want) {
		t.Errorf("below db/: %v %v", keys(es), err)
	}
	es, err = s.List(t.Context(), "db/")
	wantEntries(t, es, err, "db/pass", "value of db/pass", "db/url", "value of db/url")
	es, err = s.List(t.Context(), "")
	wantEntries(t, es, err, "API_KEY", "value of API_KEY", "db-x", "value of db-x", "db/pass", "value of db/pass",
		"db/url", "value of db/url", "z.y", "value of z.y")
	if es, err := s.Names(t.Context(), "nothing/here"); err != nil || len(es) != 0 {
		t.Errorf("below a prefix of nothing: %v %v", keys(es), err)
	}
}

func testGetOrder(t *testing.T, _ Capabilities, s store.Store) {
	for _, k := range []secret.Key{"A", "B", "C", "D"} {
		put(t, s, k, strings.ToLower(string(k)))
	}
	es, err := s.Get(t.Context(), "D", "A", "C")
	wantEntries(t, es, err, "D", "d", "A", "a", "C", "c")
	if es[0].Version != 1 {
		t.Errorf("version %d", es[0].Version)
	}
	// Case matters.
	_, err = s.Get(t.Context(), "a")
	wantKind(t, err, errs.NotFound, "a")
}

func testGetMissing(t *testing.T, _ Capabilities, s store.Store) {
	put(t, s, "THERE", "x")
	_, err := s.Get(t.Context(), "GONE_1", "THERE", "GONE_2")
	wantKind(t, err, errs.NotFound, "GONE_1", "GONE_2")
	if strings.Contains(err.Error(), "THERE") {
		t.Errorf("names what is there: %v", err)
	}
}

func testVersions(t *testing.T, _ Capabilities, s store.Store) {
	for want := int64(1); want <= 3; want++ {
		if got := put(t, s, "K", strings.Repeat("v", int(want))); got != want {
			t.Errorf("version %d, want %d", got, want)
		}
	}
	// The same value again is still a new version.
	if got := put(t, s, "K", "vvv"); got != 4 {
		t.Errorf("version %d, want 4", got)
	}
	es, err := s.Get(t.Context(), "K")
	wantEntries(t, es, err, "K", "vvv")
	if es[0].Version != 4 {
		t.Errorf("version %d, want 4", es[0].Version)
	}
}

func testExpect(t *testing.T, _ Capabilities, s store.Store) {
	try := func(v string, expect int64) error {
		_, err := s.Put(t.Context(), entry("K", v), store.PutOptions{Expect: expect})
		return err
	}
	wantKind(t, try("no", 1), errs.Conflict, "K")
	if _, err := s.Get(t.Context(), "K"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("the refused write left something: %v", err)
	}
	if err := try("first", 0); err != nil {
		t.Fatal(err)
	}
	wantKind(t, try("no", 0), errs.Conflict, "K")
	wantKind(t, try("no", 2), errs.Conflict, "K")
	if err := try("second", 1); err != nil {
		t.Fatal(err)
	}
	wantKind(t, try("no", 1), errs.Conflict, "K")
	es, err := s.Get(t.Context(), "K")
	wantEntries(t, es, err, "K", "second")
	if es[0].Version != 2 {
		t.Errorf("version %d, want 2", es[0].Version)
	}

	own := func(version int64) error {
		e := entry("K", "third")
		e.Version = version
		_, err := s.Put(t.Context(), e, store.PutOptions{Expect: store.EachVersion})
		return err
	}
	wantKind(t, own(1), errs.Conflict, "K")
	wantKind(t, own(0), errs.Conflict, "K")
	if err := own(2); err != nil {
		t.Error(err)
	}
}

func testDelete(t *testing.T, c Capabilities, s store.Store) {
	var all []secret.Key
	for k := range strings.FieldsSeq("A B C D E F G H I J K L M") { // more than one batch of any service
		put(t, s, secret.Key(k), "x")
		all = append(all, secret.Key(k))
	}
	err := s.Delete(t.Context(), append([]secret.Key{"NOPE_1", "NOPE_2"}, all[1:]...)...)
	wantKind(t, err, errs.NotFound, "NOPE_1", "NOPE_2")
	es, err := s.List(t.Context(), "")
	wantEntries(t, es, err, "A", "x")
	wantKind(t, s.Delete(t.Context(), "B"), errs.NotFound, "B")
	_, err = s.Get(t.Context(), "B")
	wantKind(t, err, errs.NotFound, "B")
	want := int64(1)
	if c.KeepsDeletions {
		want = 3
	}
	version, err := s.Put(t.Context(), entry("B", "again"), store.PutOptions{Expect: 0})
	if err != nil || version != want {
		t.Errorf("creation after deletion: version %d, want %d: %v", version, want, err)
	}
}

func testUnreadable(t *testing.T, c Capabilities, s store.Store) {
	if c.Break == nil {
		t.Skip("this store has no single unreadable secret")
	}
	for _, k := range []secret.Key{"A", "BROKEN", "C"} {
		put(t, s, k, "x")
	}
	c.Break(t, s, "BROKEN")
	check := func(es []secret.Entry, err error, want ...secret.Key) {
		t.Helper()
		u, ok := errors.AsType[*store.Unreadable](err)
		if !ok || !slices.Equal(u.Keys, []secret.Key{"BROKEN"}) || errs.KindOf(err) == errs.Unclassified {
			t.Errorf("error %v of kind %v", err, errs.KindOf(err))
		}
		if !slices.Equal(keys(es), want) {
			t.Errorf("got %v, want %v", keys(es), want)
		}
	}
	es, err := s.List(t.Context(), "")
	check(es, err, "A", "C")
	es, err = s.Get(t.Context(), "C", "BROKEN", "A")
	check(es, err, "C", "A")
	if es, err := s.Names(t.Context(), ""); err != nil || len(es) != 3 {
		t.Errorf("names: %v %v", keys(es), err)
	}
}
