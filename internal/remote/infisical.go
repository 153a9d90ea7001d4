package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const methodUniversal = "universal-auth"

func infisical() *Service {
	const page = " (Access Control, Machine Identities)"
	const manage = "https://app.infisical.com" + page
	return &Service{
		Name: "infisical", Title: "Infisical", Manage: manage, page: page,
		Methods: []Method{
			{Name: methodUniversal, Doc: "the client ID and secret of a machine identity", Fields: []Field{
				{Name: "client_id", Label: "client ID", Variables: []string{"INFISICAL_CLIENT_ID"}, Help: "of a machine identity with Universal Auth: " + manage},
				{Name: "client_secret", Label: "client secret", Hidden: true, Variables: []string{"INFISICAL_CLIENT_SECRET"}, Help: "it is shown once, when it is made: " + manage},
			}},
			tokenMethod("Infisical access token", "an access token of a machine identity: "+manage, "INFISICAL_TOKEN"),
		},
		home:  "https://app.infisical.com/api",
		below: "/api",
		hosts: []string{"INFISICAL_DOMAIN", "INFISICAL_API_URL"},
		kinds: []kind{
			{"st.", "service token", ""},
			{"eyJ", "access token", ""},
		},
		aside:  "accounts in the EU are at https://eu.infisical.com: set INFISICAL_DOMAIN",
		mint:   mintInfisical,
		unmint: unmintInfisical,
		verify: verifyInfisical,
		revoke: revokeInfisical,
	}
}

// mintInfisical exchanges a machine identity's secret for an access token. Such
// a token may be good for a number of requests only, and so may the secret be
// for exchanges: it is done once.
func mintInfisical(ctx context.Context, a *API) (access, error) {
	var v struct {
		Token   string `json:"accessToken"`
		Seconds int64  `json:"expiresIn"`
	}
	in := map[string]string{"clientId": a.t.field("client_id"), "clientSecret": a.t.field("client_secret")}
	if _, err := a.send(ctx, http.MethodPost, "/v1/auth/universal-auth/login", "", in, &v); err != nil {
		return access{}, err
	}
	if v.Token == "" || unfit(v.Token) != "" {
		return access{}, errs.New(errs.Backend, "%s gave no access token", hostOf(a.t.Origin)).WithHint("is that the address of Infisical?")
	}
	seconds := min(max(v.Seconds, 0), 1<<31)
	return access{func() string { return v.Token }, a.o.Now().Add(time.Duration(seconds) * time.Second)}, nil
}

func unmintInfisical(ctx context.Context, a *API) error {
	return a.endInfisical(ctx, a.minted.token())
}

func (a *API) endInfisical(ctx context.Context, token string) error {
	_, err := a.send(ctx, http.MethodPost, "/v1/auth/token/revoke", token, map[string]string{"accessToken": token}, nil)
	return err
}

func verifyInfisical(ctx context.Context, a *API) (Identity, error) {
	switch {
	case a.t.Method == methodUniversal:
		if _, err := a.bearer(ctx); err != nil {
			return Identity{}, err
		}
		return Identity{Who: "machine identity with client ID " + a.t.field("client_id")}, nil
	case a.t.Kind == "service token":
		return verifyServiceToken(ctx, a)
	}
	var v struct {
		Details struct {
			Organization struct{ Name string }
		} `json:"identityDetails"`
	}
	if _, err := a.Do(ctx, http.MethodGet, "/v1/identities/details", nil, &v); err != nil {
		return Identity{}, err
	}
	id, expires := claims(a.t.field("token"))
	return Identity{Who: strings.TrimSpace("machine identity " + id), Workspace: v.Details.Organization.Name, Expires: expires}, nil
}

// verifyServiceToken shows what a service token is bound to: it reads that, and
// not what is asked for.
func verifyServiceToken(ctx context.Context, a *API) (Identity, error) {
	var v struct {
		Name      string
		Workspace string
		Expires   time.Time `json:"expiresAt"`
		Scopes    []struct{ Environment, SecretPath string }
	}
	if _, err := a.Do(ctx, http.MethodGet, "/v2/service-token", nil, &v); err != nil {
		return Identity{}, err
	}
	id := Identity{Who: v.Name, Workspace: v.Workspace, Expires: v.Expires}
	for _, s := range v.Scopes {
		id.Scopes = append(id.Scopes, s.Environment+":"+s.SecretPath)
	}
	return id, nil
}

// claims reads who an access token says that it is, and until when. The service
// has judged the token; this is for the eye.
func claims(token string) (identity string, expires time.Time) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", time.Time{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var v struct {
		Identity string `json:"identityId"`
		Expires  int64  `json:"exp"`
	}
	if err != nil || json.Unmarshal(raw, &v) != nil {
		return "", time.Time{}
	}
	if v.Expires > 0 {
		expires = time.Unix(v.Expires, 0)
	}
	return v.Identity, expires
}

// revokeInfisical ends an access token. What a machine identity signs in with
// cannot be ended by itself.
func revokeInfisical(ctx context.Context, a *API) (string, error) {
	switch {
	case a.t.Method == methodUniversal:
		return "the client secret stays valid until it is deleted at " + a.t.s.manage(a.t.Origin), nil
	case a.t.Kind == "service token":
		return "the service token stays valid until it is deleted in its project at " + strings.TrimSuffix(a.t.Origin, "/api"), nil
	}
	return "", gone(a.endInfisical(ctx, a.t.field("token")))
}
