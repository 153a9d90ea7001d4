package browse

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skret/skret/internal/ui"
)

// layout is how the lines of the screen are given out, from the top: the header, the
// titles of the columns, the list, what is revealed, messages, and the last line.
type layout struct {
	header, titles, list, pane, messages, footer int
	said                                         []line
}

func (m *model) layout() layout {
	asked := m.prompt != nil || m.page().typing
	var l layout
	rest := m.height
	give := func(to *int, wanted int) {
		*to = max(min(wanted, rest), 0)
		rest -= *to
	}
	if asked || m.height >= 3 {
		give(&l.footer, 1)
	}
	if m.height >= 4 {
		give(&l.header, 1)
	}
	if m.height >= 8 && m.page().kind != helpText {
		give(&l.titles, 1)
	}
	l.said = m.said()
	if len(l.said) > 0 && rest > 0 && m.height < 3 && !asked {
		give(&l.messages, 1)
	} else {
		give(&l.messages, min(len(l.said), max(rest/2, rest-4)))
	}
	if l.messages < len(l.said) && l.messages > 0 {
		last := &l.said[l.messages-1]
		*last = append(*last, span{"…", 0}).cut(m.width)
	}
	if m.shown != nil {
		give(&l.pane, min(len(m.shown.lines)+1, max(rest*2/3, 1)))
	}
	l.list = rest
	return l
}

// said is what there is to tell, in lines that fit.
func (m *model) said() []line {
	var all []line
	for _, t := range m.messages {
		s := style(0)
		if t.bad {
			s = red
		}
		for _, part := range wrap(ui.Cell(t.text), m.width) {
			all = append(all, line{{part, s}})
		}
	}
	return all
}

// view returns the lines of the screen, none wider than that.
func (m *model) view(now time.Time) []line {
	l := m.layout()
	lines := make([]line, 0, m.height)
	if l.header > 0 {
		lines = append(lines, m.header(now))
	}
	widths := m.page().fit(m.width)
	if l.titles > 0 {
		lines = append(lines, m.page().titles(widths, m.width))
	}
	lines = append(lines, m.rows(l.list, widths)...)
	lines = append(lines, m.pane(l.pane, now)...)
	lines = append(lines, l.said[:l.messages]...)
	if l.footer > 0 {
		lines = append(lines, m.footer(now, l.header == 0))
	}
	return lines
}

// header says what is shown, and at its right how much that is, or what is waited for.
func (m *model) header(now time.Time) line {
	p := m.page()
	left := line{}.pad(margin(m.width))
	if m.width >= 50 || m.env < 0 {
		left = append(left, txt(bold|cyan, "skret "))
		if m.project != "" {
			left = append(left, txt(bold, m.project+" "))
		}
	}
	if m.env >= 0 && p.kind != environments {
		e := m.current()
		left = append(left, txt(bold, e.title()))
		if e.Protected {
			left = append(left, txt(bold|red, " protected"))
		}
		if p.kind == secrets && e.Name != "" && m.width >= 40 {
			left = append(left, txt(faint, "  "+e.Where))
		}
	}
	if p.heading != "" {
		left = append(left, txt(0, "  "+p.heading))
	}
	right := m.waiting(now)
	if right == "" && len(p.rows) > 0 {
		right = strconv.Itoa(len(p.rows))
		if p.query != "" {
			right = fmt.Sprintf("%d of %d", len(p.found), len(p.rows))
		}
		if m.width >= 30 {
			right += " " + p.noun(len(p.rows))
		}
	}
	if right == "" {
		return left.cut(m.width)
	}
	return sides(left, line{txt(0, right+" ")}, m.width)
}

// waiting says what is waited for, "" if nothing is, or not for long.
func (m *model) waiting(now time.Time) string {
	j := m.latest()
	if j == nil || now.Sub(j.since) < patience {
		return ""
	}
	text := j.doing + " ..."
	if s := int(now.Sub(j.since) / time.Second); s > 0 {
		text = fmt.Sprintf("%s %d s", text, s)
	}
	if !j.writes() {
		text += ", Esc gives up"
	}
	return text
}

const gap = 2 // cells between columns

