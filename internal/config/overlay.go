package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// overlay reads the .skret.local.yaml beside the configuration, if there is one,
// and lays it over top. A configuration of another name has none. It must belong
// to the user or to root, since nobody named it.
func (r *resolver) overlay(top *value) error {
	if filepath.Base(r.p.File) != Name {
		return nil
	}
	name := filepath.Join(r.p.Root, OverlayName)
	data, err := durable.ReadOwn(name, maxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, durable.ErrForeign):
		return errs.New(errs.Config, "configuration %w", err).WithHint("if you trust what is in it, make it yours; else remove it")
	case err != nil:
		return errs.New(errs.Config, "read the configuration: %w", err)
	}
	r.p.Overlay = name
	r.p.Origins["overlay"] = Origin{Kind: "found"}
	over, err := parse(name, data, true)
	if err == nil && over != nil && top != nil {
		lay(top, over)
	}
	return err
}

// instead says which other key goes when an overlay has this one.
var instead = map[string]string{"path": "paths", "paths": "path", "profile": "auth", "default": "required", "required": "default"}

// lay puts what is in over in the place of what is in v, key by key. A list takes
// the place of the whole list.
func lay(v, over *value) {
	for _, o := range over.values {
		v.drop(func(c *value) bool { return c.name == instead[o.name] && !o.is("false") })
		at := slices.IndexFunc(v.values, func(c *value) bool { return c.name == o.name })
		switch {
		case at < 0:
			v.values = append(v.values, o)
		case o.key.kind == table || o.key.kind == named:
			lay(v.values[at], o)
		default:
			v.values[at] = o
		}
	}
	if by := over.get(v.key.by); by != nil { // what went with the word of before goes with it
		v.word = over.word
		v.drop(func(c *value) bool { return v.word != "" && !c.key.fits(v.word) && over.get(c.name) == nil })
	}
}

// drop removes values from a table.
func (v *value) drop(is func(*value) bool) { v.values = slices.DeleteFunc(v.values, is) }
