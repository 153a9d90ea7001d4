package remote

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

func infisical() *Service {
	const page = " (Access Control, Machine Identities)"
	const manage = "https://app.infisical.com" + page
	return &Service{
		Name: "infisical", Title: "Infisical", Manage: manage, page: page,
		Methods: infisicalMethods(manage),
		chooses: "INFISICAL_AUTH_METHOD",
		home:    "https://app.infisical.com/api",
		homes:   []string{"https://us.infisical.com/api", "https://eu.infisical.com/api"},
		below:   "/api",
		hosts:   []string{"INFISICAL_DOMAIN", "INFISICAL_API_URL"},
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

func unmintInfisical(ctx context.Context, a *API) error {
	return a.endInfisical(ctx, a.minted.token())
}

func (a *API) endInfisical(ctx context.Context, token string) error {
	_, err := a.send(ctx, http.MethodPost, "/v1/auth/token/revoke", token, map[string]string{"accessToken": token}, nil)
	return err
}

func verifyInfisical(ctx context.Context, a *API) (Identity, error) {
	switch {
	case a.t.Method != MethodToken:
		if _, err := a.bearer(ctx); err != nil {
			return Identity{}, err
		}
		if a.t.Method == methodUniversal {
			return Identity{Who: "machine identity with client ID " + a.t.field("client_id")}, nil
		}
		return Identity{Who: "machine identity " + a.t.field("identity_id")}, nil
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

// serviceToken is what a service token is bound to: it reads that, and not what is
// asked for.
type serviceToken struct {
	Name      string
	Workspace string
	Project   string    `json:"projectId"`
	Expires   time.Time `json:"expiresAt"`
	Scopes    []struct{ Environment, SecretPath string }
}

func (t serviceToken) project() string { return cmp.Or(t.Project, t.Workspace) }

func (a *API) serviceToken(ctx context.Context) (t serviceToken, err error) {
	_, err = a.Do(ctx, http.MethodGet, "/v2/service-token", nil, &t)
	return t, err
}

func verifyServiceToken(ctx context.Context, a *API) (Identity, error) {
	t, err := a.serviceToken(ctx)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Who: t.Name, Workspace: t.project(), Expires: t.Expires}
	for _, s := range t.Scopes {
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
	case a.t.Method == methodOIDC, a.t.Method == methodAWS:
		return "", nil // there is nothing but the ID of an identity
	case a.t.Method == methodUniversal:
		return "the client secret stays valid until it is deleted at " + a.t.s.manage(a.t.Origin), nil
	case a.t.Kind == "service token":
		return "the service token stays valid until it is deleted in its project at " + strings.TrimSuffix(a.t.Origin, "/api"), nil
	}
	return "", gone(a.endInfisical(ctx, a.t.field("token")))
}
