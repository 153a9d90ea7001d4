package trust

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// file is a configuration's name that is absolute on every system.
func file(t *testing.T, name string) string {
	t.Helper()
	full, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func host(what string) Demand { return Demand{Host, what, "the github target in line 12"} }

// news returns what is new, in one line.
func news(t *testing.T, b *Book, file string, ds ...Demand) string {
	t.Helper()
	unknown, err := b.New(file, ds)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, d := range unknown {
		words = append(words, d.Kind+" "+d.What)
	}
	return strings.Join(words, ", ")
}

func TestOnlyWhatIsNewHasToBeAllowed(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home") // it is made
	b, one, two := Open(home), file(t, "one.yaml"), file(t, "two.yaml")
	a, c, f := host("https://a.example"), host("https://c.example"), Demand{File, "https://a.example", "x"}
	if got := news(t, b, one, a, f); got != "host https://a.example, file https://a.example" {
		t.Error(got)
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("asking made a folder: %v", err)
	}
	if err := b.Allow(t.Context(), one, []Demand{a, a}); err != nil {
		t.Fatal(err)
	}
	if err := Open(home).Allow(t.Context(), two, []Demand{f}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		asks []Demand
		want string
	}{
		{one, nil, ""},
		{one, []Demand{a}, ""},
		{one, []Demand{{Host, a.What, "the github target in line 99"}}, ""},
		{one, []Demand{a, c, f}, "host https://c.example, file https://a.example"},
		{two, []Demand{a, f}, "host https://a.example"},
		{file(t, "three.yaml"), []Demand{a}, "host https://a.example"},
	} {
		if got := news(t, Open(home), c.file, c.asks...); got != c.want {
			t.Errorf("%s asks for %v: new is %q, want %q", c.file, c.asks, got, c.want)
		}
	}
	unknown, err := b.New(one, []Demand{c})
	if err != nil || unknown[0].For != c.For {
		t.Errorf("who asks is lost: %v %v", unknown, err)
	}

	// Consent is to what was shown: what is no longer asked for is not kept.
	if err := b.Allow(t.Context(), one, []Demand{c}); err != nil {
		t.Fatal(err)
	}
	if got := news(t, b, one, a, c); got != "host https://a.example" {
		t.Error(got)
	}
	if had, err := b.Forget(t.Context(), one); err != nil || !had {
		t.Errorf("%t %v", had, err)
	}
	if had, err := b.Forget(t.Context(), one); err != nil || had {
		t.Errorf("%t %v", had, err)
	}
	if got := news(t, b, one, c) + "; " + news(t, b, two, f); got != "host https://c.example; " {
		t.Error(got)
	}
	if info, err := os.Stat(filepath.Join(home, "trust.json")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestHashIsOfWhatIsAskedForAlone(t *testing.T) {
	a, b := host("https://a.example"), host("https://b.example")
	all := Hash([]Demand{a, b})
	if len(all) != len("sha256:")+64 || !strings.HasPrefix(all, "sha256:") || all != strings.ToLower(all) {
		t.Error(all)
	}
	moved := a
	moved.For = "the github target in line 99"
	for _, ds := range [][]Demand{{b, a}, {a, b, a}, {moved, b}} {
		if got := Hash(ds); got != all {
			t.Errorf("%v: %s, want %s", ds, got, all)
		}
	}
	for _, ds := range [][]Demand{
		nil, {a}, {b}, {a, b, host("https://c.example")}, {{File, a.What, ""}, b},
		{{Kind: "hosth", What: "ttps://a.example"}, b}, {host("https://a.examplehost"), host("https://b.example")}, {host(a.What + "\x04host\x11" + b.What)},
	} {
		if got := Hash(ds); got == all {
			t.Errorf("%v has the hash of %v", ds, []Demand{a, b})
		}
	}
	// CI has this in its files: it may not change.
	if got := Hash([]Demand{a}); got != "sha256:53d894ec96464bd9c8a054fc781552d27b4191115ec24b9e79d88ace82058c35" {
		t.Errorf("the hash of one host is %s now", got)
	}
}

func TestABookThatIsDamagedIsNotReadAsEmpty(t *testing.T) {
	one := file(t, "one.yaml")
	quoted := fmt.Sprintf("%q", one)
	for name, text := range map[string]string{
		"empty":             "",
		"cut off":           `{"version": 1, "files": {` + quoted + `: [{"kind": "ho`,
		"no version":        `{"files": {}}`,
		"no files":          `{"version": 1}`,
		"newer":             `{"version": 2, "files": {}}`,
		"unknown field":     `{"version": 1, "files": {}, "MARKER": 1}`,
		"of a demand":       `{"version": 1, "files": {` + quoted + `: [{"kind": "host", "what": "x", "MARKER": 1}]}}`,
		"more behind it":    `{"version": 1, "files": {}} {}`,
		"garbage behind it": `{"version": 1, "files": {}} MARKER`,
		"another type":      `{"version": 1, "files": ["MARKER"]}`,
		"null":              `null`,
		"relative file":     `{"version": 1, "files": {"MARKER": []}}`,
		"demand of nothing": `{"version": 1, "files": {` + quoted + `: [{"kind": "MARKER"}]}}`,
		"deep":              strings.Repeat("[", 20000),
		"large":             `{"version": 1, "files": {}}` + strings.Repeat(" ", maxBook),
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			name := filepath.Join(home, "trust.json")
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			b := Open(home)
			_, newErr := b.New(one, []Demand{host("x")})
			_, forgetErr := b.Forget(t.Context(), one)
			for _, err := range []error{newErr, forgetErr, b.Allow(t.Context(), one, []Demand{host("x")})} {
				if errs.KindOf(err) != errs.Config || !strings.Contains(err.Error(), name) || errs.HintOf(err) == "" || strings.Contains(err.Error(), "MARKER") {
					t.Errorf("%v: %v | %s", errs.KindOf(err), err, errs.HintOf(err))
				}
			}
			if got, err := os.ReadFile(name); err != nil || string(got) != text {
				t.Errorf("it was written over: %v", err)
			}
		})
	}
}

func TestABookThatOthersCouldHaveWrittenIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are of Unix")
	}
	one := file(t, "one.yaml")
	for name, spoil := range map[string]func(home, name string) error{
		"mode of the file":   func(_, name string) error { return os.Chmod(name, 0o620) },
		"mode of the folder": func(home, _ string) error { return os.Chmod(home, 0o777) },
		"a link": func(home, name string) error {
			if err := os.Rename(name, filepath.Join(home, "other")); err != nil {
				return err
			}
			return os.Symlink("other", name)
		},
		"a folder": func(_, name string) error {
			if err := os.Remove(name); err != nil {
				return err
			}
			return os.Mkdir(name, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if err := os.Chmod(home, 0o700); err != nil {
				t.Fatal(err)
			}
			b := Open(home)
			if err := b.Allow(t.Context(), one, []Demand{host("x")}); err != nil {
				t.Fatal(err)
			}
			if err := spoil(home, filepath.Join(home, "trust.json")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.New(one, []Demand{host("x")}); errs.KindOf(err) != errs.Config || !strings.Contains(err.Error(), home) || errs.HintOf(err) == "" {
				t.Errorf("%v: %v | %s", errs.KindOf(err), err, errs.HintOf(err))
			}
			if err := b.Allow(t.Context(), one, []Demand{host("y")}); err == nil {
				t.Error("it was added to")
			}
		})
	}
}

