package format_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
)

const (
	manifestHead = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"
	jsonHead     = `{"apiVersion": "v1", "kind": "Secret", `
)

func TestReaders(t *testing.T) {
	for _, c := range []struct{ reader, text, want string }{
		{"dotenv", "", ""},
		{"docker", "# c\nA='x' # y\nB=\n", "A='x' # y|B="},

		{"json", "{}", ""},
		{"json", ` { "A" : "x\n\u00e9\ud83d\ude00\/\"\\" , "b/c": "" } `, "A=x\né😀/\"\\|b/c="},
		{"json", `{"n": 1.50, "e": -1E+02, "t": true, "f": false, "z": null, "zero": 0}`, "n=1.50|e=-1E+02|t=true|f=false|z?|zero=0"},
		{"json", "\ufeff{\"A\":\"x\ufeff\"}\r\n", "A=x\ufeff"},

		{"yaml", "", ""},
		{"yaml", "# c\n---\nA: x\nB: \"a\\tb\\u00e9\"\nC: 'it''s'\nD: |\n  l1\n  l2\nE: >-\n  f1\n  f2\n", "A=x|B=a\tbé|C=it's|D=l1\nl2\n|E=f1 f2"},
		{"yaml", "n: 0x1F\ne: 1e3\nt: true\ny: yes\nd: 2001-01-01\nz: ~\nq: null\ns: 'null'\nv:\n", "n=0x1F|e=1e3|t=true|y=yes|d=2001-01-01|z?|q?|s=null|v?"},
		{"yaml", "{}\n", ""},
		{"yaml", `{"A": "x", "B": 2}`, "A=x|B=2"},

		{"toml", "", ""},
		{"toml", "# c\nA = \"x\\n\\u00e9\"\n\"b/c\" = 'it\\s'\nm = \"\"\"\nl1\nl2\"\"\"\nq = '''a'b'''\n", "A=x\né|b/c=it\\s|m=l1\nl2|q=a'b"},
		{"toml", "n = 1_000\nh = 0xFF\nf = 1.50\nt = true\ni = +inf\r\n", "n=1_000|h=0xFF|f=1.50|t=true|i=+inf"},

		{"tfvars", "", ""},
		{"tfvars", "# c\n// d\n/* e\n f */ A = \"x\\n\\t\\\"\\\\\\u00e9\\U0001F600\" # g\nb-c=\"$${a} %%{b} $x 5% $$\" /* h\n */\n", "A=x\n\t\"\\é😀|b-c=${a} %{b} $x 5% $$"},
		{"tfvars", "n = 1.5\nm = -20\nt = true\nz = null\nw = 0\r\n", "n=1.5|m=-20|t=true|z?|w=0"},
		{"tfvars", "A = <<EOT\n  l1\n$${x} \\n \"\n\n  EOT\nB = <<-E-2\n    a\n\n   \n      b\n    E-2\nC = 1\n", "A=  l1\n${x} \\n \"\n\n|B=a\n\n   \n  b\n|C=1"},
		{"tfvars", "A = <<EOT\r\nl1\r\nEOT\r\n", "A=l1\r\n"},

		{"properties", "", ""},
		{"properties", "# c\n! d\n\nA=x\n  B : y \nc.d   e=f\nG = \\ h\\n\\t\\u00e9\\ud83d\\ude00\\q\\\\\n", "A=x|B=y |c.d=e=f|G= h\n\té😀q\\"},
		{"properties", "A=x\\\n   y\\\r\n\tz\r\nk\\ e\\=y=ü\rB=", "A=xyz|k e=y=ü|B="},
		{"properties", "A=x\\\\\nB=y\\", "A=x\\|B=y"},

		{"csv", "NAME,VALUE\n", ""},
		{"csv", "key,value\r\nA,x y\r\nB,\"a,\"\"b\"\"\r\nc\nd\"\r\n\r\n\"C\",\nD,\"\"", "A=x y|B=a,\"b\"\r\nc\nd|C=|D="},
		{"csv", "\ufeffName,Value\na/b, x \n", "a/b= x "},

		{"kubernetes", manifestHead + "type: Opaque\nimmutable: true\ndata:\n  a.b: eA==\n  c: eQ==\nstringData:\n  c: z\n  d: |\n    l\n", "a.b=x|c=z|d=l\n"},
		{"kubernetes", "# c\n---\n" + manifestHead + "data: {A: eA==}\n---\n" + manifestHead + "data:\n---\n# none\n---\n" + manifestHead + "stringData: {B: ''}\n", "A=x|B="},
		{"kubernetes", jsonHead + `"data": {"A": "eA==", "n": null}, "stringData": {"B": "\ud83d\ude00"}}`, "A=x|n?|B=😀"},
		{"kubernetes", `{"apiVersion": "v1", "kind": "List", "items": [` + jsonHead + `"data": {"A": "eA=="}}, ` + jsonHead + `"data": {"B": "eQ=="}}]}`, "A=x|B=y"},
		{"kubernetes", "apiVersion: v1\nkind: SecretList\nitems:\n- apiVersion: v1\n  kind: Secret\n  data:\n    A: |\n      eH\n      k=\n", "A=xy"},
	} {
		if es, err := readText(c.reader, "", c.text); err != nil || list(es) != c.want {
			t.Errorf("%s: %q is %q, %v, want %q", c.reader, c.text, list(es), err, c.want)
		}
	}
}

