package remote

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

const accountID = "0123456789abcdef0123456789abcdef"

// jwt is an access token of Infisical's that says this.
func jwt(claims string) string {
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + marker
}

func TestWhoATokenIs(t *testing.T) {
	year30 := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	no := fake.ServiceAnswer{Status: 403, Body: `{"message":"no"}`}
	type on = map[string]fake.ServiceAnswer
	for name, c := range map[string]struct {
		service, token string
		answers        on
		want           Identity
		routes         []string
	}{
		"doppler": {"doppler", "dp.pt." + marker, nil, Identity{Who: "laptop", Workspace: "Acme"}, []string{"GET /v3/me"}},
		"doppler, no name": {"doppler", "dp.st." + marker, on{"GET /v3/me": {Body: `{"name":null,"slug":"s1","type":"service_token","workplace":{"name":"Acme"}}`}},
			Identity{Who: "s1", Workspace: "Acme"}, nil},
		"github, classic": {"github", "ghp_" + marker, on{"GET /api/v3/user": {Header: map[string]string{"X-OAuth-Scopes": "repo, read:org", "GitHub-Authentication-Token-Expiration": "2030-01-02 00:00:00 UTC"}, Body: `{"login":"octocat"}`}},
			Identity{Who: "octocat", Scopes: []string{"repo", "read:org"}, Expires: year30}, []string{"GET /api/v3/user"}},
		"github, fine-grained": {"github", "github_pat_" + marker, on{"GET /api/v3/user": {Header: map[string]string{"GitHub-Authentication-Token-Expiration": "2030-01-02 01:00:00 +0100"}, Body: `{"login":"octocat"}`}},
			Identity{Who: "octocat", Expires: year30}, nil},
		"github, a workflow": {"github", "ghs_" + marker, nil, Identity{Who: "an app's installation", Workspace: "acme"}, []string{"GET /api/v3/installation/repositories"}},
		"github, an app without repositories": {"github", "ghs_" + marker, on{"GET /api/v3/installation/repositories": {Body: `{"total_count":0,"repositories":[]}`}},
			Identity{Who: "an app's installation"}, nil},
		"cloudflare, user": {"cloudflare", "cfut_" + marker, nil, Identity{Who: "token t1", Expires: year30}, []string{"GET /client/v4/user/tokens/verify"}},
		"cloudflare, account": {"cloudflare", "cfat_" + marker, nil, Identity{Who: "token t2", Workspace: "account " + accountID},
			[]string{"GET /client/v4/accounts", "GET /client/v4/accounts/" + accountID + "/tokens/verify"}},
		"cloudflare, of old, account": {"cloudflare", marker, on{"GET /client/v4/user/tokens/verify": {Status: 401, Body: `{"success":false,"errors":[{"code":1000}]}`}},
			Identity{Who: "token t2", Workspace: "account " + accountID}, nil},
		"gitlab": {"gitlab", "glpat-" + marker, nil, Identity{Who: "tanuki", Scopes: []string{"api"}, Expires: year30}, []string{"GET /api/v4/personal_access_tokens/self", "GET /api/v4/user"}},
		"gitlab, project": {"gitlab", "glpat-" + marker, on{"GET /api/v4/user": {Body: `{"username":"project_42_bot_abc"}`}},
			Identity{Who: "project_42_bot_abc", Workspace: "project 42", Scopes: []string{"api"}, Expires: year30}, nil},
		"gitlab, group": {"gitlab", "glpat-" + marker, on{"GET /api/v4/user": {Body: `{"username":"group_7_bot"}`}},
			Identity{Who: "group_7_bot", Workspace: "group 7", Scopes: []string{"api"}, Expires: year30}, nil},
		"gitlab, few scopes":       {"gitlab", "glpat-" + marker, on{"GET /api/v4/user": no}, Identity{Who: "ci", Scopes: []string{"api"}, Expires: year30}, nil},
		"gitlab, OAuth":            {"gitlab", marker, on{"GET /api/v4/personal_access_tokens/self": {Status: 400, Body: `{}`}}, Identity{Who: "tanuki"}, nil},
		"infisical":                {"infisical", jwt(`{"identityId":"i-1","exp":1893542400}`), nil, Identity{Who: "machine identity i-1", Workspace: "Acme", Expires: year30}, []string{"GET /api/v1/identities/details"}},
		"infisical, opaque":        {"infisical", "eyJ" + marker, nil, Identity{Who: "machine identity", Workspace: "Acme"}, nil},
		"infisical, service token": {"infisical", "st." + marker, nil, Identity{Who: "ci", Workspace: "w1", Scopes: []string{"prod:/app"}, Expires: year30}, []string{"GET /api/v2/service-token"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := services(t, c.token)
			for route, a := range c.answers {
				srv.On(route, a)
			}
			got, err := service(t, c.service).Verify(t.Context(), newClock().options(), given(t, c.service, srv.URL, c.token))
			if err != nil {
				t.Fatal(err)
			}
			if got.Who != c.want.Who || got.Workspace != c.want.Workspace || !slices.Equal(got.Scopes, c.want.Scopes) || !got.Expires.Equal(c.want.Expires) {
				t.Errorf("%+v", got)
			}
			if c.routes != nil && !slices.Equal(srv.Routes(), c.routes) {
				t.Errorf("%v", srv.Routes())
			}
		})
	}
}

