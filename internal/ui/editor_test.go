package ui

import (
	"slices"
	"testing"
)

func TestWordsAreThoseOfAShell(t *testing.T) {
	for line, want := range map[string][]string{
		"":                         nil,
		"vi":                       {"vi"},
		" code  --wait\t-n ":       {"code", "--wait", "-n"},
		`"/a b/ed" -c 'set x="1"'`: {"/a b/ed", "-c", `set x="1"`},
		`/a\ b/ed a"b c"'d' ''`:    {"/a b/ed", "ab cd", ""},
		`ed $HOME ~ * ; rm`:        {"ed", "$HOME", "~", "*", ";", "rm"},
		`ed "a\"b" 'a\b'`:          {"ed", `a"b`, `a\b`},
	} {
		if got, err := Words(line, true); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
	if got, err := Words(`"C:\Program Files\ed.exe" -n`, false); err != nil || !slices.Equal(got, []string{`C:\Program Files\ed.exe`, "-n"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{`"a`, `'a`, `a\`} {
		if _, err := Words(bad, true); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
