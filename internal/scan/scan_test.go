package scan

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/skret/skret/internal/secret"
)

const (
	token    = "tok-3f9a8b7c6d5e"
	password = "correct horse battery"
)

func entry(env, key, value string) Secret {
	return Secret{Env: env, Key: secret.Key(key), Value: secret.NewValue(value)}
}

func scanner(t testing.TB, o Options) *Scanner {
	t.Helper()
	if o.Secrets == nil {
		o.Secrets = []Secret{entry("dev", "TOKEN", token), entry("dev", "PASSWORD", password)}
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// places shows findings in short: FILE:LINE:COLUMN KEY FORM.
func places(r *Result) []string {
	out := []string{}
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s:%d:%d %s %s", f.File, f.Line, f.Column, f.Key, f.Form))
	}
	return out
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestPlacesAreExact(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString([]byte(password))
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":        {"nothing here\n", nil},
		"empty":       {"", nil},
		"all of it":   {token, []string{"-:1:1 TOKEN plain"}},
		"two a line":  {"a\nx=" + token + ";" + token, []string{"-:2:3 TOKEN plain", "-:2:20 TOKEN plain"}},
		"CRLF":        {"a\r\n\r\nb " + token + "\r\n", []string{"-:3:3 TOKEN plain"}},
		"characters":  {"\nÄ→😀" + token, []string{"-:2:4 TOKEN plain"}},
		"encoded":     {"p: " + b64 + "\n", []string{"-:1:4 PASSWORD base64"}},
		"two secrets": {token + "\n" + password, []string{"-:1:1 TOKEN plain", "-:2:1 PASSWORD plain"}},
		"binary":      {"\x00\n\n" + token, []string{"-:0:0 TOKEN plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := scanner(t, Options{}).Reader(t.Context(), strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			want(t, places(r), c.want...)
			if r.Files != 1 || r.Bytes != int64(len(c.text)) {
				t.Errorf("%d files, %d bytes", r.Files, r.Bytes)
			}
			for _, f := range r.Findings {
				if f.Form == "plain" && !strings.HasPrefix(c.text[f.Offset:], map[secret.Key]string{"TOKEN": token, "PASSWORD": password}[f.Key]) {
					t.Errorf("there is nothing at byte %d", f.Offset)
				}
			}
		})
	}
}

// What is found does not depend on where the content was cut in pieces.
func TestPiecesAreLookedIntoAsOne(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 40) + "!"
	s := scanner(t, Options{Secrets: []Secret{entry("", "TOKEN", token), entry("", "LONG", long), entry("", "PART", long[100:200])}})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		var text bytes.Buffer
		var lines []string
		line := 1
		for text.Len() < 3*minStride {
			// So that something stands at every boundary.
			n := minStride - text.Len()%minStride - rnd.IntN(700)
			if n <= 0 {
				n = minStride
			}
			for range n / 100 {
				fmt.Fprintf(&text, "%s\n", strings.Repeat("ä", 49)+".")
				line++
			}
			text.WriteString(strings.Repeat("ä", n%100/2))
			column := n%100/2 + 1
			for _, x := range []struct{ key, value string }{{"LONG", long}, {"TOKEN", token}, {"PART", long[100:200]}, {"LONG", long}} {
				lines = append(lines, fmt.Sprintf("-:%d:%d %s plain", line, column, x.key))
				text.WriteString(x.value + "|")
				column += len(x.value) + 1
			}
		}
		r, err := s.Reader(t.Context(), iotest.HalfReader(bytes.NewReader(text.Bytes())))
		if err != nil {
			t.Fatal(err)
		}
		want(t, places(r), lines...)
	}
}

