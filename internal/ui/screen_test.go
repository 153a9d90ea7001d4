package ui

import "testing"

func TestCutAndSplitByCells(t *testing.T) {
	for _, c := range []struct {
		text       string
		w          int
		cut        string
		head, rest string
	}{
		{"", 0, "", "", ""},
		{"abc", 3, "abc", "abc", ""},
		{"abcd", 3, "ab…", "abc", "d"},
		{"abc", 1, "…", "a", "bc"},
		{"abc", 0, "", "", "abc"},
		{"日本語", 6, "日本語", "日本語", ""},
		{"日本語", 5, "日本…", "日本", "語"},
		{"日本語", 4, "日…", "日本", "語"},
		{"日本語", 1, "…", "", "日本語"},
		{"e\u0301e\u0301", 1, "…", "e\u0301", "e\u0301"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301", "e\u0301e\u0301", ""},
	} {
		if got := Cut(c.text, c.w); got != c.cut || Width(got) > c.w {
			t.Errorf("cut %q to %d: %q, want %q", c.text, c.w, got, c.cut)
		}
		if head, rest := Split(c.text, c.w); head != c.head || rest != c.rest {
			t.Errorf("split %q at %d: %q and %q", c.text, c.w, head, rest)
		}
	}
}
