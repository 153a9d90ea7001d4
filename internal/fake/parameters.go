package fake

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
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
			return nil, s.denied("kms:Decrypt", "arn:aws:kms:"+Region+":"+Account+":key/0f1e2d3c-0000-4000-8000-000000000000", "implicit")
		}
	}
	return map[string]any{
		"Name": name, "Type": v.Type, "Value": value, "Version": p.version(), "ARN": arn(name), "DataType": "text",
		"LastModifiedDate": epoch(v.Modified),
	}, nil
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

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
