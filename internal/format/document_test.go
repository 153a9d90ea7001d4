package format_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

// documentRoundTrip fails unless the text of the secrets gives them back.
func documentRoundTrip(t *testing.T, es []secret.Entry) string {
	t.Helper()
	text, err := format.Document(es)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := format.LookupReader("yaml")
	got, err := r.Read(append([]byte("# a comment\n"), text...), format.ReadOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(got) != len(es) {
		t.Fatalf("%d of %d came back\n%s", len(got), len(es), text)
	}
	for i, e := range es {
		if got[i].Key != e.Key || !got[i].Value.Equal(e.Value) {
			t.Errorf("%q: %q became %q: %q\n%s", e.Key, e.Value.Reveal(), got[i].Key, got[i].Value.Reveal(), text)
		}
	}
	return string(text)
}

func TestDocumentIsForPeople(t *testing.T) {
	text := documentRoundTrip(t, []secret.Entry{
		{Key: "API_KEY", Value: secret.NewValue(`it's "quoted" # $x`)},
		{Key: "db/url", Value: secret.NewValue("postgres://db")},
		{Key: "pem", Value: secret.NewValue("-----BEGIN-----\nabc\n\n  def\n-----END-----\n")},
		{Key: "two", Value: secret.NewValue("a\nb")},
		{Key: "null", Value: secret.NewValue("")},
		{Key: "has a space", Value: secret.NewValue(" x ")},
	})
	want := `API_KEY: "it's \"quoted\" # $x"
db/url: "postgres://db"
pem: |
  -----BEGIN-----
  abc

    def
  -----END-----
two: |-
  a
  b
"null": ""
"has a space": " x "
`
	if text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

func TestDocumentIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "b:", " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "#", " # ", "'", `"`, `\`, "|", "-", "- ", "---", "...", "\n---\n", "%", "@", "é", "\u2028", "\u0085", "\ufeff", "\ufffd", "\x1b", "😀", "{", "}", "null", "~", "1", "<<"}
	word := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	for range 300 {
		var es []secret.Entry
		seen := map[secret.Key]bool{"": true}
		for range 20 {
			k := secret.Key(word(4))
			if !seen[k] {
				es = append(es, secret.Entry{Key: k, Value: secret.NewValue(word(12))})
			}
			seen[k] = true
		}
		documentRoundTrip(t, es)
		if t.Failed() {
			return
		}
	}
}

func TestDocumentNamesWhatCannotStandInIt(t *testing.T) {
	_, err := format.Document([]secret.Entry{
		{Key: "A", Value: secret.NewValue("\xff")}, {Key: "B"}, {Key: "D", Value: secret.NewValue("a\x00")}, {Key: "C", Value: secret.NewValue("fine")},
	})
	if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "A cannot") || !strings.Contains(err.Error(), "B cannot") || !strings.Contains(err.Error(), "D cannot") || strings.Contains(err.Error(), "C") {
		t.Errorf("%v", err)
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("KEY", "a\nb\n")
	f.Add("null", "")
	f.Add("- x", "\x1b\n ")
	f.Add("a/b.c", "|\n  x\n")
	f.Fuzz(func(t *testing.T, key, value string) {
		if key == "" || !utf8.ValidString(key) || !utf8.ValidString(value) || strings.Contains(key+value, "\x00") {
			t.Skip()
		}
		documentRoundTrip(t, []secret.Entry{{Key: secret.Key(key), Value: secret.NewValue(value)}, {Key: "LAST" + secret.Key(key), Value: secret.NewValue("x")}})
	})
}
