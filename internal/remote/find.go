package remote

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Stored is a sign-in as it was kept: see [Token.Keep].
type Stored struct {
	Name, Method string
	Meta         map[string]string
	Field        func(name string) string // a secret field
}

// FindOptions are where to look for a token.
type FindOptions struct {
	Getenv func(string) string // returns "" for all when the environment is not to be looked at
	Stored *Stored             // nil: there is none

	// BaseURL is the address that the user asked for; "" for the service's own,
	// or the one that the token was stored for.
	BaseURL string

	// RunGH runs "gh auth token --hostname HOST" and returns its output; nil: it
	// is not tried.
	RunGH func(ctx context.Context, host string) ([]byte, error)
}

// Find returns the token to use. It looks into the environment first, each
// service's variables in their order, then at the stored sign-in, then, for
// GitHub, asks gh. The first place that has one decides: if what is there cannot
// be used, that is an error, and no other place is tried.
//
// The variables of a token and of the address belong together: an address asked
// for that is another than theirs does not get their token. A stored token is for
// the address that it was stored for. It asks no service.
func (s *Service) Find(ctx context.Context, o FindOptions) (Token, error) {
	asked, by, err := s.asked(o)
	if err != nil {
		return Token{}, err
	}
	t, found, foreign, err := s.fromVariables(o, cmp.Or(asked, s.home))
	if found || err != nil {
		return t, err
	}
	if o.Stored != nil {
		return s.fromStored(o.Stored, asked, by)
	}
	if s.Name == "github" && o.RunGH != nil {
		if t, found, err := s.fromGH(ctx, o, cmp.Or(asked, s.home)); found || err != nil {
			return t, err
		}
	}
	return Token{}, s.none(cmp.Or(asked, s.home), foreign)
}

// asked returns the API that the user asks for, "" when that is left open, and
// in words by what.
func (s *Service) asked(o FindOptions) (origin, by string, err error) {
	if a := strings.TrimSpace(o.BaseURL); a != "" {
		by = "the address of " + s.Title
		origin, err = s.origin(by, a)
		return origin, by, err
	}
	return s.pointed(o.Getenv)
}

// pointed returns where the variables say that the API is, "" if they do not.
func (s *Service) pointed(getenv func(string) string) (origin, by string, err error) {
	for _, name := range s.hosts {
		if a := strings.TrimSpace(getenv(name)); a != "" {
			origin, err = s.origin(name, a)
			return origin, name, err
		}
	}
	return "", "", nil
}

// fromVariables looks into the environment for a token for the API at origin.
// foreign is a variable with a token for another.
func (s *Service) fromVariables(o FindOptions, origin string) (t Token, found bool, foreign string, err error) {
	var half error
	for _, m := range s.Methods {
		if m.Name == MethodDevice || !s.chosen(m, o.Getenv) {
			continue
		}
		got := s.collect(m, origin, o.Getenv)
		foreign = cmp.Or(foreign, got.foreign)
		names := strings.Join(got.names, " and ")
		switch {
		case names == "":
		case got.missing != "":
			half = errs.New(errs.Config, "%s is set, and %s is not", names, got.missing).WithHint("set both, or neither")
		default:
			t, err := s.finish(Token{
				Method: m.Name, Origin: origin, From: strings.Join(got.names, " with "),
				mend: "make a new one at " + s.manage(origin) + " and set " + names,
			}, func(name string) string { return got.values[name] })
			return t, true, "", err
		}
	}
	return Token{}, false, foreign, half
}

// chosen tells whether the environment leaves a method to be tried: where several
// have the same variables, another says which is meant.
func (s *Service) chosen(m Method, getenv func(string) string) bool {
	if s.chooses == "" || m.words == nil {
		return true
	}
	word := strings.TrimSpace(getenv(s.chooses))
	return word == "" || slices.Contains(m.words, word)
}

// collected is what the environment has of a method's fields.
type collected struct {
	values  map[string]string
	names   []string // of the variables with what must be there
	missing string   // a variable that must be set, and is not
	foreign string   // a variable with a token for another API
}

