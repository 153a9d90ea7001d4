package ui

import (
	"fmt"
	"strings"
	"unicode/utf8"
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
	width := make([]int, len(headers))
	if s.OutTTY {
		for _, r := range cells {
			for i, c := range r {
				width[i] = max(width[i], utf8.RuneCountInString(c))
			}
		}
	}
	for _, r := range cells {
		for i, c := range r {
			switch {
			case i == len(r)-1:
			case s.OutTTY:
				c += strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2)
			default:
				c += "\t"
			}
			if _, err := s.Out.WriteString(c); err != nil {
				return fmt.Errorf("write to standard output: %w", err)
			}
		}
		_ = s.Out.WriteByte('\n') // a failure stays with the writer until Flush
	}
	return nil
}
