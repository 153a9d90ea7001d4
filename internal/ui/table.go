package ui

import (
	"fmt"
	"strings"
	"unicode"
)

// Table writes rows to stdout. On a terminal the columns are aligned under
// their headers; elsewhere the headers are left out and a tab parts the cells.
// Cells are neutralised by [Safe], tabs included.
func (s *Streams) Table(headers []string, rows [][]string) error {
	cells := make([][]string, 0, len(rows)+1)
	if s.OutTTY {
		cells = append(cells, headers)
	}
	for _, r := range rows {
		c := make([]string, len(r))
		for i, x := range r {
			c[i] = strings.ReplaceAll(Safe(x), "\t", `\t`)
		}
		cells = append(cells, c)
	}
	var b strings.Builder
	if s.OutTTY {
		align(&b, cells)
	} else {
		for _, r := range cells {
			b.WriteString(strings.Join(r, "\t"))
			b.WriteByte('\n')
		}
	}
	if _, err := s.Out.WriteString(b.String()); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// align writes cells in columns that are two spaces apart, without spaces at
// the end of a line.
func align(b *strings.Builder, cells [][]string) {
	var columns []int
	for _, r := range cells {
		for i, c := range r {
			if i == len(columns) {
				columns = append(columns, 0)
			}
			columns[i] = max(columns[i], width(c))
		}
	}
	for _, r := range cells {
		gap := 0
		for i, c := range r {
			if c != "" {
				b.WriteString(strings.Repeat(" ", gap))
				b.WriteString(c)
				gap = 0
			}
			gap += columns[i] + 2
			if c != "" {
				gap -= width(c)
			}
		}
		b.WriteByte('\n')
	}
}

// width returns how many cells of a terminal s takes, near enough: East Asian
// characters and emoji take two, combining marks none.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me):
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
			r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
			r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6ff, r >= 0x1f900 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}
