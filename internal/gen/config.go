package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skret/skret/internal/config"
)

// configuration is what docs/reference/configuration.md says before the keys.
//
//go:embed configuration.md
var configuration string

// settings adds the schema of .skret.yaml and the page of all its keys. Both
// are made from the types that the parser walks.
func settings(files map[string][]byte) error {
	schema := config.Schema()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	files["docs/schema/skret.schema.json"] = b.Bytes()

	// The page is made from what editors get, so that nothing can be missing.
	var top object
	if err := json.Unmarshal(b.Bytes(), &top); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	page := bytes.NewBufferString(configuration)
	keys(page, "Keys at the top", top)
	var env object
	if err := json.Unmarshal(top.Properties["environments"].AdditionalProperties, &env); err != nil {
		return fmt.Errorf("schema: environments: %w", err)
	}
	keys(page, "Keys of an environment", env)
	var rule object
	if err := json.Unmarshal(top.Properties["schema"].AdditionalProperties, &rule); err != nil {
		return fmt.Errorf("schema: schema: %w", err)
	}
	keys(page, "Keys of a rule of schema", rule)
	keys(page, "Keys of cache", top.Properties["cache"])
	keys(page, "Keys of scan", top.Properties["scan"])
	sync := top.Properties["sync"]
	keys(page, "Keys of sync", sync)
	keys(page, "Keys of a target", *sync.Properties["targets"].Items)
	files["docs/reference/configuration.md"] = page.Bytes()
	return nil
}

// object is the part of a JSON schema that the page shows.
type object struct {
	Type        string
	Description string
	Enum        []string
	Required    []string
	Properties  map[string]object
	Items       *object

	// A schema, or false.
	AdditionalProperties json.RawMessage
}

// keys writes a table of an object's keys.
func keys(b *bytes.Buffer, title string, o object) {
	fmt.Fprintf(b, "\n## %s\n\n| key | | |\n|---|---|---|\n", title)
	for _, k := range slices.Sorted(maps.Keys(o.Properties)) {
		p := o.Properties[k]
		kind := p.Type
		switch {
		case p.Enum != nil:
			kind = "`" + strings.Join(p.Enum, "`, `") + "`"
		case p.Items != nil && p.Items.Type == "object":
			kind = "list of maps"
		case p.Items != nil:
			kind = "list"
		case p.Type == "object":
			kind = "map"
		}
		if slices.Contains(o.Required, k) {
			kind += ", must be there"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k, kind, strings.ReplaceAll(escape(p.Description), "|", "\\|"))
	}
}
