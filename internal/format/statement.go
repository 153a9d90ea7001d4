package format

import (
	"strings"
	"unicode/utf8"
)

// statement is an assignment of a dotenv file as one dialect reads it, or a line
// that it refuses.
type statement struct {
	name  string
	title string // the name, or "" where it may be part of a value
	value string
	why   string // why the line is refused, or ""

	at   int // where its line begins
	word int // where the name begins
	tail int // where the value ends, and a comment may follow
	next int // where the next line begins

	exported bool
}

// Why lines are refused. All readers of a file that cannot be read alike are
// named before these words.
const (
	notAssignment = "this is not NAME=value"
	isApart       = "a blank stands beside the ="
	badSign       = "the name has a sign that no variable of this program has"
	badDigit      = "the name begins with a digit"
	quoteOpen     = "the quote that begins here does not end"
	textBehind    = "text stands behind the closing quote"
	loneReturn    = "a carriage return stands within the line"
	lineSeparator = "a Unicode line separator stands outside of quotes"
	oddBlank      = "a blank that is neither a space nor a tab stands at an end of the value"
	takenFrom     = "the value is empty, and may be taken from a later line"
	isVariable    = "the comment is indented, and may be taken for a part of a name"
	blankLine     = "the line has nothing but blanks, and may be taken for a part of a name"
	lastComment   = "the comment has an = and no line break behind it, and may be taken for a variable"
	strangeTab    = "a tab stands where others have blanks"
	strangeEmpty  = "nothing stands behind the =, and export may be taken for a part of the name"
	strangeExport = "two blanks stand behind export"
	expands       = "a $ stands for something else, and nothing is expanded"
	octal         = `\0 begins a number in octal`
	runs          = "a command would be run, which never happens"
	shellSign     = "a sign that a shell acts on stands outside of quotes"
	moreWords     = "more than one word stands behind the ="
	tooLong       = "docker reads no line of 64 KiB or more"
)

// next reads the first statement at or behind text[at], which begins a line.
func (d *Dialect) next(text string, at int) (s statement, ok bool) {
	for at < len(text) {
		end, next := d.line(text, at)
		s = statement{at: at, next: next}
		switch i := skipBlanks(text, at, end); {
		case i == end:
			if d.strange && end > at {
				s.why = blankLine
				return s, true
			}
		case text[i] == '#':
			s.why = d.refuseComment(text[at:end])
			if d.strange && text[next-1] != '\n' && strings.Contains(text[i:], "=") {
				s.why = lastComment
			}
			if s.why != "" {
				return s, true
			}
		default:
			d.assignment(text, i, end, &s)
			return s, true
		}
		at = next
	}
	return s, false
}

// line returns where the line ends that text[at] is in, and where the next begins.
func (d *Dialect) line(text string, at int) (end, next int) {
	end, next = len(text), len(text)
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		end, next = at+i, at+i+1
	}
	if !d.shell && end > at && text[end-1] == '\r' {
		end--
	}
	return end, next
}

// refuseComment returns why a comment may be more than one.
func (d *Dialect) refuseComment(line string) string {
	switch {
	case d.shell || d.docker:
		return ""
	case strings.Contains(line, "\r"):
		return loneReturn
	case d.lineSeps && strings.ContainsAny(line, "\u2028\u2029"):
		return lineSeparator
	case d.strange && line[0] != '#':
		return isVariable
	}
	return ""
}

// assignment reads what begins at text[i], in a line that ends at text[end].
func (d *Dialect) assignment(text string, i, end int, s *statement) {
	const export = "export "
	if d.export && strings.HasPrefix(text[i:end], export) {
		s.exported = true
		name := skipBlanks(text, i+len(export), end)
		if d.strange && name > i+len(export) {
			s.why = strangeExport
		}
		i = name
	}
	sep := i
	for sep < end && nameByte(text[sep]) {
		sep++
	}
	s.word, s.name = i, text[i:sep]
	blanks := skipBlanks(text, sep, end)
	switch {
	case s.name == "" || blanks == end || s.name == "export" && blanks > sep:
		s.why = notAssignment
		return
	case blanks > sep && !d.apart:
		s.why = isApart
		if text[blanks] != '=' {
			s.why = notAssignment
		}
		return
	}
	adjacent := blanks == sep
	sep = blanks
	if !d.separates(text[sep:end], adjacent) {
		s.why = notAssignment
		return
	}
	sep++
	if d.strange && strings.Contains(text[s.at:skipBlanks(text, sep, end)], "\t") {
		s.why = strangeTab
	}
	// A line that ends with its first = signs may be the end of something in base64.
	if strings.Trim(text[sep:end], "=") != "" {
		s.title = s.name
	}
	why := s.why
	if why == "" {
		why = d.refuseName(s.name)
	}
	switch {
	case d.docker:
		d.rest(text, sep, end, s)
	case d.shell:
		d.words(text, sep, s)
	default:
		d.quoted(text, sep, end, s)
	}
	if why != "" {
		s.why = why
	}
}