// What is refused is refused by line and, where there is one, by name; the value
// is not shown, nor anything that could be a part of one.
func TestReadersRefuse(t *testing.T) {
	for _, c := range []struct{ reader, text, want string }{
		{"dotenv", "A=x\nB='hunter2\n", "line 2: B: "},
		{"dotenv", "A=x\nhunter2\n", "line 2: this is not NAME=value"},
		{"dotenv", "A='hunter2\x00'\n", "line 1: A: the value has a NUL byte"},
		{"dotenv", "A=x\nB='hunter2\xff'\n", "line 2: B: the value is not UTF-8"},
		{"dotenv", "B=-----BEGIN-----\nhunter2+hunter2=\n", "line 2: this is not NAME=value"},
		{"dotenv", "hunter2=\nhunter2=\n", "line 2: the name is there already, in line 1"},
		{"dotenv", "A='x'\n\n# c\nA='y'\n", "line 4: A: the name is there already, in line 1"},
		{"docker", "A=" + strings.Repeat("hunter2", 10000), "line 1: A: docker reads no line"},

		{"json", ``, "line 1: this is not valid JSON"},
		{"json", "\n[\"hunter2\"]", "line 2: the text must be names"},
		{"json", `"hunter2"`, "line 1: the text must be names"},
		{"json", "{\"A\": \"x\",\n \"B\": {\"c\": \"hunter2\"}, \"D\": [\"hunter2\"]}", "line 2: B: the value has parts of its own, and must be one text\nline 2: D: the value has"},
		{"json", "{\"A\": \"x\",\n \"A\": \"hunter2\"}", "line 2: A: the name is there already, in line 1"},
		{"json", "{\"A\": \"hunter2\"}\n}", "line 2: something stands behind"},
		{"json", "{\"A\":\n\"hunter2\\ud800\"}", "line 2: A: an escape is half"},
		{"json", `{"A": "hunter2\q"}`, "line 1: A: a backslash"},
		{"json", "{\"A\": \"hunter2\n\"}", "line 1: A: a control"},
		{"json", `{"A": "hunter2`, "line 1: A: a string begins here"},
		{"json", `{"A": 01}`, "line 1: "},
		{"json", `{"A": hunter2}`, "line 1: A: this is not valid JSON"},
		{"json", `{"A": "hunter2",}`, "line 1: this is not"},
		{"json", `{"A" "hunter2"}`, "line 1: this is not"},
		{"json", `{"A": "x" "hunter2": "y"}`, "line 1: this is not"},
		{"json", "{\"A\": \"hunter2\xff\"}", "line 1: A: the value is not UTF-8"},
		{"json", "{\"\xff\": \"hunter2\"}", "line 1: the name is not UTF-8"},
		{"json", `{"": "hunter2"}`, "line 1: the name is empty"},
		{"json", `{"A": "\u0000"}`, "line 1: A: the value has a NUL byte"},
		{"json", `{"a": ` + strings.Repeat("[", 100000), "nested too deeply"},

		{"yaml", "hunter2\n", "line 1: the text must be names"},
		{"yaml", "A: x\n\nB: [hunter2]\nC: {d: hunter2}\n", "line 3: B: the value has parts of its own, and must be one text\nline 4: C: the value has"},
		{"yaml", "A: x\nA: hunter2\n", "line 2: A: the name is there already, in line 1"},
		{"yaml", "A: &a hunter2\nB: *a\n", "line 1: A: anchors are not allowed"},
		{"yaml", "A: !!str hunter2\n", "line 1: A: tags"},
		{"yaml", "A: ! hunter2\n", "line 1: A: tags"},
		{"yaml", "<<: {A: hunter2}\n", "line 1: merges"},
		{"yaml", "A: x\n---\nB: hunter2\n", "line 3: a second document"},
		{"yaml", "A: x\nB: \"hunter2\n", "this is not valid YAML"},
		{"yaml", "A: x\nB: hunter2: x\n", "line 2: this is not valid YAML"},
		{"yaml", "A: x\nB: 'hunter2\u0085'\n", "line 2: a character"},
		{"yaml", "A: hunter2\xff\n", "line 1: this is not UTF-8"},
		{"yaml", "A: hunter2\x00\n", "line 1: a character"},
		{"yaml", "~: hunter2\n[a]: b\n", "line 1: a name must be a text"},
		{"yaml", strings.Repeat("[", 100000), "not valid YAML"},

		{"toml", "A = 'x'\n[hunter]\nB = 'hunter2'\n[[c]]\n", "line 2: hunter: the value has parts of its own, and must be one text\nline 4: c: "},
		{"toml", "a.b = 'hunter2'\n", "line 1: a: the name has parts"},
		{"toml", "A = ['hunter2']\nB = {c = 'hunter2'}\n", "line 1: A: the value has parts of its own, and must be one text\nline 2: B: "},
		{"toml", "A = 'x'\nA = 'hunter2'\n", "line 2: A: the name is there already, in line 1"},
		{"toml", "A = 2001-01-01\n", "line 1: A: the value is a date"},
		{"toml", "A = 'x'\nB = hunter2\n", "line 2: this is not valid TOML"},
		{"toml", "A = 'x'\nB = 'hunter2\n", "line 2: this is not valid TOML"},
		{"toml", "A = \"\"\"hunter2\r\nx\"\"\"\n", "line 1: A: readers of TOML"},
		{"toml", "A = 'hunter2\xff'\n", "line 1: this is not valid TOML"},
		{"toml", "A = \"\\u0000hunter2\"\n", "line 1: A: the value has a NUL"},
		{"toml", "A =", "line 1: this is not valid TOML"},

		{"tfvars", "A = \"x\"\nB = \"hunter2${x}\"\n", "line 2: B: ${ and %{ begin"},
		{"tfvars", "B = \"hunter2%{if x}\"\n", "line 1: B: ${ and %{ begin"},
		{"tfvars", "A = [\n  \"hunter2\", # ]\n]\nB = { c = \"hunter2}\" }\nC = \"x\"\n", "line 1: A: the value has parts of its own, and must be one text\nline 4: B: the value has"},
		{"tfvars", "A = \"x\"\nA = \"hunter2\"\n", "line 2: A: the name is there already, in line 1"},
		{"tfvars", "A = \"hunter2\n\"\n", "line 1: A: the quote that begins here"},
		{"tfvars", "A = \"hunter2\\q\"\n", "line 1: A: a backslash"},
		{"tfvars", "A = \"hunter2\\ud800\"\n", "line 1: A: a backslash"},
		{"tfvars", "A = hunter2\n", "line 1: A: this is not"},
		{"tfvars", "A = file(\"hunter2\")\n", "line 1: A: this is not"},
		{"tfvars", "A = \"hunter2\" B = \"x\"\n", "line 1: A: more than one"},
		{"tfvars", "A = 1.50\nB = 007\nC = 1e3\nD = 1 + 1\n", "line 1: A: the number is not in its shortest form"},
		{"tfvars", "A = <<EOT\nhunter2\n", "line 1: A: the mark that ends"},
		{"tfvars", "A = <<EOT\n${hunter2}\nEOT\n", "line 1: A: ${ and"},
		{"tfvars", "A = <<\"EOT\"\nhunter2\nEOT\n", "line 1: A: << must"},
		{"tfvars", "A = \"hunter2e\u0301\"\n", "line 1: A: the value has characters that Terraform"},
		{"tfvars", "hunter2\n", "line 1: this is not NAME = VALUE"},
		{"tfvars", "A = \"x\"\n/* hunter2\n", "line 2: this is not NAME = VALUE"},
		{"tfvars", "A =\n\"hunter2\"\n", "line 1: A: this is not"},

		{"properties", "A=x\nhunter2\n", "line 2: a name stands here"},
		{"properties", "\\\nA=hunter2\nA=x\n", "line 1: a backslash stands alone"},
		{"properties", "A=x\\\n\\\n\nB=\\uhunter2\n", "line 4: B: a backslash"},
		{"properties", "B=hunter2\\ud83d\n", "line 1: B: an escape is half"},
		{"properties", "A=x\nA=hunter2\n", "line 2: A: the name is there already, in line 1"},
		{"properties", "=hunter2\n", "line 1: the name is empty"},
		{"properties", "A=hunter2\xff\n", "line 1: A: the value is not UTF-8"},
		{"properties", "hunter2=\nhunter2=\n", "line 2: the name is there already, in line 1"},

		{"csv", "hunter2,x\n", "line 1: the first row must be"},
		{"csv", "NAME,VALUE\nA,hunter2,x\nB\n", "line 2: the row must have two columns\nline 3: the row"},
		{"csv", "NAME,VALUE\n\"\"\nA,hunter2\n", "line 2: the row must have two columns"},
		{"csv", "NAME,VALUE\nA,\"hunter2\n", "line 2: a field in quotes"},
		{"csv", "NAME,VALUE\nA,\"hunter2\"x\n", "line 2: text stands behind"},
		{"csv", "NAME,VALUE\nA,hunter2\"x\n", "line 2: a quote or a carriage return"},
		{"csv", "NAME,VALUE\nA,hunter2\rx\n", "line 2: a quote or a carriage return"},
		{"csv", "NAME,VALUE\nA,\"x\n\"\nA,hunter2\n", "line 4: A: the name is there already, in line 2"},

		{"kubernetes", "", "line 1: there is no Secret"},
		{"kubernetes", "hunter2\n", "line 1: this is not a Secret"},
		{"kubernetes", "apiVersion: v1\nkind: ConfigMap\ndata: {A: hunter2}\n", "line 1: this is not a Secret"},
		{"kubernetes", "kind: Secret\nstringData: {A: hunter2}\n", "line 1: this is not a Secret"},
		{"kubernetes", manifestHead + "data:\n  A: hunter2!\n", "line 6: A: the value is not base64"},
		{"kubernetes", manifestHead + "data:\n  A: [hunter2]\n", "line 6: A: the value is not base64"},
		{"kubernetes", manifestHead + "data: hunter2\n", "line 5: data: it must be names"},
		{"kubernetes", manifestHead + "stringData:\n  A: 5\n", "line 6: A: the value must be a text"},
		{"kubernetes", manifestHead + "data:\n  A: /w==\n", "line 6: A: the value is not UTF-8"},
		{"kubernetes", manifestHead + "data:\n  A: eA==\n  A: eQ==\n", "line 7: A: the name is there already, in line 6"},
		{"kubernetes", manifestHead + "data: {A: eA==}\n---\n" + manifestHead + "data: {A: eQ==}\n", "line 11: A: the name is there already, in line 5"},
		{"kubernetes", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  hunter2: x\n", "line 4: this is not a Secret"},
		{"kubernetes", "apiVersion: v1\nkind: List\nitems: hunter2\n", "line 1: the items of this List"},
		{"kubernetes", jsonHead + `"data": {"A": "hunter2"`, "line 1: data: this is not valid JSON"},
	} {
		es, err := readText(c.reader, "", c.text)
		if es != nil || errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.80q is %q, %v, want %q", c.reader, c.text, list(es), err, c.want)
		} else if strings.Contains(fmt.Sprint(err, errs.HintOf(err)), "hunter2") {
			t.Errorf("%s: %.80q shows the value: %v", c.reader, c.text, err)
		}
	}
}

