package config

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Limits of a configuration file.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 64
)

// value is what stands behind a key of the file.
type value struct {
	key    *key
	name   string   // the key as written
	pos    pos      // of the key
	at     pos      // of what stands behind it
	word   string   // of a table whose keys go with words: its word, "" if that is not known
	text   string   // of a boolean: true or false; of a number: its digits
	items  []item   // of a list
	values []*value // of a table, a tables or a named, in the file's order
}

// is tells whether v is there and this text.
func (v *value) is(s string) bool { return v != nil && v.text == s }

type item struct {
	text string
	at   pos
}

// pos is a place in a file. Lines and columns count from 1, columns in characters.
type pos struct {
	line, column int
	file         string // "" is the parser's own
}

// beginning is where a file begins.
var beginning = pos{line: 1, column: 1}

// get returns what stands behind the key, or nil.
func (v *value) get(name string) *value {
	for _, c := range v.all() {
		if c.name == name {
			return c
		}
	}
	return nil
}

// all returns the values of a table, a tables or a named that may not be there.
func (v *value) all() []*value {
	if v == nil {
		return nil
	}
	return v.values
}

// parser reads one file. It goes on after a problem, so that all are reported.
type parser struct {
	file    string
	overlay bool // it may be empty
	probs   []error
	more    int // problems beyond maxProblems
}

// maxProblems bounds how many problems of one file are reported.
const maxProblems = 20

// problem notes what is wrong at a place, and what to do about it. The message
// must not show any text of the file but keys that are known and names of
// environments that are sound: what is in the wrong place may be a secret.
func (p *parser) problem(at pos, hint, format string, args ...any) {
	if len(p.probs) == maxProblems {
		p.more++
		return
	}
	e := errs.New(errs.Config, "%s:%d:%d: "+format, append([]any{cmp.Or(at.file, p.file), at.line, at.column}, args...)...)
	p.probs = append(p.probs, e.WithHint("%s", hint))
}

func (p *parser) err() error {
	if p.more > 0 {
		p.probs = append(p.probs, errs.New(errs.Config, "%s: %d more problems", p.file, p.more))
	}
	return errors.Join(p.probs...)
}

// parse reads the structure of a configuration: which keys are there, and
// whether each has a value of the right form. What the values say is judged
// later, for the chosen environment alone. Of an overlay nothing has to be there.
func parse(name string, data []byte, overlay bool) (*value, error) {
	p := &parser{file: name, overlay: overlay}
	root := p.document(data)
	if root == nil {
		return nil, p.err()
	}
	top := &value{key: &layout, at: p.place(root), pos: p.place(root)}
	p.table(root, top)
	if v := top.get("version"); v != nil && v.text != "" && v.text != version {
		p.problem(v.at, `this skret knows version "1"`, "this version of the configuration is not known")
	}
	if overlay {
		return top, p.err()
	}
	for _, k := range layout.keys {
		if v := top.get(k.name); k.must && root.Kind == yaml.MappingNode && !hasKey(root, k.name) {
			p.problem(top.at, "skret init writes it", "%s is missing", k.name)
		} else if k.must && k.kind == named && v != nil && len(v.values) == 0 && len(p.probs) == 0 {
			p.problem(v.at, "skret init adds one", "%s has none", k.name)
		}
	}
	return top, p.err()
}

// document returns the one document of the file, or nil after a problem. What
// the YAML reader says of a file may show what is in it; only the place is taken.
func (p *parser) document(data []byte) *yaml.Node {
	if at, bad := badChar(data); bad {
		p.problem(at, "save the file as UTF-8 without control characters", "this character cannot be here")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil { // only options can be wrong
		p.problem(beginning, "", "the YAML reader does not start")
		return nil
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1 {
		if p.overlay {
			return nil
		}
		p.problem(beginning, "skret init writes one", "the configuration is empty")
		return nil
	} else if err != nil {
		p.syntax(data, err)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		p.problem(p.place(&second), "", "a second document begins here, and one is the limit")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.syntax(data, err)
		return nil
	}
	return doc.Content[0]
}

// syntax says in our own words what the YAML reader could not read.
func (p *parser) syntax(data []byte, err error) {
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok || le.Mark.Line == 0 {
		p.problem(beginning, "", "this is not valid YAML")
		return
	}
	at := pos{line: le.Mark.Line, column: max(le.Mark.Column, 1)}
	rest := string(data)[offset(string(data), at):]
	switch {
	case strings.HasPrefix(rest, "\t"):
		p.problem(at, "use spaces", "a tab cannot indent")
	case strings.HasPrefix(rest, "*"):
		p.problem(at, "", "aliases are not allowed")
	case strings.Contains(le.ContextMsg, "quoted scalar") && le.ContextMark.Line > 0:
		p.problem(pos{line: le.ContextMark.Line, column: le.ContextMark.Column}, "", "a text in quotes begins here that has no end, or a wrong escape")
	case strings.Contains(le.Message, "max depth"):
		p.problem(at, "", "this is nested too deeply")
	default:
		p.problem(at, "a text with special characters goes into quotes", "this is not valid YAML")
	}
}

// table reads the keys of v.key from the mapping n.
func (p *parser) table(n *yaml.Node, v *value) {
	if !p.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.problem(p.place(n), "", "%s must be keys with values", v.title())
		return
	}
	v.word = word(n, v.key)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		c := &value{name: k.Value, pos: p.place(k), at: p.place(val)}
		if !p.plain(k) {
			continue
		}
		if k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str" {
			p.problem(c.pos, "put it in quotes if it is meant to be one", "a key must be a text, and YAML takes this for something else")
			continue
		}
		if line, twice := seen[c.name]; twice {
			p.problem(c.pos, "", "this key is there already, in line %d", line)
			continue
		}
		seen[c.name] = c.pos.line
		if v.key.kind == named {
			if why := v.key.check(c.name); why != "" {
				p.problem(c.pos, "", "%s", why)
				continue
			}
			c.key = v.key.each()
		} else if c.key = v.key.find(c.name, v.word); c.key == nil {
			p.unknown(c, v)
			continue
		}
		v.values = append(v.values, c)
		switch c.key.kind {
		case text:
			c.text = p.text(val, c.title())
		case boolean:
			c.text = p.boolean(val, c.title())
		case number:
			c.text = p.number(val, c.title())
		case list, tables:
			p.list(val, c)
		default:
			p.table(val, c)
		}
	}
}

