package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n"

// values are those that formats, shells and encodings spoil.
var values = []string{
	"plain", " ", " leading and trailing ", "\t", "\n", "a\n", "\n\na", "a\r\nb\r\n", "a\rb", pem,
	`"quoted" 'quoted' \n \\ \" $HOME $(id) ` + "`id`", "%s %d %", "a=b", "#c", "a: b", "- a", "{a: b}", "[a]", "&a *a !a |", "> b", "~", "null", "true", "0x1F", "1e3",
	"---", "...", "ünïcödé", "日本語", "👩‍👩‍👧", "e\u0301", "\u00e9", "\ufeffbom", "\u2028\u2029", "\u202e", "\u0000", "a\x00b", "\x01\x1b[31m\x7f", "\u0085",
	"\xff\xfe", "\xc3\x28", "ok\x80", "{{ssm:x}}", "{{", "https://u:p@h/?a=b&c=d#e", "<xml/>", "",
}

func testValues(t *testing.T, c Capabilities, s store.Store) {
	for i, v := range values {
		k := secret.Key(fmt.Sprintf("K%d", i))
		_, err := s.Put(t.Context(), entry(k, v), store.PutOptions{Expect: store.AnyVersion})
		if !c.keeps(v) {
			wantKind(t, err, errs.Invalid, string(k))
			if _, err := s.Get(t.Context(), k); errs.KindOf(err) != errs.NotFound {
				t.Errorf("%q was refused and is there: %v", v, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		es, err := s.Get(t.Context(), k)
		wantEntries(t, es, err, string(k), v)
	}
	var want []string
	es, err := s.List(t.Context(), "K")
	for _, e := range es { // sorted already; the values are what matters here
		var i int
		if _, err := fmt.Sscanf(string(e.Key), "K%d", &i); err != nil {
			t.Fatal(err)
		}
		want = append(want, string(e.Key), values[i])
	}
	wantEntries(t, es, err, want...)
	kept := 0
	for _, v := range values {
		if c.keeps(v) {
			kept++
		}
	}
	if len(es) != kept {
		t.Errorf("%d listed, want %d", len(es), kept)
	}
}

func testMaxValue(t *testing.T, c Capabilities, s store.Store) {
	largest := strings.Repeat("x", c.MaxValue)
	put(t, s, "LARGE", largest)
	_, err := s.Put(t.Context(), entry("LARGER", largest+"x"), store.PutOptions{Expect: store.AnyVersion})
	wantKind(t, err, errs.Invalid, "LARGER")
	es, err := s.List(t.Context(), "")
	if err != nil || len(es) != 1 || es[0].Value.Reveal() != largest {
		t.Errorf("%v %v", keys(es), err)
	}
}

func testMany(t *testing.T, _ Capabilities, s store.Store) {
	const n = 123
	var es []secret.Entry
	var want []string
	for i := range n {
		k, v := fmt.Sprintf("group%d/K%03d", i/50, i), fmt.Sprintf("value %d", i)
		es = append(es, entry(secret.Key(k), v))
		want = append(want, k, v)
	}
	if b, ok := s.(store.Batcher); ok {
		if _, err := b.PutAll(t.Context(), es, store.PutOptions{Expect: 0}); err != nil {
			t.Fatal(err)
		}
	} else {
		for _, e := range es {
			put(t, s, e.Key, e.Value.Reveal())
		}
	}
	got, err := s.List(t.Context(), "")
	wantEntries(t, got, err, want...)
	got, err = s.Get(t.Context(), keys(es)...)
	wantEntries(t, got, err, want...)
	if got, err := s.Names(t.Context(), "group1/"); err != nil || len(got) != 50 {
		t.Errorf("%d names below group1/: %v", len(got), err)
	}
}

func testHistory(t *testing.T, _ Capabilities, s store.Store) {
	h, ok := s.(store.Historian)
	if !ok {
		t.Skip("this store keeps no history")
	}
	_, err := h.History(t.Context(), "K")
	wantKind(t, err, errs.NotFound, "K")
	put(t, s, "OTHER", "x")
	for i := range 3 {
		e := entry("K", fmt.Sprintf("value %d\n", i+1))
		e.Description = fmt.Sprintf("description %d", i+1)
		if _, err := s.Put(t.Context(), e, store.PutOptions{Expect: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	es, err := h.History(t.Context(), "K")
	wantEntries(t, es, err, "K", "value 1\n", "K", "value 2\n", "K", "value 3\n")
	for i, e := range es {
		if e.Version != int64(i+1) || e.Deleted || e.Modified.IsZero() || e.Description != fmt.Sprintf("description %d", i+1) {
			t.Errorf("version %d: %+v", i+1, e)
		}
	}
}

func testHistoryOfDeleted(t *testing.T, c Capabilities, s store.Store) {
	h, ok := s.(store.Historian)
	if !ok {
		t.Skip("this store keeps no history")
	}
	put(t, s, "K", "first")
	if err := s.Delete(t.Context(), "K"); err != nil {
		t.Fatal(err)
	}
	if !c.KeepsDeletions {
		_, err := h.History(t.Context(), "K")
		wantKind(t, err, errs.NotFound, "K")
		return
	}
	put(t, s, "K", "third")
	es, err := h.History(t.Context(), "K")
	if err != nil || len(es) != 3 {
		t.Fatalf("%d versions: %v", len(es), err)
	}
	if es[0].Deleted || es[0].Value.Reveal() != "first" || !es[1].Deleted || es[1].Value.Present() || es[1].Version != 2 ||
		es[2].Deleted || es[2].Value.Reveal() != "third" || es[2].Version != 3 {
		t.Errorf("%+v", es)
	}
}

func testBatch(t *testing.T, c Capabilities, s store.Store) {
	b, ok := s.(store.Batcher)
	if !ok {
		t.Skip("this store writes one by one")
	}
	put(t, s, "B", "old")
	versions, err := b.PutAll(t.Context(), []secret.Entry{entry("C", "c"), entry("B", "b"), entry("A", "a")}, store.PutOptions{Expect: store.AnyVersion})
	if err != nil || fmt.Sprint(versions) != "[1 2 1]" {
		t.Fatalf("versions %v: %v", versions, err)
	}
	_, err = b.PutAll(t.Context(), []secret.Entry{entry("NEW", "x"), entry("A", "x")}, store.PutOptions{Expect: 0})
	wantKind(t, err, errs.Conflict, "A")
	_, err = b.PutAll(t.Context(), []secret.Entry{entry("NEW", "x"), entry("BIG", strings.Repeat("x", c.MaxValue+1))}, store.PutOptions{Expect: store.AnyVersion})
	wantKind(t, err, errs.Invalid, "BIG")
	es, err := s.List(t.Context(), "")
	wantEntries(t, es, err, "A", "a", "B", "b", "C", "c")
}

// together runs f n times at once and returns the errors.
func together(n int, f func(i int) error) []error {
	got := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { got[i] = f(i) })
	}
	wg.Wait()
	return got
}

func testConcurrentKeys(t *testing.T, _ Capabilities, s store.Store) {
	const n = 24
	failed := together(n, func(i int) error {
		_, err := s.Put(t.Context(), entry(secret.Key(fmt.Sprintf("K%02d", i)), fmt.Sprint(i)), store.PutOptions{Expect: store.AnyVersion})
		return err
	})
	var want []string
	for i, err := range failed {
		if err != nil {
			t.Errorf("K%02d: %v", i, err)
		}
		want = append(want, fmt.Sprintf("K%02d", i), fmt.Sprint(i))
	}
	es, err := s.List(t.Context(), "")
	wantEntries(t, es, err, want...)
}

func testConcurrentCreate(t *testing.T, _ Capabilities, s store.Store) {
	won := -1
	for i, err := range together(8, func(i int) error {
		_, err := s.Put(t.Context(), entry("K", fmt.Sprint(i)), store.PutOptions{Expect: 0})
		return err
	}) {
		switch {
		case err != nil:
			wantKind(t, err, errs.Conflict, "K")
		case won >= 0:
			t.Errorf("both %d and %d created it", won, i)
		default:
			won = i
		}
	}
	es, err := s.Get(t.Context(), "K")
	wantEntries(t, es, err, "K", fmt.Sprint(won))
}