// A file with many problems has them in one error, up to twenty.
func TestReadersReportAllProblems(t *testing.T) {
	for reader, line := range map[string]string{"dotenv": "A$(x)\n", "docker": "x y\n", "yaml": "A%d: [x]\n", "toml": "A%d = []\n", "tfvars": "A%d = []\n", "properties": "x\n", "csv": "x\n"} {
		for n, want := range map[int]int{3: 3, 20: 20, 40: 21} {
			var text strings.Builder
			if reader == "csv" {
				text.WriteString("NAME,VALUE\n")
			}
			for i := range n {
				text.WriteString(strings.ReplaceAll(line, "%d", fmt.Sprint(i)))
			}
			_, err := readText(reader, "", text.String())
			if err == nil || strings.Count(err.Error(), "\n") != want-1 || (want == 21) != strings.HasSuffix(err.Error(), "there are more problems") {
				t.Errorf("%s: %d problems give\n%v", reader, n, err)
			}
		}
	}
}

func TestReadersAreFound(t *testing.T) {
	for _, name := range []string{"dotenv", "docker", "json", "yaml", "toml", "tfvars", "properties", "csv", "kubernetes"} {
		if r, ok := format.LookupReader(name); !ok || r.Name != name || r.Doc == "" {
			t.Errorf("%s lacks something", name)
		}
	}
	if _, ok := format.LookupReader("no"); ok {
		t.Error("there is a reader of any name")
	}
	for file, want := range map[string]string{
		".env": "dotenv", "/a.json/.env.local": "dotenv", "prod.env": "dotenv", ".ENV": "dotenv", "a.json": "json", "a.yaml": "yaml", "a.yml": "yaml",
		"a.toml": "toml", "x.auto.tfvars": "tfvars", "a.tfvars.json": "json", "a.properties": "properties", "a.CSV": "csv", "env": "", ".envrc": "", "a.txt": "", "": "",
	} {
		if name, ok := format.ByName(file); name != want || ok != (want != "") {
			t.Errorf("%q: %q", file, name)
		}
	}
}

