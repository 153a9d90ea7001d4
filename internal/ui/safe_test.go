package ui

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"plain ~ text\twith tab":      "plain ~ text\twith tab",
		"größe 日本 émoji 🔑":            "größe 日本 émoji 🔑",
		"\x1b[31mred\x1b[0m":          `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\x07":            `\x1b]0;title\x07`,
		"a\nb\rc":                     `a\nb\rc`,
		"\x00\x7f":                    `\x00\x7f`,
		"\u009b31m":                   `\u009b31m`, // CSI in one character
		"\x9b31m":                     `\x9b31m`,   // the same as a bare byte
		"bad \xff\xc3( utf8":          `bad \xff\xc3( utf8`,
		"real \ufffd":                 "real \ufffd",
		"a\u202eb\u2066c\u2069\u200f": `a\u202eb\u2066c\u2069\u200f`,
		"zero\u200bwidth\u200d\ufeff": `zero\u200bwidth\u200d\ufeff`,
		"line\u2028para\u2029":        `line\u2028para\u2029`,
		"nbsp\u00a0":                  `nbsp\u00a0`,
		"filler\u3164\u2800\ufe0f":    `filler\u3164\u2800\ufe0f`,
		"tag\U000e0041":               `tag\U000e0041`,
		"soft\u00adhyphen":            `soft\u00adhyphen`,
	} {
		if got := Safe(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSafeLeavesWhatIsSafeAlone(t *testing.T) {
	for _, s := range []string{strings.Repeat("a plain line ", 100), "größe 日本"} {
		if n := testing.AllocsPerRun(10, func() { Safe(s) }); n != 0 {
			t.Errorf("%d allocations for %.20q", int(n), s)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\u200b\xff\u009b\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q: %q is not UTF-8", s, got)
		}
		for _, r := range got {
			switch {
			case r == '\t', r >= 0x20 && r < 0x7f:
			case r < 0xa0, r == 0x61c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e,
				r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
				t.Fatalf("%q: %U is left in %q", s, r, got)
			}
		}
		if Safe(got) != got {
			t.Fatalf("%q: not the same twice: %q, %q", s, got, Safe(got))
		}
		printable := true
		for i := range len(s) {
			printable = printable && s[i] >= 0x20 && s[i] < 0x7f
		}
		if printable && got != s {
			t.Fatalf("%q became %q", s, got)
		}
		// What is safe stays, in its order.
		kept := strings.Map(func(r rune) rune {
			if r >= 0x20 && r < 0x7f {
				return r
			}
			return -1
		}, s)
		for _, r := range got {
			if kept != "" && r == rune(kept[0]) {
				kept = kept[1:]
			}
		}
		if kept != "" {
			t.Fatalf("%q: %q has lost %q", s, got, kept)
		}
	})
}
