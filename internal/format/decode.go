package format

import (
	"strings"
	"unicode/utf8"
)

// What the text of a value says, by dialect. The quote is the sign that it was
// quoted by, 0 if it was not.

func decodeDotenv(quote byte, s string) (value, refusal string) {
	if quote == 0 && s != "" {
		// Quotes at both ends are dropped even if they are no pair.
		quote = s[0]
		if last := len(s) - 1; last > 0 && s[last] == quote && strings.IndexByte("'\"`", quote) >= 0 {
			s = s[1:last]
		}
	}
	if quote == '"' {
		s = strings.ReplaceAll(strings.ReplaceAll(s, `\n`, "\n"), `\r`, "\r")
	}
	return s, ""
}

func decodeNode(quote byte, s string) (value, refusal string) {
	if quote == '"' {
		s = strings.ReplaceAll(s, `\n`, "\n")
	}
	return s, ""
}

func decodePython(quote byte, s string) (value, refusal string) {
	switch quote {
	case '\'':
		s = unescape(s, escapes(`\'`, `\'`))
	case '"':
		s = unescape(s, escapes(`\'"abfnrtv`, "\\'\"\a\b\f\n\r\t\v"))
	}
	if bracesExpand(s) {
		return "", expands
	}
	return s, ""
}

// bracesExpand tells whether s has ${NAME} or ${NAME:-default}, where NAME is
// anything without } and :.
func bracesExpand(s string) bool {
	for {
		_, rest, found := strings.Cut(s, "${")
		end := strings.IndexAny(rest, "}:")
		switch {
		case !found || end < 0:
			return false
		case rest[end] == '}':
			return true
		case strings.HasPrefix(rest[end:], ":-"):
			// Without a } there is no other ${...} either.
			return strings.Contains(rest[end:], "}")
		}
		s = rest[end:]
	}
}

func decodeCompose(quote byte, s string) (value, refusal string) {
	if quote != 0 {
		s = unescape(s, escapes(string(quote), string(quote)))
	}
	switch quote {
	case '\'':
		return s, ""
	case '"':
		begins := false
		s = unescape(s, func(c string) (string, bool) {
			begins = begins || c == "0"
			if c == "$" {
				return "$$", true
			}
			return escapes(`\abfnrtv`, "\\\a\b\f\n\r\t\v")(c)
		})
		if begins {
			return "", octal
		}
	}
	// Two $ are one, and one before a name or a brace stands for a variable.
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String(), ""
		}
		b.WriteByte('$')
		r, _ := utf8.DecodeRuneInString(rest)
		// The last two are s and k without regard to case.
		if r == '{' || r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '\u017f' || r == '\u212a' {
			return "", expands
		}
		s = strings.TrimPrefix(rest, "$")
	}
}

func decodeGodotenv(quote byte, s string) (value, refusal string) {
	if quote != 0 {
		// All quotes at the ends are dropped, even one behind a backslash.
		q := string(quote)
		s = strings.TrimLeft(strings.TrimRight(q+s, q), q)
	}
	switch quote {
	case '\'':
		return s, ""
	case '"':
		s = unescape(s, escapes("nr", "\n\r"))
		s = unescape(s, func(c string) (string, bool) { return c, c != "$" })
	}
	// A $ behind a backslash is one without, and one before a name of capitals
	// stands for a variable.
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "$")
		if !found {
			b.WriteString(s)
			return b.String(), ""
		}
		before, escaped := strings.CutSuffix(before, `\`)
		b.WriteString(before + "$")
		name := strings.TrimPrefix(strings.TrimPrefix(rest, "("), "{")
		if !escaped && name != "" && capital(name[0]) {
			return "", expands
		}
		s = rest
	}
}

func capital(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' }

// unescape puts what f says for each backslash and the byte behind it. Where f
// says nothing both stay.
func unescape(s string, f func(c string) (text string, ok bool)) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String()
		}
		text, ok := f(s[i+1 : i+2])
		if !ok {
			text = s[i : i+2]
		}
		b.WriteString(s[:i] + text)
		s = s[i+2:]
	}
}

// escapes returns the function for unescape by which each byte of signs stands
// for the one of texts in its place.
func escapes(signs, texts string) func(c string) (text string, ok bool) {
	return func(c string) (string, bool) {
		i := strings.Index(signs, c)
		if i < 0 {
			return "", false
		}
		return texts[i : i+1], true
	}
}
