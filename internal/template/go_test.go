package template_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/template"
)

var goValues = map[string]string{
	"A": "1", "B": "two words", "EMPTY": "", "HTML": `<a href="x">'&</a>` + "\x00", "LINES": "a\nb\r\n", "BYTES": "\xff=é\u2028", "REF": "{{.A}}", "db/url": "postgres://h?x=y", "LONG": strings.Repeat("x", 50),
}

// fill is Go with the values of m.
func fill(text string, m map[string]string) (string, error) {
	return template.Go(text, slices.Sorted(maps.Keys(m)), values(m))
}

// reference is what text/template makes of a text. The functions that are ours
// alone are not in it.
func reference(text string) (string, error) {
	t, err := texttemplate.New("file").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, goValues)
	return b.String(), err
}

// same are templates that we and text/template fill alike.
var same = []string{
	"", "plain $x ${A} } {", "{{.A}}", "{{ .A }}{{.B}}", "{{- .A -}} x", "a {{- /* note */ -}} b", "{{/* note */}}", "{{.EMPTY}}|{{.REF}}|{{.LINES}}|{{.BYTES}}",
	`{{index . "db/url"}}`, `{{index $ "A"}}`, `{{"A" | index .}}`, `{{$.A}}`, `{{(.).A}}`, `{{($).A}}`, "{{`raw \\n`}}{{\"esc\\n\"}}{{'a'}}",
	"{{if .A}}yes{{end}}", "{{if .EMPTY}}yes{{else}}no{{end}}", "{{if .EMPTY}}1{{else if .A}}2{{else}}3{{end}}", "{{if not .EMPTY}}x{{end}}",
	"{{with .B}}[{{.}}]{{end}}", "{{with .EMPTY}}x{{else}}{{.A}}{{end}}", "{{with .EMPTY}}x{{else with .A}}[{{.}}]{{else}}y{{end}}", "{{with $x := .B}}{{$x}}{{$.A}}{{end}}",
	"{{range .}}[{{.}}]{{end}}", "{{range $k, $v := .}}{{$k}}={{$v}};{{end}}", "{{range $v := .}}{{$v}},{{end}}", "{{range $k, $v := $}}{{if eq $k \"B\"}}{{break}}{{end}}{{$k}}{{end}}",
	"{{range $k, $v := .}}{{if ne $k \"A\"}}{{continue}}{{end}}{{$v}}{{else}}none{{end}}", "{{range 3}}{{.}}{{end}}", "{{range $i := 3}}{{$i}}{{end}}", "{{range 0}}x{{else}}none{{end}}",
	"{{range len .}}.{{end}}", "{{$x := 1}}{{range $x = 3}}{{end}}{{$x}}", "{{$k := \"\"}}{{$v := \"\"}}{{range $k, $v = .}}{{$k}}{{end}}{{$k}}{{$v}}", "{{range 3}}{{range 3}}{{if .}}{{break}}{{end}}{{.}}{{end}}{{.}}{{end}}",
	"{{$x := .A}}{{$x}}{{$x = .B}}{{$x}}", "{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}", "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "{{$x := .}}{{$x.A}}",
	`{{define "t"}}<{{.}}>{{end}}{{template "t" .A}}{{template "t" "x"}}`, `{{define "t"}}{{.A}}{{$.B}}{{end}}{{template "t" .}}`, `{{block "b" .B}}({{.}}){{end}}`, `{{template "b" .A}}{{block "b" .B}}({{.}}){{end}}`,
	`{{define "t"}}x{{end}}{{template "t"}}`, `{{define "t"}}{{if .}}x{{else}}nil{{end}}{{end}}{{template "t"}}`, `{{define "r"}}{{range .}}x{{else}}none{{end}}{{end}}{{template "r"}}`,
	`{{define "r"}}{{.}}{{if lt (len .) 5}}{{template "r" (print . "x")}}{{end}}{{end}}{{template "r" "x"}}`, `{{define "t"}}{{end}}{{template "t"}}{{define "u"}} {{end}}x`,
	"{{and .A .B}}|{{and .EMPTY .B}}|{{or .EMPTY .B}}|{{or .EMPTY \"\"}}|{{and 1 0}}|{{or 0 false}}|{{not 0}}|{{not .A}}", "{{.A | and .B}}|{{.EMPTY | or .B}}|{{and true}}", "{{or true (index . 1 2)}}",
	`{{eq .A "1"}}{{eq .A "2" "1"}}{{ne .A "1"}}{{eq 1 1}}{{eq 1.5 1.5}}{{eq true false}}{{ne 1 2}}`, `{{lt "a" "b"}}{{le "a" "a"}}{{gt "b" "a"}}{{ge "a" "b"}}{{lt 1 2}}{{ge 2.5 1.0}}{{le 1.5 1.5}}{{gt 1 2}}`, `{{if and (eq .A "1") (ne .B "1")}}x{{end}}`,
	"{{len .A}}{{len .}}{{len .LINES}}", "{{print .A}}{{print 1 2 \"a\" 3 4}}{{print}}", "{{println .A 1}}{{println}}", `{{printf "%s|%q|%5d|%-5s|%x|%v|%.2f|%t|%%" .A .B 42 .A .A 1 2.5 true}}`, `{{.A | printf "%s-%s" "x"}}`, `{{printf "%d" .A}}`, `{{printf "%[2]s%[1]s" "a" "b"}}`, `{{"%s" | printf}}`,
	"{{html .HTML}}{{.HTML | html}}{{html 1 2}}", "{{js .HTML}}{{js .LINES}}{{js .BYTES}}{{js `\\`}}", "{{urlquery .B}}{{urlquery (index . \"db/url\")}}{{urlquery .BYTES}}",
	"{{1}} {{-1}} {{+1}} {{0x10}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{1.5}} {{1e3}} {{1E3}} {{.5}} {{1.}} {{0x1p4}} {{0x1.8p1}} {{'x'}} {{'\\n'}} {{true}} {{false}}", "{{1e100}} {{9223372036854775807}} {{0xE}} {{'e'}} {{'.'}}",
	`{{"a" | print "b" | printf "%s%s" "c"}}`, "{{(print .A)}}{{(.A)}}", "{{$x := (.A)}}{{$x}}", "x\r\n{{.A}}\r\n", "\xff{{.A}}\x00", "{{\"}}\"}}", "{{if true -}} x {{- end}}", "{{/* a\nb */ -}}\n x", "{{range $k, $v := .}}{{$v | printf \"%s\" | html}}{{end}}", "{{print (len .) (len .A)}}", "{{with 5}}{{.}}{{end}}{{with 0.0}}x{{else}}y{{end}}", "{{.LONG}}",
	"{{- range $k, $v := . }}\n{{ $k }}\n{{- end }}", "{{if true}}{{if false}}a{{else}}b{{end}}{{end}}", "{{$a := 1}}{{$b := $a}}{{$a = 2}}{{$b}}", "{{with $}}{{.A}}{{end}}", "{{len (print .A .B)}}", "{{break_ := 1}}x",
}

