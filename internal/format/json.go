package format

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readJSON reads one object. encoding/json would put other characters for bytes
// that are not UTF-8 and for halves of surrogate pairs, and take the last of two
// members of one name.
func readJSON(s *sheet, text string) {
	if n, ok := parseJSON(s, text); ok {
		s.flat(n)
	}
}

// parseJSON returns the one value of the text, or reports why there is none.
func parseJSON(s *sheet, text string) (node, bool) {
	p := &jsonParser{sheet: s, text: text, line: 1}
	n := p.value(0)
	if p.bad == "" {
		if p.skip(); p.at < len(text) {
			p.bad = "something stands behind the end of the value"
		}
	}
	if p.bad != "" {
		s.problem(p.line, p.name, "", p.bad)
		return node{}, false
	}
	return n, true
}

type jsonParser struct {
	sheet *sheet
	text  string
	at    int
	line  int
	name  string // of the member that is being read, or ""
	bad   string // why the text cannot be read any further
}

const notJSON = "this is not valid JSON"

// skip skips white space.
func (p *jsonParser) skip() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '\n':
			p.line++
		case ' ', '\t', '\r':
		default:
			return
		}
		p.at++
	}
}

// take takes the word if it is next, behind white space.
func (p *jsonParser) take(word string) bool {
	p.skip()
	if p.bad != "" || !strings.HasPrefix(p.text[p.at:], word) {
		return false
	}
	p.at += len(word)
	return true
}

func (p *jsonParser) value(depth int) node {
	p.skip()
	n := node{line: p.line}
	switch {
	case depth == maxDepth:
		p.bad = "this is nested too deeply"
	case p.take("{"):
		n.kind, n.table = aTable, p.members(depth, "}")
	case p.take("["):
		n.kind, n.table = aList, p.members(depth, "]")
	case p.at < len(p.text) && p.text[p.at] == '"':
		n.text = p.string()
	case p.take("true"):
		n.kind, n.text = aLiteral, "true"
	case p.take("false"):
		n.kind, n.text = aLiteral, "false"
	case p.take("null"):
		n.kind = aNull
	default:
		n.kind, n.text = aLiteral, p.number()
	}
	return n
}

// members reads what stands between braces or brackets.
func (p *jsonParser) members(depth int, end string) []member {
	var ms []member
	seen := map[string]int{}
	for first := true; !p.take(end); first = false {
		if p.bad == "" && !first && !p.take(",") {
			p.bad = notJSON
		}
		p.skip()
		m := member{line: p.line}
		if end == "}" {
			m.name = p.string()
			if p.bad == "" && !p.take(":") {
				p.bad = notJSON
			}
			if depth == 0 && p.bad == "" {
				p.name = m.name
			}
		}
		if p.bad != "" {
			return ms
		}
		if m.node = p.value(depth + 1); p.bad != "" {
			return ms
		}
		if depth == 0 {
			p.name = ""
		}
		if depth > 0 && end == "}" {
			if line, twice := seen[m.name]; twice {
				p.sheet.problem(m.line, m.name, "take one of them out", alreadyIn(line))
				continue
			}
			seen[m.name] = m.line
		}
		ms = append(ms, m)
	}
	return ms
}

// string reads a string.
func (p *jsonParser) string() string {
	if !p.take(`"`) {
		p.bad = notJSON
		return ""
	}
	from := p.at
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			b.WriteString(p.text[from:p.at])
			p.at++
			return b.String()
		case c < ' ':
			p.bad = "a control character stands in a string, and must be written as an escape"
			return ""
		case c == '\\':
			b.WriteString(p.text[from:p.at])
			if !p.escape(&b) {
				return ""
			}
			from = p.at
		default:
			p.at++
		}
	}
	p.bad = "a string begins here that has no end"
	return ""
}

// escape reads an escape within a string.
func (p *jsonParser) escape(b *strings.Builder) bool {
	rest := p.text[p.at+1:]
	if rest == "" {
		p.bad = "a string begins here that has no end"
		return false
	}
	if i := strings.IndexByte(`"\/bfnrt`, rest[0]); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		p.at += 2
		return true
	}
	r, n, why := unicodeEscape(p.text[p.at:])
	if p.bad = why; why != "" {
		return false
	}
	b.WriteRune(r)
	p.at += n
	return true
}

// unicodeEscape reads \uXXXX, or two of them for one character beyond the first
// plane, and returns how long it was.
func unicodeEscape(s string) (r rune, n int, why string) {
	unit := func(s string) (rune, bool) {
		if len(s) < 6 || s[:2] != `\u` {
			return 0, false
		}
		u, err := strconv.ParseUint(s[2:6], 16, 16)
		return rune(u), err == nil
	}
	r, ok := unit(s)
	switch {
	case !ok:
		return 0, 0, "a backslash begins an escape that is not known"
	case !utf16.IsSurrogate(r):
		return r, 6, ""
	}
	second, _ := unit(s[6:])
	if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
		return 0, 0, "an escape is half of a surrogate pair, which is no character"
	}
	return r, 12, ""
}

// number reads a number as it stands.
func (p *jsonParser) number() string {
	digits := func(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
	s := p.text[p.at:]
	n := 0
	if strings.HasPrefix(s, "-") {
		n++
	}
	whole := digits(s[n:])
	bad := whole == 0 || whole > 1 && s[n] == '0'
	if n += whole; n < len(s) && s[n] == '.' {
		fraction := digits(s[n+1:])
		bad = bad || fraction == 0
		n += 1 + fraction
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		if n++; n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		exponent := digits(s[n:])
		bad = bad || exponent == 0
		n += exponent
	}
	if bad && p.bad == "" {
		p.bad = notJSON
	}
	p.at += n
	return s[:n]
}
