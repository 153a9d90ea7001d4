package format

import "strings"

// readProperties reads the lines of java.util.Properties.load, as UTF-8: ISO-8859-1,
// which older files are in, is the same where all beyond ASCII is written as \uXXXX.
func readProperties(s *sheet, text string) {
	for n := 1; text != "" && !s.full(); {
		first := n
		line, rest := propertyLine(text)
		text = rest
		n++
		if line = trimProperty(line); line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		alone := line == `\`      // what comes behind may be a comment, by the version of Java
		var whole strings.Builder // of a line that goes on in others
		for continues(line) {
			whole.WriteString(line[:len(line)-1])
			line, text = propertyLine(text)
			line = trimProperty(line)
			n++
		}
		if whole.Len() > 0 {
			line = whole.String() + line
		}
		if alone {
			s.problem(first, "", "take it out", "a backslash stands alone in its line")
			continue
		}
		s.property(first, line)
	}
}

// propertyLine returns the first line of a text, without its end.
func propertyLine(text string) (line, rest string) {
	i := strings.IndexAny(text, "\r\n")
	if i < 0 {
		return text, ""
	}
	line, rest = text[:i], text[i+1:]
	if text[i] == '\r' {
		rest = strings.TrimPrefix(rest, "\n")
	}
	return line, rest
}

// continues tells whether a line ends with a backslash that stands for itself.
func continues(line string) bool {
	n := len(line) - len(strings.TrimRight(line, `\`))
	return n%2 == 1
}

const propertyBlanks = " \t\f"

func trimProperty(s string) string { return strings.TrimLeft(s, propertyBlanks) }

// property reads a line that has been put together.
func (s *sheet) property(at int, line string) {
	end := 0
	for end < len(line) && strings.IndexByte("=:"+propertyBlanks, line[end]) < 0 {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		s.problem(at, "", "", "a name stands here without a value, or a value without its name")
		return
	}
	raw := trimProperty(line[end:])
	if raw != "" && (raw[0] == '=' || raw[0] == ':') {
		raw = trimProperty(raw[1:])
	}
	title := ""
	name, why := unescapeProperty(line[:end])
	// As in dotenv files, what ends with its first = may be the end of something in base64.
	if why == "" && strings.Trim(raw, "=") != "" {
		title = name
	}
	value, wrong := unescapeProperty(raw)
	if why == "" {
		why = wrong
	}
	if why != "" {
		s.problem(at, title, "", why)
		return
	}
	s.add(at, name, title, value)
}

func unescapeProperty(s string) (text, why string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, ""
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found || rest == "" { // at the end of the file it stands for nothing
			return b.String(), ""
		}
		if rest[0] == 'u' {
			r, n, why := unicodeEscape(s[len(before):])
			if why != "" {
				return "", why
			}
			b.WriteRune(r)
			s = s[len(before)+n:]
			continue
		}
		if i := strings.IndexByte("tnrf", rest[0]); i >= 0 {
			b.WriteByte("\t\n\r\f"[i])
		} else {
			b.WriteByte(rest[0])
		}
		s = rest[1:]
	}
}
