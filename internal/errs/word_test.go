package errs

import "testing"

func TestWordIsOneWord(t *testing.T) {
	for in, want := range map[string]string{"a/b.c-1": "a/b.c-1", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$(x)": "'$(x)'"} {
		if got := Word(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
