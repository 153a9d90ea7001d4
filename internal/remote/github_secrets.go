package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// GitHub is where one repository, one of its environments, or one organization
// at GitHub keeps secrets. It takes secrets and never gives them back; what is
// written as a variable can be read. It is safe for concurrent use.
//
// A secret is sealed to the public key of the place (libsodium's sealed box)
// before it is sent. A workflow sees what was there when its run was queued, of an
// environment when its job began: runs that wait already see the old values.
type GitHub struct {
	api  *API
	o    GitHubOptions
	at   string // the path of the place
	key  shared[githubKey]
	seen shared[[]int64] // the ids of the repositories that see a secret
}

// GitHubTarget returns the place that the options name. It makes no request. All
// that is wrong with the options is in one error of kind Invalid.
func GitHubTarget(a *API, o GitHubOptions) (*GitHub, error) {
	if err := o.problems(); err != nil {
		return nil, err
	}
	return &GitHub{api: a, o: o, at: o.place()}, nil
}

// ID names the place for messages and for what is remembered of it:
// "github:acme/app", "github:acme/app:production", "github-dependabot:acme", and
// for a server of one's own "github:ghe.example.com/acme/app". It is the same
// however the options were spelt.
func (g *GitHub) ID() string { return g.o.id(g.api.t.Origin) }

// Name returns the name that a key has at GitHub, which is that of its variable,
// or why there can be none.
func (g *GitHub) Name(k secret.Key) (name secret.Key, why string) {
	name = secret.Key(k.EnvName())
	switch {
	case !madeOf(string(name), upperLetters+digits+"_", secret.MaxKeyLen):
		return name, "GitHub takes letters, digits and _ alone"
	case name[0] >= '0' && name[0] <= '9':
		return name, "GitHub takes no name that starts with a digit"
	case strings.HasPrefix(string(name), "GITHUB_"):
		return name, "GitHub keeps the names that start with GITHUB_ for itself"
	}
	return name, ""
}

// Same returns a name in upper case: GitHub does not tell case apart.
func (g *GitHub) Same(name secret.Key) string { return strings.ToUpper(string(name)) }

const maxGitHubValue = 48 << 10

// Value returns why GitHub would refuse a value, or not give it to a workflow as
// it is; "" if neither.
func (g *GitHub) Value(_ secret.Key, v secret.Value) (why string) {
	switch {
	case v.Len() > maxGitHubValue:
		return "it is larger than the 48 KiB that GitHub takes"
	case v.Len() == 0 && !g.o.AllowEmpty:
		return "it is empty, which a workflow cannot tell from a secret that does not exist"
	case !isText(v):
		return "it is not text, and GitHub keeps text; encode it, such as with base64"
	}
	return ""
}

// MaxNames returns how many secrets and variables there may be.
func (g *GitHub) MaxNames() int {
	secrets, variables := 100, 500
	switch {
	case g.o.Environment != "":
		variables = 100
	case g.o.Organization != "" && g.o.App != appCodespaces:
		secrets, variables = 1000, 1000
	}
	switch {
	case g.Readable():
		return variables
	case len(g.o.Variables) > 0:
		return secrets + variables
	}
	return secrets
}

// Workers returns how many requests may be under way: GitHub counts what happens
// at a time, too.
func (g *GitHub) Workers() int { return 6 }

// Readable tells whether all values can be read: whether everything is a variable.
// Where some are, List has values for those.
func (g *GitHub) Readable() bool { return slices.Contains(g.o.Variables, "*") }

// variable tells whether what has this name is written as a variable.
func (g *GitHub) variable(name secret.Key) bool {
	return slices.ContainsFunc(g.o.Variables, func(glob string) bool {
		ok, _ := path.Match(strings.ToUpper(glob), string(name))
		return ok
	})
}

