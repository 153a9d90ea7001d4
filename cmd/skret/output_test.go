package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/cli"
)

// judged is the program under test. What it prints with --format json is held
// against the schemas of docs/reference/output, in every script and every other
// test that starts it: it ends with 99 where it prints anything else.
func judged() {
	name := outputName(os.Args[1:])
	if !asksJSON(os.Args[1:]) || name == "run" { // run's place is taken by another program
		main()
	}
	out, told := listen(&os.Stdout), listen(&os.Stderr)
	code := run()
	err := errors.Join(judgeOutput(name, out()), judgeErrors(told(), code))
	if err != nil {
		fmt.Fprintf(os.Stderr, "skret %q printed what docs/reference/output does not say: %v\n", os.Args[1:], err)
		code = 99
	}
	os.Exit(code)
}

// listen makes a stream of the process one that is listened to, if it is a pipe.
// What it returns ends that, and returns what went by; nil if nothing was heard.
func listen(stream **os.File) func() []byte {
	to := *stream
	info, err := to.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return func() []byte { return nil }
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	*stream = w
	var heard bytes.Buffer
	copied := make(chan error)
	go func() {
		_, err := io.Copy(io.MultiWriter(&heard, to), r)
		copied <- err
	}()
	return func() []byte {
		w.Close()
		if err := <-copied; err != nil {
			os.Exit(1) // nobody reads any more
		}
		*stream = to
		return heard.Bytes()
	}
}

// asksJSON tells whether the command line asks for JSON.
func asksJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	i := slices.Index(args, "--format")
	return slices.Contains(args, "--format=json") || i >= 0 && i+1 < len(args) && args[i+1] == "json"
}

// The commands that print no JSON of their own: what passes through them, and a
// protocol.
var noJSON = []string{"browse", "mask", "mcp", "run"}

// The groups of commands, which print their help.
var groups = []string{"skret", "auth", "cache", "local", "local_recipients"}

// What is printed besides by several commands, and what schemas share.
var shared = []string{"common", "error", "event", "mask"}

// outputName returns the name of the schema of what a command line prints; "run"
// for that, and "" if it is no JSON.
func outputName(args []string) string {
	c, _, err := tree().Find(args)
	if err != nil {
		return ""
	}
	switch name := schemaName(c); {
	case slices.Contains(args, "--help"), slices.Contains(args, "-h"), slices.Contains(groups, name) && !slices.Contains(args, "--version"):
		return "help"
	case name == "skret" && slices.Contains(args, "--version"):
		return "version"
	case name != "run" && slices.Contains(noJSON, name):
		return ""
	default:
		return name
	}
}

func schemaName(c *cobra.Command) string {
	return strings.ReplaceAll(strings.TrimPrefix(c.CommandPath(), "skret "), " ", "_")
}

func tree() *cobra.Command {
	root := cli.Tree()
	root.InitDefaultHelpCmd() // makes help, which is ours, one of the commands
	return root
}

// judgeOutput holds what went to standard output against the schema. Nothing at
// all is what a command prints that failed.
func judgeOutput(name string, out []byte) error {
	if name == "" || len(bytes.TrimSpace(out)) == 0 {
		return nil
	}
	return judge(name, out)
}

// judgeErrors holds the lines of JSON on standard error against their schemas. The
// last line of a command that failed is its error.
func judgeErrors(told []byte, code int) error {
	if told == nil {
		return nil
	}
	var last struct{ Error struct{ Code int } }
	for line := range bytes.Lines(told) {
		last.Error.Code = 0
		if !bytes.HasPrefix(line, []byte("{")) {
			continue
		}
		var has struct{ Event, Masked, Level any }
		if err := errors.Join(json.Unmarshal(line, &has), json.Unmarshal(line, &last)); err != nil && has.Event == nil {
			return fmt.Errorf("%w: %s", err, line)
		}
		name := "error"
		switch {
		case has.Level != nil: // of the log, whose fields are slog's
			continue
		case has.Event != nil:
			name = "event"
		case has.Masked != nil:
			name = "mask"
		}
		if err := judge(name, line); err != nil {
			return err
		}
	}
	if last.Error.Code != code {
		return fmt.Errorf("it ends with %d, and not with the error of that code: %s", code, told)
	}
	return nil
}

// judge holds a document against a schema, and finds what the schema does not
// describe, too.
func judge(name string, text []byte) error {
	s, err := compile(name, true)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = s.Validate(doc)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

const schemaBase = "https://github.com/skret/skret/docs/reference/output/"

// compile compiles a schema as it is published, which allows fields that are added
// later, or strictly.
func compile(name string, strict bool) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(loader{strict})
	c.AssertFormat()
	c.AssertContent()
	return c.Compile(schemaBase + name + ".schema.json")
}

