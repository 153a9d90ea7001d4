package cli

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/skret/skret/internal/secret"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"a":                       {"a"},
		"  a  b\tc ":              {"a", "b", "c"},
		`a 'b c' "d e"`:           {"a", "b c", "d e"},
		`a''b"" ''`:               {"ab", ""},
		`a\ b \'c\'`:              {"a b", "'c'"},
		`"a\"b\\c\d\$e" 'f\g'`:    {`a"b\c\d$e`, `f\g`},
		`sh -c 'echo "$A" | cat'`: {"sh", "-c", `echo "$A" | cat`},
		"":                        nil,
		"  ":                      nil,
		`a "b`:                    nil,
		`a 'b`:                    nil,
		`a \`:                     nil,
	} {
		got, err := splitWords(line)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
}

// A pause is the interval, a tenth more or less; it grows with failures, but not
// without end, and is never shorter than was asked for.
func TestPause(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		failures int
		random   float64
		want     time.Duration
	}{
		{10 * time.Second, 0, 0.5, 10 * time.Second},
		{10 * time.Second, 0, 0, 9 * time.Second},
		{10 * time.Second, 1, 0.5, 20 * time.Second},
		{10 * time.Second, 3, 0.5, 80 * time.Second},
		{10 * time.Second, 1000, 0.5, 10 * time.Minute},
		{time.Hour, 5, 0.5, time.Hour},
	} {
		if got := pause(c.interval, c.failures, c.random); got.Round(time.Millisecond) != c.want {
			t.Errorf("%v after %d failures: %v, want %v", c.interval, c.failures, got, c.want)
		}
	}
}

func TestMountFormat(t *testing.T) {
	for name, want := range map[string]string{
		".env": "dotenv", "dir/.env.local": "dotenv", "app.env": "dotenv", "a.json": "json", "a.yml": "yaml", "a.yaml": "yaml", "a.sh": "shell", "x.tfvars": "tfvars",
		"a": "", "a.txt": "", "": "", "env": "",
	} {
		f, err := mountFormat(name, "")
		if f.Name != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", name, f.Name, err)
		}
	}
	if f, err := mountFormat("a.json", "docker"); f.Name != "docker" || err != nil {
		t.Errorf("%q, %v", f.Name, err)
	}
}

// What is not masked is told when it begins, and is no longer held against a value
// that can be masked; what was a secret once stays masked.
func TestMaskerLearns(t *testing.T) {
	var m masker
	for _, c := range []struct {
		value   string
		untold  []string
		skipped bool
		out     string
	}{
		{"12", []string{"PIN"}, true, "12 first-value second-value"},
		{"first-value", nil, false, "12 *** second-value"},
		{"second-value", nil, false, "12 *** ***"},
		{"13", []string{"PIN"}, true, "12 *** ***"},
		{"14", nil, true, "12 *** ***"},
	} {
		untold := m.learn(secret.Set{{Key: "PIN", Name: "PIN", Value: secret.NewValue(c.value)}})
		var out bytes.Buffer
		w := m.over(&out)
		_, _ = w.Write([]byte("12 first-value second-value"))
		_ = w.Close()
		if !slices.Equal(untold, c.untold) || m.skipped["PIN"] != c.skipped || out.String() != c.out {
			t.Errorf("%s: told %q, skipped %v, %q", c.value, untold, m.skipped, out.String())
		}
	}
}
