package template

import (
	"fmt"
	"strings"
	"text/template/parse"

	"github.com/skret/skret/internal/errs"
)

// The limits of a template of [Go].
const (
	maxGoText = 1 << 20 // bytes of the template
	maxSteps  = 1_000_000
	maxDepth  = 1000 // templates within templates
	maxVerbs  = 100  // of one printf
)

// Go fills a template in the language of Go's text/template. Its dot is the
// environment: a map of names, in their order, to the values that lookup gives for
// them. So .NAME and index . "NAME" are values, and range goes over all. Unknown
// names give an *Undefined. An error of lookup is returned as it is.
//
// The language is that of text/template, but for what a map of texts has no use
// for: call, slice, complex numbers, nil. Its functions, and has, json and base64,
// are in [functions]. It is written anew here since text/template finds methods by
// their names while it runs, for which the linker keeps all methods of the program.
// The text is parsed by text/template's own parser.
func Go(text string, names []string, lookup func(name string) (value string, ok bool, err error)) (out string, err error) {
	if len(text) > maxGoText {
		return "", errs.New(errs.Invalid, "a Go template may have %d MB", maxGoText>>20)
	}
	known := map[string]any{}
	for name := range functions() {
		known[name] = true
	}
	trees := map[string]*parse.Tree{}
	main, err := parse.New("").Parse(text, "", "", trees, known)
	if err != nil {
		return "", parseError(err)
	}
	env := &environment{names, lookup}
	g := &goRun{env: env, trees: trees, functions: functions(), unknown: references{at: newPlaces(text)}, seen: map[reference]bool{}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case failure:
			out, err = "", g.fault(e)
		default:
			panic(e)
		}
	}()
	f := &frame{g: g, vars: []variable{{"$", env}}}
	f.walk(env, main.Root)
	if err := g.unknown.err(goHint); err != nil {
		return "", err
	}
	return g.out.String(), nil
}

const goHint = `see the names with skret list; for one that may be missing: {{if has "NAME"}}`

// parseError takes the parser's name for a text without one out of its message.
func parseError(err error) error {
	why := strings.TrimPrefix(err.Error(), "template: :")
	return errs.New(errs.Invalid, "line %s", strings.ReplaceAll(why, " at :", " at line "))
}

// environment is the dot of a template.
type environment struct {
	names  []string
	lookup func(string) (string, bool, error)
}

// goRun is one run of a template and of those that it calls. Values are texts,
// bools, ints, float64s, an *environment, or nil, which a template that was called
// without a dot has for one.
type goRun struct {
	env       *environment
	trees     map[string]*parse.Tree
	functions map[string]function
	out       strings.Builder
	steps     int
	unknown   references
	seen      map[reference]bool
}

// reference is a use of a name.
type reference struct {
	at   parse.Pos
	name string
}

// failure ends a run: it is thrown and caught within this package, so that what
// goes down the tree need not hand errors up.
type failure struct {
	at  parse.Node // nil where err is to be returned as it is
	err error
}

// fault is the error of a failure. What an unknown name led to is not told.
func (g *goRun) fault(f failure) error {
	if f.at == nil {
		return f.err
	}
	if err := g.unknown.err(goHint); err != nil {
		return err
	}
	line, column := g.unknown.at.of(int(f.at.Position()))
	return fmt.Errorf("line %d, column %d: %w", line, column, f.err)
}

func fail(at parse.Node, format string, args ...any) {
	panic(failure{at, errs.New(errs.Invalid, format, args...)})
}

// step counts what is done, so that every template ends soon.
func (g *goRun) step(at parse.Node) { g.count(at, 1) }

func (g *goRun) count(at parse.Node, steps int) {
	if g.steps += steps; g.steps > maxSteps {
		fail(at, "the template takes more than %d steps", maxSteps)
	}
}

// handle counts texts that are handled: many bytes take as long as a step.
func (g *goRun) handle(at parse.Node, vs ...any) {
	for _, v := range vs {
		if s, ok := v.(string); ok {
			g.count(at, len(s)/256)
		}
	}
}

func (g *goRun) write(at parse.Node, text string) {
	if g.out.Len()+len(text) > maxOutput {
		panic(failure{at, tooLarge()})
	}
	g.out.WriteString(text)
}

func (g *goRun) look(name string) (value string, ok bool) {
	v, ok, err := g.env.lookup(name)
	if err != nil {
		panic(failure{nil, err})
	}
	return v, ok
}

// value looks a name up. One that is not known is noted, and is empty.
func (g *goRun) value(at parse.Node, name string) string {
	v, ok := g.look(name)
	if r := (reference{at.Position(), name}); !ok && !g.seen[r] {
		g.seen[r] = true
		g.unknown.add(int(r.at), name)
	}
	return v
}

// frame is one template that is being filled, with the variables that it sees.
type frame struct {
	g     *goRun
	vars  []variable
	depth int
}

type variable struct {
	name  string
	value any
}

// jump is what ends the walk over a list before its end.
type jump uint8

const (
	none jump = iota
	toBreak
	toContinue
)

