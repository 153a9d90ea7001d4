package remote

import (
	"cmp"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// GitHubOptions say where at GitHub secrets are kept, and how. Either a
// repository or an organization is named.
type GitHubOptions struct {
	Repository   string // "acme/app"
	Organization string // "acme"
	Environment  string // of the repository; "" is the repository itself. It must exist: none is created

	// App is who reads the secrets: "actions", "dependabot" or "codespaces"; "" is
	// actions. Each has secrets of its own.
	App string

	// Visibility says which repositories of the organization see a secret: all,
	// private (and internal ones), or selected. "" leaves it as it is; a new secret
	// is then seen by the private ones.
	Visibility string

	// Repositories are those that see a secret with visibility selected: "app", or
	// "acme/app". They take the place of those that were selected before.
	Repositories []string

	// Variables are names, or globs of path.Match, of what is no secret: these are
	// written as variables of Actions, which everyone who can read the repository
	// can read.
	Variables []string

	// AllowEmpty lets an empty value be written.
	AllowEmpty bool
}

// The stores of GitHub, by who reads them.
const (
	appActions    = "actions"
	appDependabot = "dependabot"
	appCodespaces = "codespaces"
)

// The visibilities of what an organization has.
const (
	visibleAll      = "all"
	visiblePrivate  = "private"
	visibleSelected = "selected"
)

// problems returns all that is wrong with the options.
func (o *GitHubOptions) problems() error {
	var probs []error
	bad := func(hint, format string, args ...any) {
		probs = append(probs, errs.New(errs.Invalid, format, args...).WithHint("%s", hint))
	}
	switch {
	case o.Repository == "" && o.Organization == "":
		bad("name one, such as acme/app", "neither a repository nor an organization of GitHub is named")
	case o.Repository != "" && o.Organization != "":
		bad("name one of the two", "both a repository and an organization of GitHub are named")
	}
	if owner, name, _ := strings.Cut(o.Repository, "/"); o.Repository != "" && (!isOwner(owner) || !isRepository(name)) {
		bad("write OWNER/REPOSITORY, such as acme/app", "%q is not a repository of GitHub", o.Repository)
	}
	if o.Organization != "" && !isOwner(o.Organization) {
		bad("write its name in the address of its page", "%q is not an organization of GitHub", o.Organization)
	}
	if o.Environment != "" && !isEnvironment(o.Environment) {
		bad("write its name as it stands in the settings of the repository", "%q is not an environment of GitHub", o.Environment)
	}
	app := cmp.Or(o.App, appActions)
	if !slices.Contains([]string{appActions, appDependabot, appCodespaces}, app) {
		bad("use actions, dependabot or codespaces", "GitHub has no secrets for %q", o.App)
	}
	if o.Environment != "" && (o.Repository == "" || app != appActions) {
		bad("leave the environment out", "only the secrets that a repository has for actions have environments")
	}
	for _, g := range o.Variables {
		if _, err := path.Match(g, ""); err != nil || g == "" {
			bad("* stands for any characters, ? for one", "invalid pattern %q for variables", g)
		}
	}
	if len(o.Variables) > 0 && app != appActions {
		bad("leave the variables out", "%s has no variables", app)
	}
	return errors.Join(append(probs, o.accessProblems()...)...)
}

// accessProblems returns what is wrong with who is to see the secrets.
func (o *GitHubOptions) accessProblems() (probs []error) {
	bad := func(hint, format string, args ...any) {
		probs = append(probs, errs.New(errs.Invalid, format, args...).WithHint("%s", hint))
	}
	switch {
	case o.Visibility != "" && !isVisibility(o.Visibility):
		bad("use all, private or selected", "GitHub has no visibility %q", o.Visibility)
	case o.Visibility != "" && o.Organization == "":
		bad("leave it out", "only the secrets of an organization have a visibility")
	case o.Visibility == visibleSelected && len(o.Repositories) == 0:
		bad("name them", "no repositories are named that are to see the secrets")
	case o.Visibility != visibleSelected && len(o.Repositories) > 0:
		bad("with visibility selected, repositories can be named", "repositories are named, and the visibility is not selected")
	}
	for _, r := range o.Repositories {
		if !isRepository(o.within(r)) {
			bad("write its name alone, such as app", "%q is not a repository of the organization", r)
		}
	}
	return probs
}

// within returns the name that a repository has within the organization.
func (o *GitHubOptions) within(repository string) string {
	if owner, name, ok := strings.Cut(repository, "/"); ok && strings.EqualFold(owner, o.Organization) {
		return name
	}
	return repository
}

// place returns the path of what holds the secrets.
func (o *GitHubOptions) place() string {
	app := cmp.Or(o.App, appActions)
	owner, name, _ := strings.Cut(o.Repository, "/")
	repository := "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
	switch {
	case o.Organization != "":
		return "/orgs/" + url.PathEscape(o.Organization) + "/" + app
	case o.Environment != "":
		return repository + "/environments/" + url.PathEscape(o.Environment)
	}
	return repository + "/" + app
}

// id names the place: in lower case, since GitHub does not tell case apart.
func (o *GitHubOptions) id(origin string) string {
	kind, server := "github", ""
	if o.App != "" && o.App != appActions {
		kind += "-" + o.App
	}
	if origin != githubHome {
		_, server, _ = strings.Cut(githubWeb(origin), "://")
		server += "/"
	}
	at := cmp.Or(o.Repository, o.Organization)
	if o.Environment != "" {
		at += ":" + o.Environment
	}
	return kind + ":" + server + strings.ToLower(at)
}

const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits       = "0123456789"
	letters      = lowerLetters + upperLetters
)

// madeOf tells whether s is some of these characters, at most so many.
func madeOf(s, characters string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, characters) == ""
}

// isOwner tells whether s may be a user or an organization.
func isOwner(s string) bool {
	return madeOf(s, letters+digits+"-_", 100) && s[0] != '-'
}

func isRepository(s string) bool {
	return madeOf(s, letters+digits+"-_.", 100) && s != "." && s != ".."
}

// isEnvironment tells whether s may be an environment, whose names are almost
// free, and can stand in a path.
func isEnvironment(s string) bool {
	return len(s) <= 255 && badPath("/"+url.PathEscape(s)) == "" && strings.TrimSpace(s) == s
}

func isVisibility(s string) bool {
	return s == visibleAll || s == visiblePrivate || s == visibleSelected
}