func TestWithoutAHomeNothingIsAllowed(t *testing.T) {
	one := file(t, "one.yaml")
	t.Chdir(t.TempDir())
	if err := Open(file(t, ".")).Allow(t.Context(), one, []Demand{host("x")}); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{"", ".", "home"} { // a relative one could be the project's own
		b := Open(home)
		if got := news(t, b, one, host("x")); got != "host x" {
			t.Errorf("%q: %s", home, got)
		}
		if had, err := b.Forget(t.Context(), one); had || err != nil {
			t.Errorf("%q: %t %v", home, had, err)
		}
		err := b.Allow(t.Context(), one, []Demand{host("x")})
		if errs.KindOf(err) != errs.Config || !strings.Contains(errs.HintOf(err), "SKRET_HOME") {
			t.Errorf("%q: %v", home, err)
		}
	}
}

func TestAllowRefusesWhatItCouldNotKeep(t *testing.T) {
	one := file(t, "one.yaml")
	for name, c := range map[string]struct {
		file string
		d    Demand
	}{
		"relative file":    {"one.yaml", host("x")},
		"file in no UTF-8": {one + "\xff", host("x")},
		"in no UTF-8":      {one, Demand{File, "/etc/\xff", ""}},
		"of nothing":       {one, Demand{Kind: Host}},
		"of no kind":       {one, Demand{What: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := Open(t.TempDir())
			if err := b.Allow(t.Context(), c.file, []Demand{c.d}); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%v: %v", errs.KindOf(err), err)
			}
			if got := news(t, b, c.file, c.d); got == "" {
				t.Error("it is allowed")
			}
		})
	}
}

func TestManyWhoAllowLoseNothing(t *testing.T) {
	home := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		name := file(t, fmt.Sprint(i))
		wg.Go(func() {
			if err := Open(home).Allow(t.Context(), name, []Demand{host("x")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		if got := news(t, Open(home), file(t, fmt.Sprint(i)), host("x")); got != "" {
			t.Errorf("%d is lost", i)
		}
	}
}