// fit gives the columns their widths on a screen of w cells; 0 hides one.
func (p *page) fit(w int) []int {
	if len(p.columns) == 0 {
		return nil
	}
	widths := make([]int, len(p.columns))
	left := w - margin(w)
	widths[0] = min(p.columns[0].width, max(left*55/100, min(left, 24)))
	left -= widths[0]
	rest := -1
	for rank := 1; rank < len(p.columns); rank++ {
		for i, c := range p.columns {
			needs := c.width
			if c.rest {
				needs = min(c.width, 10)
			}
			if c.rank != rank || needs == 0 || left < needs+gap {
				continue
			}
			widths[i] = needs
			left -= needs + gap
			if c.rest {
				rest = i
			}
		}
	}
	for _, i := range []int{0, rest} { // what is left
		if i >= 0 {
			more := min(left, p.columns[i].width-widths[i])
			widths[i] += more
			left -= more
		}
	}
	return widths
}

// margin is what stays free at the left of a list.
func margin(w int) int {
	if w < 30 {
		return 0
	}
	return 1
}

// titles returns the titles of the columns.
func (p *page) titles(widths []int, w int) line {
	cells := make([]line, len(p.columns))
	for i, c := range p.columns {
		cells[i] = line{txt(faint, c.title)}
	}
	return p.columned(cells, widths, w)
}

// columned puts cells under each other.
func (p *page) columned(cells []line, widths []int, w int) line {
	l := line{}.pad(margin(w))
	at := margin(w)
	for i, c := range cells {
		if widths[i] == 0 {
			continue
		}
		if i > 0 {
			at += gap
		}
		c = c.cut(widths[i])
		l = l.pad(at)
		if p.columns[i].right {
			l = l.pad(at + widths[i] - c.width())
		}
		l = append(l, c...)
		at += widths[i]
	}
	return l.cut(w)
}

// rows returns the lines of the page, as many as there is room for.
func (m *model) rows(height int, widths []int) []line {
	p := m.page()
	lines := make([]line, height)
	for i := range lines {
		at := p.top + i
		switch {
		case p.kind == helpText:
			if at < len(helpLines) {
				lines[i] = helpLine(helpLines[at]).cut(m.width)
			}
		case at < len(p.found):
			lines[i] = p.line(p.found[at], widths, m.width)
			if at == p.at {
				lines[i] = lines[i].plain().pad(m.width).with(reverse)
			}
		}
	}
	if len(p.found) > 0 || p.kind == helpText {
		return lines
	}
	copy(lines, m.nothing(height))
	return lines
}

// nothing says why the list is empty.
func (m *model) nothing(height int) []line {
	p := m.page()
	why := p.empty
	if p.query != "" && len(p.rows) > 0 {
		why = []message{{"nothing fits " + p.query + "; Esc shows all", false}}
	}
	var lines []line
	if height > 2 {
		lines = append(lines, line{})
	}
	for _, t := range why {
		s := style(0)
		if t.bad {
			s = red
		}
		for _, part := range wrap(ui.Cell(t.text), m.width-2*margin(m.width)) {
			lines = append(lines, line{{strings.Repeat(" ", margin(m.width)), 0}, {part, s}})
		}
	}
	return lines
}

// line returns one row, with the letters of its name that were typed.
func (p *page) line(f match, widths []int, w int) line {
	r := p.rows[f.row]
	cells := make([]line, len(r.cells))
	for i, c := range r.cells {
		cells[i] = line{{c, r.style}}
	}
	cells[0] = marked(r.cells[0], f.marks)
	return p.columned(cells, widths, w)
}

// marked is a name with some of its letters emphasised.
func marked(name string, marks []int) line {
	var l line
	i, from := 0, 0
	for at, r := range name {
		if len(marks) > 0 && marks[0] == i {
			if at > from {
				l = append(l, span{name[from:at], 0})
			}
			l = append(l, span{string(r), bold | underline})
			from, marks = at+len(string(r)), marks[1:]
		}
		i++
	}
	if from < len(name) {
		l = append(l, span{name[from:], 0})
	}
	return l
}

// pane returns what is revealed.
func (m *model) pane(height int, now time.Time) []line {
	if height == 0 {
		return nil
	}
	r := m.shown
	var lines []line
	if height > 1 {
		left, right := r.heading(now, height-1)
		if m.width < 60 {
			right = strings.TrimPrefix(right, "hides in ")
		}
		lines = append(lines, sides(line{txt(bold, left)}, line{txt(faint, right)}, m.width).pad(m.width).with(underline))
	}
	for i := r.top; i < len(r.lines) && len(lines) < height; i++ {
		lines = append(lines, line{{r.lines[i], 0}}.cut(m.width))
	}
	for len(lines) < height {
		lines = append(lines, nil)
	}
	return lines
}

