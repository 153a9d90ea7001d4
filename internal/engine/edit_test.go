package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
)

// entries makes entries of "KEY=value" words.
func entries(words ...string) []secret.Entry {
	var es []secret.Entry
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		es = append(es, secret.Entry{Key: secret.Key(k), Value: secret.NewValue(v)})
	}
	return es
}

func words(es []secret.Entry) []string {
	var ws []string
	for _, e := range es {
		ws = append(ws, fmt.Sprintf("%s=%s", e.Key, e.Value.Reveal()))
	}
	return ws
}

func TestRebaseCarriesEveryChangeAndNamesClashes(t *testing.T) {
	was := entries("SAME=1", "MINE=1", "THEIRS=1", "BOTH=1", "ALIKE=1", "I_DELETE=1", "THEY_DELETE=1", "I_DELETE_THEY_CHANGE=1", "I_CHANGE_THEY_DELETE=1")
	mine := entries("SAME=1", "MINE=2", "THEIRS=1", "BOTH=2", "ALIKE=2", "THEY_DELETE=1", "I_CHANGE_THEY_DELETE=2", "I_ADD=1", "BOTH_ADD=1")
	now := entries("SAME=1", "MINE=1", "THEIRS=2", "BOTH=3", "ALIKE=2", "I_DELETE=1", "I_DELETE_THEY_CHANGE=2", "THEY_ADD=1", "BOTH_ADD=2")
	merged, clashes := Rebase(was, mine, now)
	want := []string{
		"ALIKE=2", "BOTH=2", "BOTH_ADD=1", "I_ADD=1", "I_CHANGE_THEY_DELETE=2", "MINE=2", "SAME=1", "THEIRS=2", "THEY_ADD=1",
	}
	if got := words(merged); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if want := []secret.Key{"BOTH", "BOTH_ADD", "I_CHANGE_THEY_DELETE", "I_DELETE_THEY_CHANGE"}; !slices.Equal(clashes, want) {
		t.Errorf("clashes %q, want %q", clashes, want)
	}
}

func TestFinderMatchesKeysAndVariables(t *testing.T) {
	for _, c := range []struct {
		pattern string
		fold    bool
		key     secret.Key
		want    bool
	}{
		{"db/*", false, "db/url", true},
		{"db/*", false, "db/replica/url", true},
		{"DB_*", false, "db/replica/url", true},
		{"*URL", false, "db/url", true},
		{"*/url", false, "db/url", true},
		{"url", false, "db/url", true},
		{"url", false, "URL_X", false},
		{"url", true, "URL_X", true},
		{"API_?EY", false, "API_KEY", true},
		{"API_[JK]EY", false, "API_KEY", true},
		{"API", false, "MY_API_KEY", true},
		{"A*", false, "MY_API", false},
		{"?", false, "AB", false},
	} {
		match, err := Finder([]string{"nothing-like-it", c.pattern}, c.fold)
		if err != nil {
			t.Fatal(err)
		}
		if got := match(secret.Entry{Key: c.key}); got != c.want {
			t.Errorf("%q in %q, fold %v: %v", c.pattern, c.key, c.fold, got)
		}
	}
	for _, bad := range []string{"", "[a"} {
		if _, err := Finder([]string{bad}, false); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
