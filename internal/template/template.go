// Package template fills the names of secrets in texts with their values.
//
// There are two languages. [Expand] knows ${NAME} and nothing else, so that any
// file can be a template: a nginx.conf with a $uri of its own, a script, JSON.
// [Go] knows the language of Go's text/template, for texts with conditions and
// loops.
//
// Both go over the text once: what was put in is not looked at again. Both report
// all that is wrong at once, and then give nothing. A template has the values and
// nothing else: it cannot read a file, run a command or see a variable of the
// environment.
package template

import (
	"errors"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// maxOutput is the largest result, in bytes.
const maxOutput = 64 << 20

// escapeHint is the next step where ${ was not meant as a reference.
const escapeHint = "write $${ for a plain ${"

// Expand replaces each ${NAME} in text by what lookup gives. $${ stands for ${, and
// any other $ for itself. A name is made of letters, digits and the signs _ . - /;
// a ${ that is not followed by one and a } is an error, which names its place and
// shows nothing of the text. Names that lookup does not know give an *Undefined. An
// error of lookup is returned as it is.
func Expand(text string, lookup func(name string) (value string, ok bool, err error)) (string, error) {
	var out strings.Builder
	bad, unknown := problems{at: newPlaces(text)}, references{at: newPlaces(text)}
	rest := 0 // where what is not yet written begins
	for {
		i := strings.IndexByte(text[rest:], '$')
		if i < 0 {
			break
		}
		i += rest
		out.WriteString(text[rest:i])
		switch {
		case strings.HasPrefix(text[i:], "$${"):
			out.WriteString("${")
			rest = i + len("$${")
			continue
		case !strings.HasPrefix(text[i:], "${"):
			out.WriteByte('$')
			rest = i + 1
			continue
		}
		start := i + len("${")
		end := start
		for end < len(text) && nameByte(text[end]) {
			end++
		}
		if rest = end; end == start || end == len(text) || text[end] != '}' {
			bad.add(i, "${ is not followed by a name and }", escapeHint)
			continue
		}
		rest = end + 1
		value, ok, err := lookup(text[start:end])
		switch {
		case err != nil:
			return "", err
		case !ok:
			unknown.add(i, text[start:end])
		case out.Len()+len(value)+len(text)-rest > maxOutput:
			return "", tooLarge()
		}
		out.WriteString(value)
	}
	if err := errors.Join(bad.err(), unknown.err("see the names with skret list; "+escapeHint)); err != nil {
		return "", err
	}
	out.WriteString(text[rest:])
	return out.String(), nil
}

// nameByte tells whether the name of a key or a variable may have c in it.
func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-/", c) >= 0
}

func tooLarge() error {
	return errs.New(errs.Invalid, "the text would be larger than %d MB", maxOutput>>20)
}