func TestGoFillsAsTextTemplateDoes(t *testing.T) {
	for _, text := range same {
		want, wantErr := reference(text)
		got, err := fill(text, goValues)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Errorf("%s\n got %q %v\nwant %q %v", text, got, err, want, wantErr)
		}
	}
}

func TestGoHasFunctionsOfItsOwn(t *testing.T) {
	for text, want := range map[string]string{
		`{{has "A"}}{{has "NONE"}}{{if has "NONE"}}{{.NONE}}{{end}}`: "truefalse",
		`{{range .}}{{if has "NONE"}}x{{end}}{{end}}`:                "",
		`{{base64 .A}} {{.BYTES | base64}} {{base64 12}}`:            "MQ== /z3DqeKAqA== MTI=",
		`{{json .HTML}} {{json .LINES}} {{json 1}} {{json true}}`:    `"<a href=\"x\">'&</a>\u0000" "a\nb\r\n" 1 true`,
	} {
		if got, err := fill(text, goValues); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
	}
	if got, err := fill(`{{json .}}`, map[string]string{"B": "<>", "A": ""}); err != nil || got != `{"A":"","B":"<>"}` {
		t.Error(got, err)
	}
}

// What is refused is refused with its place, with nothing written and nothing of a
// value told; text/template refuses it too, unless why is in ours.
func TestGoRefusesByPlace(t *testing.T) {
	ours := "ours: "
	for text, want := range map[string]string{
		"{{":                           "line 1: unclosed action",
		"a\n{{if}}x{{end}}":            "line 2: missing value for if",
		"{{if .A}}":                    "line 1: unexpected EOF",
		"{{if .A":                      "line 1: unclosed action",
		"x\n{{.A\n":                    "line 3: unclosed action started at line 2",
		"{{end}}":                      "line 1: unexpected {{end}}",
		"{{readFile .A}}":              `line 1: function "readFile" not defined`,
		"{{env .A}}":                   `line 1: function "env" not defined`,
		"{{exec \"id\"}}":              `line 1: function "exec" not defined`,
		"{{call .A}}":                  ours + `line 1: function "call" not defined`,
		"{{slice .A 0 1}}":             ours + `line 1: function "slice" not defined`,
		"{{$x}}":                       "line 1: undefined variable",
		"{{template \"no\"}}":          `line 1, column 12: template "no" is not defined`,
		"{{.A.B}}":                     "line 1, column 5: there is no .B in a text",
		"{{.A.Len}}":                   "line 1, column 5: there is no .Len in a text",
		"{{.A 1}}":                     "line 1, column 3: .A is not a function",
		"{{1 | .A}}":                   "line 1, column 7: .A is not a function",
		"{{nil}}":                      "line 1, column 3: nil is not a command",
		"{{eq .A nil}}":                ours + "line 1, column 9: nil cannot be used here",
		"{{1i}}":                       ours + "line 1, column 3: there are no complex numbers",
		"{{.}}":                        ours + "line 1, column 3: the environment cannot be printed",
		"{{print .}}":                  ours + "line 1, column 3: the environment cannot be printed",
		"{{printf \"%s\" .}}":          ours + "line 1, column 3: the environment cannot be printed",
		"{{eq . .}}":                   "line 1, column 3: the environment and the environment cannot be compared",
		"{{eq .A 1}}":                  "line 1, column 3: a text and an int cannot be compared",
		"{{lt true false}}":            "line 1, column 3: a bool and a bool cannot be compared",
		"{{lt 1 1.5}}":                 "line 1, column 3: an int and a float cannot be compared",
		"{{eq .A}}":                    "line 1, column 3: eq: 1 arguments",
		"{{not}}":                      "line 1, column 3: not: 0 arguments",
		"{{print (len)}}":              "line 1, column 10: len: 0 arguments",
		"{{len 1}}":                    "line 1, column 3: len: an int has no length",
		"{{printf 1}}":                 "line 1, column 3: printf: the format is an int",
		"{{index .A 0}}":               ours + "line 1, column 3: its arguments are not those of index . \"NAME\"",
		"{{index . 0}}":                "line 1, column 3: its arguments are not those of index . \"NAME\"",
		"{{range .A}}{{end}}":          "line 1, column 9: range goes over the environment or a number, and not over a text",
		"{{range $i, $x := 3}}{{end}}": "line 1, column 9: range over a number has one variable",
		"{{99999999999999999999}}":     "line 1: ",
		"{{0xffffffffffffffff}}":       "line 1, column 3: 0xffffffffffffffff overflows int",
		"{{define \"t\"}}{{.A}}{{end}}\n{{template \"t\"}}":           ours + "line 1, column 17: there is no .A in nothing",
		"{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}": ours + "line 1, column 26: more than 1000 templates within templates",
		"{{range 999999999999}}{{end}}":                               ours + "line 1, column 9: the template takes more than",
		"{{json .BYTES}}":                                             ours + "line 1, column 3: json: the value is not UTF-8",
		"{{(1).A}}":                                                   "line 1, column 6: there is no .A in an int",
	} {
		rule, only := strings.CutPrefix(want, ours)
		got, err := fill(text, goValues)
		if got != "" || err == nil || !strings.HasPrefix(err.Error(), rule) || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s\n got %q %v\nwant %s", text, got, err, rule)
		}
		if !only {
			if out, err := reference(text); err == nil {
				t.Errorf("%s: text/template gives %q", text, out)
			}
		}
	}
}

