package fake

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultKMSKey encrypts when a request names none.
const DefaultKMSKey = "alias/aws/ssm"

// Version is one version of a parameter.
type Version struct {
	Type, Value, Description, KeyID, Tier, User string
	Labels                                      []string
	Modified                                    time.Time
}

// Parameter is a parameter as the server keeps it, oldest version first.
type Parameter struct {
	Versions []Version
	Tags     map[string]string
	First    int64 // number of the oldest version that is kept
}

type parameter = Parameter

func (p *parameter) current() Version { return p.Versions[len(p.Versions)-1] }
func (p *parameter) version() int64   { return p.First + int64(len(p.Versions)) - 1 }

// Put writes a version of a SecureString past all rules.
func (s *SSM) Put(name, value string) {
	s.PutVersion(name, Version{Type: "SecureString", Value: value})
}

// PutVersion writes a version past all rules.
func (s *SSM) PutVersion(name string, v Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.Type == "SecureString" && v.KeyID == "" {
		v.KeyID = DefaultKMSKey
	}
	if v.Modified.IsZero() {
		v.Modified = time.Now()
	}
	if v.User == "" {
		v.User = Caller
	}
	s.add(name, v)
}

func (s *SSM) add(name string, v Version) int64 {
	p := s.params[name]
	if p == nil {
		p = &parameter{First: 1, Tags: map[string]string{}}
		s.params[name] = p
	}
	p.Versions = append(p.Versions, v)
	if len(p.Versions) > 100 {
		p.Versions, p.First = p.Versions[1:], p.First+1
	}
	return p.version()
}

// Parameter returns a copy of a parameter.
func (s *SSM) Parameter(name string) (Parameter, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.params[name]
	if !ok {
		return Parameter{}, false
	}
	return Parameter{slices.Clone(p.Versions), maps.Clone(p.Tags), p.First}, true
}

// Names returns the names of all parameters, sorted.
func (s *SSM) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names()
}

var operations = map[string]func(s *SSM, in map[string]any, now time.Time) (any, error){
	"GetParameter":          (*SSM).getParameter,
	"GetParameters":         (*SSM).getParameters,
	"GetParametersByPath":   (*SSM).byPath,
	"GetParameterHistory":   (*SSM).history,
	"PutParameter":          (*SSM).putParameter,
	"DeleteParameters":      (*SSM).deleteParameters,
	"AddTagsToResource":     (*SSM).addTags,
	"ListTagsForResource":   (*SSM).listTags,
	"LabelParameterVersion": (*SSM).label,
}