func TestTokenThatIsNotAccepted(t *testing.T) {
	for _, s := range Services() {
		srv := services(t, "another")
		stored := storedFor("", marker)
		token := given(t, s.Name, srv.URL, marker)
		stored.Meta["origin"] = token.Origin
		token, err := s.Find(t.Context(), FindOptions{Getenv: env(), Stored: stored})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Verify(t.Context(), newClock().options(), token)
		wantError(t, err, errs.Auth, `the stored sign-in "work" is not accepted by 127.0.0.1:`, "status 401", "skret auth login "+s.Name+" --name work")

		f := service(t, s.Name).fields(MethodToken)[0]
		v := f.Variables[len(f.Variables)-1]
		e := []string{v, marker, s.hosts[len(s.hosts)-1], srv.URL}
		if token, err = s.Find(t.Context(), FindOptions{Getenv: env(e...)}); err != nil {
			t.Fatal(err)
		}
		_, err = s.Verify(t.Context(), newClock().options(), token)
		wantError(t, err, errs.Auth, v+" is not accepted by 127.0.0.1:", "make a new one at "+s.manage(token.Origin)+" and set "+v)

		_, err = s.Verify(t.Context(), newClock().options(), given(t, s.Name, "http://127.0.0.1:1", marker))
		wantError(t, err, errs.Network, "no answer from 127.0.0.1:1")
	}
}

func TestCloudflareTokenThatIsOfNoUse(t *testing.T) {
	for name, c := range map[string]struct {
		token, route, body string
		kind               errs.Kind
		words              []string
	}{
		"expired":         {"cfut_" + marker, "GET /client/v4/user/tokens/verify", `{"success":true,"result":{"id":"t1","status":"expired"}}`, errs.Auth, []string{"is expired, says"}},
		"another answer":  {"cfut_" + marker, "GET /client/v4/user/tokens/verify", `{"success":true,"result":{"status":"` + marker + `"}}`, errs.Backend, []string{"does not say whether"}},
		"two accounts":    {"cfat_" + marker, "GET /client/v4/accounts", `{"success":true,"result":[{"id":"a"},{"id":"b"}]}`, errs.Config, []string{"not known to which", "CLOUDFLARE_ACCOUNT_ID"}},
		"a hostile list":  {"cfat_" + marker, "GET /client/v4/accounts", `{"success":true,"result":[{"id":".."}]}`, errs.Config, []string{"refused before it is sent"}},
		"hostile account": {"cfat_" + marker, "GET /client/v4/accounts", `{"success":true,"result":[{"id":"../../x?y#z"}]}`, errs.Config, []string{"refused before it is sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := services(t, c.token)
			srv.On(c.route, fake.ServiceAnswer{Body: c.body})
			_, err := service(t, "cloudflare").Verify(t.Context(), newClock().options(), given(t, "cloudflare", srv.URL, c.token))
			wantError(t, err, c.kind, c.words...)
		})
	}
}