// List returns what is there: secrets, without values, and with their values the
// variables that the options name. Other variables are none of ours, and neither
// are secrets with the name of a variable that is.
func (g *GitHub) List(ctx context.Context) ([]secret.Entry, error) {
	if g.o.Visibility == visibleSelected { // a name that is wrong shows before the first write
		if _, err := g.selected(ctx); err != nil {
			return nil, g.explain(err)
		}
	}
	es := []secret.Entry{}
	add := func(kind string, per int, variables bool) error {
		items, err := g.all(ctx, g.at+kind, per)
		for _, i := range items {
			name := strings.ToUpper(i.Name)
			if name == "" || g.api.shown(name) != name {
				return errs.New(errs.Backend, "%s lists a name that none can have", hostOf(g.api.t.Origin)).WithHint("is that the address of GitHub?")
			}
			if e := (secret.Entry{Key: secret.Key(name), Modified: i.Updated}); g.variable(e.Key) == variables {
				if variables {
					e.Value = secret.NewValue(i.Value)
				}
				es = append(es, e)
			}
		}
		return err
	}
	if !g.Readable() {
		if err := add("/secrets", 100, false); err != nil {
			return nil, g.explain(err)
		}
	}
	if len(g.o.Variables) > 0 {
		if err := add("/variables", 30, true); err != nil { // more come on no page
			return nil, g.explain(err)
		}
	}
	secret.SortEntries(es)
	return es, nil
}

// Put seals and writes one secret, or writes a variable. was tells whether it is
// there already.
func (g *GitHub) Put(ctx context.Context, e secret.Entry, was *secret.Entry) error {
	if g.variable(e.Key) {
		return g.explain(g.putVariable(ctx, e, was != nil))
	}
	return g.explain(g.putSecret(ctx, e, was != nil))
}

// Delete deletes secrets and variables, and stops at the first that is refused.
func (g *GitHub) Delete(ctx context.Context, names ...secret.Key) error {
	for _, name := range names {
		kind := "/secrets/"
		if g.variable(name) {
			kind = "/variables/"
		}
		_, err := g.api.Do(ctx, http.MethodDelete, g.at+kind+url.PathEscape(string(name)), nil, nil)
		if err != nil && !hasStatus(err, http.StatusNotFound) {
			return g.explain(err)
		}
	}
	return nil
}

// explain says which permission a token lacks, or what may not exist.
func (g *GitHub) explain(err error) error {
	if f, ok := errors.AsType[*Failure](err); !ok || f.sso { // a single sign-on has its own next step
		return err
	}
	t := g.api.t
	where, what := g.o.Repository, "Secrets"
	if g.o.Organization != "" {
		where, what = g.o.Organization, "organization secrets"
	}
	switch {
	case g.o.Environment != "":
		what = "Environments"
	case g.o.App == appDependabot:
		what = "Dependabot secrets"
	case g.o.App == appCodespaces:
		what = "Codespaces secrets"
	case len(g.o.Variables) > 0:
		what += " and Variables"
	}
	need := "the permission to read and write " + what + " of " + where
	switch {
	case hasStatus(err, http.StatusForbidden) && t.Kind == "installation token":
		return errs.New(errs.Auth, "%w", err).
			WithHint("a workflow's own GITHUB_TOKEN can never do this: use a fine-grained token, or one of a GitHub App, with %s", need)
	case hasStatus(err, http.StatusForbidden) && (t.Kind == "classic token" || t.Kind == "OAuth token"):
		scope := "repo"
		if g.o.Organization != "" {
			scope = "admin:org"
		}
		return errs.New(errs.Auth, "%w", err).WithHint("the token needs the scope %s, and you the right to administer %s: %s", scope, where, t.s.manage(t.Origin))
	case hasStatus(err, http.StatusForbidden):
		return errs.New(errs.Auth, "%w", err).WithHint("give it %s: %s", need, t.s.manage(t.Origin))
	case hasStatus(err, http.StatusNotFound) && g.o.Environment != "":
		return errs.New(errs.NotFound, "%w", err).
			WithHint("is there an environment %s in the settings of %s? None is created here. The token needs %s", g.o.Environment, where, need)
	case hasStatus(err, http.StatusNotFound):
		return errs.New(errs.NotFound, "%w", err).WithHint("check the name; GitHub hides what a token has no permission for, and it needs %s", need)
	}
	return err
}
