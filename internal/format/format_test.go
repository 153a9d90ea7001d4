package format_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

// readers are the formats with readers: by their rules, and our own.
var readers = []struct {
	format string
	read   func(text string) (vars, error)
}{
	{"dotenv", readShell("")},
	{"shell", readShell("export ")},
	{"json", readJSON},
	{"yaml", readYAML},
	{"docker", readDocker},
	{"github", readGitHub(false)},
	{"github", readGitHub(true)},
	{"powershell", readPowerShell},
	{"fish", readFish},
	{"dotenv", readOurs("dotenv")},
	{"docker", readOurs("docker")},
	{"json", readOurs("json")},
	{"yaml", readOurs("yaml")},
	{"toml", readOurs("toml")},
	{"tfvars", readOurs("tfvars")},
	{"properties", readOurs("properties")},
	{"csv", readOurs("csv")},
}

// write writes in the format and gives the text, or what was refused.
func write(t testing.TB, name string, s secret.Set) (string, error) {
	t.Helper()
	f, ok := format.Lookup(name)
	if !ok {
		t.Fatalf("no format %q", name)
	}
	text, err := f.Text(s)
	if err != nil && text != nil {
		t.Errorf("%s: text in spite of %v", name, err)
	}
	return string(text), err
}

// readBack asserts that the set, which the format takes, comes back exactly.
func readBack(t testing.TB, name string, read func(string) (vars, error), s secret.Set) {
	t.Helper()
	text, err := write(t, name, s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	got, err := read(text)
	if err != nil {
		t.Fatalf("%s: %v\n%.500q", name, err, text)
	}
	if len(got) != len(s) {
		t.Errorf("%s: %d variables of %d", name, len(got), len(s))
	}
	for _, v := range s {
		if got, want := got[v.Name], v.Value.Reveal(); got != want {
			t.Errorf("%s: %.200q, want %.200q", name, got, want)
		}
	}
}

func TestEveryFormatHasAReaderAndADoc(t *testing.T) {
	for _, f := range format.All() {
		if f.Doc == "" || !slices.ContainsFunc(readers, func(r struct {
			format string
			read   func(string) (vars, error)
		}) bool {
			return r.format == f.Name
		}) {
			t.Errorf("%s lacks something", f.Name)
		}
	}
	if format.Names()[0] != "dotenv" {
		t.Error("dotenv is not the default")
	}
	if _, ok := format.Lookup("no"); ok {
		t.Error("there is a format of any name")
	}
}

// Thousands of values are exact or refused, alone and together.
func TestReadBack(t *testing.T) {
	for i, r := range readers {
		all := set(values(uint64(i), 2000, "canary")...)
		var taken secret.Set
		_, allErr := write(t, r.format, all)
		for _, v := range all {
			if _, err := write(t, r.format, secret.Set{v}); err == nil {
				taken = append(taken, v)
			} else if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), string(v.Key)) || !strings.Contains(allErr.Error(), string(v.Key)) {
				t.Errorf("%s: the refusal does not name %s: %v", r.format, v.Key, err)
			}
		}
		readBack(t, r.format, r.read, taken)
		t.Logf("%s: %d of %d values taken", r.format, len(taken), len(all))
	}
}

