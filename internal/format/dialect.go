package format

import (
	"slices"
	"strings"
	"unicode"
)

// Dialect is one program's way to read a dotenv file. All programs agree on what
// an assignment looks like; the fields are where they differ.
//
// A dialect reads a line as its program does, or refuses it: what the program
// would expand, run, merge with another line or drop without a word. Names of
// other than letters, digits and _ . - are refused for all of them.
type Dialect struct {
	Name string // the word that chooses it
	Doc  string // whose way it is, in half a line

	// Around the value.
	signs    string // what a name may have besides letters, digits and _
	digit    bool   // a name may begin with a digit
	own      string // names that the program keeps for itself, as for listed
	export   bool   // export may stand before the name
	apart    bool   // blanks may stand beside the =
	colon    colon  // a colon may stand for the =
	shell    bool   // a carriage return is as any character
	docker   bool   // the value is the rest of the line
	lineSeps bool   // U+2028 and U+2029 end a line
	strange  bool   // versions differ on what is blank, a comment, or behind export

	// The value, unless it is a shell's or docker's.
	quotes  string                                             // the signs that quote
	closing func(text string, open int) int                    // where the closing quote is, or -1
	open    unclosed                                           // what a quote is that does not close
	behind  bool                                               // text behind the closing quote means nothing
	comment func(line string) int                              // where the comment of a line without quotes begins
	carries func(text string, sep, end int) bool               // an empty value may be taken from a later line
	breaks  func(s string) string                              // what becomes of carriage returns within quotes
	decode  func(quote byte, s string) (value, refusal string) // what the text within quotes, or without any, says
}

type colon uint8

const (
	noColon    colon = iota
	tightColon       // right behind the name, with a blank behind
	anyColon
)

type unclosed uint8

const (
	openRefused unclosed = iota
	openText             // text as any other
	openLine             // text to the end of the line, whatever it is
)

// dialects is the table of dialects.
var dialects = []Dialect{
	{
		Name: "dotenv", Doc: "dotenv for Node, 16 to 18", signs: ".-", digit: true, export: true, apart: true, colon: tightColon, lineSeps: true,
		quotes: "'\"`", closing: closingBeforeEnd, open: openText, comment: anyHash, carries: quoteFollows, breaks: breaksToNewlines, decode: decodeDotenv,
	},
	{
		Name: "node", Doc: "node --env-file and util.parseEnv", signs: ".-", digit: true, export: true, apart: true, strange: true,
		quotes: "'\"`", closing: closingAtOnce, open: openLine, behind: true, comment: anyHash, carries: blanksFollow, breaks: breaksDropped, decode: decodeNode,
	},
	{
		Name: "python", Doc: "python-dotenv", signs: ".-", digit: true, export: true, apart: true,
		quotes: `'"`, closing: closingOrEscaped, comment: hashAfterBlank, breaks: breaksToNewlines, decode: decodePython,
	},
	{
		Name: "compose", Doc: "docker compose", signs: ".-", export: true, apart: true, colon: anyColon,
		quotes: `'"`, closing: closingUnescaped, comment: hashAfterSpace, breaks: breaksKept, decode: decodeCompose,
	},
	{
		Name: "godotenv", Doc: "godotenv for Go", signs: ".", digit: true, export: true, apart: true, colon: anyColon,
		quotes: `'"`, closing: closingNotBehindBackslash, comment: lastHashAfterBlank, breaks: breaksOfWindows, decode: decodeGodotenv,
	},
	{Name: "docker", Doc: "docker run --env-file, which takes quotes and all as they stand", signs: ".-", digit: true, docker: true},
	{Name: "posix", Doc: "set -a; . FILE in a shell", own: shOwn, export: true, shell: true},
}

// Dialects returns the dialects.
func Dialects() []Dialect { return slices.Clone(dialects) }

func dialectNames() []string {
	var names []string
	for _, d := range dialects {
		names = append(names, d.Name)
	}
	return names
}

