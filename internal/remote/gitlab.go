package remote

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"
)

func gitlab() *Service {
	const page = "/-/user_settings/personal_access_tokens"
	const manage = "https://gitlab.com" + page
	return &Service{
		Name: "gitlab", Title: "GitLab", Manage: manage, page: page,
		Methods: []Method{
			tokenMethod("GitLab token", "a personal, project or group access token with scope api: "+manage, "GITLAB_TOKEN"),
		},
		home:  "https://gitlab.com/api/v4",
		below: "/api/v4",
		// The first is glab's; the second is set in every job, for its own server.
		hosts: []string{"GITLAB_HOST", "CI_API_V4_URL"},
		kinds: []kind{
			{"glpat-", "access token", ""},
			{"glcbt-", "job token", "which cannot manage variables"},
			{"gldt-", "deploy token", "which cannot use the API"},
			{"glrt-", "runner token", "which cannot use the API"},
			{"glptt-", "trigger token", "which only starts pipelines"},
			{"glft-", "feed token", "which cannot use the API"},
			{"gloas-", "secret of an application", "which is no token"},
		},
		verify: verifyGitLab,
		revoke: revokeGitLab,
	}
}

// verifyGitLab asks for the token and for its user: a project or a group has a
// user of its own, whose name says so. A token of OAuth has only the second, and
// one with few scopes only the first.
func verifyGitLab(ctx context.Context, a *API) (Identity, error) {
	var self struct {
		Name    string
		Scopes  []string
		Expires string `json:"expires_at"`
	}
	var user struct{ Username string }
	_, err := a.Do(ctx, http.MethodGet, "/personal_access_tokens/self", nil, &self)
	if err != nil && !hasStatus(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound) {
		return Identity{}, err
	}
	if _, uerr := a.Do(ctx, http.MethodGet, "/user", nil, &user); uerr != nil && (err != nil || !hasStatus(uerr, http.StatusForbidden)) {
		return Identity{}, uerr
	}
	id := Identity{Who: cmp.Or(user.Username, self.Name), Scopes: self.Scopes}
	id.Expires, _ = time.Parse(time.DateOnly, self.Expires) // it ends when that day begins
	for _, of := range []string{"project", "group"} {
		if rest, ok := strings.CutPrefix(user.Username, of+"_"); ok {
			if number, _, bot := strings.Cut(rest, "_bot"); bot {
				id.Workspace = of + " " + number
			}
		}
	}
	return id, nil
}

func revokeGitLab(ctx context.Context, a *API) (string, error) {
	_, err := a.Do(ctx, http.MethodDelete, "/personal_access_tokens/self", nil, nil)
	if hasStatus(err, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound) {
		return "the token may not end itself, and stays valid until it is revoked at " + a.t.s.manage(a.t.Origin), nil
	}
	return "", gone(err)
}
