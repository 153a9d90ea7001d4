package local

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// The reader and the printer of the sealed format. There is one text for one
// document: what the reader takes, the printer gives back byte for byte.

const (
	header = "# Sealed by skret. Safe to commit; change it with skret set.\n"
	format = "skret-sealed-1"
)

// looksSealed tells a sealed file, perhaps a damaged one, from a plain one.
func looksSealed(text string) bool {
	return strings.HasPrefix(text, header[:12]) || strings.HasPrefix(text, `"format"`) || strings.Contains(text, "\n\"mac\": \"")
}

// print returns the text of d, with the mac that sum makes of its body.
func (d *document) print(sum func(body string) string) string {
	var b strings.Builder
	size := 512 + len(d.wrapped)
	for _, l := range d.lines {
		size += 80 + len(l.key) + len(l.description) + len(l.sealed)
	}
	b.Grow(size)
	b.WriteString(header)
	b.WriteString("\"format\": \"" + format + "\"\n\"id\": ")
	quote(&b, d.id)
	b.WriteString("\n\"recipients\":\n")
	for _, r := range d.recipients {
		b.WriteString("  - ")
		quote(&b, r)
		b.WriteByte('\n')
	}
	b.WriteString("\"key\": \"" + d.wrapped + "\"\n\"secrets\":")
	if len(d.lines) == 0 {
		b.WriteString(" {}")
	}
	b.WriteByte('\n')
	for _, l := range d.lines {
		b.WriteString("  ")
		quote(&b, string(l.key)+"#"+strconv.FormatInt(l.version, 10))
		b.WriteString(": {\"time\": \"")
		b.WriteString(l.time)
		if l.description != "" {
			b.WriteString("\", \"description\": ")
			quote(&b, l.description)
		} else {
			b.WriteByte('"')
		}
		if l.deleted {
			b.WriteString(", \"deleted\": \"true\"}\n")
		} else {
			b.WriteString(", \"sealed\": \"" + l.sealed + "\"}\n")
		}
	}
	body := b.String()
	return body + "\"mac\": \"" + sum(body) + "\"\n"
}

// quote writes s in double quotes. What is not printable is escaped as YAML
// reads it; s is valid UTF-8.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~' || r > '~' && unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(b, `\U%08x`, r)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// reader reads a document line by line.
type reader struct {
	rest string // what is left of the file
	line string // what is left of the line
	n    int    // the line's number
}

// next goes to the next line and tells whether there is one, with its end.
func (r *reader) next() bool {
	i := strings.IndexByte(r.rest, '\n')
	r.n++
	if i < 0 {
		return false
	}
	r.line, r.rest = r.rest[:i], r.rest[i+1:]
	return true
}

// take takes the words off the line, if it begins with them.
func (r *reader) take(words string) bool {
	rest, ok := strings.CutPrefix(r.line, words)
	if ok {
		r.line = rest
	}
	return ok
}