type loader struct{ strict bool }

func (l loader) Load(url string) (any, error) {
	doc, err := readSchema(strings.TrimPrefix(url, schemaBase))
	if err == nil && l.strict {
		closeSchema(doc)
	}
	return doc, err
}

func outputDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "docs", "reference", "output")
}

func readSchema(file string) (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(outputDir(), file))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return doc.(map[string]any), nil
}

// closeSchema has the schema of a place in a document refuse fields that it does
// not describe, there and below.
func closeSchema(s any) {
	m, ok := s.(map[string]any)
	if !ok {
		return
	}
	closeParts(m)
	if _, open := m["additionalProperties"]; open {
		return
	}
	for _, k := range []string{"properties", "$ref", "anyOf", "oneOf"} {
		if _, describes := m[k]; describes {
			m["unevaluatedProperties"] = false
		}
	}
}

// closeParts closes what a schema says of parts of its place alone: what it is made
// of together with others must stay open.
func closeParts(s any) {
	m, ok := s.(map[string]any)
	if !ok {
		return
	}
	closeSchema(m["items"])
	closeSchema(m["additionalProperties"])
	for k, do := range map[string]func(any){"properties": closeSchema, "$defs": closeParts} {
		some, _ := m[k].(map[string]any)
		for _, one := range some {
			do(one)
		}
	}
	for _, k := range []string{"anyOf", "oneOf"} {
		some, _ := m[k].([]any)
		for _, one := range some {
			closeParts(one)
		}
	}
}

// schemaNames are the names of all schemas there are.
func schemaNames(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(outputDir(), "*.schema.json"))
	if err != nil || files == nil {
		t.Fatalf("no schemas: %v", err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".schema.json"))
	}
	return names
}

// printing are the commands that print JSON, by the names of their schemas.
func printing() map[string]string {
	all := map[string]string{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		formats := c.Annotations["formats"]
		if name := schemaName(c); c.Runnable() && (formats == "" || slices.Contains(strings.Fields(formats), "json")) {
			all[name] = c.CommandPath()
		}
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	walk(tree())
	return all
}

// Every command that prints JSON has a schema, and every schema a command.
func TestEveryOutputHasASchema(t *testing.T) {
	want := printing()
	for _, name := range slices.Concat(noJSON, groups) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is no command that takes --format json", name)
		}
		delete(want, name)
	}
	have := schemaNames(t)
	for name, command := range want {
		if !slices.Contains(have, name) {
			t.Errorf("%s has no schema", command)
		}
	}
	for _, name := range have {
		if want[name] == "" && !slices.Contains(shared, name) {
			t.Errorf("no command prints %s", name)
		}
		for _, strict := range []bool{false, true} {
			if _, err := compile(name, strict); err != nil {
				t.Error(err)
			}
		}
	}
}

// Schemas say what each field means, and are named as they are found.
func TestSchemasSayWhatTheyMean(t *testing.T) {
	for _, name := range schemaNames(t) {
		doc, err := readSchema(name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		if doc["$id"] != schemaBase+name+".schema.json" || doc["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: $id is %v, $schema is %v", name, doc["$id"], doc["$schema"])
		}
		for _, k := range []string{"title", "description"} {
			if s, _ := doc[k].(string); s == "" {
				t.Errorf("%s has no %s", name, k)
			}
		}
		var walk func(path string, v any)
		walk = func(path string, v any) {
			if list, ok := v.([]any); ok {
				for i, one := range list {
					walk(fmt.Sprintf("%s/%d", path, i), one)
				}
			}
			m, _ := v.(map[string]any)
			if m["additionalProperties"] == false || m["unevaluatedProperties"] == false {
				t.Errorf("%s refuses fields that are added later", path)
			}
			fields, _ := m["properties"].(map[string]any)
			for field, one := range fields {
				s, _ := one.(map[string]any)
				if s["description"] == nil && s["$ref"] == nil && s["const"] == nil && s["not"] == nil {
					t.Errorf("%s does not say what %q means", path, field)
				}
			}
			required, _ := m["required"].([]any)
			for _, field := range required {
				if fields != nil && fields[field.(string)] == nil && m["$ref"] == nil {
					t.Errorf("%s requires %q, and does not describe it", path, field)
				}
			}
			for k, one := range m {
				walk(path+"/"+k, one)
			}
		}
		walk(name, doc)
	}
}

