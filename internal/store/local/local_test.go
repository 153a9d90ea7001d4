package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
	"github.com/skret/skret/internal/store/storetest"
)

// options are those of a store in a folder of its own, with an identity of its
// own.
func options(t testing.TB) local.Options {
	t.Helper()
	dir := t.TempDir()
	return local.Options{
		File: filepath.Join(dir, "store", "secrets.yaml"), Home: filepath.Join(dir, "home"),
		IdentityFile: filepath.Join(dir, "home", "identity.txt"),
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Capabilities{MaxValue: local.MaxValue, KeepsDeletions: true}, func(t *testing.T) store.Store {
		return local.New(options(t))
	})
}

var whatever = store.PutOptions{Expect: store.AnyVersion}

// set stores KEY, VALUE, KEY, VALUE ... in one step.
func set(t testing.TB, o local.Options, pairs ...string) {
	t.Helper()
	var es []secret.Entry
	for p := range slices.Chunk(pairs, 2) {
		es = append(es, secret.Entry{Key: secret.Key(p[0]), Value: secret.NewValue(p[1])})
	}
	if _, err := local.New(o).PutAll(t.Context(), es, whatever); err != nil {
		t.Fatal(err)
	}
}

// want fails unless a new store reads exactly these keys and values.
func want(t testing.TB, o local.Options, pairs ...string) {
	t.Helper()
	es, err := local.New(o).List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range es {
		got = append(got, string(e.Key), e.Value.Reveal())
	}
	if !slices.Equal(got, pairs) {
		t.Errorf("got %q, want %q", got, pairs)
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind {
		t.Fatalf("error of kind %v, want %v: %v", errs.KindOf(err), kind, err)
	}
	for _, w := range words {
		if all := err.Error() + " / " + errs.HintOf(err); !strings.Contains(all, w) {
			t.Errorf("%q is not in %q", w, all)
		}
	}
}

func TestTheFileIsQuotedYAMLWithoutAnyValue(t *testing.T) {
	o := options(t)
	set(t, o, "db/url", "marker-one", "NULL", "marker-two")
	if _, err := local.New(o).Put(t.Context(), secret.Entry{Key: "K", Value: secret.NewValue("marker-three"), Description: "a \"b\" \\ \n\u2028 ü \U000E0041 日本"}, whatever); err != nil {
		t.Fatal(err)
	}
	text := read(t, o.File)
	if strings.Contains(text, "marker") {
		t.Error("a value is in the file")
	}
	var doc struct {
		Format, ID, Key, MAC string
		Recipients           []string
		Secrets              map[string]map[string]string
	}
	if err := yaml.Load([]byte(text), &doc, yaml.WithKnownFields()); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(doc.Secrets) != 3 || doc.Secrets["K#1"]["description"] != "a \"b\" \\ \n\u2028 ü \U000E0041 日本" {
		t.Errorf("as YAML it reads %+v", doc)
	}
	// Outside the quotes there are only signs and comments.
	bare := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllString(text, "")
	bare = regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(bare, "")
	if rest := strings.Trim(bare, ":{},- \n"); rest != "" {
		t.Errorf("not quoted: %q", rest)
	}
}

func TestAChangeTouchesTheLineOfItsKeyAndTheMac(t *testing.T) {
	o := options(t)
	set(t, o, "A", "1", "B", "2", "C", "3")
	before := strings.Split(read(t, o.File), "\n")
	set(t, o, "B", "new")
	var fresh []string
	for l := range strings.SplitSeq(read(t, o.File), "\n") {
		if !slices.Contains(before, l) {
			fresh = append(fresh, l)
		}
	}
	if len(fresh) != 2 || !strings.HasPrefix(fresh[0], `  "B#2": `) || !strings.HasPrefix(fresh[1], `"mac"`) {
		t.Errorf("new lines: %q", fresh)
	}
}

func TestTheLastTenVersionsAreKept(t *testing.T) {
	o := options(t)
	now := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	s := local.New(o)
	for i := range 14 {
		now = now.Add(time.Hour)
		e := secret.Entry{Key: "K", Value: secret.NewValue(fmt.Sprint(i + 1))}
		if i == 3 {
			e.Description = "from the fourth on"
		}
		if v, err := s.Put(t.Context(), e, whatever); err != nil || v != int64(i+1) {
			t.Fatalf("version %d: %v", v, err)
		}
	}
	set(t, o, "A", "before", "Z", "behind")
	es, err := s.History(t.Context(), "K")
	if err != nil || len(es) != local.KeptVersions {
		t.Fatalf("%d versions: %v", len(es), err)
	}
	for i, e := range es {
		if v := int64(i + 5); e.Version != v || e.Value.Reveal() != fmt.Sprint(v) || e.Description != "from the fourth on" ||
			!e.Modified.Equal(time.Date(2026, 5, 1, 10+int(v), 0, 0, 0, time.UTC)) {
			t.Errorf("%d: %+v", v, e)
		}
	}
	want(t, o, "A", "before", "K", "14", "Z", "behind")
}

func TestADeletedSecretComesBackFromItsHistory(t *testing.T) {
	o := options(t)
	set(t, o, "K", "old", "OTHER", "x")
	s := local.New(o)
	if err := s.Delete(t.Context(), "K"); err != nil {
		t.Fatal(err)
	}
	want(t, o, "OTHER", "x")
	es, err := s.History(t.Context(), "K")
	if err != nil || len(es) != 2 || es[0].Value.Reveal() != "old" || !es[1].Deleted {
		t.Errorf("%+v %v", es, err)
	}
	set(t, o, "K", es[0].Value.Reveal())
	want(t, o, "K", "old", "OTHER", "x")
}

func TestWhatTheStoreCannotKeepIsRefusedAllAtOnce(t *testing.T) {
	o := options(t)
	_, err := local.New(o).PutAll(t.Context(), []secret.Entry{
		{Key: "bad key", Value: secret.NewValue("x")}, {Key: "TYPED", Value: secret.NewValue("x"), Type: "String"},
		{Key: "TAGGED", Value: secret.NewValue("x"), Tags: map[string]string{"a": "b"}}, {Key: "DESCRIBED", Value: secret.NewValue("x"), Description: "\xff"},
		{Key: "TWICE"}, {Key: "TWICE"},
	}, whatever)
	wantKind(t, err, errs.Invalid, "bad key", "TYPED", "TAGGED", "DESCRIBED", "TWICE")
	if _, err := os.Stat(o.File); err == nil {
		t.Error("a file was made")
	}
}

func TestKeysRestrictWhatIsRead(t *testing.T) {
	o := options(t)
	set(t, o, "A", "1", "B", "2", "db/x", "3")
	o.Keys = []secret.Key{"db/x", "A"}
	want(t, o, "A", "1", "db/x", "3")
	_, err := local.New(o).Get(t.Context(), "B")
	wantKind(t, err, errs.NotFound, "B", "keys:")
	o.Keys = []secret.Key{"A", "GONE_1", "GONE_2"}
	_, err = local.New(o).List(t.Context(), "")
	wantKind(t, err, errs.NotFound, "GONE_1", "GONE_2")
	_, err = local.New(o).Names(t.Context(), "")
	wantKind(t, err, errs.NotFound, "GONE_1")
}

func TestAMissingStoreIsEmptyAndSaysSo(t *testing.T) {
	o := options(t)
	var notices []string
	o.Notice = func(msg string) { notices = append(notices, msg) }
	s := local.New(o)
	for range 2 {
		if es, err := s.List(t.Context(), ""); err != nil || len(es) != 0 {
			t.Errorf("%v %v", es, err)
		}
	}
	if len(notices) != 1 || !strings.Contains(notices[0], o.File) {
		t.Errorf("notices %q", notices)
	}
	wantKind(t, s.Delete(t.Context(), "K"), errs.NotFound, "K")
	_, err := s.History(t.Context(), "K")
	wantKind(t, err, errs.NotFound, "K")
	if _, err := os.Stat(filepath.Dir(o.File)); err == nil {
		t.Error("reading has made something")
	}
}

func TestManyStoresOnOneFileLoseNothing(t *testing.T) {
	o := options(t)
	const n = 20
	var wg sync.WaitGroup
	var pairs []string
	for i := range n {
		k := fmt.Sprintf("K%02d", i)
		pairs = append(pairs, k, "value of "+k)
		wg.Go(func() { // each with an identity of its own to find, and at first none
			_, err := local.New(o).Put(context.WithoutCancel(t.Context()), secret.Entry{Key: secret.Key(k), Value: secret.NewValue("value of " + k)}, whatever)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want(t, o, pairs...)
	for _, dir := range []string{filepath.Dir(o.File), o.Home} {
		if es, err := os.ReadDir(dir); err != nil || len(es) != 1 {
			t.Errorf("%s holds %v: %v", dir, es, err)
		}
	}
}

// A file that was made once opens for ever.
func TestFilesOfTheFirstFormatOpen(t *testing.T) {
	o := local.Options{File: filepath.Join("testdata", "sealed-1.yaml"), IdentityFile: "/nowhere",
		Identity: strings.TrimSpace(read(t, filepath.Join("testdata", "identity.txt")))}
	want(t, o, "API_KEY", "a secret that was made for this test", "BINARY", "\x00\xff\n", "db/url", "postgres://localhost/app\n")
	es, err := local.New(o).History(t.Context(), "API_KEY")
	if err != nil || len(es) != 3 || !es[1].Deleted || es[2].Description != "until May" {
		t.Errorf("%+v %v", es, err)
	}
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := options(b)
			var pairs []string
			for i := range n {
				pairs = append(pairs, fmt.Sprintf("SECRET_NUMBER_%04d", i), strings.Repeat("v", 60))
			}
			set(b, o, pairs...)
			for b.Loop() {
				if es, err := local.New(o).List(b.Context(), ""); err != nil || len(es) != n {
					b.Fatal(len(es), err)
				}
			}
		})
	}
}
