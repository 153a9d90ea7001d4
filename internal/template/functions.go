package template

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/template/parse"
	"unicode"
	"unicode/utf8"
)

// function is what a template can call. least and most bound the number of its
// arguments; most is -1 for any.
type function struct {
	least, most int
	call        func(g *goRun, at parse.Node, args []any) any
}

// functions are those of a template. and, or are not called: their arguments are
// evaluated one by one until the answer is known.
func functions() map[string]function {
	escape := func(f func(string) string) function {
		return function{0, -1, func(_ *goRun, at parse.Node, args []any) any { return f(sprint(at, args)) }}
	}
	compare := func(is func(order int) bool) function {
		return function{2, 2, func(_ *goRun, at parse.Node, args []any) any { return is(order(at, args[0], args[1])) }}
	}
	return map[string]function{
		"and": {least: 1, most: -1},
		"or":  {least: 1, most: -1},
		"not": {1, 1, func(_ *goRun, _ parse.Node, args []any) any { return !truth(args[0]) }},

		"eq": {2, -1, func(_ *goRun, at parse.Node, args []any) any {
			for _, b := range args[1:] {
				if equal(at, args[0], b) {
					return true
				}
			}
			return false
		}},
		"ne": {2, 2, func(_ *goRun, at parse.Node, args []any) any { return !equal(at, args[0], args[1]) }},
		"lt": compare(func(o int) bool { return o < 0 }),
		"le": compare(func(o int) bool { return o <= 0 }),
		"gt": compare(func(o int) bool { return o > 0 }),
		"ge": compare(func(o int) bool { return o >= 0 }),

		"index": {2, 2, func(g *goRun, at parse.Node, args []any) any {
			return g.value(at, named(at, `index . "NAME"`, args[0], args[1]))
		}},
		"has": {1, 1, func(g *goRun, at parse.Node, args []any) any {
			_, ok := g.look(named(at, `has "NAME"`, g.env, args[0]))
			return ok
		}},
		"len": {1, 1, length},

		"print":   {0, -1, func(_ *goRun, at parse.Node, args []any) any { return sprint(at, args) }},
		"println": {0, -1, func(_ *goRun, at parse.Node, args []any) any { printable(at, args); return fmt.Sprintln(args...) }},
		"printf":  {1, -1, printf},

		"html":     escape(escapeHTML),
		"js":       escape(escapeJS),
		"urlquery": escape(url.QueryEscape),
		"base64": {1, 1, func(_ *goRun, at parse.Node, args []any) any {
			return base64.StdEncoding.EncodeToString([]byte(text(at, args[0])))
		}},
		"json": {1, 1, toJSON},
	}
}

// function calls one. What was piped is its last argument.
func (f *frame) function(dot any, id *parse.IdentifierNode, nodes []parse.Node, piped any) any {
	f.g.step(id)
	fn := f.g.functions[id.Ident]
	_, alone := piped.(missing)
	n := len(nodes)
	if !alone {
		n++
	}
	if n < fn.least || fn.most >= 0 && n > fn.most {
		fail(id, "%s: %d arguments are not what it takes", id.Ident, n)
	}
	if fn.call == nil { // and, or
		var v any
		for _, node := range nodes {
			if v = f.operand(dot, node); truth(v) == (id.Ident == "or") {
				return v
			}
		}
		if !alone {
			v = piped
		}
		return v
	}
	args := make([]any, 0, n)
	for _, node := range nodes {
		args = append(args, f.operand(dot, node))
	}
	if !alone {
		args = append(args, piped)
	}
	f.g.handle(id, args...)
	v := fn.call(f.g, id, args)
	f.g.handle(id, v)
	if s, ok := v.(string); ok && len(s) > maxOutput {
		panic(failure{id, tooLarge()})
	}
	return v
}

// printable refuses arguments that have no text, or too much of it.
func printable(at parse.Node, args []any) {
	plain(at, args...)
	total := 0
	for _, a := range args {
		if s, ok := a.(string); ok {
			total += len(s)
		}
	}
	if total > maxOutput {
		panic(failure{at, tooLarge()})
	}
}

func sprint(at parse.Node, args []any) string {
	printable(at, args)
	return fmt.Sprint(args...)
}

func printf(_ *goRun, at parse.Node, args []any) any {
	format, ok := args[0].(string)
	if !ok {
		fail(at, "printf: the format is %s, and not a text", kind(args[0]))
	}
	verbs := strings.Count(format, "%")
	if verbs > maxVerbs {
		fail(at, "printf: a format may have %d verbs", maxVerbs)
	}
	longest := 0 // a verb can take any argument, by %[1]s
	for _, a := range args[1:] {
		plain(at, a)
		if s, ok := a.(string); ok {
			longest = max(longest, len(s))
		}
	}
	if len(format)+verbs*longest > maxOutput {
		panic(failure{at, tooLarge()})
	}
	return fmt.Sprintf(format, args[1:]...)
}

// named returns the name that a function of the environment is asked for.
func named(at parse.Node, example string, in, name any) string {
	_, ok := in.(*environment)
	text, is := name.(string)
	if !ok || !is {
		fail(at, "its arguments are not those of %s", example)
	}
	return text
}

func length(_ *goRun, at parse.Node, args []any) any {
	switch v := args[0].(type) {
	case string:
		return len(v)
	case *environment:
		return len(v.names)
	}
	fail(at, "len: %s has no length", kind(args[0]))
	return nil
}

// equal compares two values of one kind.
func equal(at parse.Node, a, b any) bool {
	switch a.(type) {
	case string, bool, int, float64:
		if kind(a) == kind(b) {
			return a == b
		}
	}
	fail(at, "%s and %s cannot be compared", kind(a), kind(b))
	return false
}

// order compares two values of one kind that has an order.
func order(at parse.Node, a, b any) int {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case int:
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b)
		}
	}
	fail(at, "%s and %s cannot be compared", kind(a), kind(b))
	return 0
}

// toJSON is JSON of one value, or of the whole environment.
func toJSON(g *goRun, at parse.Node, args []any) any {
	v := args[0]
	check := func(s string) string {
		if !utf8.ValidString(s) {
			fail(at, "json: the value is not UTF-8")
		}
		return s
	}
	switch x := v.(type) {
	case string:
		check(x)
	case *environment:
		all := make(map[string]string, len(x.names))
		for _, name := range x.names {
			all[name] = check(g.value(at, name))
		}
		v = all
	default:
		plain(at, v)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fail(at, "json: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// escapeHTML is that of text/template.
func escapeHTML(s string) string {
	return strings.NewReplacer("\x00", "\ufffd", `"`, "&#34;", "'", "&#39;", "&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// escapeJS is that of text/template: for a string within JavaScript, within HTML.
func escapeJS(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\' || r == '\'' || r == '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || strings.ContainsRune("<>&=", r), r >= utf8.RuneSelf && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
