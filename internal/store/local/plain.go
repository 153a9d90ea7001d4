package local

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// maxPlain bounds a file in clear, in bytes: YAML takes fifty times its size in
// memory.
const maxPlain = 1 << 20

// plainFile is a file in clear: `version: "1"` and a map `secrets:` of scalars,
// each of which is the text that it shows. Comments and order are kept.
type plainFile struct {
	doc     yaml.Node
	secrets *yaml.Node // the map
	values  map[secret.Key]string
}

// parsePlain reads a file in clear. Its errors name a line and a column and
// never show what is in the file.
func parsePlain(text string) (*plainFile, error) {
	other := func(n *yaml.Node) (*plainFile, error) {
		return nil, errs.New(errs.Backend, "line %d, column %d: this is not a store of skret", n.Line, n.Column).
			WithHint(`is it the right file? A store is sealed, or has version: "1" and secrets: and no other key`)
	}
	bad := func(n *yaml.Node, what string, args ...any) (*plainFile, error) {
		return nil, errs.New(errs.Backend, "line %d, column %d: %s", n.Line, n.Column, fmt.Sprintf(what, args...))
	}
	if len(text) > maxPlain {
		return nil, errs.New(errs.Backend, "it is larger than %d bytes, the limit of a store in clear", maxPlain)
	}
	p := &plainFile{values: map[secret.Key]string{}}
	if err := yaml.Load([]byte(text), &p.doc); err != nil {
		if le, ok := errors.AsType[*yaml.LoadError](err); ok && le.Mark.Line > 0 {
			return nil, errs.New(errs.Backend, "line %d, column %d: this is not valid YAML", le.Mark.Line, le.Mark.Column)
		}
		return nil, errs.New(errs.Backend, "it is not one valid YAML document")
	}
	if n := forbidden(&p.doc); n != nil {
		return bad(n, "anchors, aliases, merges and tags are not allowed")
	}
	top := &p.doc
	if top.Kind == yaml.DocumentNode && len(top.Content) == 1 {
		top = top.Content[0]
	}
	if top.Kind != yaml.MappingNode {
		return other(top)
	}
	version := false
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		switch {
		case key.Value == "version" && !version:
			if version = value.Kind == yaml.ScalarNode && value.Value == "1"; !version {
				return bad(value, "this version of the format is not known")
			}
		case key.Value == "secrets" && p.secrets == nil:
			p.secrets = value
		default:
			return bad(key, "this key is not known, or is there twice")
		}
	}
	if !version || p.secrets == nil {
		return other(top)
	}
	if p.secrets.Kind == yaml.ScalarNode && p.secrets.ShortTag() == "!!null" {
		*p.secrets = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: p.secrets.Line, Column: p.secrets.Column,
			HeadComment: p.secrets.HeadComment, LineComment: p.secrets.LineComment, FootComment: p.secrets.FootComment}
	}
	if p.secrets.Kind != yaml.MappingNode {
		return bad(p.secrets, "the secrets are not a map")
	}
	for i := 0; i < len(p.secrets.Content); i += 2 {
		key, value := p.secrets.Content[i], p.secrets.Content[i+1]
		k := secret.Key(key.Value)
		if _, twice := p.values[k]; twice || key.Kind != yaml.ScalarNode || k == "" {
			return bad(key, "this key is there twice, is empty, or is no text")
		}
		if value.Kind != yaml.ScalarNode {
			return bad(value, "this value is no text")
		}
		p.values[k] = scalar(value)
	}
	return p, nil
}

// scalar returns the text that a scalar shows; a null is empty, as every reader
// into text has it.
func scalar(n *yaml.Node) string {
	if n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// forbidden returns the first node below n that is or has what a plain file may
// not have.
func forbidden(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || n.ShortTag() == "!!merge" {
		return n
	}
	for _, c := range n.Content {
		if f := forbidden(c); f != nil {
			return f
		}
	}
	return nil
}

// entries returns the entries, sorted, without values. They have no versions:
// each is at 1.
func (p *plainFile) entries() []secret.Entry {
	es := make([]secret.Entry, 0, len(p.values))
	for _, k := range slices.Sorted(maps.Keys(p.values)) {
		es = append(es, secret.Entry{Key: k, Version: 1})
	}
	return es
}

// put sets a value. What depends on versions, and what YAML cannot hold, is
// refused.
func (p *plainFile) put(e secret.Entry, o store.PutOptions) error {
	value := e.Value.Reveal()
	_, exists := p.values[e.Key]
	if o.Expect == store.EachVersion {
		o.Expect = store.AnyVersion
	}
	switch {
	case o.Expect > 0:
		return errs.New(errs.Invalid, "%s: a store in clear has no versions to compare", e.Key).WithHint("seal it: skret local encrypt")
	case e.Description != "":
		return errs.New(errs.Invalid, "%s: a store in clear has no descriptions", e.Key).WithHint("seal it: skret local encrypt")
	case !utf8.ValidString(value):
		return errs.New(errs.Invalid, "the value of %s is not UTF-8, and a store in clear holds text alone", e.Key).WithHint("seal it: skret local encrypt")
	}
	if err := checkExpect(e.Key, 1, exists, o); err != nil {
		return err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
	p.values[e.Key] = value
	if i := p.index(e.Key); i >= 0 {
		old := p.secrets.Content[i+1]
		n.HeadComment, n.LineComment, n.FootComment = old.HeadComment, old.LineComment, old.FootComment
		p.secrets.Content[i+1] = n
		return nil
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(e.Key)}
	p.secrets.Style &^= yaml.FlowStyle // {} grows into lines
	p.secrets.Content = append(p.secrets.Content, key, n)
	return nil
}

// remove takes k out and tells whether it was there.
func (p *plainFile) remove(k secret.Key) bool {
	i := p.index(k)
	if i < 0 {
		return false
	}
	p.secrets.Content = slices.Delete(p.secrets.Content, i, i+2)
	delete(p.values, k)
	return true
}

func (p *plainFile) index(k secret.Key) int {
	for i := 0; i < len(p.secrets.Content); i += 2 {
		if p.secrets.Content[i].Value == string(k) {
			return i
		}
	}
	return -1
}

// print returns the file's text. It is read again first: a text that would not
// give back every value is not written.
func (p *plainFile) print() ([]byte, error) {
	text, err := yaml.Dump(&p.doc, yaml.WithLineWidth(-1))
	if err != nil {
		return nil, errs.New(errs.Backend, "the secrets cannot be written as YAML")
	}
	again, err := parsePlain(string(text))
	if err != nil || !maps.Equal(again.values, p.values) || strings.ContainsRune(string(text), '\r') {
		return nil, errs.New(errs.Invalid, "a value cannot be kept in clear, or the store becomes too large for that").WithHint("seal the store: skret local encrypt")
	}
	return text, nil
}