// footer is the last line: what is asked or looked for, or which keys do what.
func (m *model) footer(now time.Time, noHeader bool) line {
	cursor := span{" ", reverse}
	switch p := m.page(); {
	case m.prompt != nil:
		return asked(line{txt(bold, m.prompt.label)}, m.prompt.text, cursor, m.width)
	case p.typing:
		return asked(line{txt(bold, "/")}, p.query, cursor, m.width)
	case noHeader && m.waiting(now) != "":
		return line{txt(0, m.waiting(now))}.cut(m.width)
	}
	var l line
	for _, h := range m.hints() {
		next := line{txt(bold, h[0]), txt(faint, " "+h[1])}
		if len(l) > 0 {
			next = append(line{{"  ", 0}}, next...)
		} else {
			next = append(line{}.pad(margin(m.width)), next...)
		}
		if l.width()+next.width() <= m.width {
			l = append(l, next...)
		}
	}
	return l
}

// asked is a question and the end of what was typed so far.
func asked(label line, text string, cursor span, w int) line {
	if w == 0 {
		return nil
	}
	label = label.cut(max(w-8, w*2/3, 1))
	text = ui.Cell(text)
	room := w - label.width() - 1
	for text != "" && ui.Width(text) > max(room, 0) {
		_, n := utf8.DecodeRuneInString(text)
		text = text[n:]
	}
	return append(label, span{text, 0}, cursor).cut(w)
}

// hints are the keys of the page, those first that matter most.
func (m *model) hints() [][2]string {
	switch p := m.page(); {
	case p.query != "" && p.kind == secrets:
		return [][2]string{
			{"Esc", "all"}, {"Enter", "reveal"}, {"/", "search"}, {"?", "help"}, {"e", "edit"}, {"h", "history"}, {"d", "delete"},
		}
	case p.kind == secrets:
		return [][2]string{
			{"Enter", "reveal"}, {"/", "search"}, {"?", "help"}, {"q", "quit"}, {"e", "edit"}, {"n", "new"}, {"Tab", "environments"},
			{"h", "history"}, {"c", "compare"}, {"d", "delete"}, {"R", "reload"},
		}
	case p.kind == history:
		return [][2]string{{"Enter", "reveal"}, {"b", "bring back"}, {"Esc", "back"}, {"?", "help"}}
	case p.kind == environments && p.choose:
		return [][2]string{{"Enter", "compare"}, {"Esc", "back"}, {"/", "search"}, {"?", "help"}}
	case p.kind == environments && len(m.pages) == 1:
		return [][2]string{{"Enter", "open"}, {"/", "search"}, {"?", "help"}, {"q", "quit"}}
	case p.kind == environments:
		return [][2]string{{"Enter", "open"}, {"Esc", "back"}, {"/", "search"}, {"?", "help"}}
	case p.kind == comparison:
		return [][2]string{{"Esc", "back"}, {"/", "search"}, {"?", "help"}}
	}
	return [][2]string{{"Esc", "back"}}
}

// helpLines are the page of help: keys, and what they do.
var helpLines = [][2]string{
	{"everywhere", ""},
	{"Up Down, k j", "move"},
	{"PgUp PgDn, ^B ^F", "move by a page; scroll a long value"},
	{"Home End, g G", "to the first, to the last"},
	{"/", "search: letters in order, words in any order"},
	{"Tab", "the environments; Enter opens one"},
	{"Esc, q", "give up waiting, show all again, back, quit"},
	{"^C", "quit at once"},
	{"^L", "draw anew"},
	{"^Z", "stop; fg goes on"},
	{"", ""},
	{"on a secret", ""},
	{"Enter, r", "reveal its value for 30 s, or to the next key"},
	{"e", "edit it in $EDITOR"},
	{"n", "make a new one"},
	{"d, Del", "delete it, after a question"},
	{"h", "its versions; there b brings one back"},
	{"c", "compare the environment with another"},
	{"R", "list the environment anew"},
	{"", ""},
	{"Values are read when you reveal them, and never otherwise", ""},
	{"but to compare: then in memory, and not shown.", ""},
}

func helpLine(h [2]string) line {
	if h[1] == "" {
		return line{txt(bold, " "+h[0])}
	}
	return append(line{txt(0, "   "+h[0])}.pad(22), txt(faint, " "+h[1]))
}