func TestReadOptionsAreJudged(t *testing.T) {
	for _, c := range []struct{ reader, dialect, text, want string }{
		{"json", "node", "{}", "there are no dialects of json"},
		{"docker", "docker", "", "there are no dialects of docker"},
		{"dotenv", "ruby", "", `unknown dialect "ruby"`},
		{"dotenv", "", strings.Repeat("#", format.MaxText+1), "larger than 32 MiB"},
		{"csv", "", "\xff\xfeN\x00", "UTF-16"},
	} {
		if _, err := readText(c.reader, c.dialect, c.text); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.reader, err, c.want)
		}
	}
	for _, d := range format.Dialects() {
		if es, err := readText("dotenv", d.Name, "A=x\n"); err != nil || list(es) != "A=x" || d.Doc == "" {
			t.Errorf("%s: %q, %v", d.Name, list(es), err)
		}
	}
}

// A long value, and many, take no more than the time to look at each byte.
func TestReadersTakeLargeFiles(t *testing.T) {
	huge := strings.Repeat("0123456789abcde ", 1<<20)
	long := huge[:1<<20]
	for _, c := range []struct{ reader, head, value, tail string }{
		{"dotenv", "A='", huge, "'\n"},
		{"json", `{"A": "`, huge, `"}`},
		{"yaml", `A: "`, long, "\"\n"},
		{"toml", `A = "`, long, "\"\n"},
		{"tfvars", `A = "`, long, "\"\n"},
		{"properties", "A=", long, "\n"},
		{"csv", "NAME,VALUE\nA,\"", long, "\"\n"},
		{"kubernetes", jsonHead + `"stringData": {"A": "`, long, `"}}`},
	} {
		es, err := readText(c.reader, "", c.head+c.value+c.tail)
		if err != nil || len(es) != 1 || es[0].Value.Len() != len(c.value) {
			t.Errorf("%s: %d entries, %v", c.reader, len(es), err)
		}
	}
	const many = 10000
	for reader, c := range map[string][3]string{
		"dotenv": {"", "A%d='x'\n", ""}, "json": {`{"A":"x"`, `,"A%d":"x"`, "}"}, "yaml": {"", "A%d: x\n", ""}, "toml": {"", "A%d = 'x'\n", ""},
		"tfvars": {"", "A%d = \"x\"\n", ""}, "properties": {"", "A%d=x\n", ""}, "csv": {"NAME,VALUE\n", "A%d,x\n", ""},
	} {
		var b strings.Builder
		b.WriteString(c[0])
		for i := range many {
			b.WriteString(strings.ReplaceAll(c[1], "%d", fmt.Sprint(i)))
		}
		if es, err := readText(reader, "", b.String()+c[2]); err != nil || len(es) < many {
			t.Errorf("%s: %d entries, %v", reader, len(es), err)
		}
	}
}

