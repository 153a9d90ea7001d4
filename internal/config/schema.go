package config

import (
	"slices"
	"strings"
)

// SchemaURL is where editors find the schema.
const SchemaURL = "https://raw.githubusercontent.com/skret/skret/main/docs/schema/skret.schema.json"

// Schema returns the JSON schema of .skret.yaml, to be encoded by encoding/json.
func Schema() map[string]any {
	s := tableSchema(&layout)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = SchemaURL
	s["title"] = Name
	s["description"] = layout.doc
	return s
}

// tableSchema returns the schema of a table with k's keys, and no others.
func tableSchema(k *key) map[string]any {
	properties := map[string]any{}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	var required []string
	for i := range k.keys {
		c := &k.keys[i]
		one := keySchema(c, k.by)
		if other, twice := properties[c.name].(map[string]any); twice {
			one = common(other, one)
		}
		properties[c.name] = one
		if c.must && c.of == nil {
			required = append(required, c.name)
		}
	}
	if required != nil {
		s["required"] = required
	}
	if k.by == "" {
		return s
	}
	if by := k.find(k.by, ""); !by.must {
		with := map[string]any{}
		for _, c := range k.keys {
			if c.of != nil {
				with[c.name] = []string{k.by}
			}
		}
		s["dependentRequired"] = with
	}
	var rules []any
	for _, word := range k.find(k.by, "").words {
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{k.by: map[string]any{"const": word}}, "required": []string{k.by}},
			"then": wordSchema(k, word, properties),
		})
	}
	s["allOf"] = rules
	return s
}

// wordSchema returns what a table of this word must have and may not have, and
// what of it the properties of all words do not say.
func wordSchema(k *key, word string, properties map[string]any) map[string]any {
	own := map[string]any{}
	then := map[string]any{"properties": own}
	var required []string
	for name, all := range properties {
		c := k.find(name, word)
		if !c.fits(word) {
			own[name] = false
			continue
		}
		if one := keySchema(c, k.by); one["description"] != all.(map[string]any)["description"] {
			own[name] = one
		}
		if c.must && c.of != nil {
			required = append(required, name)
		}
		if c.or != "" {
			then["oneOf"] = []any{map[string]any{"required": []string{name}}, map[string]any{"required": []string{c.or}}}
		}
	}
	if required != nil {
		slices.Sort(required)
		then["required"] = required
	}
	return then
}

// common returns the schema of two keys of one name: what holds for both.
func common(a, b map[string]any) map[string]any {
	return map[string]any{"type": a["type"], "description": a["description"].(string) + " " + b["description"].(string)}
}

// keySchema returns the schema of what stands behind a key. by is the key whose
// word says whether k may be there.
func keySchema(k *key, by string) map[string]any {
	one := map[string]any{"type": "string"}
	if k.words != nil {
		one["enum"] = k.words
	}
	if k.pattern != "" {
		one["pattern"] = k.pattern
	}
	s := one
	switch k.kind {
	case boolean:
		s = map[string]any{"type": "boolean"}
	case number:
		s = map[string]any{"type": "integer", "minimum": 0, "maximum": 999999}
	case list:
		one["minLength"] = 1
		s = map[string]any{"type": "array", "items": one, "uniqueItems": true}
	case table:
		s = tableSchema(k)
	case tables:
		s = map[string]any{"type": "array", "items": tableSchema(k)}
	case named:
		s = map[string]any{
			"type": "object", "additionalProperties": tableSchema(k),
			"propertyNames": map[string]any{"pattern": k.pattern},
		}
		if k.must {
			s["minProperties"] = 1
		}
	}
	doc := k.doc
	if k.of != nil {
		what := "For " + by + " " + strings.Join(k.of, ", ")
		if k.must {
			what += " (must be there)"
		}
		doc = what + ". " + doc
	}
	if k.standard != "" {
		doc += " Default: " + k.standard + "."
	}
	s["description"] = doc
	return s
}