// named returns the dialect of this name, or nothing.
func named(name string) []*Dialect {
	for i := range dialects {
		if dialects[i].Name == name {
			return []*Dialect{&dialects[i]}
		}
	}
	return nil
}

// alike returns the dialects that have to agree. Docker's is not among them: it
// has no quotes.
func alike() []*Dialect {
	var ds []*Dialect
	for i := range dialects {
		if !dialects[i].docker {
			ds = append(ds, &dialects[i])
		}
	}
	return ds
}

// Where a comment begins in a line without quotes: the index of its #, or the
// line's length.

func anyHash(line string) int {
	if i := strings.IndexByte(line, '#'); i >= 0 {
		return i
	}
	return len(line)
}

func hashAfterBlank(line string) int {
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && blank(line[i-1]) {
			return i
		}
	}
	return len(line)
}

func lastHashAfterBlank(line string) int {
	for i := len(line) - 1; i > 0; i-- {
		if line[i] == '#' && blank(line[i-1]) {
			return i
		}
	}
	return len(line)
}

func hashAfterSpace(line string) int {
	if i := strings.Index(line, " #"); i >= 0 {
		return i + 1
	}
	return len(line)
}

// Where quoted text ends that begins at text[open]: the index of the closing
// quote, or -1.

func closingAtOnce(text string, open int) int {
	if i := strings.IndexByte(text[open+1:], text[open]); i >= 0 {
		return open + 1 + i
	}
	return -1
}

func closingNotBehindBackslash(text string, open int) int {
	for from := open + 1; ; {
		i := strings.IndexByte(text[from:], text[open])
		if i < 0 {
			return -1
		}
		if from += i; text[from-1] != '\\' {
			return from
		}
		from++
	}
}

// closingOrEscaped takes the last quote behind a backslash when there is no other.
func closingOrEscaped(text string, open int) int {
	if i := closingNotBehindBackslash(text, open); i >= 0 {
		return i
	}
	if i := strings.LastIndexByte(text[open+1:], text[open]); i >= 0 {
		return open + 1 + i
	}
	return -1
}

func closingUnescaped(text string, open int) int {
	for i := open + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[open]:
			return i
		}
	}
	return -1
}

// closingBeforeEnd takes the first quote that has no backslash before it, and if
// the line does not end there, the last one before that at which it does.
func closingBeforeEnd(text string, open int) int {
	end := closingNotBehindBackslash(text, open)
	for {
		if end >= 0 && endsLine(text[end+1:]) {
			return end
		}
		if end < 0 {
			end = len(text)
		}
		i := strings.LastIndexByte(text[open+1:end], text[open])
		if i < 0 {
			return -1
		}
		end = open + 1 + i
	}
}

// endsLine tells whether nothing but blanks, as JavaScript knows them, and a
// comment stand before the end of the line.
func endsLine(text string) bool {
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '#' || r == '\u2028' || r == '\u2029':
			return true
		case r != ' ' && r != '\t' && !odd(r):
			return false
		}
	}
	return true
}

// What an empty value is taken from. The line ends at text[end], the = before
// text[sep].

// quoteFollows: the next text that is not blank, lines away, is quoted.
func quoteFollows(text string, _, end int) bool {
	rest := strings.TrimLeftFunc(text[end:], func(r rune) bool { return unicode.IsSpace(r) || odd(r) })
	return rest != "" && strings.IndexByte("'\"`", rest[0]) >= 0
}

// blanksFollow: some versions of Node take any line that comes behind blanks.
func blanksFollow(_ string, sep, end int) bool { return end > sep }

// What becomes of carriage returns within quotes.

func breaksKept(s string) string      { return s }
func breaksDropped(s string) string   { return strings.ReplaceAll(s, "\r", "") }
func breaksOfWindows(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
func breaksToNewlines(s string) string {
	return strings.ReplaceAll(breaksOfWindows(s), "\r", "\n")
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// odd tells whether some programs take r for a blank and others do not.
func odd(r rune) bool {
	return r != ' ' && r != '\t' && r != '\n' && unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f || r == '\ufeff'
}
