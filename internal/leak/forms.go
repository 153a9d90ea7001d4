package leak

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is how a value is written.
type form uint8

const (
	plain form = iota
	line
	base64Form
	urlForm
	jsonForm
	hexForm
)

func (f form) String() string { return [...]string{"plain", "line", "base64", "url", "json", "hex"}[f] }

// addForms gives add what value is looked for as. Some are equal, and some are
// shorter than least.
func addForms(value string, least int, add func(form, string)) {
	add(plain, value)
	if strings.Contains(value, "\n") {
		addLines(value, least, add)
	}
	addBase64(value, add)
	addURL(value, add)
	addJSON(value, add)
	digits := hex.EncodeToString([]byte(value))
	add(hexForm, digits)
	add(hexForm, strings.ToUpper(digits))
}

// addLines adds the lines of value, without the white space around them, and all
// of it with the line ends of Unix, and of Windows and terminals.
func addLines(value string, least int, add func(form, string)) {
	unix := strings.ReplaceAll(value, "\r\n", "\n")
	add(plain, unix)
	add(plain, strings.ReplaceAll(unix, "\n", "\r\n"))
	for text := range strings.SplitSeq(unix, "\n") {
		text = strings.TrimSpace(text)
		if unfit(text, max(least, minLine)) == "" && !frame(text) {
			add(line, text)
			addJSON(text, add)
		}
	}
}

// addBase64 adds what stays of value in base64 whatever stands around it: at each
// of three offsets, in both alphabets, and in lines, as programs wrap it.
func addBase64(value string, add func(form, string)) {
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			text := alphabet.EncodeToString(append(make([]byte, offset, offset+len(value)), value...))
			add(base64Form, text[(offset*8+5)/6:(offset+len(value))*8/6])
		}
	}
	for _, width := range []int{64, 76} {
		text := base64.RawStdEncoding.EncodeToString([]byte(value))[:len(value)*8/6]
		for ; len(text) > width; text = text[width:] {
			add(base64Form, text[:width])
		}
		add(base64Form, text)
	}
}

const upperHex, lowerHex = "0123456789ABCDEF", "0123456789abcdef"

// urlStyles say which signs besides letters, digits and - _ . an encoder leaves as
// they are, and whether it writes a blank as +.
var urlStyles = []struct {
	free string
	plus bool
}{
	{"~", false},                 // RFC 3986; curl, Python with safe=""
	{"~", true},                  // Go's queries, Python's quote_plus
	{"~/", false},                // Python's quote
	{"~!*'()", false},            // JavaScript's encodeURIComponent
	{"~!*'();,/?:@&=+$#", false}, // JavaScript's encodeURI
	{"~!$%&'()*+,", false},       // JavaScript's URL.password
	{"~$&+=:@", false},           // Go's paths
	{"~$&+,;=", false},           // Go's user and password
	{"*", true},                  // forms: browsers, Java
	{"!*()", true},               // .NET
}

// addURL adds value as it is escaped for a URL.
func addURL(value string, add func(form, string)) {
	if !strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf || !unreserved(byte(r)) }) {
		return
	}
	for _, style := range urlStyles {
		for _, digits := range []string{upperHex, lowerHex} {
			b := make([]byte, 0, 3*len(value))
			for i := range len(value) {
				switch c := value[i]; {
				case unreserved(c) || strings.IndexByte(style.free, c) >= 0:
					b = append(b, c)
				case c == ' ' && style.plus:
					b = append(b, '+')
				default:
					b = append(b, '%', digits[c>>4], digits[c&15])
				}
			}
			add(urlForm, string(b))
		}
	}
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// jsonStyles say what an encoder writes as \u and four digits, besides control
// characters.
var jsonStyles = []struct {
	signs        string
	ascii        bool // DEL and all that is not ASCII too
	slash, upper bool // / as \/, and digits in upper case
}{
	{},                           // JavaScript, jq, Ruby, Rust
	{ascii: true},                // Python
	{slash: true, ascii: true},   // PHP
	{slash: true},                // PHP with JSON_UNESCAPED_UNICODE
	{signs: "\u2028\u2029"},      // Go with SetEscapeHTML(false)
	{signs: "<>&\u2028\u2029"},   // Go, Rails
	{signs: "<>&='\u2028\u2029"}, // Gson
	{upper: true},                // Jackson
	{signs: "\"&'+<>`", ascii: true, upper: true}, // .NET
}

// addJSON adds value as it stands within a string of JSON. What is not UTF-8
// cannot.
func addJSON(value string, add func(form, string)) {
	special := func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\"\\/<>&='+`", r) }
	if !utf8.ValidString(value) || !strings.ContainsFunc(value, special) {
		return
	}
	for _, style := range jsonStyles {
		digits := lowerHex
		if style.upper {
			digits = upperHex
		}
		b := make([]byte, 0, 2*len(value))
		for _, r := range value {
			if r < utf8.RuneSelf && unreserved(byte(r)) { // as most are
				b = append(b, byte(r))
				continue
			}
			short := strings.IndexRune("\"\\\b\f\n\r\t", r)
			switch {
			case strings.ContainsRune(style.signs, r), r < ' ' && short < 0, r > '~' && style.ascii:
				for _, u := range utf16.AppendRune(nil, r) {
					b = append(b, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
				}
			case short >= 0:
				b = append(b, '\\', `"\bfnrt`[short])
			case r == '/' && style.slash:
				b = append(b, '\\', '/')
			default:
				b = utf8.AppendRune(b, r)
			}
		}
		add(jsonForm, string(b))
	}
}
