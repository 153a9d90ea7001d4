package browse

import (
	"reflect"
	"strings"
	"testing"
)

// decodeAll decodes b as if it came in one piece, and returns what is left of it.
func decodeAll(b []byte, all bool) (keys []key, rest []byte) {
	for len(b) > 0 {
		k, n := decode(b, all)
		if n == 0 {
			return keys, b
		}
		keys, b = append(keys, k), b[n:]
	}
	return keys, nil
}

func TestKeys(t *testing.T) {
	char := func(r rune) key { return key{code: letter, char: r} }
	ctrl := func(r rune) key { return key{code: control, char: r} }
	only := func(c code) key { return key{code: c} }
	for _, c := range []struct {
		typed string
		want  []key
	}{
		{"a", []key{char('a')}},
		{"né日😀", []key{char('n'), char('é'), char('日'), char('😀')}},
		{"\x1b", []key{only(escape)}},
		{"\x1b\x1b", []key{only(escape), only(escape)}},
		{"\x1b\x1b[A", []key{only(escape), only(up)}},
		{"\x1ba", []key{{code: letter, char: 'a', alt: true}}},
		{"\x1b日", []key{{code: letter, char: '日', alt: true}}},
		{"\x1b\x03", []key{{code: control, char: 'c', alt: true}}},
		{"\x1b[", []key{{code: letter, char: '[', alt: true}}},
		{"\x1bO", []key{{code: letter, char: 'O', alt: true}}},
		{"\r\n\t", []key{only(enter), only(enter), only(tab)}},
		{"\x7f\x08", []key{only(backspace), only(backspace)}},
		{"\x03\x0c\x1a", []key{ctrl('c'), ctrl('l'), ctrl('z')}},
		{"\x00\x1c\x1f", []key{only(other), only(other), only(other)}},
		{"\x1b[A\x1b[B\x1b[C\x1b[D", []key{only(up), only(down), only(right), only(left)}},
		{"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOM", []key{only(up), only(down), only(right), only(left), only(enter)}},
		{"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1bOH\x1bOF", []key{only(home), only(end), only(home), only(end), only(home), only(end), only(home), only(end)}},
		{"\x1b[3~\x1b[5~\x1b[6~", []key{only(del), only(pageUp), only(pageDown)}},
		{"\x1b[1;5A\x1b[5;2~", []key{only(up), only(pageUp)}},
		{"\x1b[2~\x1b[15~\x1bOP\x1b[Z\x1b[<0;3;4M", []key{only(other), only(other), only(other), only(other), only(enter)}},
		{"\x1b[1;", []key{only(other)}},
		{"\x1b[12\x1b[A", []key{only(other), only(up)}},
		{"\x1b[1é", []key{only(other), char('é')}},
		{"\xff\xc3(", []key{only(other), only(other), char('(')}},
		{"\x1b[200~two\nlines\x1b[A\x1b[201~x", []key{{code: paste, text: "two\nlines\x1b[A"}, char('x')}},
		{"\x1b[200~\x1b[201~", []key{only(paste)}},
		{"\x1b[200~no end", []key{{code: paste, text: "no end"}}},
		{"\x1b[201~", []key{only(other)}},
		{"\x1b[" + strings.Repeat("1", 40), append([]key{only(other)}, repeated(char('1'), 10)...)},
	} {
		got, rest := decodeAll([]byte(c.typed), true)
		if !reflect.DeepEqual(got, c.want) || rest != nil {
			t.Errorf("%q: %v, %q left\nwant %v", c.typed, got, rest, c.want)
		}
	}
}

func repeated(k key, n int) (keys []key) {
	for range n {
		keys = append(keys, k)
	}
	return keys
}

// A key that may go on is not taken before it has: what comes in pieces is what came
// in one.
func TestKeysInPieces(t *testing.T) {
	for _, s := range []string{"\x1b[A", "\x1bOH", "\x1b[1;5A", "日", "😀", "\x1ba", "\x1b日", "\x1b[200~a\x1bb\x1b[201~", "\x1b[6~"} {
		want, _ := decodeAll([]byte(s), true)
		for i := 1; i < len(s); i++ {
			if keys, rest := decodeAll([]byte(s[:i]), false); len(keys) != 0 || string(rest) != s[:i] {
				t.Errorf("%q of %q: %v, %q left", s[:i], s, keys, rest)
			}
		}
		if got, rest := decodeAll([]byte(s), false); !reflect.DeepEqual(got, want) || rest != nil {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"a", "\x1b", "\x1b[A", "\x1b[200~x\x1b[201~", "\x1b[1;2", "\xe6\x97", "\x1bOM\x1b\x1b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// With all that there is, every byte is of a key.
		taken := 0
		for taken < len(b) {
			_, n := decode(b[taken:], true)
			if n <= 0 || n > len(b)-taken {
				t.Fatalf("%q at %d: %d bytes", b, taken, n)
			}
			taken += n
		}
		// In whatever pieces it comes, the keys are the same.
		want, wantRest := decodeAll(b, false)
		var got []key
		var rest []byte
		for i := range b {
			var keys []key
			keys, rest = decodeAll(append(rest, b[i]), false)
			got = append(got, keys...)
		}
		if !reflect.DeepEqual(got, want) || string(rest) != string(wantRest) {
			t.Fatalf("%q: %v, %q left\nin pieces %v, %q left", b, want, wantRest, got, rest)
		}
	})
}