// What could keep a reader busy does not.
func TestDialectsTakeHostileFiles(t *testing.T) {
	const n = 1 << 16
	for _, text := range []string{
		"A=" + strings.Repeat("${", n), "A='" + strings.Repeat("${", n) + "'", `A="` + strings.Repeat(`\"`, n), strings.Repeat("A=\"\\\"x\n", n), strings.Repeat("A='\n", n),
		strings.Repeat("A=`\"'\n", n), strings.Repeat("# c\n", n), "A=" + strings.Repeat("# ", n), "A=" + strings.Repeat(`\$`, n), "A=" + strings.Repeat("''", n) + strings.Repeat("\n", n), strings.Repeat("A=\n", n),
	} {
		for _, d := range append(format.Dialects(), format.Dialect{}) {
			if _, err := readText("dotenv", d.Name, text); err != nil && errs.KindOf(err) != errs.Invalid {
				t.Error(err)
			}
		}
	}
}

// arbitrary fuzzes a reader: it says what is wrong without a fault of its own, and
// what it reads comes back from what the format of its name writes.
func arbitrary(f *testing.F, reader string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		es, err := readText(reader, "", text)
		if err != nil {
			if joined, ok := errors.AsType[interface {
				error
				Unwrap() []error
			}](err); es != nil || errs.KindOf(err) != errs.Invalid || ok && len(joined.Unwrap()) > 21 {
				t.Errorf("%d entries, %v", len(es), err)
			}
			return
		}
		var values []string
		for _, e := range es {
			values = append(values, e.Value.Reveal())
		}
		s := set(values...)
		if reader == "kubernetes" {
			manifest, err := format.Manifest(s, format.ManifestOptions{Name: "s"})
			if err != nil {
				t.Fatal(err)
			}
			back, err := readText(reader, "", string(manifest))
			if err != nil || !slices.EqualFunc(back, s, func(e secret.Entry, v secret.Variable) bool { return e.Value.Equal(v.Value) }) {
				t.Errorf("%q, %v", manifest, err)
			}
			return
		}
		if _, err := write(t, reader, s); err == nil {
			readBack(t, reader, readOurs(reader), s)
		}
	})
}

