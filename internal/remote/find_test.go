package remote

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func storedFor(origin, token string) *Stored {
	return &Stored{Name: "work", Method: "token", Meta: map[string]string{"origin": origin}, Field: func(n string) string {
		return map[string]string{"token": token}[n]
	}}
}

func TestWhereATokenComesFrom(t *testing.T) {
	gh := func(_ context.Context, host string) ([]byte, error) { return []byte("gho_" + host + "\n"), nil }
	const hub, ghe, glab = "https://api.github.com", "https://ghe.example.com/api/v3", "https://gitlab.com/api/v4"
	for name, c := range map[string]struct {
		service              string
		env                  []string
		stored               *Stored
		base                 string
		gh                   bool
		token, from, at, bad string
	}{
		"doppler variable":            {service: "doppler", env: []string{"DOPPLER_TOKEN", "dp.st.a"}, stored: storedFor("https://api.doppler.com", "b"), token: "dp.st.a", from: "DOPPLER_TOKEN", at: "https://api.doppler.com"},
		"blank is unset":              {service: "doppler", env: []string{"DOPPLER_TOKEN", " \n"}, stored: storedFor("https://api.doppler.com", "b"), token: "b", from: `the stored sign-in "work"`, at: "https://api.doppler.com"},
		"gitlab variable":             {service: "gitlab", env: []string{"GITLAB_TOKEN", "glpat-a\n"}, token: "glpat-a", from: "GITLAB_TOKEN", at: glab},
		"gitlab's own server":         {service: "gitlab", env: []string{"GITLAB_TOKEN", "a", "GITLAB_HOST", "git.example.com", "CI_API_V4_URL", "https://ci.example.com/api/v4"}, token: "a", from: "GITLAB_TOKEN", at: "https://git.example.com/api/v4"},
		"gitlab's job":                {service: "gitlab", env: []string{"GITLAB_TOKEN", "a", "CI_API_V4_URL", "https://ci.example.com/api/v4"}, token: "a", from: "GITLAB_TOKEN", at: "https://ci.example.com/api/v4"},
		"cloudflare":                  {service: "cloudflare", env: []string{"CLOUDFLARE_API_TOKEN", "a", "CLOUDFLARE_ACCOUNT_ID", "x"}, token: "a", from: "CLOUDFLARE_API_TOKEN", at: "https://api.cloudflare.com/client/v4"},
		"infisical token":             {service: "infisical", env: []string{"INFISICAL_TOKEN", "a", "INFISICAL_API_URL", "https://eu.infisical.com/api"}, token: "a", from: "INFISICAL_TOKEN", at: "https://eu.infisical.com/api"},
		"infisical pair first":        {service: "infisical", env: []string{"INFISICAL_TOKEN", "a", "INFISICAL_CLIENT_ID", "i", "INFISICAL_CLIENT_SECRET", "s"}, token: "", from: "INFISICAL_CLIENT_ID with INFISICAL_CLIENT_SECRET", at: "https://app.infisical.com/api"},
		"infisical half, but a token": {service: "infisical", env: []string{"INFISICAL_TOKEN", "a", "INFISICAL_CLIENT_ID", "i"}, token: "a", from: "INFISICAL_TOKEN", at: "https://app.infisical.com/api"},
		"gh's order":                  {service: "github", env: []string{"GITHUB_TOKEN", "b", "GH_TOKEN", "a"}, token: "a", from: "GH_TOKEN", at: hub},
		"github":                      {service: "github", env: []string{"GITHUB_TOKEN", "b"}, stored: storedFor(hub, "c"), gh: true, token: "b", from: "GITHUB_TOKEN", at: hub},
		"github stored":               {service: "github", stored: storedFor(hub, "c"), gh: true, token: "c", from: `the stored sign-in "work"`, at: hub},
		"github by gh":                {service: "github", gh: true, token: "gho_github.com", from: "gh auth token", at: hub},
		"a workflow":                  {service: "github", env: []string{"GITHUB_TOKEN", "b", "GITHUB_API_URL", hub}, token: "b", from: "GITHUB_TOKEN", at: hub},
		"a workflow on a server":      {service: "github", env: []string{"GITHUB_TOKEN", "b", "GITHUB_API_URL", ghe}, token: "b", from: "GITHUB_TOKEN", at: ghe},
		"a tenant":                    {service: "github", env: []string{"GH_TOKEN", "b", "GH_HOST", "octo.ghe.com"}, token: "b", from: "GH_TOKEN", at: "https://api.octo.ghe.com"},
		"enterprise":                  {service: "github", env: []string{"GITHUB_TOKEN", "b", "GH_ENTERPRISE_TOKEN", "e", "GH_HOST", "ghe.example.com"}, token: "e", from: "GH_ENTERPRISE_TOKEN", at: ghe},
		"enterprise by gh":            {service: "github", env: []string{"GITHUB_TOKEN", "b"}, base: "ghe.example.com", gh: true, token: "gho_ghe.example.com", from: "gh auth token", at: ghe},
		"stored elsewhere, by flag":   {service: "github", env: []string{"GITHUB_TOKEN", "b"}, base: ghe, stored: storedFor(ghe, "c"), token: "c", from: `the stored sign-in "work"`, at: ghe},
		"flag names the same":         {service: "infisical", env: []string{"INFISICAL_TOKEN", "a", "INFISICAL_DOMAIN", "eu.infisical.com"}, base: "https://eu.infisical.com/", token: "a", from: "INFISICAL_TOKEN", at: "https://eu.infisical.com/api"},
	} {
		t.Run(name, func(t *testing.T) {
			o := FindOptions{Getenv: env(c.env...), Stored: c.stored, BaseURL: c.base}
			if c.gh {
				o.RunGH = gh
			}
			got, err := service(t, c.service).Find(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got.field("token") != c.token || got.From != c.from || got.Origin != c.at {
				t.Errorf("%q from %s for %s", got.field("token"), got.From, got.Origin)
			}
		})
	}
}

func TestNoTokenGoesElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		service string
		env     []string
		stored  *Stored
		base    string
		kind    errs.Kind
		words   []string
	}{
		"nothing":                     {service: "gitlab", kind: errs.Auth, words: []string{"not signed in to GitLab", "skret auth login gitlab, or set GITLAB_TOKEN"}},
		"nothing, github":             {service: "github", kind: errs.Auth, words: []string{"or set GITHUB_TOKEN"}},
		"github.com's to a server":    {service: "github", env: []string{"GITHUB_TOKEN", marker}, base: "https://ghe.example.com", kind: errs.Auth, words: []string{"the one in GITHUB_TOKEN is for another address", "GH_ENTERPRISE_TOKEN"}},
		"a server's to github.com":    {service: "github", env: []string{"GH_ENTERPRISE_TOKEN", marker}, kind: errs.Auth, words: []string{"GH_ENTERPRISE_TOKEN is for another"}},
		"a runner's to github.com":    {service: "github", env: []string{"GITHUB_TOKEN", marker, "GITHUB_API_URL", "https://ghe.example.com/api/v3"}, base: "github.com", kind: errs.Auth, words: []string{"for another address"}},
		"a variable's, by flag":       {service: "infisical", env: []string{"INFISICAL_TOKEN", marker, "INFISICAL_DOMAIN", "eu.infisical.com"}, base: "https://evil.example", kind: errs.Auth, words: []string{"no token for evil.example"}},
		"stored, by flag":             {service: "doppler", stored: storedFor("https://api.doppler.com", marker), base: "https://evil.example", kind: errs.Config, words: []string{"is for https://api.doppler.com", "--name work"}},
		"stored, by variable":         {service: "doppler", stored: storedFor("https://api.doppler.com", marker), env: []string{"DOPPLER_API_HOST", "https://evil.example"}, kind: errs.Config, words: []string{"DOPPLER_API_HOST is https://evil.example"}},
		"stored for nowhere":          {service: "doppler", stored: storedFor("", marker), kind: errs.Auth, words: []string{"does not say which address", "skret auth login doppler --name work"}},
		"stored for plain http":       {service: "doppler", stored: storedFor("http://api.doppler.com", marker), kind: errs.Auth, words: []string{"which address"}},
		"stored and damaged":          {service: "doppler", stored: storedFor("https://api.doppler.com", marker+"\n\n"+marker), kind: errs.Auth, words: []string{"a space, a line break"}},
		"stored by an unknown method": {service: "doppler", stored: &Stored{Name: "default", Method: "magic", Field: func(string) string { return marker }}, kind: errs.Auth, words: []string{"skret auth login doppler"}},
		"half a pair":                 {service: "infisical", env: []string{"INFISICAL_CLIENT_ID", "i"}, stored: storedFor("https://app.infisical.com/api", "x"), kind: errs.Config, words: []string{"INFISICAL_CLIENT_ID is set, and INFISICAL_CLIENT_SECRET is not"}},
		"the other half":              {service: "infisical", env: []string{"INFISICAL_CLIENT_SECRET", marker}, kind: errs.Config, words: []string{"INFISICAL_CLIENT_SECRET is set, and INFISICAL_CLIENT_ID is not"}},
		"control characters":          {service: "doppler", env: []string{"DOPPLER_TOKEN", marker + "\x1b[31m"}, stored: storedFor("https://api.doppler.com", "x"), kind: errs.Invalid, words: []string{"DOPPLER_TOKEN"}},
		"another service's":           {service: "gitlab", env: []string{"GITLAB_TOKEN", "ghp_" + marker}, kind: errs.Invalid, words: []string{"GITLAB_TOKEN is a classic token of GitHub"}},
		"an address with a password":  {service: "infisical", env: []string{"INFISICAL_TOKEN", "a", "INFISICAL_API_URL", "https://u:" + marker + "@host"}, kind: errs.Config, words: []string{"INFISICAL_API_URL cannot be used: it has a user name"}},
		"plain http":                  {service: "infisical", env: []string{"INFISICAL_TOKEN", marker}, base: "http://secrets.example.com", kind: errs.Config, words: []string{"plain http is for this machine only"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := service(t, c.service).Find(t.Context(), FindOptions{Getenv: env(c.env...), Stored: c.stored, BaseURL: c.base})
			wantError(t, err, c.kind, c.words...)
		})
	}
}

func TestGHIsAskedLastAndMayFail(t *testing.T) {
	s, asked := service(t, "github"), 0
	find := func(out string, err error, e ...string) error {
		_, ferr := s.Find(t.Context(), FindOptions{Getenv: env(e...), RunGH: func(context.Context, string) ([]byte, error) {
			asked++
			return []byte(out), err
		}})
		return ferr
	}
	if err := find(marker, nil, "GITHUB_TOKEN", "x"); err != nil || asked != 0 {
		t.Errorf("%v; gh was asked %d times", err, asked)
	}
	wantError(t, find(marker, errors.New(marker)), errs.Auth, "not signed in")
	wantError(t, find(" \n", nil), errs.Auth, "not signed in")
	wantError(t, find(marker+"\nwarning: "+marker, nil), errs.Invalid, "gh auth token")

	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Find(ctx, FindOptions{Getenv: env(), RunGH: func(context.Context, string) ([]byte, error) {
		cancel()
		return nil, fmt.Errorf("signal: killed")
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
