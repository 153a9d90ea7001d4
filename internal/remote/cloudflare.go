package remote

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

func cloudflare() *Service {
	const manage = "https://dash.cloudflare.com/profile/api-tokens"
	m := tokenMethod("Cloudflare API token", "an API token with permission to edit Workers Scripts: "+manage, "CLOUDFLARE_API_TOKEN")
	m.Fields = append(m.Fields, Field{
		Name: "account_id", Label: "Cloudflare account ID", Optional: true, Variables: []string{"CLOUDFLARE_ACCOUNT_ID"},
		Help: "needed for a token that belongs to an account, not to you",
	})
	return &Service{
		Name: "cloudflare", Title: "Cloudflare", Manage: manage,
		Methods: []Method{m},
		home:    "https://api.cloudflare.com/client/v4",
		below:   "/client/v4",
		hosts:   []string{"CLOUDFLARE_API_BASE_URL"},
		kinds: []kind{
			{"cfut_", "user token", ""},
			{"cfat_", "account token", ""},
			{"cfk_", "global key", "which may do everything and is no token"},
			{"v1.0-", "key for origin certificates", "which is no token"},
		},
		odd:      oddCloudflare,
		envelope: true,
		invalid:  []string{"1000", "6003", "6111"},
		verify:   verifyCloudflare,
		revoke:   revokeCloudflare,
	}
}

// oddCloudflare finds the global keys of old, which have no prefix.
func oddCloudflare(token string) string {
	if len(token) == 37 && strings.Trim(token, "0123456789abcdef") == "" {
		return "is a global key, which may do everything and is no token"
	}
	return ""
}

// verifyCloudflare asks about the token where it belongs: to a user or to an
// account. Tokens of old do not say which.
func verifyCloudflare(ctx context.Context, a *API) (Identity, error) {
	if a.t.Kind != "account token" {
		id, err := a.cloudflareToken(ctx, "/user")
		if a.t.Kind == "user token" || errs.KindOf(err) != errs.Auth {
			return id, err
		}
		if account, aerr := a.cloudflareAccount(ctx); aerr == nil && account != "" {
			return a.cloudflareToken(ctx, "/accounts/"+url.PathEscape(account))
		}
		return Identity{}, err
	}
	account, err := a.cloudflareAccount(ctx)
	if err != nil {
		return Identity{}, err
	}
	if account == "" {
		return Identity{}, errs.New(errs.Config, "%s belongs to an account, and it is not known to which", a.t.From).
			WithHint("set CLOUDFLARE_ACCOUNT_ID, or sign in with --opt account_id=...")
	}
	return a.cloudflareToken(ctx, "/accounts/"+url.PathEscape(account))
}

// cloudflareToken asks about the token below owner: /user or /accounts/ID.
func (a *API) cloudflareToken(ctx context.Context, owner string) (Identity, error) {
	var v struct {
		Result struct {
			ID, Status string
			Expires    time.Time `json:"expires_on"`
		}
	}
	if _, err := a.Do(ctx, http.MethodGet, owner+"/tokens/verify", nil, &v); err != nil {
		return Identity{}, err
	}
	switch v.Result.Status {
	case "active":
	case "disabled", "expired":
		return Identity{}, errs.New(errs.Auth, "%s is %s, says %s", a.t.From, v.Result.Status, hostOf(a.t.Origin)).WithHint("%s", a.t.mend)
	default:
		return Identity{}, errs.New(errs.Backend, "%s does not say whether %s is valid", hostOf(a.t.Origin), a.t.From)
	}
	id := Identity{Who: "token " + v.Result.ID, Expires: v.Result.Expires}
	if account, ok := strings.CutPrefix(owner, "/accounts/"); ok {
		id.Workspace = "account " + account
	}
	return id, nil
}

// cloudflareAccount returns the account that was named, or the only one that the
// token sees; "" when there is no telling.
func (a *API) cloudflareAccount(ctx context.Context) (string, error) {
	if account := a.t.field("account_id"); account != "" {
		return account, nil
	}
	var v struct{ Result []struct{ ID string } }
	if _, err := a.Do(ctx, http.MethodGet, "/accounts?per_page=5", nil, &v); err != nil {
		return "", err
	}
	if len(v.Result) != 1 {
		return "", nil
	}
	return v.Result[0].ID, nil
}

// revokeCloudflare revokes nothing: a token cannot end itself.
func revokeCloudflare(_ context.Context, a *API) (string, error) {
	return "the API token stays valid until it is deleted at " + a.t.s.Manage, nil
}