func TestWriting(t *testing.T) {
	s := set("plain", "it's", "a\n$b", `"ü\`)
	for name, want := range map[string]string{
		"shell":      "export V0='plain'\nexport V1='it'\\''s'\nexport V2='a\n$b'\nexport V3='\"ü\\'\n",
		"json":       "{\n  \"V0\": \"plain\",\n  \"V1\": \"it's\",\n  \"V2\": \"a\\n$b\",\n  \"V3\": \"\\\"ü\\\\\"\n}\n",
		"yaml":       "\"V0\": \"plain\"\n\"V1\": \"it's\"\n\"V2\": \"a\\n$b\"\n\"V3\": \"\\\"ü\\\\\"\n",
		"powershell": "$env:V0 = 'plain'\n$env:V1 = 'it''s'\n$env:V2 = -join ('a', [char]10, '$b')\n$env:V3 = -join ('\"', [char]252, '\\')\n",
		"toml":       "V0 = \"plain\"\nV1 = \"it's\"\nV2 = \"a\\n$b\"\nV3 = \"\\\"ü\\\\\"\n",
		"tfvars":     "V0 = \"plain\"\nV1 = \"it's\"\nV2 = \"a\\n$b\"\nV3 = \"\\\"ü\\\\\"\n",
		"properties": "V0=plain\nV1=it's\nV2=a\\n$b\nV3=\"\\u00fc\\\\\n",
		"csv":        "NAME,VALUE\nV0,\"plain\"\nV1,\"it's\"\nV2,\"a\n$b\"\nV3,\"\"\"ü\\\"\n",
		"fish":       "set -gx V0 'plain'\nset -gx V1 'it\\'s'\nset -gx V2 'a\n$b'\nset -gx V3 '\"ü\\\\'\n",
	} {
		if got, err := write(t, name, s); err != nil || got != want {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	s = set("plain", "it's", `{"a": "$b"}`)
	for name, want := range map[string]string{
		"dotenv": "V0='plain'\nV1=\"it's\"\nV2='{\"a\": \"$b\"}'\n",
		"docker": "V0=plain\nV1=it's\nV2={\"a\": \"$b\"}\n",
	} {
		if got, err := write(t, name, s); err != nil || got != want {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	for _, f := range format.All() {
		want := map[string]string{"json": "{}\n", "yaml": "{}\n", "csv": "NAME,VALUE\n"}[f.Name]
		if got, err := write(t, f.Name, nil); err != nil || got != want {
			t.Errorf("%s: nothing is %q, %v", f.Name, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ formats, name, value, why string }{
		{"dotenv shell json yaml docker github powershell fish toml tfvars properties csv", "V", "a\x00b", "NUL"},
		{"dotenv shell json yaml docker github powershell fish toml tfvars properties csv", "A-B", "a", "name"},
		{"dotenv shell json yaml docker github powershell fish toml tfvars properties csv", "A=$(id)", "a", "name"},
		{"dotenv shell json yaml docker github powershell fish toml tfvars properties csv", "", "a", "name"},
		{"dotenv json yaml docker github powershell toml tfvars properties csv", "V", "\xff", "not UTF-8"},
		{"dotenv", "V", "a\r\nb", "carriage return"},
		{"dotenv", "V", `a\\b`, "backslashes"},
		{"dotenv", "V", `a\`, "backslashes"},
		{"dotenv", "V", "a${b", "python-dotenv"},
		{"dotenv", "V", `it's "b"`, "single quote"},
		{"dotenv", "V", "it's $b", "single quote"},
		{"dotenv", "V", "it's `b`", "single quote"},
		{"dotenv", "V", `it's \b`, "single quote"},
		{"docker", "V", "a\nb", "line break"},
		{"docker", "V", "a\r", "carriage return"},
		{"docker", "V", strings.Repeat("x", 64<<10), "64 KiB"},
		{"github", "V", "a\r", "carriage return"},
		{"github", "NODE_OPTIONS", "a", "runner"},
		{"github", "GITHUB_REPOSITORY", "a", "runner"},
		{"powershell", "V", "", "empty"},
		{"dotenv shell fish", "PWD", "a", "shells"},
		{"dotenv shell", "BASH_ALIASES", "a", "shells"},
		{"dotenv shell", "RANDOM", "a[$(id)]", "shells"},
		{"dotenv shell fish", "small", "a", "shells"},
		{"shell", "USERNAME", "root", "shells"},
		{"fish", "PATH", "a::b", "path"},
		{"tfvars", "V", "e\u0301", "Terraform"},
		{"tfvars", "V", "\u212b", "Terraform"},
	} {
		for f := range strings.FieldsSeq(c.formats) {
			_, err := write(t, f, secret.Set{{Name: c.name, Value: secret.NewValue(c.value), Key: "the/key"}})
			if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), f+" cannot carry the/key") || !strings.Contains(err.Error(), c.why) || errs.HintOf(err) == "" {
				t.Errorf("%s: %s=%.20q: %v", f, c.name, c.value, err)
			}
		}
	}
	for _, c := range []struct{ format, name, value string }{
		{"github", "GITHUB_TOKEN", "a"}, {"dotenv", "USERNAME", "a"}, {"dotenv", "V", "$a $(b) `c` #"}, {"docker", "V", "a\rb"},
		{"docker", "V", strings.Repeat("x", 64<<10-4)}, {"fish", "UID", "a"}, {"shell", "V", "\xff"}, {"fish", "V", "\xff"}, {"fish", "MY_PATH", "a::b"},
		{"tfvars", "V", "é ${a} %{b} $${c} 日本"},
	} {
		if _, err := write(t, c.format, secret.Set{{Name: c.name, Value: secret.NewValue(c.value)}}); err != nil {
			t.Errorf("%s: %s=%.20q: %v", c.format, c.name, c.value, err)
		}
	}
}

