package remote

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Token is what a service knows the user by. Its secret cannot be printed.
type Token struct {
	Service string    // "github"
	Method  string    // by which it was made: "token", "device", "universal-auth"
	Kind    string    // what the service calls it: "fine-grained token"; "token" when that is not known
	Origin  string    // the address of the API that it is for: https://api.github.com
	From    string    // where it was found, in words: GITHUB_TOKEN
	Expires time.Time // zero when that is not known

	s      *Service
	bound  string                   // Origin as it was when the token was read: it is sent nowhere else
	mend   string                   // what to do when it is not accepted
	fields func(name string) string // a function, since of it fmt prints the address alone
}

// Made tells whether skret made the token, so that nothing else can be using it.
func (t Token) Made() bool { return t.Method == MethodDevice }

// field returns a field of the method, "" if there is none.
func (t Token) field(name string) string {
	if t.fields == nil {
		return ""
	}
	return t.fields(name)
}

// Keep returns what is to be stored of the token: metadata that anyone may read,
// and secret fields. [Stored] takes them back.
func (t Token) Keep() (meta, secret map[string]string) {
	meta, secret = map[string]string{"origin": t.Origin, "kind": t.Kind}, map[string]string{}
	if !t.Expires.IsZero() {
		meta["expires"] = t.Expires.UTC().Format(time.RFC3339)
	}
	for _, f := range t.s.fields(t.Method) {
		into := meta
		if f.Hidden {
			into = secret
		}
		if v := t.field(f.Name); v != "" && !f.Fleeting {
			into[f.Name] = v
		}
	}
	return meta, secret
}

// fields are the fields that a token of the method has.
func (s *Service) fields(method string) []Field {
	if method == MethodDevice {
		method = MethodToken // what the browser is asked for is not the token's
	}
	m, _ := s.Method(method)
	return m.Fields
}

// Token makes a token of answers to a method's fields, for the API at an
// address; "" is the service's own. It asks nobody.
func (s *Service) Token(method, address string, answers map[string]string) (Token, error) {
	m, err := s.Method(method)
	if err != nil {
		return Token{}, err
	}
	origin, err := s.Origin(cmp.Or(strings.TrimSpace(address), s.home))
	if err != nil {
		return Token{}, err
	}
	t := Token{Method: m.Name, Origin: origin, From: "the " + s.Title + " token", mend: "was it pasted whole? A new one is made at " + s.manage(origin)}
	return s.finish(t, func(name string) string { return answers[name] })
}

// finish completes a token with its fields, each of which it judges.
func (s *Service) finish(t Token, get func(name string) string) (Token, error) {
	values := map[string]string{}
	for _, f := range s.fields(t.Method) {
		v := strings.TrimSpace(get(f.Name))
		if v == "" && !f.Optional {
			return Token{}, errs.New(errs.Invalid, "%s: there is no %s", t.From, f.Label).WithHint("%s", f.Help)
		}
		if why := unfit(v); why != "" {
			return Token{}, errs.New(errs.Invalid, "%s: the %s %s", t.From, f.Label, why).WithHint("copy it anew, and nothing around it")
		}
		values[f.Name] = v
	}
	t.Service, t.s, t.bound = s.Name, s, t.Origin
	t.fields = func(name string) string { return values[name] }
	if err := s.judge(&t, values["token"]); err != nil {
		return Token{}, err
	}
	return t, nil
}

const maxToken = 16 << 10

// unfit says what is wrong with a token's characters, or "". What it lets pass
// can stand in a header.
func unfit(v string) string {
	switch {
	case len(v) > maxToken:
		return "is too long to be one"
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has a space, a line break or another character in it that none has"
	}
	return ""
}

// kind is a sort of token, known by how it begins.
type kind struct {
	prefix, name string
	refused      string // why it is of no use; "" if it is
}

// judge gives a token its kind and refuses what is none, or another service's.
func (s *Service) judge(t *Token, token string) error {
	t.Kind = "token"
	if token == "" {
		t.Kind = strings.ReplaceAll(t.Method, "-", " ")
		return nil
	}
	if k, ok := kindOf(s.kinds, token); ok {
		t.Kind = k.name
		if k.refused != "" {
			return errs.New(errs.Invalid, "%s is a %s, %s", t.From, k.name, k.refused).WithHint("make a token at %s", s.manage(t.Origin))
		}
		return nil
	}
	if s.odd != nil {
		if why := s.odd(token); why != "" {
			return errs.New(errs.Invalid, "%s %s", t.From, why).WithHint("make a token at %s", s.manage(t.Origin))
		}
	}
	for _, other := range Services() {
		if k, ok := kindOf(other.kinds, token); ok && len(k.prefix) > 3 {
			return errs.New(errs.Invalid, "%s is a %s of %s, not of %s", t.From, k.name, other.Title, s.Title).WithHint("make a token at %s", s.manage(t.Origin))
		}
	}
	return nil
}

func kindOf(kinds []kind, token string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return strings.HasPrefix(token, k.prefix) })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// tells tells whether a text that a server sent gives away a secret of the
// token's, or of more: whether it holds one, or is a part of one.
func (t Token) tells(text string, more ...string) bool {
	if t.s != nil {
		for _, f := range t.s.fields(t.Method) {
			if f.Hidden {
				more = append(more, t.field(f.Name))
			}
		}
	}
	return text != "" && slices.ContainsFunc(more, func(s string) bool {
		return s != "" && (strings.Contains(text, s) || len(text) > 5 && strings.Contains(s, text))
	})
}

// quoted is the name of a stored sign-in, in words.
func quoted(name string) string { return fmt.Sprintf("the stored sign-in %q", name) }
