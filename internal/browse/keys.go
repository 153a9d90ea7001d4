package browse

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// code says which key it is.
type code uint8

const (
	other   code = iota // one that nothing here has a use for
	letter              // a character, in char
	control             // a letter with Ctrl, in char
	paste               // text that was pasted, in text
	enter
	tab
	escape
	backspace
	del
	up
	down
	left
	right
	home
	end
	pageUp
	pageDown
)

// key is one key that was pressed, or one paste.
type key struct {
	code code
	char rune
	alt  bool
	text string
}

const (
	beginPaste, endPaste = "\x1b[200~", "\x1b[201~"

	maxSequence = 32 // bytes; no terminal sends one so long
)

// decode takes one key from the start of b, which is not empty, and returns how many
// bytes it was. It returns 0 when the key may go on, unless all is there: then every
// byte is of some key.
func decode(b []byte, all bool) (key, int) {
	switch c := b[0]; {
	case c == 0x1b:
		return decodeEscape(b, all)
	case c == '\r' || c == '\n':
		return key{code: enter}, 1
	case c == '\t':
		return key{code: tab}, 1
	case c == 0x7f || c == 0x08:
		return key{code: backspace}, 1
	case c == 0:
		return key{code: other}, 1
	case c < 0x1b:
		return key{code: control, char: rune(c) - 1 + 'a'}, 1
	case c < 0x20:
		return key{code: other}, 1
	}
	if !utf8.FullRune(b) && !all {
		return key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 {
		return key{code: other}, 1
	}
	return key{code: letter, char: r}, n
}

// decodeEscape decodes what begins with ESC.
func decodeEscape(b []byte, all bool) (key, int) {
	switch {
	case len(b) == 1 && !all:
		return key{}, 0
	case len(b) == 1 || b[1] == 0x1b: // the second one begins another key
		return key{code: escape}, 1
	case b[1] == '[' || b[1] == 'O':
		return decodeSequence(b, all)
	}
	k, n := decode(b[1:], all)
	if n == 0 {
		return key{}, 0
	}
	k.alt = true
	return k, n + 1
}

// decodeSequence decodes ESC [ parameters final, and ESC O final.
func decodeSequence(b []byte, all bool) (key, int) {
	n := 2
	for n < len(b) && n < maxSequence && b[n] >= 0x20 && b[n] < 0x40 {
		n++
	}
	switch {
	case n == len(b) && n < maxSequence:
		if !all {
			return key{}, 0
		}
		if n == 2 { // typed, with Alt
			return key{code: letter, char: rune(b[1]), alt: true}, n
		}
		return key{code: other}, n
	case n == maxSequence || b[n] < 0x40 || b[n] > 0x7e: // cut off by another key
		return key{code: other}, n
	}
	n++
	if string(b[:n]) == beginPaste {
		return decodePaste(b, all)
	}
	k := key{code: sequence(string(b[2:n]))}
	return k, n
}

// sequence tells the key by its parameters and final letter. The modifiers that may
// follow a semicolon do not matter.
func sequence(s string) code {
	final := s[len(s)-1]
	number, _, _ := strings.Cut(s[:len(s)-1], ";")
	if final == '~' {
		switch number {
		case "1", "7":
			return home
		case "4", "8":
			return end
		case "3":
			return del
		case "5":
			return pageUp
		case "6":
			return pageDown
		}
		return other
	}
	switch final {
	case 'A':
		return up
	case 'B':
		return down
	case 'C':
		return right
	case 'D':
		return left
	case 'H':
		return home
	case 'F':
		return end
	case 'M':
		return enter // of the number pad
	}
	return other
}

// decodePaste decodes text between brackets.
func decodePaste(b []byte, all bool) (key, int) {
	text := b[len(beginPaste):]
	if i := bytes.Index(text, []byte(endPaste)); i >= 0 {
		return key{code: paste, text: string(text[:i])}, len(beginPaste) + i + len(endPaste)
	}
	if !all {
		return key{}, 0
	}
	return key{code: paste, text: string(text)}, len(b)
}

// pasting tells whether b is the start of a paste whose end is still to come.
func pasting(b []byte) bool { return bytes.HasPrefix(b, []byte(beginPaste)) }
