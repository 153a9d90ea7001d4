package template_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/template"
)

// values is a lookup in a map.
func values(m map[string]string) func(string) (string, bool, error) {
	return func(name string) (string, bool, error) {
		v, ok := m[name]
		return v, ok, nil
	}
}

var some = values(map[string]string{"A": "1", "db/url": "postgres://h", "x.y-z_0": "odd", "EMPTY": "", "REF": "${A} $${A} $", "LINES": "a\r\nb\n", "BYTES": "\xff\x00"})

func TestExpand(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"${A}":                              "1",
		"a ${A} b ${db/url}c":               "a 1 b postgres://hc",
		"${x.y-z_0}${EMPTY}":                "odd",
		"$${A}":                             "${A}",
		"$$${A}":                            "$${A}",
		"$${":                               "${",
		"$":                                 "$",
		"$A $1 $$ $(id) $ {A} {A} $\n%A% A": "$A $1 $$ $(id) $ {A} {A} $\n%A% A",
		"${REF}":                            "${A} $${A} $", // once, and no more
		"\ufeffx\r\n${LINES}\r\n":           "\ufeffx\r\na\r\nb\n\r\n",
		"\xff\xfe\x00${BYTES}":              "\xff\xfe\x00\xff\x00",
		"no newline ${A}":                   "no newline 1",
		"é${A}é":                            "é1é",
		"${A}}":                             "1}",
		"{{ ${A} }}":                        "{{ 1 }}",
	} {
		if got, err := template.Expand(text, some); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
}

func TestExpandTellsAllThatIsWrongByItsPlaceAndNothingOfTheText(t *testing.T) {
	for text, want := range map[string]string{
		"${":                    "1:1",
		"a\n  ${hunter2":        "2:3",
		"${}":                   "1:1",
		"${A B}":                "1:1",
		"${A:-hunter2}":         "1:1",
		"é ${ä}":                "1:3",
		"${A\n}":                "1:1",
		"${A}${${A}":            "1:5",
		"ok\n\n${ x\n ${!}":     "3:1 4:2",
		"$${A} ${A} $$${ ${ ${": "1:17 1:20",
	} {
		got, err := template.Expand(text, some)
		var want2 []string
		for at := range strings.FieldsSeq(want) {
			line, column, _ := strings.Cut(at, ":")
			want2 = append(want2, fmt.Sprintf("line %s, column %s: ${ is not followed by a name and }", line, column))
		}
		if got != "" || err == nil || err.Error() != strings.Join(want2, "\n") || errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" {
			t.Errorf("%q: %q\n%v\nwant %v", text, got, err, want2)
		}
	}
}

func TestExpandListsUndefinedNamesTogether(t *testing.T) {
	text := "${B}\n${A} ${C/d} ${B} ${B}\n\n${E}" + strings.Repeat("\n${E}", 9)
	got, err := template.Expand(text, some)
	u, ok := errors.AsType[*template.Undefined](err)
	if got != "" || !ok || !slices.Equal(u.Names, []string{"B", "C/d", "E"}) {
		t.Fatalf("%q %v", got, err)
	}
	if want := "not defined: B (line 1, 2), C/d (line 2), E (line 4, 5, 6, 7, 8 and more)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if errs.KindOf(err) != errs.NotFound {
		t.Error(errs.KindOf(err))
	}
	if _, err := template.Expand("${B} ${", some); !strings.Contains(err.Error(), "not followed") || !strings.Contains(err.Error(), "not defined: B") {
		t.Error(err)
	}
}

func TestExpandReturnsAnErrorOfLookup(t *testing.T) {
	want := errors.New("no")
	_, err := template.Expand("${A", func(string) (string, bool, error) { return "", false, want })
	if errors.Is(err, want) {
		t.Error("asked for what is no name")
	}
	if _, err := template.Expand("${A}", func(string) (string, bool, error) { return "", false, want }); err != want { //nolint:errorlint // that very one
		t.Error(err)
	}
}

func TestExpandIsBounded(t *testing.T) {
	big := values(map[string]string{"B": strings.Repeat("x", 1<<20)})
	if _, err := template.Expand(strings.Repeat("${B}", 65), big); errs.KindOf(err) != errs.Invalid {
		t.Error(err)
	}
	if _, err := template.Expand(strings.Repeat("${", 100_000), some); len(errs.All(err)) != 21 || !strings.Contains(err.Error(), "and 99980 more") {
		t.Error(len(errs.All(err)))
	}
	// Linear: names that are all unknown, on one line.
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "${N%d}", i)
	}
	if _, err := template.Expand(b.String(), some); err == nil {
		t.Error("no error")
	}
}

// What is filled in is what the text has between its references, and the values,
// in their order; an escaped text comes back as it was.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "$", "${A}", "$${A}", "a${A}b$${c}$", "${A", "${}", "$$$${A}", "\xff${A}\r\n"} {
		f.Add(s, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		got, err := template.Expand(text, func(string) (string, bool, error) { return value, true, nil })
		if err != nil && got != "" {
			t.Errorf("%q with %v", got, err)
		}
		if !strings.Contains(text, "${") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		// The marks that a value leaves cannot be told from the text, but their sum can.
		if short, err2 := template.Expand(text, values(nil)); (err == nil) != (err2 == nil || errs.KindOf(err2) == errs.NotFound) {
			t.Errorf("%q: %v, and without values %q %v", text, err, short, err2)
		}
		escaped := strings.ReplaceAll(text, "${", "$${")
		if back, err := template.Expand(escaped, values(nil)); err != nil || back != text {
			t.Errorf("%q, escaped %q, came back as %q %v", text, escaped, back, err)
		}
	})
}