func (s *Service) collect(m Method, origin string, getenv func(string) string) collected {
	c := collected{values: map[string]string{}}
	for _, f := range m.Fields {
		name, other := s.variable(f, origin, getenv)
		c.foreign = cmp.Or(c.foreign, other)
		if name != "" {
			c.values[f.Name] = getenv(name)
		}
		switch {
		case f.Optional:
		case name != "":
			c.names = append(c.names, name)
		default:
			c.missing = f.Variables[0]
		}
	}
	return c
}

// variable returns the first variable that is set for a field and meant for the
// API at origin; other is one that is meant for another.
func (s *Service) variable(f Field, origin string, getenv func(string) string) (name, other string) {
	for _, v := range f.Variables {
		if strings.TrimSpace(getenv(v)) == "" {
			continue
		}
		if s.meant(v, origin, getenv) {
			return v, ""
		}
		other = cmp.Or(other, v)
	}
	return "", other
}

func (s *Service) meant(variable, origin string, getenv func(string) string) bool {
	if s.belongs != nil {
		return s.belongs(variable, origin, getenv)
	}
	there, _, err := s.pointed(getenv)
	return err == nil && (there == "" || there == origin)
}

func (s *Service) fromStored(c *Stored, asked, by string) (Token, error) {
	again := "skret auth login " + s.Name
	if c.Name != "" && c.Name != "default" {
		again += " --name " + c.Name
	}
	t := Token{Method: c.Method, From: quoted(c.Name), mend: again}
	if _, err := s.Method(c.Method); err != nil || c.Method == "" {
		return Token{}, errs.New(errs.Auth, "%s was made by a method that this version does not know", t.From).WithHint("%s", again)
	}
	origin, err := s.Origin(c.Meta["origin"])
	if err != nil || origin != c.Meta["origin"] {
		return Token{}, errs.New(errs.Auth, "%s does not say which address it is for", t.From).WithHint("%s", again)
	}
	if asked != "" && asked != origin {
		return Token{}, errs.New(errs.Config, "%s is for %s, and %s is %s: a token goes only where it was made for", t.From, origin, by, asked).
			WithHint("%s signs in there; or leave the address out", again)
	}
	t.Origin = origin
	t.Expires, _ = time.Parse(time.RFC3339, c.Meta["expires"])
	t, err = s.finish(t, func(name string) string { return cmp.Or(c.Field(name), c.Meta[name]) })
	if err != nil {
		return Token{}, errs.New(errs.Auth, "%w", err).WithHint("%s", again)
	}
	return t, nil
}

// fromGH asks GitHub's own program. That it is missing or not signed in means
// that there is no token there.
func (s *Service) fromGH(ctx context.Context, o FindOptions, origin string) (t Token, found bool, err error) {
	host := hostOf(githubWeb(origin))
	out, err := o.RunGH(ctx, host)
	if cause := ctx.Err(); cause != nil {
		return Token{}, false, cause
	}
	out = bytes.TrimSpace(out)
	if err != nil || len(out) == 0 {
		return Token{}, false, nil
	}
	t = Token{Method: MethodToken, Origin: origin, From: "gh auth token", mend: "gh auth login --hostname " + host}
	t, err = s.finish(t, func(string) string { return string(out) })
	return t, true, err
}

// none is the error when there is no token at all.
func (s *Service) none(origin, foreign string) error {
	hint := "skret auth login " + s.Name + ", or set " + s.variableFor(origin)
	if foreign != "" {
		return errs.New(errs.Auth, "there is no token for %s: the one in %s is for another address and is not sent there", hostOf(origin), foreign).
			WithHint("%s", hint)
	}
	return errs.New(errs.Auth, "you are not signed in to %s", s.Title).WithHint("%s", hint)
}

// variableFor returns the name of the variable to set for the API at origin.
func (s *Service) variableFor(origin string) string {
	if s.Name == "github" && !githubPublic(origin) {
		return "GH_ENTERPRISE_TOKEN"
	}
	variables := s.fields(MethodToken)[0].Variables
	return variables[len(variables)-1]
}
