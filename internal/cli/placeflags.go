package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

// placeFlag is a flag that is a setting of a place, and the types of places that
// have it; "files" stands for the formats of files.
type placeFlag struct{ flag, field, types, doc string }

func (x placeFlag) goes(typ string) bool {
	return slices.Contains(strings.Fields(x.types), typ) || strings.HasSuffix(x.types, "files") && engine.IsFormat(typ)
}

// placeFlags are the settings of the places that a command takes: texts, lists
// of words, and what is on or off.
type placeFlags struct {
	texts, lists, switches []placeFlag

	text map[string]*string
	list map[string]*[]string
	on   map[string]*bool
}

func (p *placeFlags) bind(f *pflag.FlagSet) {
	p.text, p.list, p.on = map[string]*string{}, map[string]*[]string{}, map[string]*bool{}
	for _, x := range p.texts {
		p.text[x.flag] = f.String(x.flag, "", x.doc)
	}
	for _, x := range p.lists {
		p.list[x.flag] = f.StringSlice(x.flag, nil, x.doc)
	}
	for _, x := range p.switches {
		p.on[x.flag] = f.Bool(x.flag, false, x.doc)
	}
}

// spec is the place of a type that the flags say; by is the flag that names the
// type, "" being none. What does not go with it is told at once.
func (p *placeFlags) spec(by, typ string) (engine.Spec, error) {
	s := engine.Spec{Type: typ, Fields: map[string]string{}, Lists: map[string][]string{}}
	var probs []error
	set := func(x placeFlag, given bool, put func()) {
		switch {
		case !given:
		case typ == "":
			probs = append(probs, errs.New(errs.Invalid, "--%s is for a place, and %s names none", x.flag, by).WithHint("it is for %s", x.types))
		case !x.goes(typ):
			probs = append(probs, errs.New(errs.Invalid, "--%s does not go with %s %s", x.flag, by, typ).WithHint("it is for %s", x.types))
		default:
			put()
		}
	}
	for _, x := range p.texts {
		set(x, *p.text[x.flag] != "", func() { s.Fields[x.field] = *p.text[x.flag] })
	}
	for _, x := range p.lists {
		set(x, len(*p.list[x.flag]) > 0, func() { s.Lists[x.field] = *p.list[x.flag] })
	}
	for _, x := range p.switches {
		set(x, *p.on[x.flag], func() { s.Fields[x.field] = "true" })
	}
	return s, errors.Join(probs...)
}
