package remote

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const githubHome = "https://api.github.com"

func github() *Service {
	const page = "/settings/tokens"
	const manage = "https://github.com" + page
	return &Service{
		Name: "github", Title: "GitHub", Manage: manage, page: page,
		Methods: []Method{
			tokenMethod("GitHub token", "a fine-grained token with write permission for Secrets: "+manage,
				"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
			{Name: MethodDevice, Doc: "a code that is entered in a browser; needs an OAuth app of your own", Fields: []Field{
				{Name: "client_id", Label: "client ID of the OAuth app", Help: "register an app with device flow: https://github.com/settings/applications/new"},
			}},
		},
		home:    githubHome,
		place:   placeGitHub,
		hosts:   []string{"GH_HOST", "GITHUB_API_URL"},
		belongs: belongsGitHub,
		kinds: []kind{
			{"github_pat_", "fine-grained token", ""},
			{"ghp_", "classic token", ""},
			{"gho_", "OAuth token", ""},
			{"ghu_", "user token of an app", ""},
			{"ghs_", "installation token", ""},
			{"ghr_", "refresh token", "which only renews another"},
		},
		accept:  "application/vnd.github+json",
		headers: map[string]string{"X-GitHub-Api-Version": "2022-11-28"},
		verify:  verifyGitHub,
		revoke:  revokeGitHub,
		device:  deviceGitHub,
	}
}

// placeGitHub turns the address of a GitHub, be it of its pages, into that of
// its API: api.github.com, api.NAME.ghe.com, or /api/v3 on a server of one's own.
func placeGitHub(l *location) {
	name, tenant := strings.CutSuffix(l.host, ".ghe.com")
	switch {
	case l.host == "github.com" || l.host == "www.github.com" || l.host == "api.github.com":
		l.host, l.path = "api.github.com", ""
	case tenant:
		l.host, l.path = "api."+strings.TrimPrefix(name, "api.")+".ghe.com", ""
	case !strings.HasSuffix(l.path, "/api/v3"):
		l.path += "/api/v3"
	}
}

// githubPublic tells whether an API is that of GitHub itself, not of a server
// that others run.
func githubPublic(origin string) bool {
	return origin == githubHome || strings.HasSuffix(hostOf(origin), ".ghe.com")
}

// githubWeb returns the address of the pages that belong to an API.
func githubWeb(origin string) string {
	if githubPublic(origin) {
		return strings.Replace(origin, "://api.", "://", 1)
	}
	return strings.TrimSuffix(origin, "/api/v3")
}

// belongsGitHub is gh's rule: GH_TOKEN, then GITHUB_TOKEN, are for GitHub itself;
// GH_ENTERPRISE_TOKEN, then GITHUB_ENTERPRISE_TOKEN, for servers that others run.
// Where GITHUB_API_URL is set, as in every workflow, the first two are for that
// address and no other.
func belongsGitHub(variable, origin string, getenv func(string) string) bool {
	if strings.HasSuffix(variable, "_ENTERPRISE_TOKEN") {
		return !githubPublic(origin)
	}
	if api := strings.TrimSpace(getenv("GITHUB_API_URL")); api != "" {
		there, err := github().Origin(api)
		return err == nil && there == origin
	}
	return githubPublic(origin)
}

func verifyGitHub(ctx context.Context, a *API) (Identity, error) {
	if a.t.Kind == "installation token" {
		return verifyInstallation(ctx, a)
	}
	var user struct{ Login string }
	reply, err := a.Do(ctx, http.MethodGet, "/user", nil, &user)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Who: user.Login}
	for scope := range strings.SplitSeq(reply.Header.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			id.Scopes = append(id.Scopes, scope)
		}
	}
	id.Expires = githubTime(reply.Header.Get("GitHub-Authentication-Token-Expiration"))
	return id, nil
}

// githubTime reads the one header that has a form of its own.
func githubTime(s string) time.Time {
	for _, form := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(form, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// verifyInstallation is for tokens of an app, a workflow's GITHUB_TOKEN among
// them: no user belongs to them.
func verifyInstallation(ctx context.Context, a *API) (Identity, error) {
	var at struct {
		Repositories []struct{ Owner struct{ Login string } }
	}
	if _, err := a.Do(ctx, http.MethodGet, "/installation/repositories?per_page=1", nil, &at); err != nil {
		return Identity{}, err
	}
	id := Identity{Who: "an app's installation"}
	if len(at.Repositories) > 0 {
		id.Workspace = at.Repositories[0].Owner.Login
	}
	return id, nil
}

// revokeGitHub revokes nothing: GitHub wants the secret of the app for that.
func revokeGitHub(_ context.Context, a *API) (string, error) {
	if a.t.Kind == "installation token" {
		return "the installation token ends within the hour", nil
	}
	page := "/settings/tokens"
	switch a.t.Kind {
	case "fine-grained token":
		page = "/settings/personal-access-tokens"
	case "OAuth token", "user token of an app":
		page = "/settings/applications"
	}
	return "the " + a.t.Kind + " stays valid until it is deleted at " + githubWeb(a.t.Origin) + page, nil
}

// deviceGitHub is RFC 8628 with GitHub's habit of answering errors with status
// 200.
func deviceGitHub(ctx context.Context, d *device) (map[string]string, error) {
	if d.d.ClientID == "" {
		return nil, errs.New(errs.Invalid, "a sign-in at GitHub by a browser needs an OAuth app, and skret has none there").
			WithHint("name one of your own with --opt client_id=..., or use --method token")
	}
	scopes := cmp.Or(strings.Join(d.d.Scopes, " "), "repo")
	var code deviceCode
	_, err := d.api.Do(ctx, http.MethodPost, "/login/device/code", url.Values{"client_id": {d.d.ClientID}, "scope": {scopes}}, &code)
	if err == nil && code.Error != "" {
		err = errs.New(errs.Backend, "GitHub refused to start a sign-in%s", d.because(code.Error)).
			WithHint("is the client ID right, and does the app have device flow enabled?")
	}
	if err != nil {
		return nil, err
	}
	return d.token(ctx, "/login/oauth/access_token", code)
}