func FuzzReadDotenv(f *testing.F) {
	arbitrary(f, "dotenv", "A=x # c\nexport B='y\nz'\n\n# d\nC=\"it's\"\n", "A=\"a\\nb$X\"\r\n")
}
func FuzzReadDocker(f *testing.F) { arbitrary(f, "docker", "A=x # c\nB='y'\n") }
func FuzzReadJSON(f *testing.F) {
	arbitrary(f, "json", `{"A": "x\u00e9", "B": 1.5, "C": null, "D": [{}]}`)
}
func FuzzReadYAML(f *testing.F) {
	arbitrary(f, "yaml", "A: x\nB: \"y\\n\"\nC: |\n  z\n", "a: &a [b]\n---\n")
}
func FuzzReadTOML(f *testing.F) {
	arbitrary(f, "toml", "A = \"x\"\nB = '''y\nz'''\nC = 1\n", "[a]\nb.c = {}\n")
}
func FuzzReadTFVars(f *testing.F) {
	arbitrary(f, "tfvars", "A = \"x\\n$${y}\" # c\nB = <<-EOT\n  z\n  EOT\n", "A = [\n\"}\"]\n/* */\n")
}
func FuzzReadProperties(f *testing.F) {
	arbitrary(f, "properties", "A=x\\\n  y\nB : \\u00e9\n! c\nd e\n")
}
func FuzzReadCSV(f *testing.F) { arbitrary(f, "csv", "NAME,VALUE\r\nA,\"x\"\"\r\n,y\"\r\nB,z\n") }
func FuzzReadKubernetes(f *testing.F) {
	arbitrary(f, "kubernetes", manifestHead+"data: {A: eA==}\nstringData: {B: y}\n", jsonHead+`"data": {"A": "eA=="}}`, "kind: List\napiVersion: v1\nitems: []\n")
}