func TestGoListsUndefinedNamesTogether(t *testing.T) {
	for text, want := range map[string]string{
		"{{.NO}}": "not defined: NO (line 1)",
		"{{.A}}\n{{.NO}} {{index . \"x/y\"}}\n{{.NO}}": "not defined: NO (line 2, 3), x/y (line 2)",
		"{{range 9}}{{$.NO}}{{end}}{{$.OTHER}}":        "not defined: NO (line 1), OTHER (line 1)",
		"{{if .NO}}x{{end}}{{with .TYPO}}y{{end}}":     "not defined: NO (line 1), TYPO (line 1)",
		"{{.NO}}{{lt .NO 1}}":                          "not defined: NO (line 1)",
	} {
		got, err := fill(text, goValues)
		if u, ok := errors.AsType[*template.Undefined](err); !ok || got != "" || err.Error() != want || errs.KindOf(err) != errs.NotFound || len(u.Names) == 0 {
			t.Errorf("%s: %q %v, want %s", text, got, err, want)
		}
	}
}

func TestGoReturnsAnErrorOfLookup(t *testing.T) {
	want := errors.New("no")
	_, err := template.Go("{{.A}}", nil, func(string) (string, bool, error) { return "", false, want })
	if err != want { //nolint:errorlint // that very one
		t.Error(err)
	}
}

