package format

import "strings"

// words reads a value as a shell does, from text[i] to the end of its line: one
// word, of which parts may be quoted. What a shell would act on is refused.
func (d *Dialect) words(text string, i int, s *statement) {
	w := word{text: text, start: i, at: i, exported: s.exported}
	for w.more() {
		w.part()
	}
	s.value, s.why, s.tail = w.value(), w.why, w.at
	if w.why == quoteOpen {
		return
	}
	end, next := d.line(text, w.at)
	i = skipBlanks(text, w.at, end)
	if s.next = next; i < end && text[i] != '#' && s.why == "" {
		s.why = moreWords
	}
}

// word is a word of a shell, read up to text[at].
type word struct {
	text     string
	start    int
	at       int
	exported bool            // the word is an argument of export
	parts    strings.Builder // the value, if it is not the text as it stands
	changed  bool
	why      string
}

// more tells whether the word goes on. Behind something that is refused it ends
// with the line.
func (w *word) more() bool {
	if w.at == len(w.text) || w.text[w.at] == '\n' || w.why == quoteOpen {
		return false
	}
	return w.why != "" || !blank(w.text[w.at])
}

func (w *word) value() string {
	if w.changed {
		return w.parts.String()
	}
	return w.text[w.start:w.at]
}

// put takes n bytes of the text into the value, and drops is how many on each
// side stand for nothing.
func (w *word) put(before int, s string, behind int) {
	if before+behind > 0 && !w.changed {
		w.changed = true
		w.parts.WriteString(w.text[w.start:w.at])
	}
	if w.changed {
		w.parts.WriteString(s)
	}
	w.at += before + len(s) + behind
}

// part reads one part of the word.
func (w *word) part() {
	rest := w.text[w.at:]
	switch c := rest[0]; c {
	case '\'':
		i := strings.IndexByte(rest[1:], '\'')
		if i < 0 {
			w.why = quoteOpen
			return
		}
		w.put(1, rest[1:1+i], 1)
	case '"':
		w.put(1, "", 0)
		w.double()
	case '\\':
		w.escape(rest)
	default:
		if why := w.refuse(rest); why != "" && w.why == "" {
			w.why = why
		}
		w.put(0, rest[:1], 0)
	}
}

// escape reads a backslash outside of quotes.
func (w *word) escape(rest string) {
	switch {
	case len(rest) == 1:
		w.why = shellSign
		w.put(0, rest, 0)
	case rest[1] == '\n':
		w.put(2, "", 0)
	default:
		w.put(1, rest[1:2], 0)
	}
}

// refuse returns why the sign that begins rest, outside of quotes, cannot be there.
func (w *word) refuse(rest string) string {
	switch rest[0] {
	case '$':
		if len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"') {
			return expands
		}
		return dollar(rest)
	case '`':
		return runs
	case '|', '&', ';', '(', ')', '<', '>':
		return shellSign
	case '*', '?', '[', '{':
		if w.exported {
			return shellSign
		}
	case '~':
		if w.at == w.start || w.text[w.at-1] == ':' || w.text[w.at-1] == '=' {
			return shellSign
		}
	}
	return ""
}

// double reads the text behind a double quote, and the quote that ends it.
func (w *word) double() {
	for w.at < len(w.text) {
		rest := w.text[w.at:]
		n := strings.IndexAny(rest, "\"\\$`")
		if n < 0 {
			break
		}
		w.put(0, rest[:n], 0)
		rest = rest[n:]
		why := ""
		switch c := rest[0]; {
		case c == '"':
			w.put(1, "", 0)
			return
		case c == '$':
			why = dollar(rest)
		case c == '`':
			why = runs
		case strings.HasPrefix(rest, "\\\n"):
			w.put(2, "", 0)
			continue
		case len(rest) > 1 && strings.IndexByte("\"\\$`", rest[1]) >= 0:
			w.put(1, rest[1:2], 0)
			continue
		}
		if why != "" && w.why == "" {
			w.why = why
		}
		w.put(0, rest[:1], 0)
	}
	w.why = quoteOpen
}

// dollar returns why a $ cannot be there, which begins rest.
func dollar(rest string) string {
	if len(rest) == 1 {
		return ""
	}
	switch c := rest[1]; {
	case c == '(':
		return runs
	case strings.HasPrefix(rest[1:], "\\\n"): // the next line goes on with a name, perhaps
		return expands
	case nameByte(c) && c != '.', strings.IndexByte("@*#?$!{[", c) >= 0:
		return expands
	}
	return ""
}
