//go:build real && unix

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// validate reads [[name of a schema, document], ...] and prints what is wrong, after
// it has held each schema against the schema of schemas.
const validate = `
import json, pathlib, sys
from jsonschema import Draft202012Validator, RefResolver
schemas = [json.loads(f.read_text()) for f in pathlib.Path(sys.argv[1]).glob("*.schema.json")]
for s in schemas:
    Draft202012Validator.check_schema(s)
store = {s["$id"]: s for s in schemas}
for name, doc in json.load(sys.stdin):
    s = store["https://github.com/skret/skret/docs/reference/output/" + name + ".schema.json"]
    for e in Draft202012Validator(s, resolver=RefResolver(s["$id"], s, store)).iter_errors(doc):
        print(name + ": " + e.message)
`

// Another implementation of JSON Schema takes the schemas, and finds real outputs to
// be as they say.
func TestRealSchemas(t *testing.T) {
	const install = "apt-get install python3 python3-jsonschema"
	python := realtest.Need(t, "/usr/bin/python3", install)
	p := newProject(t, "provider: local\n    file: dev.yaml")
	p.skret(t, "set", "A=1", "db/url=postgres://x")
	p.write(t, map[string]string{"other.json": `{"A": "2"}`})
	var docs [][2]any
	for name, args := range map[string]string{
		"list": "list", "get": "get A db/url", "history": "history A --values", "explain": "explain A", "check": "check", "config": "config",
		"find": "find *", "doctor": "doctor --offline", "auth_status": "auth status --offline", "cache_status": "cache status", "scan": "scan -",
		"help": "help", "audit": "audit", "diff": "diff dev other.json", "set": "set B=2", "version": "version", "env": "env", "trust": "trust --dry-run",
	} {
		docs = append(docs, [2]any{name, json.RawMessage(p.skret(t, append(strings.Fields(args), "--format", "json")...))})
	}
	failed := p.do("", "get", "NOPE", "--format", "json")
	docs = append(docs, [2]any{"error", json.RawMessage(failed.stderr)})
	if wrong := schemaFaults(t, python, docs); wrong != "" {
		t.Error(wrong)
	}
	// It would find what is wrong.
	wrong := schemaFaults(t, python, [][2]any{{"error", json.RawMessage(`{"error": {"code": 5}}`)}, {"list", json.RawMessage(`null`)}})
	if !strings.Contains(wrong, "error: 'kind' is a required property") || !strings.Contains(wrong, "list: None is not of type 'array'") {
		t.Errorf("the judge found %q", wrong)
	}
}

func schemaFaults(t *testing.T, python string, docs [][2]any) string {
	t.Helper()
	in, err := json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-W", "ignore", "-c", validate, outputDir())
	c.Stdin = bytes.NewReader(in)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