// What a service calls its users can be anything.
func TestIdentityCannotSteerATerminal(t *testing.T) {
	srv := services(t, marker)
	s := service(t, "doppler")
	for sent, want := range map[string]string{
		`a\u001b[31mb`: "a[31mb", `a\nb\u0000`: "ab", `\u202etxt.exe`: "txt.exe", `a\u200bb`: "ab", `Zoë 日本`: "Zoë 日本", `\ufffd`: "",
		strings.Repeat("x", 500): strings.Repeat("x", maxShown),
		"I am " + marker:         "", `sEcReT-\u200bmArKeR-4711`: "",
	} {
		srv.On("GET /v3/me", fake.ServiceAnswer{Body: `{"name":"x","workplace":{"name":"` + sent + `"}}`})
		got, err := s.Verify(t.Context(), newClock().options(), given(t, "doppler", srv.URL, marker))
		if err != nil || got.Workspace != want {
			t.Errorf("%q gives %q, %v", sent, got.Workspace, err)
		}
	}
}

func TestRevoke(t *testing.T) {
	const self = "DELETE /api/v4/personal_access_tokens/self"
	gone := fake.ServiceAnswer{Status: 401, Body: `{}`}
	for name, c := range map[string]struct {
		service, token, route string
		answer                fake.ServiceAnswer
		left                  []string // nil: nothing is left
		body                  string
	}{
		"doppler":            {service: "doppler", token: "dp.ct.x", route: "POST /v3/auth/revoke", answer: fake.ServiceAnswer{Body: `{"success":true}`}, body: `{"token":"dp.ct.x"}`},
		"doppler, gone":      {service: "doppler", token: "dp.ct.x", route: "POST /v3/auth/revoke", answer: gone},
		"gitlab":             {service: "gitlab", token: "glpat-x", route: self, answer: fake.ServiceAnswer{Status: 204}},
		"gitlab, gone":       {service: "gitlab", token: "glpat-x", route: self, answer: gone},
		"gitlab, may not":    {service: "gitlab", token: "glpat-x", route: self, answer: fake.ServiceAnswer{Status: 403, Body: `{}`}, left: []string{"stays valid", "/-/user_settings/personal_access_tokens"}},
		"infisical":          {service: "infisical", token: "eyJx", route: "POST /api/v1/auth/token/revoke", answer: fake.ServiceAnswer{Body: `{}`}, body: `{"accessToken":"eyJx"}`},
		"infisical, service": {service: "infisical", token: "st.x", left: []string{"service token stays valid"}},
		"github, classic":    {service: "github", token: "ghp_x", left: []string{"classic token stays valid", "/settings/tokens"}},
		"github, fine":       {service: "github", token: "github_pat_x", left: []string{"/settings/personal-access-tokens"}},
		"github, OAuth":      {service: "github", token: "gho_x", left: []string{"/settings/applications"}},
		"github, a workflow": {service: "github", token: "ghs_x", left: []string{"within the hour"}},
		"cloudflare":         {service: "cloudflare", token: "cfut_x", left: []string{"stays valid", "https://dash.cloudflare.com/profile/api-tokens"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := services(t, c.token)
			if c.route != "" {
				srv.On(c.route, c.answer)
			}
			left, err := service(t, c.service).Revoke(t.Context(), newClock().options(), given(t, c.service, srv.URL, c.token))
			if err != nil || (left == "") != (c.left == nil) {
				t.Fatalf("%q %v", left, err)
			}
			for _, w := range c.left {
				if !strings.Contains(left, w) {
					t.Errorf("%q is not in %q", w, left)
				}
			}
			switch calls := srv.Calls(); {
			case c.route == "" && len(calls) != 0, c.route != "" && (len(calls) != 1 || srv.Routes()[0] != c.route):
				t.Errorf("%v", srv.Routes())
			case c.body != "" && calls[0].Body != c.body:
				t.Error(calls[0].Body)
			}
		})
	}
	srv := services(t, "")
	srv.On("POST /v3/auth/revoke", fake.ServiceAnswer{Status: 500, Body: marker})
	_, err := service(t, "doppler").Revoke(t.Context(), newClock().options(), given(t, "doppler", srv.URL, marker))
	wantError(t, err, errs.Backend, "failed")
}

