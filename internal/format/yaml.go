package format

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// readYAML reads one document that is a mapping.
func readYAML(s *sheet, text string) {
	docs, ok := parseYAML(s, text)
	switch {
	case !ok:
	case len(docs) > 1:
		s.problem(docs[1].line, "", "", "a second document begins here, and one is the limit")
	case len(docs) == 1:
		s.flat(docs[0])
	}
}

// parseYAML returns the documents of a text that are not empty. What the YAML
// reader says of a text may show what is in it; only the place is taken.
func parseYAML(s *sheet, text string) ([]node, bool) {
	if line, why := refuseYAML(text); why != "" {
		s.problem(line, "", "write it as an escape, in double quotes", why)
		return nil, false
	}
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil { // only options can be wrong
		s.problem(1, "", "", "the YAML reader does not start")
		return nil, false
	}
	y := yamlParser{sheet: s}
	var docs []node
	for !s.full() {
		var doc yaml.Node
		err := loader.Load(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 1
			if le, ok := errors.AsType[*yaml.LoadError](err); ok {
				line = max(le.Mark.Line, 1)
			}
			s.problem(line, "", "a text with special characters goes into quotes", "this is not valid YAML, or nested too deeply")
			return nil, false
		}
		for _, n := range doc.Content {
			if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!null" {
				docs = append(docs, y.node(n, "", 0))
			}
		}
	}
	return docs, true
}

// refuseYAML finds the first character that YAML cannot have, or that YAML 1.1
// takes for a line break and YAML 1.2 does not.
func refuseYAML(text string) (line int, why string) {
	line = 1
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && n == 1:
			return line, "this is not UTF-8"
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
			return line, "a character stands here that YAML cannot have, or that its versions take differently"
		}
		i += n
	}
	return 0, ""
}

type yamlParser struct{ sheet *sheet }

// node returns a YAML node as ours, or reports what makes it more than data.
// Names are those of members of the document itself.
func (y yamlParser) node(n *yaml.Node, name string, depth int) node {
	at := node{line: max(n.Line, 1)}
	what := ""
	switch {
	case n.Kind == yaml.AliasNode:
		what = "aliases are not allowed"
	case n.Anchor != "":
		what = "anchors are not allowed"
	case n.Style&yaml.TaggedStyle != 0 || n.Tag == "!":
		what = "tags are not allowed"
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		what = "merges are not allowed"
	}
	if what != "" {
		y.sheet.problem(at.line, name, "", what)
		at.kind = broken
		return at
	}
	switch n.Kind {
	case yaml.MappingNode:
		at.kind = aTable
		at.table = y.members(n, depth)
	case yaml.SequenceNode:
		at.kind = aList
		for _, c := range n.Content {
			at.table = append(at.table, member{line: max(c.Line, 1), node: y.node(c, name, depth+1)})
		}
	default:
		at.text = n.Value
		switch tag := n.ShortTag(); tag {
		case "!!str":
		case "!!null":
			at.kind = aNull
		default:
			at.kind = aLiteral
		}
	}
	return at
}

func (y yamlParser) members(n *yaml.Node, depth int) []member {
	var ms []member
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := y.node(n.Content[i], "", depth+1)
		if key.kind == broken {
			continue
		}
		if key.kind != aText && key.kind != aLiteral {
			y.sheet.problem(key.line, "", "put it in quotes if it is meant to be one", "a name must be a text")
			continue
		}
		if line, twice := seen[key.text]; twice && depth > 0 {
			y.sheet.problem(key.line, key.text, "take one of them out", alreadyIn(line))
			continue
		}
		seen[key.text] = key.line
		title := ""
		if depth == 0 {
			title = key.text
		}
		ms = append(ms, member{name: key.text, line: key.line, node: y.node(n.Content[i+1], title, depth+1)})
	}
	return ms
}
