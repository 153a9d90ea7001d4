package format_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

// pairs makes a set of names and values in turns.
func pairs(words ...string) (s secret.Set) {
	for i := 0; i < len(words); i += 2 {
		s = append(s, secret.Variable{Name: words[i], Key: secret.Key(words[i]), Value: secret.NewValue(words[i+1])})
	}
	return s
}

func TestEditDotenvKeepsAllElse(t *testing.T) {
	for _, c := range []struct {
		old    string
		set    secret.Set
		remove []string
		want   string
	}{
		{"", nil, nil, ""},
		{"", pairs("A", "x"), nil, "A='x'\n"},
		{"# c\n\nA=1\n", nil, nil, "# c\n\nA=1\n"},
		{"# c\nA=1\n\nB=2 # keep\nC=3", pairs("B", "new"), nil, "# c\nA=1\n\nB='new' # keep\nC=3"},
		{"A=1\nC=3", pairs("D", "it's", "A", "1"), nil, "A=1\nC=3\nD=\"it's\"\n"},
		{"export A=1   # c\nexport B='2'\n", pairs("A", "x y", "B", "z"), nil, "export A='x y'   # c\nexport B='z'\n"},
		{"A='l1\nl2' # c\nB=2\n", pairs("A", "x"), nil, "A='x' # c\nB=2\n"},
		{"A=1\nB='l1\nl2'\n# b\nC=3\n", nil, []string{"B", "NONE"}, "A=1\n# b\nC=3\n"},
		{"A=1\nB=2", nil, []string{"A", "B"}, ""},
		{"A=1\n", pairs("A", "2"), []string{"A"}, "A='2'\n"},
		{"A=\nB=\n", pairs("A", "x"), nil, "A='x'\nB=\n"},
		{"A=1\n", pairs("A", ""), nil, "A=''\n"},
		{"\ufeffA=1\n", pairs("A", "2"), nil, "\ufeffA='2'\n"},
		{"A=1", pairs("A", "2"), nil, "A='2'"},
		{"A=1", pairs("A", "2", "B", "3"), nil, "A='2'\nB='3'\n"},
	} {
		if got, err := format.EditDotenv([]byte(c.old), c.set, c.remove); err != nil || string(got) != c.want {
			t.Errorf("%q becomes %q, %v, want %q", c.old, got, err, c.want)
		}
	}
}

// A file that programs read differently, and a value that they would, are refused.
func TestEditDotenvRefuses(t *testing.T) {
	for _, c := range []struct {
		old  string
		set  secret.Set
		want string
	}{
		{"A=1\nB=hunter2#c\n", pairs("A", "2"), "line 2: B: the # means one thing to dotenv and node"},
		{"hunter2\n", nil, "line 1: this is not NAME=value"},
		{"A=1\nA=hunter2\n", pairs("A", "2"), "line 2: A: the name is there already, in line 1"},
		{"A=1\n", pairs("A", "hunter2\r", "B", "x", "C", "hunter2\r"), "dotenv cannot carry A, C: the value has a carriage return"},
	} {
		got, err := format.EditDotenv([]byte(c.old), c.set, nil)
		if got != nil || errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %q, %v", c.old, got, err)
		}
	}
}

func TestEditDotenvTakesManyNames(t *testing.T) {
	var old strings.Builder
	var all secret.Set
	var remove []string
	for i := range 3000 {
		name := "A" + strings.Repeat("B", i%50) + string(rune('A'+i%26)) + strings.Repeat("C", i/50)
		old.WriteString(name + "=1\n")
		remove = append(remove, name)
		all = append(all, pairs(name, "2")...)
	}
	if got, err := format.EditDotenv([]byte(old.String()), all, nil); err != nil || string(got) != strings.ReplaceAll(old.String(), "=1", "='2'") {
		t.Errorf("%.300q, %v", got, err)
	}
	if got, err := format.EditDotenv([]byte(old.String()), nil, remove); err != nil || len(got) > 0 {
		t.Errorf("%.300q, %v", got, err)
	}
}