func TestGoIsBounded(t *testing.T) {
	big := map[string]string{"B": strings.Repeat("x", 1<<20)}
	for _, text := range []string{
		"{{range 65}}{{$.B}}{{end}}",
		`{{$x := "x"}}{{range 100}}{{$x = printf "%s%s" $x $x}}{{end}}`,
		`{{$x := "x"}}{{range 100}}{{$x = print $x $x}}{{end}}`,
		`{{$x := .B}}{{range 100}}{{$x = html $x $x}}{{end}}`,
		`{{range 900000}}{{$x := printf "%999999d" 1}}{{end}}`,
		`{{$x := print .B .B .B .B .B .B .B .B}}{{range 900000}}{{$y := eq (print $x) (print $x)}}{{end}}`,
		`{{printf "` + strings.Repeat("%1000000d", 200) + `" 1}}`,
		`{{define "a"}}{{template "b"}}{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{end}}{{template "a"}}`,
		strings.Repeat("x", 1<<20+1),
	} {
		if out, err := fill(text, big); out != "" || errs.KindOf(err) != errs.Invalid {
			t.Errorf("%.80s: %d bytes, %v", text, len(out), err)
		}
	}
	deep := strings.Repeat("{{if 1}}", 20_000) + strings.Repeat("{{end}}", 20_000)
	if _, err := fill(deep, nil); err != nil {
		t.Error(err)
	}
	var names strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&names, "{{.N%d}}", i)
	}
	if _, err := fill(names.String(), nil); err == nil || len(err.Error()) > 10_000 {
		t.Errorf("%.300v", err)
	}
}

// Whatever we fill, text/template fills alike.
func FuzzGo(f *testing.F) {
	for _, text := range same {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := fill(text, goValues)
		if err != nil {
			if got != "" {
				t.Errorf("%q with %v", got, err)
			}
			return
		}
		want, wantErr := reference(text)
		if wantErr != nil && ours(text) {
			return
		}
		if wantErr != nil || got != want {
			t.Errorf("%q\n got %q\nwant %q %v", text, got, want, wantErr)
		}
	})
}

// ours tells whether a template uses what text/template does not have.
func ours(text string) bool {
	return strings.Contains(text, "has") || strings.Contains(text, "json") || strings.Contains(text, "base64")
}