func TestMachineIdentitySignsInOnceAndOut(t *testing.T) {
	s := service(t, "infisical")
	srv := services(t, "no token but the minted one")
	srv.On("GET /api/v1/projects", fake.ServiceAnswer{Body: `{"projects":[]}`})
	find := func() Token {
		token, err := s.Find(t.Context(), FindOptions{Getenv: env("INFISICAL_CLIENT_ID", "id-1", "INFISICAL_CLIENT_SECRET", marker, "INFISICAL_DOMAIN", srv.URL)})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	clk := newClock()
	api := Client(clk.options(), find())
	for range 3 {
		if _, err := api.Do(t.Context(), "GET", "/v1/projects", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	api.Close(cancelled)
	api.Close(t.Context())
	want := []string{"POST /api/v1/auth/universal-auth/login", "GET /api/v1/projects", "GET /api/v1/projects", "GET /api/v1/projects", "POST /api/v1/auth/token/revoke"}
	if !slices.Equal(srv.Routes(), want) {
		t.Errorf("%v", srv.Routes())
	}
	calls := srv.Calls()
	if calls[0].Body != `{"clientId":"id-1","clientSecret":"`+marker+`"}` || calls[0].Header.Get("Authorization") != "" ||
		calls[1].Header.Get("Authorization") != "Bearer "+fake.InfisicalAccess || calls[4].Body != `{"accessToken":"`+fake.InfisicalAccess+`"}` {
		t.Errorf("%+v", calls)
	}
	for _, c := range calls[1:] {
		noSecret(t, "a request", fmt.Sprint(c))
	}
	noSecret(t, "the log", clk.log.String())

	id, err := s.Verify(t.Context(), clk.options(), find())
	if err != nil || id.Who != "machine identity with client ID id-1" {
		t.Errorf("%+v %v", id, err)
	}
	if left, err := s.Revoke(t.Context(), clk.options(), find()); err != nil || !strings.Contains(left, "client secret stays valid") {
		t.Errorf("%q %v", left, err)
	}
	srv.On("POST /api/v1/auth/universal-auth/login", fake.ServiceAnswer{Status: 401, Body: `{"error":"Unauthorized","message":"` + marker + `"}`})
	_, err = s.Verify(t.Context(), clk.options(), find())
	wantError(t, err, errs.Auth, "INFISICAL_CLIENT_ID with INFISICAL_CLIENT_SECRET is not accepted by 127.0.0.1:", "status 401, Unauthorized")
	for _, body := range []string{`{}`, `{"accessToken":"a b"}`, `{"accessToken":7}`, `<html>`} {
		srv.On("POST /api/v1/auth/universal-auth/login", fake.ServiceAnswer{Body: body})
		_, err = s.Verify(t.Context(), clk.options(), find())
		wantError(t, err, errs.Backend)
	}
}

func TestAccessThatCannotBeEndedIsSaid(t *testing.T) {
	s, clk := service(t, "infisical"), newClock()
	srv := services(t, "")
	srv.On("POST /api/v1/auth/token/revoke", fake.ServiceAnswer{Status: 500, Body: fake.InfisicalAccess})
	token, err := s.Token("universal-auth", srv.URL, map[string]string{"client_id": "i", "client_secret": marker})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), clk.options(), token); err != nil {
		t.Fatal(err)
	}
	if len(clk.notice) != 1 || !strings.Contains(clk.notice[0], "could not be revoked; it ends at") {
		t.Errorf("%q", clk.notice)
	}
	if strings.Contains(clk.log.String()+clk.notice[0], fake.InfisicalAccess) {
		t.Error("the access token is shown")
	}
}

// EU and US accounts know nothing of each other.
func TestWrongRegionIsThoughtOf(t *testing.T) {
	token := given(t, "infisical", "", marker)
	api := Client(newClock().options(), token)
	r, f := httptest.NewRequest("GET", token.Origin+"/v1/x", nil), &Failure{Status: 401}
	wantError(t, api.explain(r, f), errs.Auth, "https://eu.infisical.com")
	api = Client(newClock().options(), given(t, "infisical", "https://eu.infisical.com", marker))
	if hint := errs.HintOf(api.explain(r, f)); strings.Contains(hint, "accounts in the EU") {
		t.Error(hint)
	}
}
