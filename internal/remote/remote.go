// Package remote knows the services that secrets come from and go to: Doppler,
// Infisical, GitHub, Cloudflare and GitLab. One file says all about one service.
//
// # Use
//
//	s, err := remote.Lookup("doppler")
//	t, err := s.Find(ctx, remote.FindOptions{Getenv: getenv, Stored: stored})
//	api := remote.Client(o, t)
//	defer api.Close(ctx)
//	_, err = api.Do(ctx, "GET", "/v3/projects", nil, &answer)
//
// [Service.Verify] asks who a token is, [Service.Revoke] ends it where the
// service can. A sign-in is made of what [Service.Methods] asks for, by
// [Service.Token], or in a browser by [Service.Device]; [Token.Keep] gives what
// is to be stored of it, and [Stored] takes it back.
//
// # Promises
//
// A [Token] is bound to the address of one API from the moment that it is read
// and goes nowhere else: an address asked for later cannot take it along, a path
// cannot leave the API, a redirect is not followed, and plain http is for this
// machine alone. A token cannot print itself. No error holds a token or what a
// server said, but for a code word.
//
// Requests that a service refuses because there are too many are repeated, when
// it says how long to wait and that is not long. Requests that can do no harm
// twice are repeated when the service fails or the connection is lost.
//
// # Limits
//
// Which permissions a token has is known for some services only; what it may not
// do shows when it is done.
package remote

import (
	"context"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Service is what is known about one service.
type Service struct {
	Name    string   // as a user writes it: "github"
	Title   string   // as it is written in a sentence: "GitHub"
	Manage  string   // the page where tokens are made and deleted
	Methods []Method // the ways to sign in, the usual one first

	home     string              // the address of its API, as Origin gives it
	homes    []string            // further ones
	below    string              // the path of the API below an address that is given without it
	page     string              // where Manage is on a server of one's own; "" if there are none
	place    func(*location)     // makes an address that of the API; nil: adds below
	site     string              // how its own hosts end; "" if the API's is the only one
	hosts    []string            // variables that say where the API is, the first that is set counts
	chooses  string              // a variable that says which of the methods with words is meant
	kinds    []kind              // of tokens, by how they begin
	odd      func(string) string // says why something is no token, or ""; may be nil
	belongs  belonging           // nil: all variables belong to where hosts point
	accept   string              // the Accept header; "" is JSON's
	headers  map[string]string   // more of them
	envelope bool                // answers say whether they are a success
	invalid  []string            // codes that mean that the token is not accepted
	aside    string              // what else to think of when a token is not accepted

	mint   func(ctx context.Context, a *API) (access, error) // for methods whose secret is not what requests carry
	unmint func(ctx context.Context, a *API) error
	verify func(ctx context.Context, a *API) (Identity, error)
	revoke func(ctx context.Context, a *API) (left string, err error)
	device func(ctx context.Context, d *device) (map[string]string, error)
}

// belonging tells whether the token in a variable is meant for the API at origin.
type belonging func(variable, origin string, getenv func(string) string) bool

// Method is a way to sign in.
type Method struct {
	Name   string // "token", "device", "universal-auth"
	Doc    string // what it is, in a line
	Fields []Field

	words []string // what the service's variable chooses says for it
}

// The methods that have a meaning for every service.
const (
	MethodToken  = "token"  // a token that the user has
	MethodDevice = "device" // a token that is made in a browser, by [Service.Device]
)

// Field is something that a method needs to know.
type Field struct {
	Name      string   // in answers, in --opt and in what is stored: "token"
	Label     string   // "GitHub token"
	Hidden    bool     // a secret: not shown while it is typed, and sealed when it is stored
	Optional  bool     // may be left out
	Fleeting  bool     // good for minutes: it is used and not stored
	Variables []string // that hold it, in their order
	Help      string   // how to get one
}

// Services returns all services, in the order of their names.
func Services() []*Service {
	return []*Service{cloudflare(), doppler(), github(), gitlab(), infisical()}
}

// Own tells whether the API at an origin is run by the service itself, and not by
// others with its software.
func (s *Service) Own(origin string) bool {
	return origin == s.home || s.Name == "github" && githubPublic(origin) || slices.Contains(s.homes, origin)
}

// Lookup returns the service of this name.
func Lookup(name string) (*Service, error) {
	all := Services()
	names := make([]string, len(all))
	for i, s := range all {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return nil, errs.New(errs.Invalid, "the service %q is not known", name).WithHint("use one of %s", strings.Join(names, ", "))
}

// Method returns the method of this name, the usual one for "".
func (s *Service) Method(name string) (Method, error) {
	if name == "" {
		return s.Methods[0], nil
	}
	i := slices.IndexFunc(s.Methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		names := make([]string, len(s.Methods))
		for i, m := range s.Methods {
			names[i] = m.Name
		}
		return Method{}, errs.New(errs.Invalid, "%s has no method %q", s.Title, name).WithHint("use one of %s", strings.Join(names, ", "))
	}
	return s.Methods[i], nil
}

// manage returns the page where tokens for the API at origin are made.
func (s *Service) manage(origin string) string {
	switch {
	case origin == s.home || s.page == "":
		return s.Manage
	case s.Name == "github":
		return githubWeb(origin) + s.page
	}
	return strings.TrimSuffix(origin, s.below) + s.page
}

// tokenMethod is the method of a token that the user has.
func tokenMethod(label, help string, variables ...string) Method {
	return Method{Name: MethodToken, Doc: "a token that you have", Fields: []Field{
		{Name: "token", Label: label, Hidden: true, Variables: variables, Help: help},
	}}
}
