package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// GitLabOptions say whose variables of GitLab, and how they are written. Either a
// project or a group is named.
type GitLabOptions struct {
	Project string // its path, "acme/web/app", or its number
	Group   string // its path, "acme/web", or its number

	// Scope is the environment scope, such as production or review/*; "" is *, all
	// environments. A name may be there once for each scope: those of other scopes are
	// others, even where this one would match them.
	Scope string

	Masked    bool // values are masked in the logs of jobs; one that cannot be is refused
	Protected bool // only jobs of protected branches and tags see them
	Hidden    bool // and values are never shown again: of new variables alone; they are masked, too
}

// GitLab is where a project or a group of GitLab keeps variables for jobs, of one
// environment scope. It is read as well as written. It is safe for concurrent use.
//
// Variables are written raw: GitLab does not expand $ in them. What is there already
// keeps its description, its type, and what it is besides: nothing becomes unmasked or
// unprotected. What is written without being masked is seen by everyone who sees the
// log of a job that prints it.
type GitLab struct {
	api *API
	o   GitLabOptions
	at  string // the path of the variables

	mu    sync.Mutex
	known map[secret.Key]gitlabVariable // as List returned them
}

const allScopes = "*"

// GitLabTarget returns the variables that the options name. It makes no request. All
// that is wrong with the options is in one error of kind Invalid.
func GitLabTarget(a *API, o GitLabOptions) (*GitLab, error) {
	var probs []error
	bad := func(hint, format string, args ...any) {
		probs = append(probs, errs.New(errs.Invalid, format, args...).WithHint("%s", hint))
	}
	switch {
	case o.Project == "" && o.Group == "":
		bad("name one, such as acme/app", "neither a project nor a group of GitLab is named")
	case o.Project != "" && o.Group != "":
		bad("name one of the two", "both a project and a group of GitLab are named")
	}
	if o.Project != "" && !isGitLabPath(o.Project, 2) {
		bad("write its path, such as acme/app, or its number", "%q is not a project of GitLab", o.Project)
	}
	if o.Group != "" && !isGitLabPath(o.Group, 1) {
		bad("write its path, such as acme/web, or its number", "%q is not a group of GitLab", o.Group)
	}
	o.Scope = cmp.Or(o.Scope, allScopes)
	if !madeOf(o.Scope, letters+digits+"_-/${}. *", 255) || strings.TrimSpace(o.Scope) != o.Scope {
		bad("such as production, review/* or *", "%q is not an environment scope of GitLab", o.Scope)
	}
	if len(probs) > 0 {
		return nil, errors.Join(probs...)
	}
	o.Masked = o.Masked || o.Hidden
	at := "/projects/" + url.PathEscape(o.Project)
	if o.Group != "" {
		at = "/groups/" + url.PathEscape(o.Group)
	}
	return &GitLab{api: a, o: o, at: at + "/variables", known: map[secret.Key]gitlabVariable{}}, nil
}

// isGitLabPath tells whether s is a number, or a path of so many parts at least.
func isGitLabPath(s string, least int) bool {
	if _, err := strconv.ParseUint(s, 10, 63); err == nil {
		return s[0] != '0'
	}
	n := 0
	for part := range strings.SplitSeq(s, "/") {
		if !madeOf(part, letters+digits+"_-.", 255) || part[0] == '-' || strings.Trim(part, ".") == "" {
			return false
		}
		n++
	}
	return n >= least && n <= 30
}

// ID names the place for messages and for what is remembered of it:
// "gitlab:acme/app", "gitlab:acme/app:production", "gitlab-group:acme", and for a
// server of one's own "gitlab:git.example.com/acme/app". A place that is named by its
// number is another than the same by its path.
func (g *GitLab) ID() string {
	kind := "gitlab:"
	if g.o.Group != "" {
		kind = "gitlab-group:"
	}
	id := kind + g.api.elsewhere() + strings.ToLower(cmp.Or(g.o.Project, g.o.Group)) // GitLab does not tell case apart
	if g.o.Scope != allScopes {
		id += ":" + g.o.Scope
	}
	return id
}

