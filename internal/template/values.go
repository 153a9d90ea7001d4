package template

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// number is a constant by the rules of Go where no type is asked for.
func number(n *parse.NumberNode) any {
	hex := strings.HasPrefix(strings.ToLower(n.Text), "0x") && !strings.ContainsAny(n.Text, "pP")
	switch {
	case n.IsComplex:
		fail(n, "there are no complex numbers")
	case n.IsFloat && !hex && n.Text[0] != '\'' && strings.ContainsAny(n.Text, ".eEpP"):
		return n.Float64
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		return int(n.Int64)
	}
	fail(n, "%s overflows int", n.Text)
	return nil
}

// truth tells whether v is anything else than the zero of its kind.
func truth(v any) bool {
	switch v := v.(type) {
	case string:
		return v != ""
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case *environment:
		return len(v.names) > 0
	}
	return false
}

// text is v as it is printed.
func text(at parse.Node, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	plain(at, v)
	return fmt.Sprint(v)
}

// plain refuses what has no text.
func plain(at parse.Node, vs ...any) {
	for _, v := range vs {
		switch v.(type) {
		case nil, *environment:
			fail(at, "%s cannot be printed", kind(v))
		}
	}
}

// kind names what v is, for a message.
func kind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "a bool"
	case int:
		return "an int"
	case float64:
		return "a float"
	case *environment:
		return "the environment"
	}
	return "nothing (a template is called with a dot: {{template \"NAME\" .}})"
}
