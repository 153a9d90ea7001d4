//go:build real

package format_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
)

// Hostile files of the other formats are read as the parsers of others read them,
// or refused. Of what is no text to the parser, such as a number, only the name
// is compared.
func TestRealHostileFiles(t *testing.T) {
	python := realtest.Need(t, "/usr/bin/python3", "apt-get install python3 python3-yaml")
	py := func(read string) parser {
		return byScript(python, "-c", `import csv, io, json, sys, tomllib, yaml
def pick(d):
	return {str(k): v if isinstance(v, str) else None for k, v in d.items()}
def read(s):
	try:
		return pick(`+read+`)
	except Exception:
		return None
print(json.dumps([read(s) for s in json.load(open(sys.argv[1]))]))`)
	}
	for _, c := range []struct {
		reader string
		lines  []string // %s is the name
		pieces []string
		parse  parser
	}{
		{
			"json", []string{`"%s": "@",`, `"%s": @,`, `"%s" : [@],`},
			[]string{"x", `\n`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\"`, `"`, `\\`, `\`, "\n", "\t", "1", "null", "true", "{", "}", "é", "\u2028", `\/`, ",", "\r"},
			py("json.loads('{' + s.rstrip().rstrip(',') + '}')"),
		},
		{
			"yaml", []string{`%s: "@"`, "%s: '@'", "%s: @", "%s: |\n  @", "%s: >-\n  @\n"},
			[]string{"x", " ", "  ", "\n  ", "\n\n", "\n", "#", " #", ":", ": ", "'", "''", `"`, `\n`, `\x41`, `\\`, `\`, "\\\n  ", "-", "[", "]", "{", "}", ",", "&a", "*a", "!", "|", ">", "%", "@", "`", "~", "null", "1", "é", "\t", "\u00a0", "?"},
			py("yaml.safe_load(s)"),
		},
		{
			"toml", []string{`%s = "@"`, "%s = '@'", "%s = \"\"\"@\"\"\"", "%s = '''@'''", "%s = @"},
			[]string{"x", " ", "\n", "\r\n", "\t", `"`, `""`, "'", "''", `\n`, `\u00e9`, `\U0001F600`, `\\`, `\`, "\\\n  ", `\q`, "#", "=", "é", "1", "true", "[", "]", "\u00a0"},
			py("tomllib.load(io.BytesIO(s.encode()))"),
		},
		{
			"csv", []string{"%s,@", `%s,"@"`, `%s,"@"` + "\r"},
			[]string{"x", " ", ",", `""`, `"`, "\n", "\r\n", "\r", "é", "'", `\`},
			py("dict(r for r in csv.reader(io.StringIO(s, newline='')) if r)"),
		},
		{
			"tfvars", []string{`%s = "@"`, "%s = <<EOT\n@\nEOT", "%s = <<-EOT\n  @\n   x\n  EOT", "%s = @"},
			[]string{"x", " ", "\n", "\n  ", "\t", `"`, `\n`, `\u00e9`, `\U0001F600`, `\\`, `\`, `\"`, "$", "$$", "${", "$${", "%", "%%{", "%{", "{", "}", "#", "//", "/*", "*/", "é", "1", "true", "\r\n", "EOT", "\u00a0", "e\u0301", "\x01"},
			byScript(goJudge(t), "tfvars"),
		},
	} {
		t.Run(c.reader, func(t *testing.T) {
			r := rand.New(rand.NewPCG(91, 1))
			var texts []string
			for range manyFiles {
				var b strings.Builder
				for i := range 1 + r.IntN(3) {
					var v strings.Builder
					for range r.IntN(7) {
						v.WriteString(c.pieces[r.IntN(len(c.pieces))])
					}
					line := strings.Replace(c.lines[r.IntN(len(c.lines))], "%s", fmt.Sprintf("V%d", i), 1)
					b.WriteString(strings.Replace(line, "@", v.String(), 1) + "\n")
				}
				texts = append(texts, b.String())
			}
			read := 0
			for i, got := range c.parse(t, texts) {
				text := texts[i]
				switch c.reader {
				case "json":
					text = "{" + strings.TrimRight(strings.TrimRight(text, " \n\r\t"), ",") + "}"
				case "csv":
					text = "NAME,VALUE\n" + text
				}
				es, err := readText(c.reader, "", text)
				if err != nil {
					continue
				}
				read++
				same := got != nil && len(got) == len(es)
				for _, e := range es {
					v, ok := got[string(e.Key)]
					same = same && (ok || c.reader == "tfvars") && (v == nil || *v == e.Value.Reveal())
				}
				switch {
				case c.reader == "tfvars" && got != nil && len(got) < len(es): // its numbers are left out
				case c.reader == "yaml" && got == nil: // PyYAML knows fewer places for tabs
				case !same:
					shown, _ := json.Marshal(got)
					t.Errorf("%.300q\n is %.300s\n and not %.300q", text, shown, list(es))
				}
			}
			t.Logf("%d files of %d read", read, len(texts))
			if read < len(texts)/20 {
				t.Error("too few are read to judge by")
			}
		})
	}
}

// Terraform takes every character as it is that skret writes for it.
func TestRealTFVarsCharacters(t *testing.T) {
	f, _ := format.Lookup("tfvars")
	var kept secret.Set
	for r := rune(1); r <= utf8.MaxRune; r++ {
		v := secret.Variable{Name: fmt.Sprintf("V%d", r), Value: secret.NewValue("e" + string(r) + "${")}
		if _, err := f.Text(secret.Set{v}); err == nil && utf8.ValidRune(r) && (r < 0x3400 || r > 0xa000 && r < 0x20000 || r%97 == 0) {
			kept = append(kept, v)
		}
	}
	text, err := f.Text(kept)
	if err != nil {
		t.Fatal(err)
	}
	got := byScript(goJudge(t), "tfvars")(t, []string{string(text)})[0]
	for _, v := range kept {
		if s := got[v.Name]; s == nil || *s != v.Value.Reveal() {
			t.Errorf("%q comes back otherwise", v.Value.Reveal())
		}
	}
	t.Logf("%d characters", len(kept))
}