// separates tells whether the line, behind a name, begins with a = or what stands
// for it.
func (d *Dialect) separates(line string, adjacent bool) bool {
	if line[0] == ':' {
		return d.colon == anyColon || d.colon == tightColon && adjacent && len(line) > 1 && blank(line[1])
	}
	return line[0] == '='
}

func (d *Dialect) refuseName(name string) string {
	for i := range len(name) {
		if c := name[i]; (c == '.' || c == '-') && strings.IndexByte(d.signs, c) < 0 {
			return badSign
		}
	}
	switch {
	case !d.digit && name[0] >= '0' && name[0] <= '9':
		return badDigit
	case listed(d.own, name):
		return ownedByShell
	}
	return ""
}

// rest takes the rest of the line for the value.
func (d *Dialect) rest(text string, sep, end int, s *statement) {
	s.value = text[sep:end]
	if s.next-s.at > dockerLine {
		s.why = tooLong
	}
}

// quoted reads a value that may be quoted, and begins behind text[sep-1].
func (d *Dialect) quoted(text string, sep, end int, s *statement) {
	i := skipBlanks(text, sep, end)
	if s.tail = sep; i == end {
		if d.carries != nil && d.carries(text, sep, end) {
			s.why = takenFrom
		}
		if d.strange && s.exported {
			s.why = strangeEmpty
		}
		return
	}
	if strings.IndexByte(d.quotes, text[i]) < 0 {
		d.plain(text, i, end, s)
		return
	}
	shut := d.closing(text, i)
	if shut < 0 {
		switch d.open {
		case openText:
			d.plain(text, i, end, s)
		case openLine:
			s.value, s.why = d.decode(0, d.breaks(text[i:end]))
			if strings.Trim(text[s.next:], " \t\r\n") == "" { // some versions drop it, some its blanks
				s.why = quoteOpen
			}
		default:
			s.why = quoteOpen
		}
		return
	}
	inner := text[i+1 : shut]
	if strings.Contains(inner, "\r") {
		inner = d.breaks(inner)
	}
	s.value, s.why = d.decode(text[i], inner)
	s.tail = shut + 1
	end, s.next = d.line(text, s.tail)
	switch i := skipBlanks(text, s.tail, end); {
	case d.behind || i == end:
	case text[i] != '#':
		s.why = textBehind
	default:
		if why := d.refuseComment(text[i:end]); why != "" {
			s.why = why
		}
	}
}

// plain reads a value without quotes.
func (d *Dialect) plain(text string, i, end int, s *statement) {
	line := text[i:end]
	raw := line[:d.comment(line)]
	value := strings.TrimRight(raw, " \t")
	s.tail = i + len(value)
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case strings.Contains(line, "\r"):
		s.why = loneReturn
	case d.lineSeps && strings.ContainsAny(line, "\u2028\u2029"):
		s.why = lineSeparator
	case odd(first) || odd(last) || oddBeforeHash(line):
		s.why = oddBlank
	case d.strange && strings.Contains(raw[len(value):], "\t"):
		s.why = strangeTab
	default:
		s.value, s.why = d.decode(0, value)
	}
}

// oddBeforeHash tells whether it is doubtful that a # begins a comment.
func oddBeforeHash(line string) bool {
	for {
		i := strings.IndexByte(line, '#')
		if i < 0 {
			return false
		}
		if r, _ := utf8.DecodeLastRuneInString(line[:i]); odd(r) {
			return true
		}
		line = line[i+1:]
	}
}

func skipBlanks(text string, i, end int) int {
	for i < end && blank(text[i]) {
		i++
	}
	return i
}
