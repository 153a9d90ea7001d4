package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
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
	return `"` + name + `": ` + inQuotes(value, "") + "\n", ""
}

// tomlItem writes a key with a basic string, in which everything has an escape.
func tomlItem(name, value string) (text, refusal string) {
	return name + " = " + inQuotes(value, "") + "\n", ""
}

// tfvarsItem writes a variable. The $ or % of what would begin a template is
// written as an escape, whatever stands before it.
func tfvarsItem(name, value string) (text, refusal string) {
	if composes(value) {
		return "", isComposed
	}
	return name + " = " + inQuotes(value, "$%") + "\n", ""
}

// inQuotes returns the value in double quotes, with escapes that YAML, TOML and
// HCL share. Those of signs are escaped too that stand before a brace.
func inQuotes(value, signs string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range value {
		live := strings.ContainsRune(signs, r) && strings.HasPrefix(value[i+1:], "{")
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
		case unicode.IsPrint(r) && r != '\ufffd' && !live:
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// dockerLine is the longest line that docker reads, its end included.
const dockerLine = 64<<10 - 1

// docker writes the line that docker run --env-file reads: the value is what
// stands after the first =, to the end of the line, whatever it is.
func docker(name, value string) (text, refusal string) {
	line := name + "=" + value + "\n"
	switch {
	case strings.Contains(value, "\n"):
		return "", "the value has a line break"
	case strings.HasSuffix(value, "\r"):
		return "", "the value ends with a carriage return, which docker drops"
	case len(line) > dockerLine:
		return "", tooLong
	}
	return line, ""
}

// propertiesItem writes a line in printable ASCII, which is the same in every
// encoding that Java reads such files in.
func propertiesItem(name, value string) (text, refusal string) {
	var b strings.Builder
	b.WriteString(name + "=")
	for i, r := range value {
		switch {
		case r == '\\' || r == ' ' && i == 0:
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	b.WriteByte('\n')
	return b.String(), ""
}

// csvHead is the first row of what skret writes.
const csvHead = "NAME,VALUE\n"

// csvItem writes a row. The name needs no quotes.
func csvItem(name, value string) (text, refusal string) {
	return name + `,"` + strings.ReplaceAll(value, `"`, `""`) + "\"\n", ""
}
