package fake

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var nameRule = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

// checkName is what the service checks of a name that is written.
func checkName(name string) error {
	lower := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case !nameRule.MatchString(name):
		return fail("ValidationException", "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.HasPrefix(lower, "aws"), strings.HasPrefix(lower, "ssm"):
		return fail("ValidationException", "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case len(arn(name)) > 1011:
		return fail("ValidationException", "Parameter name must not exceed 1011 characters.")
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return fail("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > 15:
		return fail("HierarchyLevelLimitExceededException", "Hierarchy depth cannot exceed 15 levels.")
	}
	return nil
}

var (
	reference = regexp.MustCompile(`(?s)\{\{.*\}\}`)
	tagRule   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

func (s *SSM) putParameter(in map[string]any, now time.Time) (any, error) {
	name, value := str(in, "Name"), str(in, "Value")
	if err := checkName(name); err != nil {
		return nil, err
	}
	old := s.params[name]
	typ, tier, key := str(in, "Type"), str(in, "Tier"), str(in, "KeyId")
	switch {
	case value == "":
		return nil, fail("ValidationException", "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case reference.MatchString(value):
		return nil, fail("ValidationException", "Parameter value: %s can't nest another parameter. Do not use \"{{}}\" in the value.", value)
	case !utf8.ValidString(value) || strings.ContainsRune(value, utf8.RuneError):
		return nil, fail("SerializationException", "")
	case in["Tags"] != nil && yes(in, "Overwrite"):
		return nil, fail("ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case in["DataType"] != nil:
		return nil, fail("ValidationException", "skret sends no data type")
	case len(str(in, "Description")) > 1024:
		return nil, fail("ValidationException", "1 validation error detected: Value at 'description' failed to satisfy constraint")
	case old != nil && !yes(in, "Overwrite"):
		return nil, fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case old == nil && typ == "":
		return nil, fail("ValidationException", "A parameter type is required when you create a parameter.")
	case typ != "" && !slices.Contains([]string{"String", "SecureString", "StringList"}, typ):
		return nil, fail("UnsupportedParameterType", "The parameter type is not supported.")
	case key != "" && typ != "SecureString":
		return nil, fail("ValidationException", "KeyId is required only for SecureString type parameters.")
	case old != nil && old.current().Tier == "Advanced" && tier == "Standard":
		return nil, fail("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier.")
	case key == "alias/none":
		return nil, fail("InvalidKeyId", "Invalid keyId %s", key)
	}
	v := Version{Type: typ, Value: value, KeyID: key, User: s.caller, Modified: now, Description: str(in, "Description"), Tier: tier}
	if old != nil {
		if v.Type == "" {
			v.Type = old.current().Type
		}
		if old.current().Tier == "Advanced" {
			v.Tier = "Advanced"
		}
	}
	if v.Type == "SecureString" && key == "" {
		v.KeyID = DefaultKMSKey // also when it had another one
	}
	if v.Tier == "Intelligent-Tiering" || v.Tier == "" {
		v.Tier = "Standard"
		if tier != "" && len(value) > 4096 {
			v.Tier = "Advanced"
		}
	}
	if most := map[string]int{"Standard": 4096, "Advanced": 8192}[v.Tier]; len(value) > most {
		return nil, fail("ValidationException", "Standard tier parameters support a maximum parameter value of %d characters.", most)
	}
	tags, err := readTags(in)
	if err != nil {
		return nil, err
	}
	if old != nil && len(old.Versions) == 100 && len(old.Versions[0].Labels) > 0 {
		return nil, fail("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.", name, old.First)
	}
	version := s.add(name, v)
	maps.Copy(s.params[name].Tags, tags)
	return map[string]any{"Version": version, "Tier": v.Tier}, nil
}

func readTags(in map[string]any) (map[string]string, error) {
	tags := map[string]string{}
	all, _ := in["Tags"].([]any)
	for _, t := range all {
		m, _ := t.(map[string]any)
		k, v := str(m, "Key"), str(m, "Value")
		if k == "" || len(k) > 128 || len(v) > 256 || !tagRule.MatchString(k) || !tagRule.MatchString(v) {
			return nil, fail("ValidationException", "1 validation error detected: Value at 'tags' failed to satisfy constraint")
		}
		tags[k] = v
	}
	return tags, nil
}
