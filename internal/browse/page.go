package browse

import (
	"slices"
	"strconv"
	"time"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// kind says what a page lists.
type kind uint8

const (
	secrets kind = iota
	environments
	history
	comparison
	helpText
)

// column is one column of a page. Where not all have room, those of the highest rank
// go first.
type column struct {
	title string
	rank  int
	right bool // aligned at its right end
	rest  bool // takes what is left of the line
	width int  // of its widest cell
}

// row is one line of a page: its cells are neutralised.
type row struct {
	cells []string
	style style // of all but the name
}

// page is a list with a cursor, which may be searched.
type page struct {
	kind    kind
	heading string
	choose  bool // of environments: one is chosen to compare with
	columns []column
	rows    []row
	names   []string // the first cells
	empty   []message

	entries  []secret.Entry // of secrets
	versions []Version      // of history

	query   string
	typing  bool    // the query is being typed
	found   []match // the rows that are listed
	at, top int     // the cursor, and the first one that is seen, among found
}

func newPage(k kind, heading string) *page { return &page{kind: k, heading: heading} }

// set puts rows on the page.
func (p *page) set(columns []column, rows []row) {
	p.columns, p.rows = columns, rows
	p.names = make([]string, len(rows))
	for i, r := range rows {
		p.names[i] = r.cells[0]
		for j, c := range r.cells {
			p.columns[j].width = max(p.columns[j].width, ui.Width(c))
		}
	}
	for i, c := range p.columns {
		if c.width > 0 {
			p.columns[i].width = max(c.width, ui.Width(c.title))
		}
	}
	p.find(p.query)
}

// noun says what n rows of the page are.
func (p *page) noun(n int) string {
	word := map[kind]string{secrets: "secret", environments: "environment", history: "version", comparison: "secret"}[p.kind]
	if n != 1 {
		word += "s"
	}
	return word
}

// find lists the rows that fit a query.
func (p *page) find(query string) {
	p.query, p.found = query, search(p.names, query)
	p.at, p.top = 0, 0
}

// row returns the number of the row that the cursor is on.
func (p *page) row() (i int, ok bool) {
	if p.at >= len(p.found) {
		return 0, false
	}
	return p.found[p.at].row, true
}

// key returns the secret that the cursor is on, "" if there is none.
func (p *page) key() secret.Key {
	i, ok := p.row()
	switch {
	case ok && p.kind == secrets:
		return p.entries[i].Key
	case ok && p.kind == history:
		return p.versions[i].Key
	}
	return ""
}

// version returns the version that the cursor is on.
func (p *page) version() (Version, bool) {
	i, ok := p.row()
	if !ok {
		return Version{}, false
	}
	return p.versions[i], true
}

// put puts the cursor on a row, if it is listed.
func (p *page) put(row int) {
	if i := slices.IndexFunc(p.found, func(m match) bool { return m.row == row }); i >= 0 {
		p.at = i
	}
}

// move moves the cursor, and tells whether the key was for that.
func (p *page) move(k key, height int) bool {
	page := max(height-1, 1)
	switch {
	case k.code == up, k.code == letter && k.char == 'k', k.code == control && k.char == 'p':
		p.at--
	case k.code == down, k.code == letter && k.char == 'j', k.code == control && k.char == 'n':
		p.at++
	case k.code == pageUp, k.code == control && k.char == 'b':
		p.at -= page
	case k.code == pageDown, k.code == control && k.char == 'f', k.code == letter && k.char == ' ':
		p.at += page
	case k.code == home, k.code == letter && k.char == 'g':
		p.at = 0
	case k.code == end, k.code == letter && k.char == 'G':
		p.at = p.length() - 1
	default:
		return false
	}
	p.at = max(min(p.at, p.length()-1), 0)
	return true
}

// length returns how many lines the page has.
func (p *page) length() int {
	if p.kind == helpText {
		return len(helpLines)
	}
	return len(p.found)
}

// scroll has the cursor within the lines that are seen.
func (p *page) scroll(height int) {
	height = max(height, 1)
	if p.kind == helpText { // which has no cursor, but a first line
		p.at = max(min(p.at, len(helpLines)-height), 0)
		p.top = p.at
		return
	}
	p.top = max(min(p.top, p.at, len(p.found)-height), p.at-height+1, 0)
}

// moment writes a time in the user's zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// setSecrets lists secrets, with the cursor on one of them, or where it was.
func (p *page) setSecrets(es []secret.Entry, on secret.Key) {
	rows := make([]row, len(es))
	for i, e := range es {
		rows[i].cells = []string{ui.Cell(string(e.Key)), number(e.Version), moment(e.Modified), ui.Cell(e.Type), ui.Cell(e.Description)}
	}
	at := p.at
	p.entries = es
	p.set([]column{
		{title: "NAME"}, {title: "VERSION", rank: 2, right: true}, {title: "MODIFIED", rank: 1},
		{title: "TYPE", rank: 4}, {title: "DESCRIPTION", rank: 3, rest: true},
	}, rows)
	p.at = max(min(at, len(p.found)-1), 0)
	if i := slices.IndexFunc(es, func(e secret.Entry) bool { return e.Key == on }); i >= 0 {
		p.put(i)
	}
}

// setHistory lists versions, newest first.
func (p *page) setHistory(k secret.Key, vs []Version) {
	rows := make([]row, len(vs))
	for i, v := range vs {
		rows[i].cells = []string{number(v.Version), moment(v.Modified), ui.Cell(v.Author), ui.Cell(v.Note)}
		vs[i].Key = k
	}
	p.versions = vs
	p.set([]column{{title: "VERSION", right: true}, {title: "MODIFIED", rank: 1}, {title: "AUTHOR", rank: 3, rest: true}, {title: "NOTE", rank: 2}}, rows)
}

// environmentsPage lists the environments, with the cursor on the one that is shown.
func (m *model) environmentsPage(heading string) *page {
	p := newPage(environments, heading)
	rows := make([]row, len(m.envs))
	for i, e := range m.envs {
		note := e.Where
		if e.Protected {
			note += ", protected"
		}
		if e.Err != nil {
			rows[i].style = red
			note = e.Err.Error()
		}
		rows[i].cells = []string{ui.Cell(e.title()), ui.Cell(note)}
	}
	p.empty = []message{{"no environments; skret init makes a configuration", false}}
	p.set([]column{{title: "ENVIRONMENT"}, {title: "PLACE", rank: 1, rest: true}}, rows)
	p.put(max(m.env, 0))
	return p
}

// setDifferences lists how two environments differ, what is the same at the end.
func (p *page) setDifferences(ds []Difference, from, to string) {
	words := map[Verdict]row{
		OnlyFrom:  {[]string{"only in " + from}, cyan},
		Different: {[]string{"different"}, magenta},
		OnlyTo:    {[]string{"only in " + to}, green},
		Unknown:   {[]string{"unknown"}, 0},
		Same:      {[]string{"same"}, faint},
	}
	ds = slices.Clone(ds)
	slices.SortStableFunc(ds, func(a, b Difference) int { return int(a.Verdict) - int(b.Verdict) })
	rows := make([]row, len(ds))
	for i, d := range ds {
		w := words[d.Verdict]
		rows[i] = row{[]string{ui.Cell(string(d.Name)), ui.Cell(w.cells[0])}, w.style}
	}
	p.set([]column{{title: "NAME"}, {title: "STATE", rank: 1}}, rows)
}