// All keys that are refused are named, by reason, and no value is.
func TestRefusalNamesAllKeys(t *testing.T) {
	_, err := write(t, "docker", set("fine", "hunter2\n", "hunter2\xff", "fine", "\nhunter2"))
	want := "docker cannot carry kV1, kV4: the value has a line break\ndocker cannot carry kV2: the value is not UTF-8"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// Whoever chooses a value cannot set another variable by it.
func TestGitHubDelimiterIsNotToBeGuessed(t *testing.T) {
	one, _ := write(t, "github", set("a"))
	two, _ := write(t, "github", set("a"))
	if one == two {
		t.Error("the delimiter is the same twice")
	}
	lines := strings.Split(one, "\n")
	if len(lines) != 4 || lines[0] != "V0<<"+lines[2] || len(lines[2]) < 26 {
		t.Errorf("%q", one)
	}
}

func TestMasks(t *testing.T) {
	got := string(format.Masks(set("one", "100%\r\n\r\n  two  \n one\n\t\n%0Athree\n", "", " ", "a::b")))
	want := "::add-mask::one\n::add-mask::100%25\n::add-mask::two\n::add-mask::%250Athree\n::add-mask::a::b\n"
	if got != want {
		t.Errorf("%q", got)
	}
}

// pair fuzzes a writer and its reader: two values, so that one cannot reach into
// the other.
func pair(f *testing.F, name string) {
	for _, v := range hostile {
		if len(v) < 1000 {
			f.Add(v, "'; b")
			f.Add("a", v)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		s := set(a, b)
		if _, err := write(t, name, s); err != nil {
			for _, v := range s {
				_, alone := write(t, name, secret.Set{v})
				if named := strings.Contains(err.Error(), fmt.Sprint(v.Key)); named != (alone != nil) {
					t.Errorf("%s: named %v, alone %v", v.Key, named, alone)
				}
			}
			return
		}
		for _, r := range readers {
			if r.format == name {
				readBack(t, name, r.read, s)
			}
		}
	})
}

func FuzzDotenv(f *testing.F)     { pair(f, "dotenv") }
func FuzzShell(f *testing.F)      { pair(f, "shell") }
func FuzzJSON(f *testing.F)       { pair(f, "json") }
func FuzzYAML(f *testing.F)       { pair(f, "yaml") }
func FuzzDocker(f *testing.F)     { pair(f, "docker") }
func FuzzGitHub(f *testing.F)     { pair(f, "github") }
func FuzzPowerShell(f *testing.F) { pair(f, "powershell") }
func FuzzFish(f *testing.F)       { pair(f, "fish") }
func FuzzTOML(f *testing.F)       { pair(f, "toml") }
func FuzzTFVars(f *testing.F)     { pair(f, "tfvars") }
func FuzzProperties(f *testing.F) { pair(f, "properties") }
func FuzzCSV(f *testing.F)        { pair(f, "csv") }
