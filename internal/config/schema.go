package config

import (
	"reflect"
	"strings"
)

// The types below are the one description of .skret.yaml: the parser walks
// them, and the schema for editors is made from them. Tags:
//
//	yaml  the key
//	doc   its description
//	enum  the words that are allowed, parted by commas
//	need  "yes" for a key that must be there

// document is a .skret.yaml.
type document struct {
	Version      string                 `yaml:"version" need:"yes" enum:"1" doc:"Version of this format: the string \"1\"."`
	Project      string                 `yaml:"project" doc:"Name of the project, for messages."`
	DefaultEnv   string                 `yaml:"default_env" doc:"The environment that is used when none is chosen by -e or SKRET_ENV."`
	Required     []string               `yaml:"required" doc:"Variables or keys that must be there for run and env, in every environment."`
	Exclude      []string               `yaml:"exclude" doc:"Globs of keys or variables that run and env leave out, in every environment."`
	Environments map[string]environment `yaml:"environments" need:"yes" doc:"The environments, by name: letters, digits, and the signs _ . -"`
}

// environment is one of document.Environments.
type environment struct {
	Provider   string   `yaml:"provider" need:"yes" enum:"aws,local" doc:"Where the secrets are: aws (SSM Parameter Store) or local (an encrypted file)."`
	Path       string   `yaml:"path" doc:"aws: the path below which the parameters are, such as /myapp/prod."`
	Region     string   `yaml:"region" doc:"aws: the region. Flags, SKRET_REGION, AWS_REGION and AWS_DEFAULT_REGION win over it."`
	Profile    string   `yaml:"profile" doc:"aws: the profile of the AWS configuration to sign in with. Flags, SKRET_PROFILE and AWS_PROFILE win over it."`
	KMSKeyID   string   `yaml:"kms_key_id" doc:"aws: the KMS key that seals new values: an id, an ARN or an alias. Without it, AWS's own key for SSM."`
	Tier       string   `yaml:"tier" enum:"standard,advanced,intelligent" doc:"aws: the tier of new parameters. Without it, the account's default. Standard takes 4 KB, advanced 8 KB and costs money."`
	Keys       []string `yaml:"keys" doc:"Exactly these keys, and no others, are read. One that is missing is an error. In AWS they are read in parallel, and the path need not be listed."`
	File       string   `yaml:"file" doc:"local: the file, relative to this one and inside its folder."`
	Recipients []string `yaml:"recipients" doc:"local: age or ssh public keys that a new file is sealed for, besides your own."`
	Required   []string `yaml:"required" doc:"Variables or keys that must be there for run and env."`
	Exclude    []string `yaml:"exclude" doc:"Globs of keys or variables that run and env leave out."`
	AllowEnv   []string `yaml:"allow_env" doc:"Variables that are handed on although their names are dangerous, such as NODE_OPTIONS."`
}

// field is what a struct tag says of one key.
type field struct {
	index     int
	key, doc  string
	enum      []string
	mandatory bool
}

// fields returns the keys of a struct type, in order.
func fields(t reflect.Type) []field {
	fs := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		f := field{index: i, key: tag.Get("yaml"), doc: tag.Get("doc"), mandatory: tag.Get("need") == "yes"}
		if e := tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		fs = append(fs, f)
	}
	return fs
}

// SchemaURL names the published schema in the first line of a file that init
// writes, for editors.
const SchemaURL = "https://raw.githubusercontent.com/skret/skret/main/docs/schema/skret.schema.json"

// Schema returns the JSON schema of .skret.yaml, as a value for encoding/json.
func Schema() map[string]any {
	s := schemaOf(reflect.TypeFor[document]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = SchemaURL
	s["title"] = ".skret.yaml"
	return s
}

func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{
			"type": "object", "minProperties": 1, "additionalProperties": schemaOf(t.Elem()),
			"propertyNames": map[string]any{"pattern": "^[A-Za-z0-9_.-]+$"},
		}
	case reflect.Struct:
		props, required := map[string]any{}, []string{}
		for _, f := range fields(t) {
			p := schemaOf(t.Field(f.index).Type)
			p["description"] = f.doc
			if f.enum != nil {
				p["enum"] = f.enum
			}
			if f.mandatory {
				required = append(required, f.key)
			}
			props[f.key] = p
		}
		return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	default:
		return map[string]any{"type": "string"}
	}
}
