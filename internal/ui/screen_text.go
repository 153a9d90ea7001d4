package ui

import "strings"

// Width returns how many cells of a terminal s takes, near enough.
func Width(s string) int { return width(s) }

// Cell is [Safe] for text in a line of a table: tabs are escaped as well.
func Cell(s string) string { return strings.ReplaceAll(Safe(s), "\t", `\t`) }

// Cut returns the start of s that takes at most w cells, with a mark at its end
// when that is not all of it.
func Cut(s string, w int) string {
	if len(s) <= w || width(s) <= w { // no character takes more cells than it has bytes
		return s
	}
	head, _ := Split(s, w-1)
	if w <= 0 {
		return ""
	}
	return head + "…"
}

// Split returns the start of s that takes at most w cells, and the rest.
func Split(s string, w int) (head, rest string) {
	n := 0
	for i, r := range s {
		if n += width(string(r)); n > w {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
