package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// InfisicalOptions say which folder of Infisical is read, and how.
type InfisicalOptions struct {
	ProjectID   string // of the project, not its name
	Environment string // its slug: prod
	Path        string // of the folder; "" is /

	Recursive    bool // the folders below as well
	NoImports    bool // not what the folder imports from others
	NoReferences bool // values as they were written, with references such as ${DB_HOST} in them
}

// Infisical is a folder of Infisical that secrets are read from.
//
// The folder's own secrets go before imported ones, and later imports before
// earlier ones. Personal overrides and comments are not read. Entries have no
// version: with references and imports a value changes while its secret's version
// stays.
//
// What references are replaced in may be changed by that beyond them: line breaks
// may come as \n. So values are read as they stand, and only those with references
// a second time.
type Infisical struct {
	api      *API
	o        InfisicalOptions
	old      bool     // the server knows the reading of v3 alone
	warnings []string // of the last Read
}

// InfisicalSource returns the folder that the options name. It makes no request.
// All that is wrong with the options is in one error of kind Invalid.
func InfisicalSource(a *API, o InfisicalOptions) (*Infisical, error) {
	o.Path = "/" + strings.Trim(o.Path, "/")
	var probs []error
	if !isSlug(o.ProjectID) {
		probs = append(probs, errs.New(errs.Invalid, "%q is not the ID of a project of Infisical", o.ProjectID).
			WithHint("it is in the project's settings, at Copy Project ID"))
	}
	if !isSlug(o.Environment) {
		probs = append(probs, errs.New(errs.Invalid, "%q is not an environment of Infisical", o.Environment).
			WithHint("name its slug, such as dev, staging or prod"))
	}
	if o.Path != "/" && slices.ContainsFunc(strings.Split(o.Path[1:], "/"), func(s string) bool { return !isSlug(s) }) {
		probs = append(probs, errs.New(errs.Invalid, "%q is not a folder of Infisical", o.Path).WithHint("it looks like /app/db"))
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	return &Infisical{api: a, o: o}, nil
}

// ID names the folder for messages and for what is remembered of it:
// "infisical:PROJECT/prod/app".
func (i *Infisical) ID() string {
	return "infisical:" + i.o.ProjectID + "/" + i.o.Environment + strings.TrimSuffix(i.o.Path, "/")
}

// Warnings returns what there is to know of what the last Read returned, in
// sentences without a full stop.
func (i *Infisical) Warnings() []string { return slices.Clone(i.warnings) }

// Read returns the secrets of the folder by their names, and those of folders
// below as FOLDER/NAME. Names are as Infisical has them, which allows more than
// keys do. One that the token may not read has no value.
//
// An error is of kind Config when the token is for another place than the one that
// was asked for, and when it cannot be told which folder an import belongs to; of
// kind Conflict when two secrets would have one name. It is not for several
// goroutines at once.
func (i *Infisical) Read(ctx context.Context) ([]secret.Entry, error) {
	i.warnings = nil
	if err := i.checkScope(ctx); err != nil {
		return nil, err
	}
	found, err := i.list(ctx, false)
	if err != nil {
		return nil, err
	}
	var resolved map[secret.Key]infisicalSecret
	if !i.o.NoReferences && slices.ContainsFunc(slices.Collect(maps.Values(found)), infisicalSecret.refers) {
		if resolved, err = i.list(ctx, true); err != nil {
			return nil, refusedReference(err)
		}
	}
	es := make([]secret.Entry, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		s := found[key]
		if resolved == nil || !s.refers() {
			es = append(es, s.entry(key))
			continue
		}
		r, ok := resolved[key]
		if !ok {
			return nil, errs.New(errs.Conflict, "reading %s: it was changed while it was read", i.ID()).WithHint("try again")
		}
		if r.refers() {
			i.warnings = append(i.warnings, fmt.Sprintf("%q still holds a reference that could not be resolved", key))
		}
		if squeezed(s.Value.value, r.Value.value) {
			es = append(es, secret.Entry{Key: key, Hidden: "its lines are put into one where its references are resolved; switch its multi-line encoding off at Infisical"})
			continue
		}
		es = append(es, r.entry(key))
	}
	return es, nil
}

// refusedReference says what may be refused when references are resolved, and
// was not before.
func refusedReference(err error) error {
	if !hasStatus(err, http.StatusForbidden) {
		return err
	}
	return errs.New(errs.Auth, "%w", err).
		WithHint("a secret refers to another that the token may not read; give it the permission, or read references as they stand")
}

// checkScope refuses what a service token is not for. Without that a server may
// answer with what the token is for in place of what was asked.
func (i *Infisical) checkScope(ctx context.Context) error {
	if i.api.t.Kind != "service token" {
		return nil
	}
	t, err := i.api.serviceToken(ctx)
	if err != nil {
		return fmt.Errorf("reading %s: %w", i.ID(), err)
	}
	var scopes []string
	covered := false
	for _, s := range t.Scopes {
		// A pattern is the server's to judge: it replaces nothing then.
		pattern := strings.ContainsAny(s.SecretPath, "*?[{(!")
		covered = covered || s.Environment == i.o.Environment && (pattern || folder(s.SecretPath) == i.o.Path)
		scopes = append(scopes, i.api.shown(s.Environment+":"+s.SecretPath))
	}
	if t.project() == i.o.ProjectID && covered {
		return nil
	}
	return errs.New(errs.Config, "reading %s: %s is for %s of the project %s alone", i.ID(), i.api.t.From, strings.Join(scopes, ", "), i.api.shown(t.project())).
		WithHint("ask for what it is for, or sign in as a machine identity")
}

// infisicalSecret is what is read of a secret.
type infisicalSecret struct {
	Name        string `json:"secretKey"`
	Value       text   `json:"secretValue"`
	Hidden      bool   `json:"secretValueHidden"`
	Type        string `json:"type"`
	Environment string `json:"environment"`
	Path        string `json:"secretPath"`
}

func (s infisicalSecret) entry(key secret.Key) secret.Entry {
	if s.Hidden { // what is in the place of the value is no value
		return secret.Entry{Key: key, Hidden: "it is hidden, and the token may not read it"}
	}
	return s.Value.entry(key, "Infisical gives no value of it")
}

// refers tells whether the value has a reference in it, in Infisical's form: ${A},
// ${prod.db.A} and, between projects, ${@shop.prod.A} or ${shop::prod.A}.
func (s infisicalSecret) refers() bool {
	_, rest, found := strings.Cut(s.Value.value, "${")
	for found && !s.Hidden {
		name, _, closed := strings.Cut(rest, "}")
		if closed && madeOf(name, letters+digits+"-_.@:", len(name)) && !strings.Contains(name, ":-") { // a shell's
			return true
		}
		_, rest, found = strings.Cut(rest, "${")
	}
	return false
}

// squeezed tells whether a value has been put into quotes, with \n for its line
// breaks, while references in it were resolved.
func squeezed(written, resolved string) bool {
	return len(resolved) > 1 && !strings.HasPrefix(written, `"`) && strings.HasPrefix(resolved, `"`) && strings.HasSuffix(resolved, `"`) &&
		strings.Contains(resolved, `\n`) && !strings.Contains(resolved, "\n")
}

// infisicalList is the answer to a reading.
type infisicalList struct {
	Secrets []infisicalSecret
	Imports []struct{ Secrets []infisicalSecret }
}

// list reads the folder and returns what counts, by its key.
func (i *Infisical) list(ctx context.Context, resolve bool) (map[secret.Key]infisicalSecret, error) {
	var v infisicalList
	err := i.ask(ctx, resolve, &v)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", i.ID(), err)
	case v.Secrets == nil:
		return nil, errs.New(errs.Backend, "reading %s: the answer of %s holds no list of secrets", i.ID(), hostOf(i.api.t.Origin)).
			WithHint("is that the address of Infisical?")
	}
	found := map[secret.Key]infisicalSecret{}
	for _, s := range v.Secrets {
		if err := i.add(found, s); err != nil {
			return nil, err
		}
	}
	for _, imported := range slices.Backward(v.Imports) {
		for _, s := range imported.Secrets {
			if s.Type == "personal" || i.o.NoImports {
				continue
			}
			if i.o.Recursive {
				return nil, errs.New(errs.Config, "reading %s: folders there import from others, and Infisical does not say which of them does", i.ID()).
					WithHint("read each folder by itself, or all without imports")
			}
			if _, taken := found[secret.Key(s.Name)]; !taken {
				found[secret.Key(s.Name)] = s
			}
		}
	}
	return found, nil
}