// elsewhere returns the address of a server that others run, as it stands in an ID;
// "" if the API is the service's own.
func (a *API) elsewhere() string {
	if a.t.Origin == a.t.s.home {
		return ""
	}
	_, at, _ := strings.Cut(strings.TrimSuffix(a.t.Origin, a.t.s.below), "://")
	return at + "/"
}

// Name returns the name that a key has at GitLab, which is that of its variable, or
// why there can be none.
func (g *GitLab) Name(k secret.Key) (name secret.Key, why string) {
	name = secret.Key(k.EnvName())
	switch {
	case !madeOf(string(name), letters+digits+"_", secret.MaxKeyLen):
		return name, "GitLab takes letters, digits and _ alone"
	case len(name) > 255:
		return name, "it is longer than the 255 characters that GitLab takes"
	case name[0] >= '0' && name[0] <= '9':
		return name, "a name that starts with a digit makes the shell of every job fail"
	}
	return name, ""
}

// Same returns the name itself: GitLab tells case apart.
func (g *GitLab) Same(name secret.Key) string { return string(name) }

// Value returns why GitLab would refuse a value, or could not mask it though it is to
// be masked; "" if neither. What List found masked stays so.
func (g *GitLab) Value(name secret.Key, v secret.Value) (why string) {
	g.mu.Lock()
	there := g.known[name].Masked
	g.mu.Unlock()
	switch {
	case !isText(v):
		return "it is not text, and GitLab keeps text; encode it, such as with base64"
	case !g.o.Masked && !there:
		return ""
	}
	return unmaskable(v.Reveal())
}

// isText tells whether a value is what services keep that keep text.
func isText(v secret.Value) bool {
	return utf8.ValidString(v.Reveal()) && !strings.Contains(v.Reveal(), "\x00")
}

// unmaskable is GitLab's rule for what is masked and raw. Servers from before 17 take
// fewer characters, and refuse the others.
func unmaskable(value string) (why string) {
	switch {
	case utf8.RuneCountInString(value) < 8:
		return "it is to be masked, and GitLab masks no value of less than 8 characters"
	case strings.ContainsAny(value, " \t\n\v\f\r"):
		return "it is to be masked, and GitLab masks no value with a space or a line break"
	}
	return ""
}

// MaxNames returns how many variables there may be, of all scopes.
func (g *GitLab) MaxNames() int {
	if g.o.Group != "" {
		return 30000
	}
	return 8000
}

// Workers returns how many requests may be under way.
func (g *GitLab) Workers() int { return 4 }

// Readable tells that List has values, but for hidden variables.
func (g *GitLab) Readable() bool { return true }

// gitlabVariable is a variable as GitLab tells it.
type gitlabVariable struct {
	Key                            string
	Value                          text
	Scope                          string `json:"environment_scope"`
	Masked, Hidden, Protected, Raw bool
}

func (v gitlabVariable) entry() secret.Entry {
	const hidden = "GitLab keeps it hidden, and gives its value to jobs alone"
	if v.Hidden {
		return secret.Entry{Key: secret.Key(v.Key), Hidden: hidden}
	}
	return v.Value.entry(secret.Key(v.Key), hidden)
}

// lacks names what a variable is to be and is not; "" if nothing. Hidden it can only
// be made.
func (g *GitLab) lacks(v gitlabVariable) string {
	switch {
	case g.o.Masked && !v.Masked:
		return "masked"
	case g.o.Protected && !v.Protected:
		return "protected"
	case !v.Raw && strings.Contains(v.Value.value, "$"):
		return "raw"
	}
	return ""
}