// raw takes what is left of a string in quotes that has no escapes: who uses it
// checks it.
func (r *reader) raw() (string, bool) {
	s, rest, ok := strings.Cut(r.line, `"`)
	r.line = rest
	return s, ok && !strings.Contains(s, `\`)
}

// text takes what is left of a string in quotes, as quote writes it.
func (r *reader) text() (string, bool) {
	end, plain := 0, true
	for ; end < len(r.line) && r.line[end] != '"'; end++ {
		switch c := r.line[end]; {
		case c == '\\':
			plain = false
			end++
		case c < ' ' || c > '~':
			plain = false
		}
	}
	if end >= len(r.line) {
		return "", false
	}
	s := r.line[:end]
	r.line = r.line[end+1:]
	if plain {
		return s, true
	}
	return unquote(s)
}

// unquote undoes quote and refuses what quote would have written otherwise.
func unquote(s string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			i++
			continue
		}
		if next := s[i+1]; next == 'u' || next == 'U' { // text has seen that there is one
			r, n := unescapeRune(s[i:])
			if n == 0 {
				return "", false
			}
			out.WriteRune(r)
			i += n
		} else {
			out.WriteByte(next)
			i += 2
		}
	}
	text := out.String()
	if !utf8.ValidString(text) {
		return "", false
	}
	var again strings.Builder
	quote(&again, text)
	return text, again.String() == `"`+s+`"`
}

// parseDocument reads a sealed file. Its errors name a line and never show what
// is in it.
func parseDocument(text string) (*document, error) {
	r := &reader{rest: text}
	bad := func(what string) (*document, error) {
		return nil, errs.New(errs.Backend, "line %d: %s", r.n, what)
	}
	if !r.next() || r.line != header[:len(header)-1] {
		return bad("the heading is damaged")
	}
	if !r.next() || !r.take(`"format": "`) {
		return bad("the format is damaged")
	}
	if f, ok := r.raw(); !ok || r.line != "" {
		return bad("the format is damaged")
	} else if f != format {
		if strings.HasPrefix(f, "skret-sealed-") {
			return nil, errs.New(errs.Backend, "line %d: this format is not known to this version of skret", r.n).WithHint("use a newer skret")
		}
		return bad("the format is damaged")
	}
	d := &document{}
	var ok bool
	if !r.next() || !r.take(`"id": "`) {
		return bad("the id is damaged")
	}
	if d.id, ok = r.text(); !ok || r.line != "" || d.id == "" {
		return bad("the id is damaged")
	}
	if !r.next() || r.line != `"recipients":` {
		return bad("the list of recipients is damaged")
	}
	for r.next() && r.take(`  - "`) {
		rcpt, ok := r.text()
		if !ok || r.line != "" {
			return bad("a recipient is damaged")
		}
		d.recipients = append(d.recipients, rcpt)
	}
	if len(d.recipients) == 0 || !r.take(`"key": "`) {
		return bad("the recipients or the data key are damaged")
	}
	if d.wrapped, ok = r.raw(); !ok || r.line != "" {
		return bad("the data key is damaged")
	}
	if what := r.secrets(d); what != "" {
		return bad(what)
	}
	d.body = text[:len(text)-len(r.rest)-len(r.line)-len("\n")]
	if !r.take(`"mac": "`) {
		return bad("it ends too early, or a secret is damaged")
	}
	if d.mac, ok = r.raw(); !ok || r.line != "" || r.rest != "" {
		return bad("the end is damaged")
	}
	return d, nil
}

// secrets reads the lines of the secrets and goes to the line behind them. It
// returns what is wrong, or "".
func (r *reader) secrets(d *document) string {
	if !r.next() || !r.take(`"secrets":`) || r.line != "" && r.line != " {}" {
		return "the list of secrets is damaged"
	}
	empty := r.line != ""
	const shortest = 64 // bytes of a secret's line: a file of newlines alone must not cost memory
	d.lines = make([]line, 0, min(strings.Count(r.rest, "\n"), len(r.rest)/shortest))
	for {
		if !r.next() {
			return "it ends too early"
		}
		if !r.take(`  "`) {
			break
		}
		l, ok := r.secret()
		if !ok {
			return "a secret is damaged"
		}
		if n := len(d.lines); n > 0 {
			switch c := compareLines(d.lines[n-1], l); {
			case c == 0:
				return "a version of a secret is there twice"
			case c > 0:
				return "the secrets are not in their order"
			}
		}
		d.lines = append(d.lines, l)
	}
	if empty != (len(d.lines) == 0) {
		return "the list of secrets is damaged"
	}
	return ""
}

// secret reads what is behind the first quote of a secret's line.
func (r *reader) secret() (l line, ok bool) {
	name, ok := r.text()
	i := strings.LastIndexByte(name, '#')
	if !ok || i < 1 || !r.take(`: {"time": "`) {
		return l, false
	}
	version, err := strconv.ParseInt(name[i+1:], 10, 64)
	if err != nil || version < 1 || name[i+1] < '1' || name[i+1] > '9' {
		return l, false
	}
	l.key, l.version = secret.Key(name[:i]), version
	if l.time, ok = r.raw(); !ok || !validTime(l.time) {
		return l, false
	}
	if r.take(`, "description": "`) {
		if l.description, ok = r.text(); !ok || l.description == "" {
			return l, false
		}
	}
	if r.line == `, "deleted": "true"}` {
		l.deleted = true
		return l, true
	}
	if !r.take(`, "sealed": "`) {
		return l, false
	}
	l.sealed, ok = r.raw()
	return l, ok && l.sealed != "" && r.line == "}"
}

// validTime tells whether s is a time as formatTime writes it.
func validTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil && len(s) == len("2006-01-02T15:04:05Z")
}

// formatTime writes a time to the second, in UTC.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unescapeRune reads \uXXXX or \UXXXXXXXX at the start of s. It returns how many
// bytes that was, 0 if it is none.
func unescapeRune(s string) (r rune, n int) {
	n = 6
	if s[1] == 'U' {
		n = 10
	}
	if len(s) < n {
		return 0, 0
	}
	u, err := strconv.ParseUint(s[2:n], 16, 32)
	if err != nil || u > unicode.MaxRune {
		return 0, 0
	}
	return rune(u), n
}