func str(in map[string]any, k string) string { v, _ := in[k].(string); return v }
func yes(in map[string]any, k string) bool   { v, _ := in[k].(bool); return v }
func list(in map[string]any, k string) []string {
	var out []string
	all, _ := in[k].([]any)
	for _, v := range all {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// show is a parameter as the service tells it.
func (s *SSM) show(name string, decrypt bool) (map[string]any, error) {
	p := s.params[name]
	v := p.current()
	value := v.Value
	if v.Type == "SecureString" {
		switch {
		case !decrypt:
			value = "AQICAHciphertext" + base64.StdEncoding.EncodeToString([]byte(name))
		case s.Unreadable[name]:
			return nil, denied("kms:Decrypt", "arn:aws:kms:"+Region+":"+Account+":key/0f1e2d3c-0000-4000-8000-000000000000", "implicit")
		}
	}
	return map[string]any{
		"Name": name, "Type": v.Type, "Value": value, "Version": p.version(), "ARN": arn(name), "DataType": "text",
		"LastModifiedDate": epoch(v.Modified),
	}, nil
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

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

func (s *SSM) getParameter(in map[string]any, _ time.Time) (any, error) {
	name := str(in, "Name")
	if s.params[name] == nil {
		return nil, fail("ParameterNotFound", "")
	}
	p, err := s.show(name, yes(in, "WithDecryption"))
	return map[string]any{"Parameter": p}, err
}

func (s *SSM) getParameters(in map[string]any, _ time.Time) (any, error) {
	names := list(in, "Names")
	if len(names) == 0 || len(names) > 10 {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10")
	}
	found, missing := []any{}, []string{}
	for i, n := range names {
		if !nameRule.MatchString(n) || slices.Contains(names[:i], n) {
			return nil, fail("ValidationException", "1 validation error detected: Value '%v' at 'names' failed to satisfy constraint", names)
		}
		if s.params[n] == nil {
			missing = append(missing, n)
			continue
		}
		p, err := s.show(n, yes(in, "WithDecryption"))
		if err != nil {
			return nil, err
		}
		found = append([]any{p}, found...) // not in the order asked
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

// page cuts one page out of n entries: the entries from..to, and the token.
func (s *SSM) page(in map[string]any, n, most int) (from, to int, next string, err error) {
	size := most
	if v, ok := in["MaxResults"].(float64); ok {
		if size = int(v); size < 1 || size > most {
			return 0, 0, "", fail("ValidationException", "1 validation error detected: Value at 'maxResults' failed to satisfy constraint")
		}
	}
	if s.ShortPages {
		size = min(size, 3)
	}
	empty := s.EmptyPages
	if token := str(in, "NextToken"); token != "" && !s.SameToken {
		kind := ""
		if _, err := fmt.Sscanf(token, "page:%d:%s", &from, &kind); err != nil || from > n {
			return 0, 0, "", fail("InvalidNextToken", "The specified token is not valid.")
		}
		empty = empty && kind == "empty"
	}
	if empty {
		return from, from, fmt.Sprintf("page:%d:full", from), nil
	}
	if to = min(from+size, n); to < n {
		next = fmt.Sprintf("page:%d:empty", to)
	}
	if s.SameToken {
		next = "page:0:empty"
	}
	return from, to, next, nil
}

func (s *SSM) byPath(in map[string]any, _ time.Time) (any, error) {
	path := str(in, "Path")
	if !strings.HasPrefix(path, "/") || !nameRule.MatchString(path) {
		return nil, fail("ValidationException", "The parameter path must begin with a slash.")
	}
	below := strings.TrimSuffix(path, "/") + "/"
	var names []string
	for _, n := range s.names() {
		if rest, ok := strings.CutPrefix(n, below); ok && (yes(in, "Recursive") || !strings.Contains(rest, "/")) {
			names = append(names, n)
		}
	}
	slices.Reverse(names) // no order is promised
	from, to, next, err := s.page(in, len(names), 10)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, n := range names[from:to] {
		p, err := s.show(n, yes(in, "WithDecryption"))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for _, n := range s.Foreign {
		out = append(out, map[string]any{"Name": n, "Type": "String", "Value": "foreign", "Version": 1, "LastModifiedDate": 1.7e9})
	}
	return withToken(map[string]any{"Parameters": out}, next), nil
}

func withToken(m map[string]any, next string) map[string]any {
	if next != "" {
		m["NextToken"] = next
	}
	return m
}

func (s *SSM) history(in map[string]any, _ time.Time) (any, error) {
	name := str(in, "Name")
	p := s.params[name]
	if p == nil {
		return nil, fail("ParameterNotFound", "")
	}
	from, to, next, err := s.page(in, len(p.Versions), 50)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for i, v := range p.Versions[from:to] {
		shown, err := s.show(name, yes(in, "WithDecryption"))
		if err != nil {
			return nil, err
		}
		m := map[string]any{
			"Name": name, "Type": v.Type, "Value": v.Value, "Version": p.First + int64(from+i), "LastModifiedDate": epoch(v.Modified),
			"LastModifiedUser": v.User, "Labels": v.Labels, "Tier": v.Tier, "DataType": "text",
		}
		if v.Type == "SecureString" {
			m["KeyId"] = v.KeyID
			if !yes(in, "WithDecryption") {
				m["Value"] = shown["Value"]
			}
		}
		if v.Description != "" {
			m["Description"] = v.Description
		}
		out = append(out, m)
	}
	return withToken(map[string]any{"Parameters": out}, next), nil
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
	v := Version{Type: typ, Value: value, KeyID: key, User: Caller, Modified: now, Description: str(in, "Description"), Tier: tier}
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

func (s *SSM) deleteParameters(in map[string]any, _ time.Time) (any, error) {
	names := list(in, "Names")
	if len(names) == 0 || len(names) > 10 {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10")
	}
	deleted, missing := []string{}, []string{}
	for _, n := range names {
		if s.params[n] == nil {
			missing = append(missing, n)
			continue
		}
		delete(s.params, n)
		deleted = append(deleted, n)
	}
	return map[string]any{"DeletedParameters": deleted, "InvalidParameters": missing}, nil
}

func (s *SSM) addTags(in map[string]any, _ time.Time) (any, error) {
	p := s.params[str(in, "ResourceId")]
	if p == nil || str(in, "ResourceType") != "Parameter" {
		return nil, fail("InvalidResourceId", "")
	}
	tags, err := readTags(in)
	if err != nil {
		return nil, err
	}
	maps.Copy(p.Tags, tags)
	if len(p.Tags) > 50 {
		return nil, fail("TooManyTagsError", "")
	}
	return map[string]any{}, nil
}

func (s *SSM) listTags(in map[string]any, _ time.Time) (any, error) {
	p := s.params[str(in, "ResourceId")]
	if p == nil {
		return nil, fail("InvalidResourceId", "")
	}
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(p.Tags)) {
		out = append(out, map[string]string{"Key": k, "Value": p.Tags[k]})
	}
	return map[string]any{"TagList": out}, nil
}

func (s *SSM) label(in map[string]any, _ time.Time) (any, error) {
	p := s.params[str(in, "Name")]
	if p == nil {
		return nil, fail("ParameterNotFound", "")
	}
	n := p.version()
	if v, ok := in["ParameterVersion"].(float64); ok {
		n = int64(v)
	}
	if n < p.First || n > p.version() {
		return nil, fail("ParameterVersionNotFound", "")
	}
	for i := range p.Versions {
		p.Versions[i].Labels = slices.DeleteFunc(p.Versions[i].Labels, func(l string) bool { return slices.Contains(list(in, "Labels"), l) })
	}
	at := &p.Versions[n-p.First]
	at.Labels = append(at.Labels, list(in, "Labels")...)
	return map[string]any{"InvalidLabels": []string{}, "ParameterVersion": n}, nil
}