// List returns what is there of this scope. Of a hidden variable there is no value;
// and neither of one that is not masked, protected or raw as it is to be, so that it is
// written again.
func (g *GitLab) List(ctx context.Context) ([]secret.Entry, error) {
	vs, err := g.all(ctx)
	if err != nil {
		return nil, err
	}
	known, es := map[secret.Key]gitlabVariable{}, make([]secret.Entry, 0, len(vs))
	for _, v := range vs {
		e := v.entry()
		if g.lacks(v) != "" {
			e.Value = secret.Value{}
		}
		v.Value = text{} // what it is matters, not what it says
		known[e.Key] = v
		es = append(es, e)
	}
	g.mu.Lock()
	g.known = known
	g.mu.Unlock()
	secret.SortEntries(es)
	return es, nil
}

// Read returns the variables of the scope, as they were written: what GitLab would
// expand is not expanded, and the text of one of type file is its value.
func (g *GitLab) Read(ctx context.Context) ([]secret.Entry, error) {
	vs, err := g.all(ctx)
	if err != nil {
		return nil, err
	}
	es := make([]secret.Entry, 0, len(vs))
	for _, v := range vs {
		es = append(es, v.entry())
	}
	secret.SortEntries(es)
	return es, nil
}

// all returns the variables of the scope. Pages are asked for until one is not full;
// where the service says that the next one is, is not looked at.
func (g *GitLab) all(ctx context.Context) ([]gitlabVariable, error) {
	const per = 100
	var all []gitlabVariable
	seen := map[string]bool{} // what is written meanwhile can move one to the next page
	for n := 1; n <= g.MaxNames()/per+1; n++ {
		var page []gitlabVariable
		if _, err := g.api.Do(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", g.at, per, n), nil, &page); err != nil {
			return nil, g.explain(err)
		}
		if page == nil {
			return nil, errs.New(errs.Backend, "the list that %s gave is not understood", hostOf(g.api.t.Origin)).WithHint("is that the address of GitLab?")
		}
		for _, v := range page {
			if !madeOf(v.Key, letters+digits+"_", 255) {
				return nil, errs.New(errs.Backend, "%s lists a name that none can have", hostOf(g.api.t.Origin)).WithHint("is that the address of GitLab?")
			}
			if cmp.Or(v.Scope, allScopes) == g.o.Scope && !seen[v.Key] {
				seen[v.Key] = true
				all = append(all, v)
			}
		}
		if len(page) < per {
			return all, nil
		}
	}
	return nil, errs.New(errs.Backend, "the list that %s gave has no end", hostOf(g.api.t.Origin)).WithHint("is that the address of GitLab?")
}

// explain says what a user must be allowed, or what GitLab may not like.
func (g *GitLab) explain(err error) error {
	role := "the role Maintainer in the project " + g.o.Project
	if g.o.Group != "" {
		role = "the role Owner in the group " + g.o.Group
	}
	switch {
	case hasStatus(err, http.StatusForbidden):
		return errs.New(errs.Auth, "%w", err).WithHint("the token needs the scope api, and its user %s: %s", role, g.api.t.s.manage(g.api.t.Origin))
	case hasStatus(err, http.StatusNotFound):
		return errs.New(errs.NotFound, "%w", err).WithHint("check the name; GitLab hides what a token may not see, and its user needs %s", role)
	case hasStatus(err, http.StatusConflict):
		return errs.New(errs.Conflict, "%w", err).WithHint("is it there in several scopes? For groups, telling them apart needs GitLab 16.9 and Premium")
	case hasStatus(err, http.StatusBadRequest) && g.o.Masked:
		return errs.New(errs.Backend, "%w", err).
			WithHint("GitLab before 17 masks only letters, digits and the signs _ + = / @ : . ~ -; or is there no room for more variables?")
	case hasStatus(err, http.StatusBadRequest):
		return errs.New(errs.Backend, "%w", err).WithHint("is there no room for more variables, or does that scope need a licence?")
	}
	return err
}
