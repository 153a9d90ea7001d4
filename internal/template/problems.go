package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
)

// Undefined is the error of names that a text refers to and that are not known. It
// is of kind NotFound, and says in which lines they are.
type Undefined struct {
	Names []string // in order of the text, none twice; no more than 100
	Err   error
}

func (e *Undefined) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Undefined) Unwrap() error { return e.Err }

// places turns offsets in a text into lines and columns. Offsets that grow cost one
// walk over the text in all.
type places struct {
	text                 string
	offset, line, column int // the last that was asked for
}

func newPlaces(text string) *places { return &places{text, 0, 1, 1} }

func (p *places) of(offset int) (line, column int) {
	if offset < p.offset {
		p.offset, p.line, p.column = 0, 1, 1
	}
	between := p.text[p.offset:offset]
	if i := strings.LastIndexByte(between, '\n'); i >= 0 {
		p.line += strings.Count(between, "\n")
		p.column = 1
		between = between[i+1:]
	}
	p.offset, p.column = offset, p.column+utf8.RuneCountInString(between)
	return p.line, p.column
}

// How much is told of one text; what has more is no template.
const (
	maxProblems = 20
	maxNames    = 100
	maxLines    = 5 // of one name
)

// problems are what is wrong with the writing of a text.
type problems struct {
	at   *places
	all  []error
	more int
}

func (p *problems) add(offset int, why, hint string) {
	if len(p.all) == maxProblems {
		p.more++
		return
	}
	line, column := p.at.of(offset)
	e := errs.New(errs.Invalid, "line %d, column %d: %s", line, column, why)
	if hint != "" {
		e = e.WithHint("%s", hint)
	}
	p.all = append(p.all, e)
}

// err is nil when there are none.
func (p *problems) err() error {
	if p.more > 0 {
		return errors.Join(append(p.all, errs.New(errs.Invalid, "and %d more like these", p.more))...)
	}
	return errors.Join(p.all...)
}

// references are the uses of names that are not known.
type references struct {
	at    *places
	names []string
	more  bool             // names than that
	lines map[string][]int // of each name, in order; one more than are told says that there are more
}

func (r *references) add(offset int, name string) {
	lines, known := r.lines[name]
	switch {
	case len(lines) > maxLines:
		return
	case !known && len(r.names) == maxNames:
		r.more = true
		return
	case !known:
		r.names = append(r.names, name)
	}
	if line, _ := r.at.of(offset); !slices.Contains(lines, line) {
		if r.lines == nil {
			r.lines = map[string][]int{}
		}
		r.lines[name] = append(lines, line)
	}
}

// err is an *Undefined, or nil when there are none.
func (r *references) err(hint string) error {
	if len(r.names) == 0 {
		return nil
	}
	var b strings.Builder
	for i, name := range r.names {
		if i > 0 {
			b.WriteString(", ")
		}
		lines := r.lines[name]
		b.WriteString(name + " (line")
		for j, line := range lines[:min(len(lines), maxLines)] {
			fmt.Fprintf(&b, "%s %d", strings.Repeat(",", min(j, 1)), line)
		}
		if len(lines) > maxLines {
			b.WriteString(" and more")
		}
		b.WriteString(")")
	}
	if r.more {
		b.WriteString(" and more")
	}
	return &Undefined{r.names, errs.New(errs.NotFound, "not defined: %s", b.String()).WithHint("%s", hint)}
}
