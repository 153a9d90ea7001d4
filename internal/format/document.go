package format

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Document writes secrets as a text for a person to edit: YAML, a key and a value
// each, that the yaml reader gives back byte for byte. Unlike [Format.Text] it is
// about keys, not variables, and a value of several lines stands on several lines
// where that is exact. What [Editable] refuses is an error of kind Invalid.
func Document(es []secret.Entry) ([]byte, error) {
	var b strings.Builder
	var probs []error
	for _, e := range es {
		if why := Editable(e); why != "" {
			probs = append(probs, errs.New(errs.Invalid, "%s cannot stand in a text: %s", e.Key, why))
			continue
		}
		b.WriteString(documentKey(string(e.Key)) + ": ")
		if v := e.Value.Reveal(); isBlock(v) {
			writeBlock(&b, v)
		} else {
			b.WriteString(inQuotes(v, "") + "\n")
		}
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// Editable returns why a secret cannot stand in a [Document], as the end of a
// sentence; "" if it can.
func Editable(e secret.Entry) (why string) {
	switch {
	case !e.Value.Present():
		return "its value cannot be read"
	case !utf8.ValidString(e.Value.Reveal()):
		return "it is not UTF-8"
	case strings.Contains(e.Value.Reveal()+string(e.Key), "\x00"):
		return "it has a NUL byte"
	case !utf8.ValidString(string(e.Key)):
		return "its name is not UTF-8"
	}
	return ""
}

// documentKey writes a key as it is where YAML takes it for nothing else.
func documentKey(key string) string {
	word := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == '/'
	}
	first := strings.TrimLeft(key, "_") + "x"
	switch plain := !strings.ContainsFunc(key, func(c rune) bool { return !word(c) }); {
	case !plain, !unicode.IsLetter(rune(first[0])), slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(key)):
		return inQuotes(key, "")
	}
	return key
}

// isBlock tells whether a value has several lines and can stand as such: nothing
// in it is invisible, and it ends with one line break or none.
func isBlock(v string) bool {
	body := strings.TrimSuffix(v, "\n")
	lines := strings.Split(body, "\n")
	if len(lines) == 1 || strings.TrimLeft(lines[0], " \t") != lines[0] {
		return false
	}
	for i, l := range lines {
		edge := i == 0 || i == len(lines)-1
		if strings.TrimRight(l, " \t") != l || edge && l == "" {
			return false
		}
	}
	return !strings.ContainsFunc(body, func(r rune) bool {
		return r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == utf8.RuneError)
	})
}

func writeBlock(b *strings.Builder, v string) {
	body, ended := strings.CutSuffix(v, "\n")
	if ended {
		b.WriteString("|\n")
	} else {
		b.WriteString("|-\n")
	}
	for l := range strings.SplitSeq(body, "\n") {
		if l != "" {
			b.WriteString("  " + l)
		}
		b.WriteByte('\n')
	}
}
