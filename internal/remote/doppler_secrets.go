package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// DopplerOptions say which config of Doppler is read, and how.
type DopplerOptions struct {
	Project, Config string // such as app and prd; a service token knows its own

	// Raw reads values as they were written, with references such as ${DB.HOST} in
	// them. Else they are resolved.
	Raw bool

	// IncludeManaged also reads the three secrets by which Doppler says which
	// config it is.
	IncludeManaged bool
}

// Doppler is a config of Doppler that secrets are read from. Doppler has no
// versions of single secrets. Notes are not read, since there may be secrets in
// them.
type Doppler struct {
	api *API
	o   DopplerOptions
}

// The secrets that are in every config.
const (
	dopplerProject     = "DOPPLER_PROJECT"
	dopplerEnvironment = "DOPPLER_ENVIRONMENT"
	dopplerConfig      = "DOPPLER_CONFIG"
)

// DopplerSource returns the config that the options name. It makes no request. All
// that is wrong with the options is in one error of kind Invalid.
func DopplerSource(a *API, o DopplerOptions) (*Doppler, error) {
	const hint = "name one with --project and --config, such as --project app --config prd"
	switch {
	case o.Project != "" && !isSlug(o.Project):
		return nil, errs.New(errs.Invalid, "%q is not a project of Doppler", o.Project).WithHint(hint)
	case o.Config != "" && !isSlug(o.Config):
		return nil, errs.New(errs.Invalid, "%q is not a config of Doppler", o.Config).WithHint(hint)
	case (o.Project == "" || o.Config == "") && !ownConfig(a):
		return nil, errs.New(errs.Invalid, "%s can read many configs of Doppler, and none is named", a.t.From).WithHint(hint)
	}
	return &Doppler{api: a, o: o}, nil
}

// ownConfig tells whether the token is for one config, whatever is asked for.
func ownConfig(a *API) bool { return a.t.Kind == "service token" }

// ID names the config for messages and for what is remembered of it:
// "doppler:app/prd". Of a service token whose config is not named, it is
// "doppler" until Read has learnt it.
func (d *Doppler) ID() string {
	if d.o.Project == "" || d.o.Config == "" {
		return "doppler"
	}
	return "doppler:" + d.o.Project + "/" + d.o.Config
}

// dopplerSecret is what is read of a secret.
type dopplerSecret struct {
	Raw      text `json:"raw"`
	Computed text `json:"computed"`
}

// Read returns the secrets of the config by their names. A restricted one has no
// value. No dynamic secret is asked for: reading those would issue leases. The
// config of a service token that is another than the one that was named is an
// error of kind Config. It is not for several goroutines at once.
func (d *Doppler) Read(ctx context.Context) ([]secret.Entry, error) {
	query := url.Values{"include_dynamic_secrets": {"false"}, "include_managed_secrets": {"true"}}
	if d.o.Project != "" {
		query.Set("project", d.o.Project)
	}
	if d.o.Config != "" {
		query.Set("config", d.o.Config)
	}
	var v struct{ Secrets map[string]dopplerSecret }
	if _, err := d.api.Do(ctx, http.MethodGet, "/v3/configs/config/secrets?"+query.Encode(), nil, &v); err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.ID(), err)
	}
	if v.Secrets == nil {
		return nil, errs.New(errs.Backend, "reading %s: the answer of %s holds no list of secrets", d.ID(), hostOf(d.api.t.Origin)).
			WithHint("is that the address of Doppler?")
	}
	if err := d.settle(v.Secrets[dopplerProject].Computed.value, v.Secrets[dopplerConfig].Computed.value); err != nil {
		return nil, err
	}
	es := make([]secret.Entry, 0, len(v.Secrets))
	for name, s := range v.Secrets {
		if !d.o.IncludeManaged && slices.Contains([]string{dopplerProject, dopplerEnvironment, dopplerConfig}, name) {
			continue
		}
		value := s.Computed
		if d.o.Raw {
			value = s.Raw
		}
		es = append(es, value.entry(secret.Key(name), "it is restricted, and the token may not read it"))
	}
	secret.SortEntries(es)
	return es, nil
}

// settle compares which config was read with the one that was asked for. A
// service token reads its own, whatever the request says.
func (d *Doppler) settle(project, config string) error {
	if !ownConfig(d.api) {
		return nil
	}
	if !isSlug(project) || !isSlug(config) {
		if d.o.Project != "" && d.o.Config != "" {
			return nil
		}
		return errs.New(errs.Backend, "%s does not say which config %s is for", hostOf(d.api.t.Origin), d.api.t.From).
			WithHint("name it with --project and --config")
	}
	if d.o.Project != "" && d.o.Project != project || d.o.Config != "" && d.o.Config != config {
		return errs.New(errs.Config, "%s is for %s/%s at Doppler, and reads no other config", d.api.t.From, project, config).
			WithHint("name that with --project and --config, or use the token of the config that you want")
	}
	d.o.Project, d.o.Config = project, config
	return nil
}