// What was set is read back, what was removed is gone, and what was there stays,
// in a file that all programs read alike.
func FuzzEditDotenv(f *testing.F) {
	f.Add("# c\nA=1\nexport B='x\ny' # d\n\n", "it's", "B")
	f.Add("V0=1\nC=2", "", "C")
	f.Add("V= ", "x", "")
	f.Add("A=\\\n b\nB='c'\"d\"\\e", "x", "A")
	f.Fuzz(func(t *testing.T, old, value, remove string) {
		before, err := readText("dotenv", "", old)
		s := set(value)
		got, editErr := format.EditDotenv([]byte(old), s, []string{remove})
		if err != nil || editErr != nil {
			if _, refused := write(t, "dotenv", s); editErr == nil || err == nil && refused == nil {
				t.Errorf("%v, %v", err, editErr)
			}
			return
		}
		after, err := readText("dotenv", "", string(got))
		if err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		want := map[string]string{}
		for _, e := range before {
			want[string(e.Key)] = e.Value.Reveal()
		}
		delete(want, remove)
		want["V0"] = value
		for _, e := range after {
			if v, ok := want[string(e.Key)]; !ok || v != e.Value.Reveal() {
				t.Errorf("%q: %s", got, e.Key)
			}
		}
		if len(after) != len(want) {
			t.Errorf("%q: %d names of %d", got, len(after), len(want))
		}
	})
}

func TestManifest(t *testing.T) {
	got, err := format.Manifest(pairs("A", "x\x00\xff\n", "b.c-d", ""), format.ManifestOptions{Name: "app.v1", Namespace: "prod", Labels: map[string]string{"z": "", "example.com/a": "B_1"}})
	want := "apiVersion: \"v1\"\nkind: \"Secret\"\nmetadata:\n  name: \"app.v1\"\n  namespace: \"prod\"\n  labels:\n    \"example.com/a\": \"B_1\"\n    \"z\": \"\"\n" +
		"type: \"Opaque\"\ndata:\n  \"A\": \"" + base64.StdEncoding.EncodeToString([]byte("x\x00\xff\n")) + "\"\n  \"b.c-d\": \"\"\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = format.Manifest(nil, format.ManifestOptions{Name: "s"})
	if es, readErr := readText("kubernetes", "", string(got)); err != nil || readErr != nil || len(es) != 0 {
		t.Errorf("%v, %v\n%s", err, readErr, got)
	}
}

func TestManifestRefusesWhatKubernetesWould(t *testing.T) {
	ok := format.ManifestOptions{Name: "s"}
	for _, c := range []struct {
		set  secret.Set
		o    format.ManifestOptions
		want string
	}{
		{pairs("a/b", "x", "c", "x", "", "x", "..d", "x", ".", "x", strings.Repeat("e", 254), "x"), ok, "kubernetes cannot carry a/b, , ..d, ., "},
		{pairs("a", strings.Repeat("x", 1<<20), "b", "x"), ok, "more than 1 MiB"},
		{nil, format.ManifestOptions{}, "invalid name"},
		{nil, format.ManifestOptions{Name: "S"}, "invalid name S"},
		{nil, format.ManifestOptions{Name: "a..b"}, "invalid name a..b"},
		{nil, format.ManifestOptions{Name: "a_b"}, "invalid name"},
		{nil, format.ManifestOptions{Name: "a\nb: c"}, `invalid name "a\nb: c"`},
		{nil, format.ManifestOptions{Name: "-a"}, "invalid name"},
		{nil, format.ManifestOptions{Name: strings.Repeat("a", 254)}, "invalid name"},
		{nil, format.ManifestOptions{Name: "s", Namespace: "a.b"}, "invalid namespace a.b"},
		{nil, format.ManifestOptions{Name: "s", Namespace: strings.Repeat("a", 64)}, "invalid namespace"},
		{nil, format.ManifestOptions{Name: "s", Labels: map[string]string{"a/b/c": "x"}}, "invalid label"},
		{nil, format.ManifestOptions{Name: "s", Labels: map[string]string{"a": "x y"}}, "invalid label a"},
		{nil, format.ManifestOptions{Name: "s", Labels: map[string]string{"a": "x\"\ndata:"}}, "invalid label a"},
		{nil, format.ManifestOptions{Name: "s", Labels: map[string]string{"": "x"}}, "invalid label"},
		{nil, format.ManifestOptions{Name: "s", Labels: map[string]string{"/a": "x"}}, "invalid label"},
	} {
		if got, err := format.Manifest(c.set, c.o); got != nil || errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.want) || errs.HintOf(err) == "" {
			t.Errorf("%q, %v, want %s", got, err, c.want)
		}
	}
}