// add adds a secret of the folder, or of one below.
func (i *Infisical) add(found map[secret.Key]infisicalSecret, s infisicalSecret) error {
	if s.Type == "personal" {
		return nil
	}
	s.Path = folder(cmp.Or(s.Path, i.o.Path)) // old servers do not tell
	below, inside := strings.CutPrefix(strings.TrimSuffix(s.Path, "/")+"/", strings.TrimSuffix(i.o.Path, "/")+"/")
	switch {
	case s.Environment != "" && s.Environment != i.o.Environment, !i.o.Recursive && s.Path != i.o.Path:
		return errs.New(errs.Backend, "reading %s: %s answered with secrets of another place", i.ID(), hostOf(i.api.t.Origin)).
			WithHint("is the token for that place?")
	case !inside: // some versions take /apps for a folder below /app
		return nil
	}
	key := secret.Key(below + s.Name)
	if other, twice := found[key]; twice {
		return errs.New(errs.Conflict, "reading %s: the folders %q and %q both have a secret that would be %q", i.ID(), other.Path, s.Path, key).
			WithHint("rename one of them, or read each folder by itself")
	}
	found[key] = s
	return nil
}

// folder returns a path in the one form in which paths are compared.
func folder(path string) string { return "/" + strings.Trim(path, "/") }

// ask makes the request. Everything is said, since what is left out has another
// meaning from version to version, and some of it another name.
func (i *Infisical) ask(ctx context.Context, resolve bool, out *infisicalList) error {
	imports := strconv.FormatBool(!i.o.NoImports)
	query := url.Values{
		"environment": {i.o.Environment}, "secretPath": {i.o.Path},
		"recursive": {strconv.FormatBool(i.o.Recursive)}, "includeImports": {imports}, "include_imports": {imports},
		"expandSecretReferences": {strconv.FormatBool(resolve)}, "viewSecretValue": {"true"}, "includePersonalOverrides": {"false"},
	}
	get := func(path, project string) error {
		query.Set(project, i.o.ProjectID)
		_, err := i.api.Do(ctx, http.MethodGet, path+"?"+query.Encode(), nil, out)
		return err
	}
	const of3 = "/v3/secrets/raw"
	if i.old {
		return get(of3, "workspaceId")
	}
	err := get("/v4/secrets", "projectId")
	if !noRoute(err) {
		return err
	}
	if old := get(of3, "workspaceId"); !noRoute(old) {
		i.old = old == nil
		return old
	}
	return err
}

// noRoute tells whether a server does not know a path at all. It says that in
// words, without a code; that a project or a folder does not exist has a code.
func noRoute(err error) bool { return hasStatus(err, http.StatusNotFound) && codeOf(err) == "" }