func TestAContentThatCannotBeReadToItsEndIsAProblem(t *testing.T) {
	r, err := scanner(t, Options{}).Reader(t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(token))))
	if err != nil || len(r.Problems) != 1 || r.Problems[0].File != stdin {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestManyFindingsAreCountedAndNotListed(t *testing.T) {
	r, err := scanner(t, Options{}).Reader(t.Context(), strings.NewReader(strings.Repeat(token+"\n", maxPerPiece+5)))
	if err != nil || len(r.Findings) != maxPerPiece || r.More != 5 {
		t.Fatalf("%d and %d, %v", len(r.Findings), r.More, err)
	}
}

func TestEverySecretWithTheValueIsNamed(t *testing.T) {
	s := scanner(t, Options{Secrets: []Secret{entry("prod", "B", token), entry("dev", "A", token), entry("dev", "SHORT", "1234567")}})
	r, err := s.Reader(t.Context(), strings.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	want(t, places(r), "-:1:1 A plain", "-:1:1 B plain")
	if len(s.Skipped) != 1 || s.Skipped[0].Key != "SHORT" || s.Skipped[0].Why == "" {
		t.Errorf("%+v", s.Skipped)
	}
}

func TestWhatIsAllowedIsNotFound(t *testing.T) {
	secrets := []Secret{entry("dev", "db/TOKEN", token), entry("prod", "db/TOKEN", token)}
	for allow, left := range map[string]int{
		"nothing": 2, "dev:db/TOKEN:-": 1, "*:db/TOKEN:-": 0, "dev:DB_TOKEN:*": 1, "*:db/*:-": 0, "dev:db/TOKEN:other": 2,
		"db/TOKEN": 0, "DB_*": 0, "*": 0, "TOKEN": 2,
	} {
		r, err := scanner(t, Options{Secrets: secrets, Allow: []string{allow}}).Reader(t.Context(), strings.NewReader(token))
		if err != nil || len(r.Findings) != left {
			t.Errorf("%s: %d findings, want %d; %v", allow, len(r.Findings), left, err)
		}
	}
}

func TestAFingerprintAllowsItsFinding(t *testing.T) {
	for _, file := range []string{"a", "a b:c", "[x]/y*", "bad\xffname\xfe", "ü"} {
		f := Finding{Env: "dev", Key: "A/B", File: file}
		s := scanner(t, Options{Allow: []string{f.Fingerprint()}})
		if !s.allowed(f) {
			t.Errorf("%q does not allow %q", f.Fingerprint(), file)
		}
	}
}

func TestAnAllowanceThatMeansNothingIsRefused(t *testing.T) {
	_, err := New(Options{Allow: []string{"dev:TOKEN", "", "dev::x", "dev:TOKEN:", "[", "fine"}, Skip: []string{"a"}})
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("%v", err)
	}
	if _, err := New(Options{Skip: []string{"a/[b"}}); err == nil {
		t.Error("taken")
	}
}

func TestGlobsOfFiles(t *testing.T) {
	for _, c := range []struct {
		glob, file string
		want       bool
	}{
		{"*.pem", "a.pem", true}, {"*.pem", "x/y/a.pem", true}, {"*.pem", "a.pem.txt", false}, {"*.pem", "dir.pem/x", true},
		{"testdata", "testdata/x", true}, {"testdata/", "a/testdata/x/y", true}, {"testdata", "testdata2/x", false},
		{"docs/*.md", "docs/a.md", true}, {"docs/*.md", "docs/a/b.md", false}, {"docs/*.md", "x/docs/a.md", false},
		{"/docs", "docs/a", true}, {"docs/**/a", "docs/a", true}, {"docs/**/a", "docs/x/y/a", true}, {"docs/**", "docs/x/y", true},
		{"**/x/**/y", "a/x/b/x/c/y", true}, {"**/x/**/y", "x/z", false}, {"a/b", "a", false}, {"*", "a/b", true},
	} {
		if got := matchesFile(c.glob, c.file); got != c.want {
			t.Errorf("%s of %s: %v", c.glob, c.file, got)
		}
	}
}

// FuzzGlobsOfFiles compares with what tries all.
func FuzzGlobsOfFiles(f *testing.F) {
	f.Add("**/a*/**/b", "x/ab/c/b/d")
	var slow func(want, have []string) bool
	slow = func(want, have []string) bool {
		if len(want) == 0 {
			return true
		}
		if want[0] == "**" {
			return slow(want[1:], have) || len(have) > 0 && slow(want, have[1:])
		}
		return len(have) > 0 && matches(want[0], have[0]) && slow(want[1:], have[1:])
	}
	f.Fuzz(func(t *testing.T, glob, file string) {
		if strings.Count(glob, "**") > 5 || len(file) > 100 {
			return
		}
		all := strings.TrimSuffix(glob, "/")
		if !strings.Contains(all, "/") {
			all = "**/" + all
		}
		want := slow(strings.Split(strings.TrimPrefix(all, "/"), "/"), strings.Split(file, "/"))
		if got := matchesFile(glob, file); got != want {
			t.Errorf("%q of %q: %v", glob, file, got)
		}
	})
}

// Outside of a repository all that is below the folder is looked into.
func TestFilesOutsideOfARepository(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a": "x\n" + token, "sub/b": token, "sub/.git/config": token, "skipped/c": token, token + ".txt": "", "deep/d/e": password,
	} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s := scanner(t, Options{Dir: dir, Skip: []string{"skipped"}, Environ: noGit(dir)})
	r, err := s.Tree(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, places(r), "***.txt:0:0 TOKEN plain", "a:2:1 TOKEN plain", "deep/d/e:1:1 PASSWORD plain", "sub/b:1:1 TOKEN plain")
	again, err := s.Tree(t.Context(), []string{"sub", "./deep/../deep", "a"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, places(again), "a:2:1 TOKEN plain", "deep/d/e:1:1 PASSWORD plain", "sub/b:1:1 TOKEN plain")
	if _, err := s.Tree(t.Context(), []string{"none", "a", "gone"}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
}

// noGit is the environment of a git that finds no repository above dir.
func noGit(dir string) []string {
	return append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir)
}

func TestChangesAreReadAsGitPrintsThem(t *testing.T) {
	zero, one, two := strings.Repeat("0", 40), strings.Repeat("1", 40), strings.Repeat("2", 40)
	text := ":000000 100644 " + zero + " " + one + " A\x00a b\nc\x00" +
		two + "\x00" +
		"::100644 100644 100755 " + zero + " " + zero + " " + two + " MM\x00:colon\x00" +
		":100644 000000 " + one + " " + zero + " D\x00gone\x00" +
		":100644 000000 " + one + " " + zero + " U\x00both\x00"
	got, err := parseChanges(reader(text))
	want := []change{{"", "100644", one, "a b\nc"}, {two, "100755", two, ":colon"}, {two, modeUnmerged, zero, "both"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{":", ":1 2 3 4 A\x00", ":1 2 3 4 A\x00x", "abc", ":1 2 3 A\x00x\x00"} {
		if _, err := parseChanges(reader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzChanges(f *testing.F) {
	f.Add(":000000 100644 0 1 A\x00a\x00")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseChanges(reader(text))
		if err != nil && all != nil {
			t.Error("both")
		}
	})
}

func TestObjectsAreReadAsGitPrintsThem(t *testing.T) {
	var got []string
	err := batch(reader("a blob 3\nx\ny\nb missing\nc blob 0\n\nd blob 2\nzz\n"), 4, func(i int, r io.Reader) {
		if r == nil {
			got = append(got, "missing")
			return
		}
		if i == 3 {
			return // what is not read is passed over
		}
		var b bytes.Buffer
		_, _ = b.ReadFrom(r)
		got = append(got, b.String())
	})
	if err != nil || !slices.Equal(got, []string{"x\ny", "missing", ""}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "a blob 9\nx\n", "a blob x\n", "a\n"} {
		if batch(reader(bad), 1, func(int, io.Reader) {}) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func reader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