// word returns the word of the mapping n that says which keys go with it.
func word(n *yaml.Node, k *key) string {
	by := k.find(k.by, "")
	for i := 0; by != nil && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == by.name && slices.Contains(by.words, n.Content[i+1].Value) {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func (p *parser) list(n *yaml.Node, v *value) {
	if !p.plain(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		hint := "write " + v.name + ": [A, B]"
		if v.key.kind == tables {
			hint = "begin each " + v.key.one + " with a -"
		}
		p.problem(v.at, hint, "%s must be a list", v.name)
		return
	}
	if v.key.kind == tables {
		each := v.key.each()
		for _, c := range n.Content {
			v.values = append(v.values, &value{key: each, pos: p.place(c), at: p.place(c)})
			p.table(c, v.values[len(v.values)-1])
		}
		return
	}
	seen := map[string]int{}
	for _, c := range n.Content {
		it := item{p.text(c, "an entry of "+v.name), p.place(c)}
		if line, twice := seen[it.text]; twice && it.text != "" {
			p.problem(it.at, "", "this entry of %s is there already, in line %d", v.name, line)
		}
		seen[it.text] = it.at.line
		v.items = append(v.items, it)
	}
}

// text returns a text; "" after a problem.
func (p *parser) text(n *yaml.Node, title string) string {
	if !p.plain(n) {
		return ""
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		p.problem(p.place(n), "", "%s must be a text", title)
	case n.ShortTag() == "!!null":
		p.problem(p.place(n), "give it one, or take it out", "%s has no value", title)
	case n.ShortTag() != "!!str":
		p.problem(p.place(n), "put it in quotes", "%s must be a text, and YAML takes this for something else", title)
	default:
		return n.Value
	}
	return ""
}

// boolean returns true or false, as a text; "" after a problem. What else YAML
// takes for one, such as True, is refused.
func (p *parser) boolean(n *yaml.Node, title string) string {
	if !p.plain(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		p.problem(p.place(n), "write true or false, without quotes", "%s must be true or false", title)
		return ""
	}
	return n.Value
}

// number returns the digits of a whole number; "" after a problem. What else YAML
// takes for one, such as 0x10 or 1_000, is refused.
func (p *parser) number(n *yaml.Node, title string) string {
	if !p.plain(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || !madeOf(n.Value, digits, 6) || n.Value[0] == '0' && n.Value != "0" {
		p.problem(p.place(n), "write digits alone, without quotes", "%s must be a whole number below a million", title)
		return ""
	}
	return n.Value
}

// plain refuses what makes YAML more than data.
func (p *parser) plain(n *yaml.Node) bool {
	what := ""
	switch {
	case n.Kind == yaml.AliasNode:
		what = "aliases"
	case n.Anchor != "":
		what = "anchors"
	case n.Style&yaml.TaggedStyle != 0 || n.Tag == "!":
		what = "tags"
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		what = "merges"
	default:
		return true
	}
	p.problem(p.place(n), "", "%s are not allowed", what)
	return false
}

// unknown reports a key that is not known. It shows the key only when that is a
// slip of one that is: anything else could be a secret in the wrong place.
func (p *parser) unknown(c, in *value) {
	if len(p.probs) == maxProblems { // it would not be said, and words are slow to compare
		p.more++
		return
	}
	if near := secret.Nearest(c.name, in.key.names("")); near != "" {
		p.problem(c.pos, "did you mean "+near+"?", "unknown key %q", c.name)
		return
	}
	p.problem(c.pos, "the keys of "+in.title()+" are "+strings.Join(in.key.names(in.word), ", "), "unknown key")
}

// title names v for a message.
func (v *value) title() string {
	switch {
	case v.key.name != "":
		return v.name
	case v.key.one == "":
		return "the configuration"
	case v.name != "":
		return v.key.one + " " + v.name
	case v.word != "":
		return "the " + v.word + " " + v.key.one
	}
	return "the " + v.key.one
}

func (p *parser) place(n *yaml.Node) pos { return pos{max(n.Line, 1), max(n.Column, 1), p.file} }

// hasKey tells whether a mapping has the key, whatever is wrong with its value.
func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

// badChar finds the first byte that is not UTF-8, or a control character: the
// YAML reader does not say where those are.
func badChar(data []byte) (pos, bool) {
	at := beginning
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == '\n':
			at = pos{line: at.line + 1}
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85:
			return at, true
		}
		at.column++
		i += n
	}
	return at, false
}