// The judge finds what it is there to find; programs of others that validate by a
// published schema do not stumble over a field that was added.
func TestOutputsAreJudged(t *testing.T) {
	entry := `"key": "A", "variable": "A", "version": 1`
	for _, c := range []struct {
		name, doc         string
		strict, published bool
	}{
		{"version", `{"version": "1", "go": "1", "os": "x", "arch": "y"}`, true, true},
		{"version", `{"version": "1", "go": "1", "os": "x", "arch": "y", "new": 1}`, false, true},
		{"version", `{"version": "1", "go": "1", "os": "x"}`, false, false},
		{"version", `{"version": 1, "go": "1", "os": "x", "arch": "y"}`, false, false},
		{"list", `[{` + entry + `}]`, true, true},
		{"list", `null`, false, false},
		{"list", `[{` + entry + `, "value": "x"}]`, false, true},
		{"list", `[{` + entry + `, "modified": "2026-11-01T00:00:00Z"}]`, true, true},
		{"list", `[{` + entry + `, "modified": "2026-11-01T00:00:00+01:00"}]`, false, false},
		{"list", `[{` + entry + `, "modified": "yesterday Z"}]`, false, false},
		{"get", `{` + entry + `, "value": ""}`, true, true},
		{"get", `{` + entry + `, "value": "", "new": 1}`, false, true},
		{"get", `{` + entry + `, "value_base64": "//8="}`, true, true},
		{"get", `{` + entry + `, "value_base64": "?"}`, false, false},
		{"get", `{` + entry + `, "value_base64": "//8=", "value": ""}`, false, false},
		{"get", `{` + entry + `}`, false, false},
		{"find", `[{` + entry + `, "environment": "", "new": 1}]`, false, true},
		{"delete", `{"deleted": null}`, false, false},
		{"config", `{"config": {"value": null, "from": {"kind": "flag", "name": "--config", "new": 1}}}`, false, false},
		{"error", `{"error": {"code": 5, "kind": "not_found", "message": "m", "hint": ""}}`, true, true},
		{"error", `{"error": {"code": 5, "kind": "not found", "message": "m", "hint": ""}}`, false, false},
		{"error", `{"error": {"code": 5, "kind": "not_found", "message": "m", "hint": "", "more": [{"kind": "config", "message": "m", "hint": "", "new": 1}]}}`, false, true},
	} {
		for strict, want := range map[bool]bool{true: c.strict, false: c.published} {
			s, err := compile(c.name, strict)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); (err == nil) != want {
				t.Errorf("%s, strict %t: %s: %v", c.name, strict, c.doc, err)
			}
		}
	}
	const failed = `{"error": {"code": 5, "kind": "not_found", "message": "m", "hint": ""}}` + "\n"
	for told, want := range map[string]bool{
		"skret: a notice\n" + failed:                    true,
		failed + "skret: a notice\n":                    false,
		"skret: error: m\n":                             false,
		"{\"error\": \"m\"}\n":                          false,
		strings.Replace(failed, "5", "6", 1):            false,
		`{"level": "info"}` + "\n" + failed:             true,
		`{"event": "item"}` + "\n" + failed:             false,
		`{"masked": [], "skipped": []}` + "\n" + failed: true,
		"": false,
	} {
		if err := judgeErrors([]byte(told), 5); (err == nil) != want {
			t.Errorf("%q: %v", told, err)
		}
	}
}

// Every schema is met by an output: a script has a command that succeeds, or exits
// with the code that it is asked for, and prints it.
func TestEverySchemaIsMet(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			switch {
			case len(words) > 2 && words[0] == "exec" && words[1] == "skret":
				words = words[2:]
			case len(words) > 3 && words[0] == "exits" && words[2] == "skret":
				words = words[3:]
			default:
				continue
			}
			if asksJSON(words) {
				met[outputName(words)] = true
			}
		}
	}
	for _, name := range schemaNames(t) {
		if !met[name] && !slices.Contains(shared, name) {
			t.Errorf("no script prints what is to be held against %s", name)
		}
	}
}

// The index names every schema, with its title.
func TestOutputIndex(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(outputDir(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	title := func(name string) string {
		doc, err := readSchema(name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("[%s](%s.schema.json)", doc["title"], name)
	}
	want := "| command | prints |\n|---|---|\n"
	commands := printing()
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		if !slices.Contains(slices.Concat(noJSON, groups), name) {
			want += "| `" + commands[name] + "` | " + title(name) + " |\n"
		}
	}
	if !strings.Contains(string(text), "\n"+want) {
		t.Errorf("README.md is to have this:\n%s", want)
	}
	for _, name := range shared {
		if !strings.Contains(string(text), "("+name+".schema.json)") {
			t.Errorf("README.md does not name %s", title(name))
		}
	}
}
