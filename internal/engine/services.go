package engine

import (
	"context"
	"maps"
	"os/exec"
	"time"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/awsauth/webid"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/remote"
	"github.com/skret/skret/internal/vault"
)

// Remote are the options of package remote.
func Remote(o Options) remote.Options {
	r := remote.Options{HTTP: authHTTP(o), UserAgent: o.UserAgent, Notice: o.Notice, Log: o.Log}
	r.IDToken = func(ctx context.Context, audience string) (string, error) {
		s, err := webid.New(webid.Options{Audience: audience, Own: true, HTTP: r.HTTP, UserAgent: o.UserAgent, Getenv: o.Project.Getenv, Log: o.Log, Notice: o.Notice})
		if err != nil {
			return "", err
		}
		return s.Token(ctx)
	}
	r.SignCaller = func(ctx context.Context) (method, body string, headers map[string]string, err error) {
		return awsauth.SignCaller(ctx, AWS(o))
	}
	return r
}

// Token finds the token of a service: in the environment, then the sign-in of
// this name, "" being the default one, then for GitHub gh's. A name that is asked
// for goes before the environment.
func Token(ctx context.Context, o Options, s *remote.Service, name, baseURL string) (remote.Token, error) {
	find := remote.FindOptions{Getenv: o.Project.Getenv, BaseURL: baseURL, RunGH: runGH}
	if name != "" {
		find.Getenv, find.RunGH = func(string) string { return "" }, nil
	}
	c, err := Vault(o).Find(s.Name, name)
	switch {
	case err == nil:
		find.Stored = stored(ctx, o, c, &err)
	case errs.KindOf(err) != errs.NotFound || name != "":
		return remote.Token{}, err
	default:
		err = nil
	}
	t, ferr := s.Find(ctx, find)
	if err != nil { // the sealed part could not be opened
		return remote.Token{}, err
	}
	return t, ferr
}

// StoredToken is the token of one sign-in.
func StoredToken(ctx context.Context, o Options, s *remote.Service, c vault.Credential) (remote.Token, error) {
	var err error
	t, ferr := s.Find(ctx, remote.FindOptions{Getenv: func(string) string { return "" }, Stored: stored(ctx, o, c, &err)})
	if err != nil {
		return remote.Token{}, err
	}
	return t, ferr
}

// stored gives a sign-in to package remote. What is sealed is opened when a field
// of it is asked for; an error is kept in failed.
func stored(ctx context.Context, o Options, c vault.Credential, failed *error) *remote.Stored {
	var m *vault.Material
	return &remote.Stored{Name: c.Name, Method: c.Method, Meta: c.Meta, Field: func(name string) string {
		if m == nil {
			opened, err := Vault(o).Open(ctx, c)
			*failed, m = err, &opened
		}
		return m.Field(name)
	}}
}

// runGH asks GitHub's own program for its token.
func runGH(ctx context.Context, host string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "gh", "auth", "token", "--hostname", host).Output()
}

// KeepToken keeps a token as a sign-in, with what its service said of it.
func KeepToken(ctx context.Context, o Options, s *remote.Service, name string, t remote.Token, who remote.Identity) (vault.Credential, error) {
	meta, secret := t.Keep()
	meta = maps.Clone(meta)
	if who.Who != "" {
		meta["who"] = who.Who
	}
	if !who.Expires.IsZero() {
		meta["expires"] = who.Expires.UTC().Format(time.RFC3339)
	}
	return Vault(o).Put(ctx, vault.Credential{Service: s.Name, Name: name, Method: t.Method, Meta: meta}, vault.NewMaterial(secret))
}
