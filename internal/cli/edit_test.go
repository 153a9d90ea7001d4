package cli

import "testing"

func TestOnlyALineBreakThatAnEditorAddedIsTakenOff(t *testing.T) {
	for _, c := range []struct{ was, text, want string }{
		{"", "", ""},
		{"", "new\n", "new"},
		{"", "new", "new"},
		{"old", "new\n", "new"},
		{"old", "new", "new"},
		{"old", "new\n\n", "new\n"},
		{"old", "\n", ""},
		{"a\nb", "a\nc\n", "a\nc"},
		{"old\n", "new\n", "new\n"},
		{"old\n", "new", "new"},
		{"old\n", "new\n\n", "new\n\n"},
		{"a\r\nb", "a\r\nc\r\n", "a\r\nc"},
		{"a\r\nb", "a\nc\n", "a\nc\n"},
		{"a\r\nb\r\n", "c\r\n", "c\r\n"},
		{"old", "new\r\n", "new"},
		{"old\r", "old\r\n", "old\r"},
		{"a\nb", "a\r\n", "a\r"},
	} {
		if got := withoutAdded(c.was, c.text); got != c.want {
			t.Errorf("%q over %q: %q, want %q", c.text, c.was, got, c.want)
		}
	}
}
