package format

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readTFVars reads variables that are texts, numbers, or true or false. It is a
// part of HCL: whatever would be computed is refused.
func readTFVars(s *sheet, text string) {
	p := &tfvars{sheet: s, text: text, line: 1}
	for !s.full() && p.skip("\n") {
		p.name = ""
		if at := p.line; !p.attribute(at) {
			return
		}
	}
}

type tfvars struct {
	sheet *sheet
	text  string
	at    int
	line  int
	name  string // of the variable that is being read, or ""
}

// fail reports a problem behind which nothing can be understood.
func (p *tfvars) fail(line int, why string) bool {
	p.sheet.problem(line, p.name, "", why)
	return false
}

const notTFVars = "this is not NAME = VALUE, with a text, a number, true or false"

// skip skips blanks, comments, and line breaks if they are in breaks, and tells
// whether anything is left.
func (p *tfvars) skip(breaks string) bool {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		n := 1
		switch {
		case rest[0] == '\n' && breaks != "", blank(rest[0]):
		case strings.HasPrefix(rest, "\r\n") && breaks != "":
			n = 2
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			if n = strings.IndexByte(rest, '\n'); n < 0 {
				n = len(rest)
			}
			n = len(strings.TrimSuffix(rest[:n], "\r"))
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return true
			}
			n = end + 4
		default:
			return true
		}
		p.line += strings.Count(rest[:n], "\n")
		p.at += n
	}
	return false
}

// ends tells whether nothing but blanks and comments are left of the line.
func (p *tfvars) ends() bool {
	return !p.skip("") || p.text[p.at] == '\n' || strings.HasPrefix(p.text[p.at:], "\r\n")
}

func (p *tfvars) attribute(at int) bool {
	from := p.at
	for p.at < len(p.text) && nameByte(p.text[p.at]) && p.text[p.at] != '.' {
		p.at++
	}
	name := p.text[from:p.at]
	if name == "" || name[0] == '-' || name[0] >= '0' && name[0] <= '9' || !p.skip("") || p.text[p.at] != '=' {
		return p.fail(at, notTFVars)
	}
	p.at++
	if !p.skip("") {
		return p.fail(at, notTFVars)
	}
	p.name = name
	value, kind, why := p.value()
	switch {
	case kind == aList:
		p.sheet.nested(at, name)
		return p.ends() || p.fail(p.line, notTFVars)
	case why != "" && kind == broken:
		return p.fail(at, why)
	case !p.ends():
		return p.fail(at, "more than one text, number, true or false stands behind the =")
	case why != "":
		p.sheet.problem(at, name, "", why)
	case kind == aNull:
		p.sheet.addNull(at, name)
	default:
		p.sheet.add(at, name, name, value)
	}
	return true
}

// value reads a value. Nothing behind a broken one can be understood.
func (p *tfvars) value() (value string, k kind, why string) {
	rest := p.text[p.at:]
	switch {
	case rest[0] == '"':
		return p.quoted()
	case strings.HasPrefix(rest, "<<"):
		return p.heredoc()
	case rest[0] == '[' || rest[0] == '{':
		if !p.brackets() {
			return "", broken, "a list or a map begins here that has no end"
		}
		return "", aList, ""
	}
	n := 0
	for n < len(rest) && (nameByte(rest[n]) || rest[n] == '+') {
		n++
	}
	p.at += n
	switch word := rest[:n]; {
	case word == "null":
		return "", aNull, ""
	case word == "true" || word == "false" || exactNumber(word):
		return word, aLiteral, ""
	case word != "" && (word[0] == '-' || word[0] >= '0' && word[0] <= '9'):
		return "", aLiteral, "the number is not in its shortest form: write it as a text, in quotes"
	}
	return "", broken, notTFVars
}

