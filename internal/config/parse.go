package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/skret/skret/internal/errs"
)

// Limits of a configuration file.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 64
)

// value is what stands behind a key of the file.
type value struct {
	key    *key
	name   string // the key as written
	pos    pos    // of the key
	at     pos    // of what stands behind it
	text   string
	items  []item   // of a list
	values []*value // of a table or a named, in the file's order
}

type item struct {
	text string
	at   pos
}

// pos is a place in the file. Both count from 1, the column in characters.
type pos struct{ line, column int }

// get returns what stands behind the key, or nil.
func (v *value) get(name string) *value {
	if v == nil {
		return nil
	}
	for _, c := range v.values {
		if c.name == name {
			return c
		}
	}
	return nil
}

// parser reads one file. It goes on after a problem, so that all are reported.
type parser struct {
	file  string
	probs []error
}

// problem notes what is wrong at a place. The message must not show any text of
// the file but keys that are known and names of environments that are sound.
func (p *parser) problem(at pos, format string, args ...any) *errs.Error {
	e := errs.New(errs.Config, "%s:%d:%d: "+format, append([]any{p.file, at.line, at.column}, args...)...)
	p.probs = append(p.probs, e)
	return e
}

// hinted is problem with a hint.
func (p *parser) hinted(at pos, hint, format string, args ...any) {
	e := p.problem(at, format, args...)
	p.probs[len(p.probs)-1] = e.WithHint("%s", hint)
}

// parse reads the structure of a configuration: which keys are there, and
// whether each has a value of the right form. What the values say is judged
// later, for the chosen environment alone.
func parse(name string, data []byte) (*value, error) {
	p := &parser{file: name}
	root := p.document(data)
	if root == nil {
		return nil, p.err()
	}
	top := &value{key: &file, at: place(root), pos: place(root)}
	p.table(root, top)
	p.version(top)
	if v := top.get("environments"); v == nil {
		if !hasKey(root, "environments") {
			p.hinted(top.at, "skret init adds one", "there are no environments")
		}
	} else if len(v.values) == 0 && len(p.probs) == 0 {
		p.hinted(v.at, "skret init adds one", "there are no environments")
	}
	return top, p.err()
}

// maxProblems bounds how many are reported.
const maxProblems = 20

func (p *parser) err() error {
	if n := len(p.probs); n > maxProblems {
		p.probs = append(p.probs[:maxProblems], errs.New(errs.Config, "%s: and %d more", p.file, n-maxProblems))
	}
	return errors.Join(p.probs...)
}

// document returns the one document of the file, or nil after a problem. What
// the YAML reader says of a file may show what is in it; only the place is taken.
func (p *parser) document(data []byte) *yaml.Node {
	if at, bad := firstBad(data); bad {
		p.problem(at, "this character cannot be in a text in UTF-8, or be there without an escape")
		return nil
	}
	// Without limits the loader cannot fail.
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		p.problem(pos{1, 1}, "this is not valid YAML")
		return nil
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1 {
		p.hinted(pos{1, 1}, "skret init writes one", "the configuration is empty")
		return nil
	} else if err != nil {
		p.syntax(data, err)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		p.problem(place(&second), "a second document begins; the configuration is one")
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
		p.problem(pos{1, 1}, "this is not valid YAML")
		return
	}
	at := pos{le.Mark.Line, max(le.Mark.Column, 1)}
	switch {
	case charAt(data, at) == '\t':
		p.problem(at, "a tab cannot indent; use spaces")
	case charAt(data, at) == '*':
		p.problem(at, "aliases are not allowed")
	case strings.Contains(le.ContextMsg, "quoted scalar") && le.ContextMark.Line > 0:
		p.problem(pos{le.ContextMark.Line, le.ContextMark.Column}, "what is in quotes here has no end, or is not well escaped")
	case strings.Contains(le.Message, "max depth"):
		p.problem(at, "this is nested too deeply")
	default:
		p.hinted(at, "a value with special characters goes into quotes", "this is not valid YAML")
	}
}

