package browse

import (
	"strconv"
	"strings"

	"github.com/skret/skret/internal/ui"
)

// style is how text looks: attributes, and perhaps one of the terminal's own colours,
// which suit its background.
type style uint8

const (
	bold style = 1 << iota
	faint
	underline
	reverse

	red     style = 1 << 4
	green   style = 2 << 4
	magenta style = 5 << 4
	cyan    style = 6 << 4
)

// sgr is the sequence that switches to the style, "" for plain text. Without colour
// the attributes stay.
func (s style) sgr(colour bool) string {
	var parts []string
	for i, code := range []string{"1", "2", "4", "7"} {
		if s&(1<<i) != 0 {
			parts = append(parts, code)
		}
	}
	if c := int(s >> 4); c != 0 && colour {
		parts = append(parts, strconv.Itoa(30+c))
	}
	if parts == nil {
		return ""
	}
	return "\x1b[" + strings.Join(parts, ";") + "m"
}

// span is text in one style. It is neutralised: made by txt alone.
type span struct {
	text  string
	style style
}

// line is one line of the screen.
type line []span

// txt is a span of text from anywhere.
func txt(s style, text string) span { return span{ui.Cell(text), s} }

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += ui.Width(s.text)
	}
	return n
}

// cut returns the start of the line that fits into w cells, with a mark at its end
// when that is not all.
func (l line) cut(w int) line {
	if l.width() <= w {
		return l
	}
	var short line
	for _, s := range l {
		if n := ui.Width(s.text); n < w { // at least the mark comes behind it
			short, w = append(short, s), w-n
			continue
		}
		s.text = ui.Cut(s.text+"…", w)
		return append(short, s)
	}
	return short
}

// pad fills the line with spaces up to w cells.
func (l line) pad(w int) line {
	if n := w - l.width(); n > 0 {
		return append(l, span{strings.Repeat(" ", n), 0})
	}
	return l
}

// plain takes the colours off the line.
func (l line) plain() line {
	for i := range l {
		l[i].style &= bold | underline
	}
	return l
}

// with adds a style to all of the line.
func (l line) with(s style) line {
	for i := range l {
		l[i].style |= s
	}
	return l
}

// sides puts two lines at the two ends of w cells; the right one comes first.
func sides(l, r line, w int) line {
	r = r.cut(w)
	room := w - r.width()
	if len(r) > 0 {
		room -= 2
	}
	if room < 4 {
		if len(r) == 0 {
			return l.cut(w)
		}
		return r
	}
	return append(l.cut(room).pad(w-r.width()), r...)
}

// text returns the line as the terminal takes it.
func (l line) text(colour bool) string {
	var b strings.Builder
	for _, s := range l {
		if on := s.style.sgr(colour); on != "" {
			b.WriteString(on + s.text + "\x1b[0m")
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

// wrap breaks text into lines of at most w cells, between words where it can.
func wrap(text string, w int) []string {
	var lines []string
	for {
		head, rest := ui.Split(text, w)
		if head == "" && rest != "" { // not even one character has room
			return append(lines, "")
		}
		if rest == "" {
			return append(lines, head)
		}
		if i := strings.LastIndexByte(head, ' '); i > 0 && rest[0] != ' ' {
			head, rest = text[:i], text[i:]
		}
		lines = append(lines, head)
		text = strings.TrimPrefix(rest, " ")
	}
}
