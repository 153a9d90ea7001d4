package config

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
	var required []string
	properties := map[string]any{}
	needs := map[string][]string{} // what a provider cannot do without
	foreign := map[string]map[string]any{ProviderAWS: {}, ProviderLocal: {}}
	for i := range k.keys {
		c := &k.keys[i]
		properties[c.name] = keySchema(c)
		switch {
		case c.must && c.provider == "":
			required = append(required, c.name)
		case c.must:
			needs[c.provider] = append(needs[c.provider], c.name)
		}
		for p, not := range foreign {
			if c.provider != "" && c.provider != p {
				not[c.name] = false
			}
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if k.key("provider") == nil {
		return s
	}
	var rules []any
	for _, p := range k.key("provider").words {
		then := map[string]any{"properties": foreign[p]}
		if needs[p] != nil {
			then["required"] = needs[p]
		}
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"provider": map[string]any{"const": p}}, "required": []string{"provider"}},
			"then": then,
		})
	}
	s["allOf"] = rules
	return s
}

func keySchema(k *key) map[string]any {
	one := map[string]any{"type": "string"}
	if k.words != nil {
		one["enum"] = k.words
	}
	if k.pattern != "" {
		one["pattern"] = k.pattern
	}
	s := one
	switch k.kind {
	case list:
		one["minLength"] = 1
		s = map[string]any{"type": "array", "items": one, "uniqueItems": true}
	case table:
		s = tableSchema(k)
	case named:
		s = map[string]any{
			"type": "object", "minProperties": 1, "additionalProperties": tableSchema(k),
			"propertyNames": map[string]any{"pattern": k.pattern},
		}
	}
	doc := k.doc
	if k.provider != "" {
		doc = "For provider " + k.provider + ". " + doc
	}
	if k.standard != "" {
		doc += " Default: " + k.standard + "."
	}
	s["description"] = doc
	return s
}