// table reads the keys of v.key from the mapping n.
func (p *parser) table(n *yaml.Node, v *value) {
	if !p.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.problem(place(n), "%s must be keys with values", v.title())
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		if !p.plain(k) {
			continue
		}
		if k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str" {
			p.hinted(place(k), "put it in quotes if it is meant to be one", "this is not a text, and keys are texts")
			continue
		}
		c := &value{name: k.Value, pos: place(k), at: place(val)}
		if line, twice := seen[k.Value]; twice {
			p.problem(c.pos, "this key is there twice, first in line %d", line)
			continue
		}
		seen[k.Value] = c.pos.line
		if v.key.kind == named {
			if why := v.key.check(k.Value); why != "" {
				p.problem(c.pos, "%s", why)
				continue
			}
			c.key = v.key
		} else if c.key = v.key.key(k.Value); c.key == nil {
			p.unknown(c.pos, k.Value, v)
			continue
		}
		p.value(val, c, v.key.kind == named)
		v.values = append(v.values, c)
	}
}

// value reads what stands behind one key; row tells that it is one of the tables
// of a named.
func (p *parser) value(n *yaml.Node, v *value, row bool) {
	switch {
	case row:
		t := &value{key: &key{kind: table, keys: v.key.keys}, name: v.name}
		p.table(n, t)
		v.values = t.values
	case v.key.kind == table || v.key.kind == named:
		p.table(n, v)
	case v.key.kind == text:
		v.text = p.text(n, v.title())
	default:
		p.list(n, v)
	}
}

func (p *parser) list(n *yaml.Node, v *value) {
	if !p.plain(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		p.hinted(v.at, "write "+v.name+": [A, B]", "%s must be a list", v.title())
		return
	}
	for _, c := range n.Content {
		before := len(p.probs)
		it := item{p.text(c, "an entry of "+v.name), place(c)}
		for _, other := range v.items {
			if other.text == it.text && len(p.probs) == before {
				p.problem(it.at, "an entry of %s is there twice, first in line %d", v.name, other.at.line)
			}
		}
		v.items = append(v.items, it)
	}
}

func (p *parser) text(n *yaml.Node, title string) string {
	if !p.plain(n) {
		return ""
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		p.problem(place(n), "%s must be a text", title)
	case n.ShortTag() == "!!null":
		p.hinted(place(n), "take the key out, or give it a value", "%s has no value", title)
	case n.ShortTag() != "!!str":
		p.hinted(place(n), "put it in quotes", "%s must be a text, and YAML takes this for something else", title)
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
	p.problem(place(n), "%s are not allowed", what)
	return false
}

// unknown reports a key that is not known. It shows the key only when that is a
// slip of one that is: anything else could be a secret in the wrong place.
func (p *parser) unknown(at pos, name string, v *value) {
	var known []string
	for _, k := range v.key.keys {
		known = append(known, k.name)
	}
	if near := nearest(name, known); near != "" {
		p.hinted(at, "did you mean "+near+"?", "unknown key %q", name)
		return
	}
	p.hinted(at, "the keys here are "+strings.Join(known, ", "), "unknown key")
}

func (p *parser) version(top *value) {
	const hint = `write version: "1", with the quotes`
	v := top.get("version")
	switch {
	case v == nil && len(p.probs) == 0:
		p.hinted(top.at, hint, "there is no version")
	case v != nil && v.text == version:
		for i, e := range p.probs { // written as a number: say so where it is
			if ce, ok := e.(*errs.Error); ok && strings.Contains(ce.Error(), "version must be a text") { //nolint:errorlint // our own
				p.probs[i] = ce.WithHint(hint)
			}
		}
	case v != nil && v.text != "":
		p.hinted(v.at, "this skret knows version \"1\"; a newer one may be needed", "this version of the configuration is not known")
	}
}

// title names v for a message.
func (v *value) title() string {
	switch {
	case v.name == "":
		return "the configuration"
	case v.key.name == "":
		return "environment " + v.name
	}
	return v.name
}
