package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// jsonItem writes a member of an object.
func jsonItem(name, value string) (text, refusal string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", "JSON has no writing for the value"
	}
	return "\n  \"" + name + "\": " + strings.TrimSuffix(b.String(), "\n"), ""
}

// yamlItem writes an entry of a mapping in double quotes, the one style of YAML
// in which everything has an escape, and in which nothing is taken for a number,
// a date or a boolean. Names are quoted too: NO and NULL are others' words.
func yamlItem(name, value string) (text, refusal string) {
	var b strings.Builder
	b.WriteString(`"` + name + `": "`)
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r) && r != '\ufffd':
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteString("\"\n")
	return b.String(), ""
}

// docker writes the line that docker run --env-file reads: the value is what
// stands after the first =, to the end of the line, whatever it is.
func docker(name, value string) (text, refusal string) {
	const longest = 64<<10 - 1 // docker reads no longer line, its end included
	line := name + "=" + value + "\n"
	switch {
	case strings.Contains(value, "\n"):
		return "", "the value has a line break"
	case strings.HasSuffix(value, "\r"):
		return "", "the value ends with a carriage return, which docker drops"
	case len(line) > longest:
		return "", "docker reads no line of 64 KiB or more"
	}
	return line, ""
}