// exactNumber tells whether Terraform would write a number in this form too.
func exactNumber(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	for _, part := range []string{whole, fraction} {
		if strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return whole != "" && (whole == "0" || whole[0] != '0') && s != "-0" &&
		point == (fraction != "") && !strings.HasSuffix(fraction, "0")
}

// quoted reads a text in quotes.
func (p *tfvars) quoted() (value string, k kind, why string) {
	var b strings.Builder
	for rest := p.text[p.at+1:]; ; {
		n := strings.IndexAny(rest, "\"\\\r\n$%")
		if n < 0 || rest[n] == '\n' || rest[n] == '\r' {
			return "", broken, quoteOpen
		}
		b.WriteString(rest[:n])
		rest = rest[n:]
		switch rest[0] {
		case '"':
			p.at = len(p.text) - len(rest) + 1
			return p.plain(b.String(), why)
		case '\\':
			text, n := hclEscape(rest)
			if n == 0 {
				return "", broken, "a backslash begins an escape that is not known"
			}
			b.WriteString(text)
			rest = rest[n:]
		default:
			text, n, bad := hclTemplate(rest)
			if bad != "" {
				return "", broken, bad
			}
			b.WriteString(text)
			rest = rest[n:]
		}
	}
}

// plain returns a text, unless Terraform would change it.
func (p *tfvars) plain(s, why string) (string, kind, string) {
	if why == "" && composes(s) {
		why = isComposed
	}
	return s, aText, why
}

// hclEscape reads an escape and returns how long it was, 0 if there is none.
func hclEscape(s string) (text string, n int) {
	if len(s) < 2 {
		return "", 0
	}
	if i := strings.IndexByte(`nrt"\`, s[1]); i >= 0 {
		return "\n\r\t\"\\"[i : i+1], 2
	}
	n = map[byte]int{'u': 6, 'U': 10}[s[1]]
	if n == 0 || len(s) < n {
		return "", 0
	}
	r, err := strconv.ParseUint(s[2:n], 16, 32)
	if err != nil || r > unicode.MaxRune || !utf8.ValidRune(rune(r)) {
		return "", 0
	}
	return string(rune(r)), n
}

// hclTemplate reads the run of $ or % that begins s.
func hclTemplate(s string) (text string, n int, why string) {
	n = len(s) - len(strings.TrimLeft(s, s[:1]))
	switch brace := strings.HasPrefix(s[n:], "{"); {
	case brace && n == 2:
		return s[1:3], 3, ""
	case brace:
		return "", 0, "${ and %{ begin what would be computed; $${ and %%{ stand for themselves"
	}
	return s[:n], n, ""
}

// heredoc reads a text between marks. The file must not end with the last mark.
func (p *tfvars) heredoc() (value string, k kind, why string) {
	head, body, ok := strings.Cut(p.text[p.at:], "\n")
	mark, indented := strings.CutPrefix(strings.TrimSuffix(head[2:], "\r"), "-")
	if !ok || mark == "" || strings.ContainsFunc(mark, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) || r == '.' }) || mark[0] == '-' || mark[0] >= '0' && mark[0] <= '9' {
		return "", broken, "<< must be followed by a mark, and the mark by the end of the line"
	}
	var lines []string
	for n := 1; ; n++ {
		i := strings.IndexByte(body, '\n')
		if i < 0 {
			return "", broken, "the mark that ends the text is not there, on a line of its own"
		}
		line := body[:i+1]
		if strings.TrimSpace(line) == mark {
			p.at, p.line = len(p.text)-len(body)+len(strings.TrimRight(line, "\r\n")), p.line+n
			break
		}
		lines, body = append(lines, line), body[i+1:]
	}
	if indented {
		if why = outdent(lines); why != "" {
			return "", aText, why
		}
	}
	var b strings.Builder
	for rest := strings.Join(lines, ""); ; {
		n := strings.IndexAny(rest, "$%\r")
		if n < 0 {
			b.WriteString(rest)
			return p.plain(b.String(), why)
		}
		b.WriteString(rest[:n])
		if rest = rest[n:]; rest[0] == '\r' {
			if !strings.HasPrefix(rest, "\r\n") {
				return "", aText, loneReturn
			}
			b.WriteString("\r\n")
			rest = rest[2:]
			continue
		}
		text, n, bad := hclTemplate(rest)
		if bad != "" {
			return "", aText, bad
		}
		b.WriteString(text)
		rest = rest[n:]
	}
}

// outdent takes from all lines the blanks that all have that are not blank.
func outdent(lines []string) (why string) {
	least := -1
	for _, l := range lines {
		rest := strings.TrimLeftFunc(l, unicode.IsSpace)
		n := len(l) - len(rest)
		if rest == "" {
			continue
		}
		if strings.Trim(l[:n], " \t") != "" {
			return oddBlank
		}
		if least < 0 || n < least {
			least = n
		}
	}
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			lines[i] = l[least:]
		}
	}
	return ""
}

// brackets skips a list or a map.
func (p *tfvars) brackets() bool {
	for depth := 0; p.skip("\n"); {
		switch p.text[p.at] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case '"':
			if _, k, _ := p.quoted(); k == broken {
				return false
			}
			continue
		}
		if p.at++; depth == 0 {
			return true
		}
	}
	return false
}

// isComposed is why Terraform's values cannot carry a text.
const isComposed = "the value has characters that Terraform puts in another form, such as letters with accents of their own"

// composes tells whether s may not be in Unicode's normalization form C, into
// which Terraform brings every text. It says so of some texts that are in it.
func composes(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		if r < 0x300 {
			return false
		}
		return unicode.Is(unicode.M, r) || slices.ContainsFunc(notStable, func(part [2]rune) bool { return r >= part[0] && r <= part[1] })
	})
}

// notStable are the ranges of characters, besides marks, of which some are
// replaced, or join the one before: among them scripts of India and Tibet,
// Hangul in parts, accented Greek, and what is there for compatibility.
var notStable = [][2]rune{
	{0x374, 0x374}, {0x37e, 0x37e}, {0x387, 0x387}, {0x958, 0xfff}, {0x1100, 0x11ff}, {0x1f00, 0x1fff}, {0x2000, 0x2001},
	{0x2126, 0x212b}, {0x2329, 0x232a}, {0x2adc, 0x2adc}, {0xf900, 0xfb4f}, {0x1d15e, 0x1d1c0}, {0x2f800, 0x2fa1f},
}
