package remote

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// PagesOptions say which project of Cloudflare Pages.
type PagesOptions struct {
	AccountID   string // 32 hexadecimal digits; "" is the account that the token was stored with
	Project     string // its name
	Environment string // which deployments see the secrets: "production" or "preview"; "" is production
}

// Pages is where a project of Cloudflare Pages keeps secrets. It takes them and never
// gives them back. What is written takes effect at the next deployment. It is safe for
// concurrent use.
type Pages struct {
	api         *API
	account     string
	project     string
	environment string
}

// PagesTarget returns the project that the options name. It makes no request. All
// that is wrong with the options is in one error of kind Invalid.
func PagesTarget(a *API, o PagesOptions) (*Pages, error) {
	var probs []error
	account, err := a.accountID(o.AccountID)
	if err != nil {
		probs = append(probs, err)
	}
	if !isLabel(o.Project) || len(o.Project) > 63 {
		probs = append(probs, errs.New(errs.Invalid, "%.80q is not a project of Cloudflare Pages", o.Project).
			WithHint("it is the first part of its address at pages.dev"))
	}
	o.Environment = cmp.Or(o.Environment, "production")
	if o.Environment != "production" && o.Environment != "preview" {
		probs = append(probs, errs.New(errs.Invalid, "Cloudflare Pages has no environment %.80q", o.Environment).WithHint("use production or preview"))
	}
	if len(probs) > 0 {
		return nil, errors.Join(probs...)
	}
	return &Pages{a, account, o.Project, o.Environment}, nil
}

// ID names the place for messages and for what is remembered of it:
// "cloudflare-pages:ACCOUNT/project:production".
func (p *Pages) ID() string {
	return "cloudflare-pages:" + p.api.elsewhere() + p.account + "/" + p.project + ":" + p.environment
}

// Name returns the name that a key has at the project, which is that of its variable,
// or why there can be none.
func (p *Pages) Name(k secret.Key) (name secret.Key, why string) { return cloudflareName(k) }

// Same returns the name itself: Cloudflare tells case apart.
func (p *Pages) Same(name secret.Key) string { return string(name) }

// Value returns why Cloudflare would refuse a value; "" if it would not. Every secret
// is shown as empty there, so that one that is could not be told from the others.
func (p *Pages) Value(_ secret.Key, v secret.Value) (why string) {
	if v.Len() == 0 {
		return "it is empty, which Cloudflare Pages cannot tell from a secret that it does not show"
	}
	return cloudflareValue(v)
}

// MaxNames returns how many variables and secrets there may be, on a paid plan.
func (p *Pages) MaxNames() int { return maxCloudflareNames }

// Workers returns 1: all is one object.
func (p *Pages) Workers() int { return 1 }

// Readable tells that no value can be read.
func (p *Pages) Readable() bool { return false }

// BatchSize returns 0: as many as there may be go into one request.
func (p *Pages) BatchSize() int { return 0 }

func (p *Pages) at() string {
	return "/accounts/" + p.account + "/pages/projects/" + url.PathEscape(p.project)
}

// pagesConfig is what a project has for one environment.
type pagesConfig struct {
	Variables map[string]*struct{ Type string } `json:"env_vars"`

	// Hash is of wrangler's configuration, where that is where the project's comes from.
	// Without it in what is sent, Cloudflare takes the project for one that is configured
	// in the dashboard.
	Hash string `json:"wrangler_config_hash"`
}

// config reads what the project has. What it says of values is not used: secrets are
// blank there.
func (p *Pages) config(ctx context.Context) (pagesConfig, error) {
	var v struct {
		Result struct {
			Configs map[string]pagesConfig `json:"deployment_configs"`
		}
	}
	if _, err := p.api.Do(ctx, http.MethodGet, p.at(), nil, &v); err != nil {
		return pagesConfig{}, p.explain(err)
	}
	c, ok := v.Result.Configs[p.environment]
	if !ok {
		return pagesConfig{}, p.api.notCloudflare()
	}
	return c, nil
}

// List returns the secrets without their values. Variables that are no secrets are
// among them, without theirs: what is written in their place becomes secret.
func (p *Pages) List(ctx context.Context) ([]secret.Entry, error) {
	c, err := p.config(ctx)
	if err != nil {
		return nil, err
	}
	es := make([]secret.Entry, 0, len(c.Variables))
	for name, v := range c.Variables {
		switch {
		case name == "" || p.api.shown(name) != name:
			return nil, p.api.notCloudflare()
		case v != nil:
			es = append(es, secret.Entry{Key: secret.Key(name), Type: p.api.shown(v.Type)})
		}
	}
	secret.SortEntries(es)
	return es, nil
}

// pagesSecret is a secret as Cloudflare takes it.
type pagesSecret struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Put writes one secret.
func (p *Pages) Put(ctx context.Context, e secret.Entry, _ *secret.Entry) error {
	return p.PutAll(ctx, []secret.Entry{e})
}

// PutAll writes secrets, all or none.
func (p *Pages) PutAll(ctx context.Context, es []secret.Entry) error {
	secrets := make(map[string]*pagesSecret, len(es))
	for _, e := range es {
		secrets[string(e.Key)] = &pagesSecret{"secret_text", e.Value.Reveal()}
	}
	return p.patch(ctx, secrets)
}

// Delete deletes secrets, all or none.
func (p *Pages) Delete(ctx context.Context, names ...secret.Key) error {
	secrets := make(map[string]*pagesSecret, len(names))
	for _, name := range names {
		secrets[string(name)] = nil // which deletes it
	}
	return p.patch(ctx, secrets)
}

// patch writes and deletes. What is not named stays as it is, and is never sent back:
// secrets come blank, and would be written blank.
func (p *Pages) patch(ctx context.Context, secrets map[string]*pagesSecret) error {
	now, err := p.config(ctx)
	if err != nil {
		return err
	}
	config := map[string]any{"env_vars": secrets}
	if now.Hash != "" {
		config["wrangler_config_hash"] = now.Hash
	}
	in := map[string]any{"deployment_configs": map[string]any{p.environment: config}}
	_, err = p.api.Do(ctx, http.MethodPatch, p.at(), in, nil)
	return p.explain(err)
}

// explain says what a token must be allowed.
func (p *Pages) explain(err error) error {
	const permission = "Cloudflare Pages: Edit"
	switch {
	case hasStatus(err, http.StatusNotFound):
		return errs.New(errs.NotFound, "%w", err).
			WithHint("is there a project %s in the account? None is created here; the token needs the permission %s", p.project, permission)
	case hasStatus(err, http.StatusForbidden):
		return errs.New(errs.Auth, "%w", err).WithHint("give the token the permission %s for the account: %s", permission, p.api.t.s.Manage)
	}
	return err
}
