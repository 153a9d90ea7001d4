package format

import "strings"

// node is what a structured text has in one place.
type node struct {
	kind  kind
	text  string // of a text; of a literal as it stands
	line  int
	table []member
}

type kind uint8

const (
	aText    kind = iota
	aLiteral      // a number, or true or false
	aNull
	aTable
	aList  // its elements are members without names
	broken // what a problem was reported for
)

// member is what stands under a name, or an element of a list.
type member struct {
	name string
	line int
	node node
}

// maxDepth bounds how deep tables and lists may be in one another.
const maxDepth = 64

// get returns what stands under a name.
func (n node) get(name string) (member, bool) {
	for _, m := range n.table {
		if m.name == name {
			return m, true
		}
	}
	return member{}, false
}

// is tells whether the text name stands under key.
func (n node) is(key, name string) bool {
	m, ok := n.get(key)
	return ok && m.node.kind == aText && m.node.text == name
}

// flat takes the members of the one table that a file is to be.
func (s *sheet) flat(n node) {
	if n.kind != aTable {
		s.problem(n.line, "", "", "the text must be names with values, and nothing else")
		return
	}
	for _, m := range n.table {
		switch m.node.kind {
		case aText, aLiteral:
			s.add(m.line, m.name, m.name, m.node.text)
		case aNull:
			s.addNull(m.line, m.name)
		case aTable, aList:
			s.nested(m.line, m.name)
		}
	}
}

// nested refuses what has parts of its own.
func (s *sheet) nested(line int, name string) {
	s.problem(line, name, "write it as a text, in quotes", "the value has parts of its own, and must be one text")
}

// lines counts lines up to ever larger offsets of a text.
type lines struct {
	text  string
	at, n int
}

func (l *lines) line(at int) int {
	if l.n == 0 {
		l.n = 1
	}
	l.n += strings.Count(l.text[l.at:at], "\n")
	l.at = at
	return l.n
}