func (f *frame) walk(dot any, n parse.Node) jump {
	f.g.step(n)
	switch n := n.(type) {
	case *parse.TextNode:
		f.g.write(n, string(n.Text))
	case *parse.ActionNode:
		if v := f.pipeline(dot, n.Pipe); len(n.Pipe.Decl) == 0 {
			f.g.write(n, text(n, v))
		}
	case *parse.ListNode:
		for _, each := range n.Nodes {
			if j := f.walk(dot, each); j != none {
				return j
			}
		}
	case *parse.IfNode:
		return f.branch(dot, &n.BranchNode, false)
	case *parse.WithNode:
		return f.branch(dot, &n.BranchNode, true)
	case *parse.RangeNode:
		return f.loop(dot, n)
	case *parse.TemplateNode:
		f.call(dot, n)
	case *parse.BreakNode:
		return toBreak
	case *parse.ContinueNode:
		return toContinue
	}
	return none
}

// branch is if, and with, which sets the dot.
func (f *frame) branch(dot any, n *parse.BranchNode, with bool) jump {
	mark := len(f.vars)
	defer func() { f.vars = f.vars[:mark] }()
	v := f.pipeline(dot, n.Pipe)
	switch {
	case truth(v) && with:
		return f.walk(v, n.List)
	case truth(v):
		return f.walk(dot, n.List)
	case n.ElseList != nil:
		return f.walk(dot, n.ElseList)
	}
	return none
}

// loop is range: over the names and values of the environment, or so many times.
func (f *frame) loop(dot any, n *parse.RangeNode) jump {
	mark := len(f.vars)
	defer func() { f.vars = f.vars[:mark] }()
	over := f.pipeline(dot, n.Pipe)
	// The variables that the range itself declares: of two, the first is the key.
	decl := n.Pipe.Decl
	inner := len(f.vars)
	once := func(key, elem any) jump {
		f.g.step(n)
		for i, d := range decl {
			v := elem
			if len(decl) == 2 && i == 0 {
				v = key
			}
			if n.Pipe.IsAssign {
				*f.variable(d) = v
			} else {
				f.vars[inner-len(decl)+i].value = v
			}
		}
		defer func() { f.vars = f.vars[:inner] }()
		return f.walk(elem, n.List)
	}
	ran := false
	switch over := over.(type) {
	case *environment:
		for _, name := range over.names {
			ran = true
			if once(name, f.g.value(n, name)) == toBreak {
				break
			}
		}
	case int:
		if len(decl) == 2 {
			fail(n, "range over a number has one variable")
		}
		for i := range over {
			ran = true
			if once(nil, i) == toBreak {
				break
			}
		}
	case nil:
	default:
		fail(n, "range goes over the environment or a number, and not over %s", kind(over))
	}
	if !ran && n.ElseList != nil {
		return f.walk(dot, n.ElseList)
	}
	return none
}

// call is template: the one that is called sees no variable of this.
func (f *frame) call(dot any, n *parse.TemplateNode) {
	tree := f.g.trees[n.Name]
	if tree == nil {
		fail(n, "template %q is not defined", n.Name)
	}
	if f.depth == maxDepth {
		fail(n, "more than %d templates within templates", maxDepth)
	}
	dot = f.pipeline(dot, n.Pipe)
	called := &frame{g: f.g, vars: []variable{{"$", dot}}, depth: f.depth + 1}
	called.walk(dot, tree.Root)
}

// missing is what a pipeline's first command gets from the one before it.
type missing struct{}

func (f *frame) pipeline(dot any, p *parse.PipeNode) any {
	if p == nil {
		return nil
	}
	var v any = missing{}
	for _, c := range p.Cmds {
		v = f.command(dot, c, v)
	}
	for _, d := range p.Decl {
		if p.IsAssign {
			*f.variable(d) = v
		} else {
			f.vars = append(f.vars, variable{d.Ident[0], v})
		}
	}
	return v
}

// variable finds a variable, of several the one that was declared last. The parser
// has seen to it that there is one.
func (f *frame) variable(n *parse.VariableNode) *any {
	for i := len(f.vars) - 1; i >= 0; i-- {
		if f.vars[i].name == n.Ident[0] {
			return &f.vars[i].value
		}
	}
	fail(n, "undefined variable %s", n.Ident[0])
	return nil
}

// command is one part of a pipeline; piped is what the part before it gave.
func (f *frame) command(dot any, c *parse.CommandNode, piped any) any {
	f.g.step(c)
	first := c.Args[0]
	if id, ok := first.(*parse.IdentifierNode); ok {
		return f.function(dot, id, c.Args[1:], piped)
	}
	if _, is := first.(*parse.NilNode); is {
		fail(first, "nil is not a command")
	}
	if _, alone := piped.(missing); !alone || len(c.Args) > 1 {
		fail(first, "%s is not a function and takes no argument", first)
	}
	return f.operand(dot, first)
}

// operand is the value of a node that stands by itself or as an argument.
func (f *frame) operand(dot any, n parse.Node) any {
	f.g.step(n)
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return f.fields(n, dot, n.Ident)
	case *parse.VariableNode:
		return f.fields(n, *f.variable(n), n.Ident[1:])
	case *parse.ChainNode:
		return f.fields(n, f.operand(dot, n.Node), n.Field)
	case *parse.PipeNode:
		return f.pipeline(dot, n)
	case *parse.IdentifierNode:
		return f.function(dot, n, nil, missing{})
	case *parse.StringNode:
		return n.Text
	case *parse.BoolNode:
		return n.True
	case *parse.NumberNode:
		return number(n)
	}
	fail(n, "%s cannot be used here", n)
	return nil
}

// fields follows .A.B from v.
func (f *frame) fields(at parse.Node, v any, names []string) any {
	for _, name := range names {
		if _, ok := v.(*environment); !ok {
			fail(at, "there is no .%s in %s", name, kind(v))
		}
		v = f.g.value(at, name)
	}
	return v
}
