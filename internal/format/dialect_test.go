package format_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

// readText reads a text by the reader of this name.
func readText(reader, dialect, text string) ([]secret.Entry, error) {
	r, ok := format.LookupReader(reader)
	if !ok {
		return nil, fmt.Errorf("no reader %q", reader)
	}
	return r.Read([]byte(text), format.ReadOptions{Dialect: dialect})
}

// list writes entries as NAME=value, or NAME? where there is no value.
func list(es []secret.Entry) string {
	var b strings.Builder
	for i, e := range es {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(string(e.Key))
		if e.Hidden != "" {
			b.WriteByte('?')
			continue
		}
		b.WriteString("=" + e.Value.Reveal())
	}
	return b.String()
}

// What each program makes of a line, as measured; "!" is a refusal of ours, with
// what it says: the program fails, expands, runs, or reads something unexpected.
// The last column is what all but docker agree on.
func TestDialects(t *testing.T) {
	names := []string{"dotenv", "node", "python", "godotenv", "compose", "docker", "posix", ""}
	for _, c := range []struct {
		text string
		want [8]string // as in names; "" is as the one before
	}{
		{"A=x", [8]string{"A=x"}},
		{"A=x\n\n  # c\nB='y z'\n", [8]string{"A=x|B=y z", "!indented", "A=x|B=y z", "", "", "A=x|B='y z'", "A=x|B=y z", "!node: the comment"}},
		{"A = x", [8]string{"A=x", "", "", "", "", "!blank", "", "!docker and posix|posix: a blank"}},
		{"export A=x", [8]string{"A=x", "", "", "", "", "!not NAME", "A=x"}},
		{"A=x # c", [8]string{"A=x", "", "", "", "", "A=x # c", "A=x"}},
		{"A=x#c", [8]string{"A=x", "", "A=x#c", "", "", "", "", "!the # means one thing to dotenv and node, another to python, compose, godotenv and posix"}},
		{"A=#c", [8]string{"A=", "", "A=#c", "", "", "", "", "!the #"}},
		{"A=x  ", [8]string{"A=x", "", "", "", "", "A=x  ", "A=x"}},
		{"A= x", [8]string{"A=x", "", "", "", "", "A= x", "!word", "!posix: more than one word"}},
		{`A="a\nb"`, [8]string{"A=a\nb", "", "", "", "", `A="a\nb"`, `A=a\nb`, `!the backslash means one thing to posix, another to dotenv`}},
		{`A="a\tb"`, [8]string{`A=a\tb`, "", "A=a\tb", "A=atb", "A=a\tb", `A="a\tb"`, `A=a\tb`, "!the backslash"}},
		{`A="a\\b"`, [8]string{`A=a\\b`, "", `A=a\b`, "", "", `A="a\\b"`, `A=a\b`, "!the backslash means one thing to dotenv and node"}},
		{`A="a\"b"`, [8]string{`A=a\"b`, `A=a\`, `A=a"b`, "", "", `A="a\"b"`, `A=a"b`, "!the backslash"}},
		{`A='a\'b'`, [8]string{`A=a\'b`, `A=a\`, `A=a'b`, `A=a\'b`, `A=a'b`, `A='a\'b'`, "!does not end", "!posix: the quote"}},
		{`A=a\nb`, [8]string{`A=a\nb`, "", "", "", "", "", "A=anb", "!the backslash means one thing to posix"}},
		{"A='a\nb'\nC=d", [8]string{"A=a\nb|C=d", "", "", "", "", "!line 2: this is not NAME=value", "A=a\nb|C=d"}},
		{`A="v$X"`, [8]string{"A=v$X", "", "", "!stands for something else", "", `A="v$X"`, "!stands", "!compose, godotenv and posix: a $"}},
		{`A='v$X'`, [8]string{"A=v$X", "", "", "", "", "A='v$X'", "A=v$X"}},
		{`A=v${X}`, [8]string{"A=v${X}", "", "!stands", "", "", "A=v${X}", "!stands", "!python, compose, godotenv and posix: a $"}},
		{`A='v${X}'`, [8]string{"A=v${X}", "", "!stands", "A=v${X}", "", "A='v${X}'", "A=v${X}", "!python: a $"}},
		{`A="a\$b"`, [8]string{`A=a\$b`, "", "", "A=a$b", "", `A="a\$b"`, "A=a$b", "!the backslash"}},
		{`A="a$$b"`, [8]string{"A=a$$b", "", "", "", "A=a$b", `A="a$$b"`, "!stands", "!posix: a $"}},
		{`A="${NOPE:-d}"`, [8]string{"A=${NOPE:-d}", "", "!stands", "", "", `A="${NOPE:-d}"`, "!stands", "!"}},
		{`A="$(echo hi)"`, [8]string{"A=$(echo hi)", "", "", "", "", `A="$(echo hi)"`, "!command", "!posix: a command"}},
		{"A=`x`", [8]string{"A=x", "", "A=`x`", "", "", "", "!command", "!posix: a command"}},
		{"A", [8]string{"!not NAME=value"}},
		{"A: x", [8]string{"A=x", "!not NAME", "", "A=x", "", "!not NAME", "", "!node, python and posix: this is not NAME=value"}},
		{"A:x", [8]string{"!not NAME", "", "", "A=x", "", "!not NAME", "", "!"}},
		{"\ufeffA=x", [8]string{"A=x"}},
		{"A=x\r\nB=y\r\n", [8]string{"A=x|B=y", "", "", "", "", "", "A=x\r|B=y\r", "!the carriage return means one thing to posix"}},
		{"a-b=x", [8]string{"a-b=x", "", "", "!sign", "a-b=x", "", "!sign", "!godotenv and posix: the name"}},
		{"a.b=x", [8]string{"a.b=x", "", "", "", "", "", "!sign", "!posix: the name"}},
		{"1A=x", [8]string{"1A=x", "", "", "", "!digit", "1A=x", "!digit", "!"}},
		{"UID=5", [8]string{"UID=5", "", "", "", "", "", "!shells keep", "!posix: shells"}},
		{"A=\"x\nB=y", [8]string{"A=\"x|B=y", "", "!does not end", "", "", "A=\"x|B=y", "!does not end", "!python, compose, godotenv and posix: the quote"}},
		{`A="x"y`, [8]string{`A="x"y`, "A=x", "!behind", "", "", `A="x"y`, "A=xy", "!python, compose and godotenv: text"}},
		{"A=x\nA=y", [8]string{"!line 2: A: the name is there already, in line 1"}},
		{"A=x # a # b", [8]string{"A=x", "", "", "A=x # a", "A=x", "A=x # a # b", "A=x", "!the # means one thing to godotenv"}},
		{"A=x\t# b", [8]string{"A=x", "!a tab", "A=x", "", "A=x\t# b", "", "A=x", "!node: a tab"}},
		{"A=x'y'", [8]string{"A=x'y'", "", "", "", "", "", "A=xy", "!the quotes"}},
		{"A=\n'x'", [8]string{"!later line", "!line 2: this", "", "", "", "", "", "!dotenv: the value is empty"}},
		{"A= \nB=x", [8]string{"A=|B=x", "!later line", "A=|B=x", "", "", "A= |B=x", "A=|B=x", "!node: the value"}},
		{"A=x\n \nB=y", [8]string{"A=x|B=y", "!nothing but blanks", "A=x|B=y", "", "", "", "", "!node: the line"}},
		{"A=x\n#b=c", [8]string{"A=x", "!no line break", "A=x", "", "", "", "", "!node: the comment"}},
		{"A='x \n\n", [8]string{"A='x", "!does not end", "", "", "", "A='x ", "!does not end", "!node, python, compose, godotenv and posix: the quote"}},
		{"export A=\nB=", [8]string{"A=|B=", "!nothing stands", "A=|B=", "", "", "!not NAME", "A=|B=", "!node: nothing"}},
		{"A=$\\\nB=y", [8]string{"A=$\\|B=y", "", "", "", "", "", "!stands", "!posix: a $"}},
		{"A=\tx", [8]string{"A=x", "!a tab", "A=x", "", "", "A=\tx", "!word", "!node: a tab"}},
		{"export  A=x", [8]string{"A=x", "!two blanks", "A=x", "", "", "!not NAME", "A=x", "!node: two blanks"}},
		{"A=x\n # b=c\n", [8]string{"A=x", "!indented", "A=x", "", "", "", "", "!node: the comment"}},
		{"A=\u00a0x", [8]string{"!neither a space nor a tab", "", "", "", "", "A=\u00a0x", "", "!dotenv"}},
		{`A="x\01"`, [8]string{`A=x\01`, "", "", "A=x01", "!octal", `A="x\01"`, `A=x\01`, "!compose: "}},
		{"A=a;b", [8]string{"A=a;b", "", "", "", "", "", "!acts on", "!posix: a sign"}},
		{"A=~/x", [8]string{"A=~/x", "", "", "", "", "", "!acts on", "!posix: a sign"}},
		{"A=a b", [8]string{"A=a b", "", "", "", "", "", "!word", "!posix: more than one word"}},
		{"A=a\\\nb", [8]string{"!line 2: this", "", "", "", "", "", "A=ab", "!the backslash"}},
		{"A='a'\\''b'\"c\"", [8]string{`A='a'\''b'"c"`, `A=a`, "!behind", "", "", `A='a'\''b'"c"`, "A=a'bc", "!"}},
		{"export A=[a]", [8]string{"A=[a]", "", "", "", "", "!not NAME", "!acts on", "!posix: a sign"}},
	} {
		want := ""
		for i, name := range names {
			if c.want[i] != "" {
				want = c.want[i]
			}
			es, err := readText("dotenv", name, c.text)
			if refusal, refused := strings.CutPrefix(want, "!"); refused {
				ok := false
				for part := range strings.SplitSeq(refusal, "|") {
					ok = ok || err != nil && strings.Contains(err.Error(), part)
				}
				if !ok || errs.KindOf(err) != errs.Invalid {
					t.Errorf("%q as %q: %q, %v, want %q", c.text, name, list(es), err, want)
				}
			} else if err != nil || list(es) != want {
				t.Errorf("%q as %q: %q, %v, want %q", c.text, name, list(es), err, want)
			}
		}
	}
}
