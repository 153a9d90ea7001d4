package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// pairs are entries of KEY, VALUE, KEY, VALUE ...
func pairs(texts ...string) (es []secret.Entry) {
	for p := range slices.Chunk(texts, 2) {
		es = append(es, secret.Entry{Key: secret.Key(p[0]), Value: secret.NewValue(p[1])})
	}
	return es
}

func with(es []secret.Entry, err error, rules ...secret.Rule) *Client {
	s := fixed{es: es, err: err}
	return &Client{Project: &config.Project{Rules: rules}, store: s, own: s}
}

// expanding are rules by which references are filled in these.
func expanding(names ...string) (rules []secret.Rule) {
	for _, n := range names {
		rules = append(rules, secret.Rule{Name: n, Expand: true})
	}
	return rules
}

func variables(t *testing.T, c *Client, only ...string) (string, error) {
	t.Helper()
	set, err := c.Variables(t.Context(), only, nil, nil)
	var all []string
	for _, v := range set {
		s := v.Name + "=" + v.Value.Reveal()
		if v.File {
			s += " (file)"
		}
		all = append(all, s)
	}
	return strings.Join(all, " "), err
}

func TestReferencesAreFilledOnceAndRecursively(t *testing.T) {
	es := pairs("A", "${B}-${c/d}-${C_D}-$${B}-$B", "B", "<${RAW}>", "RAW", "${A}", "c/d", "x")
	got, err := variables(t, with(es, nil, expanding("A", "B")...))
	if want := "A=<${A}>-x-x-${B}-$B B=<${A}> C_D=x RAW=${A}"; err != nil || got != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	// What is left out can be referred to; a rule may name the variable.
	got, err = variables(t, with(pairs("a/b", "${B}", "B", "${D}", "D", "d"), nil, expanding("A_B", "B")...), "A_B")
	if err != nil || got != "A_B=d" {
		t.Error(err, got)
	}
}

func TestReferencesThatCannotBeFilled(t *testing.T) {
	const marker = "hunter2-marker "
	for _, c := range []struct {
		es   []secret.Entry
		err  error
		kind errs.Kind
		want []string
	}{
		{es: pairs("A", marker+"${NOPE}${NONE}"), kind: errs.NotFound, want: []string{`"A" refers to NOPE, NONE, and there is no such secret`}},
		{es: pairs("A", marker+"${B}", "B", "${NOPE}"), kind: errs.NotFound, want: []string{`"A" -> "B" refers to NOPE, and there is no such secret`}},
		{es: pairs("A", "${A}"+marker), kind: errs.Invalid, want: []string{`"A" refers to A: the references go in a circle`}},
		{es: pairs("A", "${B}", "B", "${C}"+marker, "C", "${B}"), kind: errs.Invalid, want: []string{`"A" -> "B" -> "C" refers to B: the references go in a circle`}},
		{es: pairs("A", "${"+marker), kind: errs.Invalid, want: []string{`"A": line 1`}},
		{es: pairs("A", "${ }${B}", "B", "${NOPE}"), kind: errs.NotFound, want: []string{`"A" -> "B" refers to NOPE`}},
		{es: pairs("A", "${X_Y}"+marker, "x/y", "1", "x-y", "2"), kind: errs.Conflict, want: []string{`"A" refers to X_Y, and keys x/y and x-y are both that variable`}},
		{
			es: pairs("A", "${B}"+marker), err: &store.Unreadable{Keys: []secret.Key{"B"}, Err: errs.New(errs.Auth, "no")},
			kind: errs.Backend, want: []string{`"A" refers to B, which cannot be read`},
		},
		{es: pairs("A", strings.Repeat("${B}", 20), "B", strings.Repeat("${C}", 100), "C", strings.Repeat("x", 1000)), kind: errs.Invalid, want: []string{`the value has more than 1048576 bytes`}},
		{es: pairs("A", "${NOPE}", "B", "${GONE}", "C", "${A}"), kind: errs.NotFound, want: []string{`"A" refers to NOPE`, `"B" refers to GONE`}},
	} {
		_, err := with(c.es, c.err, expanding("A", "B", "C")...).Variables(t.Context(), []string{"[ABC]"}, nil, nil)
		if errs.KindOf(err) != c.kind {
			t.Errorf("%v is of kind %v", err, errs.KindOf(err))
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v is not %s", err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), strings.TrimSpace(marker)) {
			t.Errorf("a value is shown: %v", err)
		}
	}
}

// TestEachProblemIsSaidOnce: a secret with a gap is named once, however many refer
// to it.
func TestEachProblemIsSaidOnce(t *testing.T) {
	es := pairs("A", "${GAP}", "B", "${GAP}", "GAP", "${NOPE}")
	_, err := variables(t, with(es, nil, expanding("A", "B", "GAP")...))
	if n := len(errs.All(err)); n != 1 {
		t.Errorf("%d: %v", n, err)
	}
}

func TestDefaultsAndTheSchema(t *testing.T) {
	rules := []secret.Rule{
		{Name: "PORT", Type: "port", Default: "8080", HasDefault: true},
		{Name: "db/url", Default: "", HasDefault: true},
		{Name: "THERE", Default: "no", HasDefault: true},
		{Name: "SECOND"},
		{Name: "SECOND", Default: "no", HasDefault: true},
		{Name: "KEY", File: true},
		{Name: "MODE", Type: "enum", Values: []string{"a"}},
	}
	c := with(pairs("there", "yes", "KEY", "k", "MODE", "a"), nil, rules...)
	if got, err := variables(t, c); err != nil || got != "DB_URL= KEY=k (file) MODE=a PORT=8080 THERE=yes" {
		t.Error(err, got)
	}

	// What the user leaves out is not judged; what is required and excluded is missing.
	c = with(pairs("MODE", "b", "OLD", "x"), nil, append(rules, secret.Rule{Name: "OLD", Required: true}, secret.Rule{Name: "GONE", Required: true})...)
	c.Project.Exclude, c.Project.Required = []string{"OLD"}, []string{"ALSO"}
	_, err := variables(t, c)
	for _, want := range []string{"secret MODE is none of a", "required secret OLD is missing", "required secret GONE is missing", "required secret ALSO is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is not %s", err, want)
		}
	}
	if _, err := variables(t, with(pairs("MODE", "b", "A", "x"), nil, rules...), "A"); err != nil {
		t.Error(err)
	}
}

func TestOfUnreadableSecretsOnlyThoseThatAreMeantAreAnError(t *testing.T) {
	bad := &store.Unreadable{Keys: []secret.Key{"B"}, Err: errs.New(errs.Auth, "no")}
	c := with(pairs("A", "a"), bad, secret.Rule{Name: "B", Type: "port", Required: true})
	if got, err := variables(t, c, "A"); err != nil || got != "A=a" {
		t.Error(err, got)
	}
	if _, err := variables(t, c); errs.KindOf(err) != errs.Auth || err.Error() != "cannot read B: no" {
		t.Error(err)
	}
}

// BenchmarkVariables: what rules cost 1,000 secrets.
func BenchmarkVariables(b *testing.B) {
	var es []secret.Entry
	var rules []secret.Rule
	for i := range 1000 {
		k := fmt.Sprintf("app/key-%d", i)
		es = append(es, pairs(k, "value")...)
		rules = append(rules, secret.Rule{Name: k, Type: "string", Expand: i%2 == 0})
	}
	for name, rules := range map[string][]secret.Rule{"none": nil, "thousand": rules} {
		b.Run(name, func(b *testing.B) {
			c := with(es, nil, rules...)
			for b.Loop() {
				if _, err := c.Variables(b.Context(), nil, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
