package sso

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
)

func TestRegisterAsksForWhatTheFlowNeeds(t *testing.T) {
	for flow, want := range map[Flow]map[string]any{
		Device: {"grantTypes": []any{grantDevice, "refresh_token"}},
		PKCE:   {"grantTypes": []any{"authorization_code", "refresh_token"}, "redirectUris": []any{"http://127.0.0.1/oauth/callback"}, "issuerUrl": startURL},
		Paste:  {"grantTypes": []any{"authorization_code", "refresh_token"}, "redirectUris": []any{"http://127.0.0.1/oauth/callback"}, "issuerUrl": startURL},
	} {
		w := newWorld(t)
		r, err := w.Register(t.Context(), startURL, flow)
		if err != nil || r.ClientID != "client" || r.ClientSecret != "MARKER-client" || r.Expires.Unix() != 1900000000 {
			t.Fatalf("%s: %q until %v: %v", flow, r.ClientID, r.Expires, err)
		}
		want["clientName"], want["clientType"], want["scopes"] = "skret", "public", []any{"sso:account:access"}
		got := w.service.seen("/client/register")[0]
		if !reflect.DeepEqual(got.body, want) {
			t.Errorf("%s: registered with %v, want %v", flow, got.body, want)
		}
		if got.header.Get("User-Agent") != "skret/test" || got.header.Get("Authorization") != "" {
			t.Errorf("%s: headers %v", flow, got.header)
		}
	}
}

func TestRegisterTakesStartURLsAsUsersHaveThem(t *testing.T) {
	for given, want := range map[string]string{
		startURL:                      startURL,
		" " + startURL + "/ ":         startURL,
		startURL + "#/":               startURL,
		startURL + "/#/?tab=accounts": startURL,
		"https://ssoins-1.portal.eu-west-1.app.aws": "https://ssoins-1.portal.eu-west-1.app.aws",
		"http://127.0.0.1:8080/start":               "http://127.0.0.1:8080/start",
		"http://acme.awsapps.com/start":             "",
		"acme.awsapps.com/start":                    "",
		"https://u:p@acme.awsapps.com/start":        "",
		"https:///start":                            "",
		"file:///start":                             "",
		"":                                          "",
		"%":                                         "",
		"https://acme.example/" + strings.Repeat("a", 2048): "",
	} {
		w := newWorld(t)
		_, err := w.Register(t.Context(), given, PKCE)
		if want == "" {
			wantError(t, err, errs.Invalid, "the start URL")
			if len(w.service.seen("/client/register")) != 0 {
				t.Errorf("%q was sent", given)
			}
			continue
		}
		if err != nil || w.service.seen("/client/register")[0].field("issuerUrl") != want {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestRegisterRefusesWhatIsNoRegistration(t *testing.T) {
	for _, body := range []string{`{}`, `{"clientId":"client"}`, `{"clientSecret":"MARKER"}`} {
		w := newWorld(t)
		w.service.on("/client/register", gives(body))
		_, err := w.Register(t.Context(), startURL, PKCE)
		wantError(t, err, errs.Backend, "no registration")
	}
}

func TestRegionCannotNameAnotherHost(t *testing.T) {
	w := newWorld(t)
	for _, region := range []string{"", "evil.example/", "eu-west-1.evil.example", "x@y"} {
		o := w.options()
		o.Region = region
		_, err := New(o).Register(t.Context(), startURL, PKCE)
		wantError(t, err, errs.Config, "not the name of a region")
	}
}

func TestRefreshTakesTheNewTokens(t *testing.T) {
	w := newWorld(t)
	token, err := w.Refresh(t.Context(), registration(), "MARKER-old")
	if err != nil || token.Access != "MARKER-access" || token.Refresh != "MARKER-refresh" {
		t.Fatal(err)
	}
	got := w.service.seen("/token")[0]
	if got.field("grantType") != "refresh_token" || got.field("refreshToken") != "MARKER-old" || got.field("clientSecret") != "MARKER-client" {
		t.Errorf("asked with %v", got.body)
	}
}

func TestRefreshKeepsTheOldTokenWhenNoneComes(t *testing.T) {
	w := newWorld(t)
	w.service.on("/token", gives(`{"accessToken":"MARKER-access","expiresIn":3600}`))
	token, err := w.Refresh(t.Context(), registration(), "MARKER-old")
	if err != nil || token.Refresh != "MARKER-old" {
		t.Errorf("%q: %v", token.Refresh, err)
	}
}

// Whether a renewal whose answer was lost was carried out, nobody knows.
func TestRefreshIsNotMadeTwice(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		kind  errs.Kind
	}{
		"dropped":  {drops, errs.Network},
		"cut":      {cuts, errs.Network},
		"internal": {refuses(500, "InternalServerException"), errs.Backend},
		"gateway":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, errs.Backend},
		"html":     {gives(`<html>`), errs.Backend},
		"empty":    {gives(``), errs.Backend},
		"half":     {gives(`{"accessToken":"MARKER`), errs.Backend},
		"huge":     {gives(`{"accessToken":"` + strings.Repeat("x", maxReply) + `"}`), errs.Backend},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, errs.Backend},
		"no token":  {gives(`{"expiresIn":3600}`), errs.Backend},
		"bad token": {gives(`{"accessToken":7}`), errs.Backend},
	} {
		w := newWorld(t)
		w.service.on("/token", c.reply)
		_, err := w.Refresh(t.Context(), registration(), "MARKER-old")
		wantError(t, err, c.kind, "renew the sign-in with IAM Identity Center in eu-west-1: ")
		if n := len(w.service.seen("/token")); n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestRefreshIsMadeAgainWhenItWasNotCarriedOut(t *testing.T) {
	w := newWorld(t)
	throttled := refuses(429, "TooManyRequestsException")
	w.service.on("/token", throttled, refuses(400, "SlowDownException"), func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Retry-After", "9")
		throttled(rw, r)
	}, gives(goodToken))
	if _, err := w.Refresh(t.Context(), registration(), "MARKER-old"); err != nil {
		t.Error(err)
	}
	if len(w.clock.slept) != 3 || w.clock.slept[2] != 9*time.Second {
		t.Errorf("slept %v", w.clock.slept)
	}
	w.service.on("/token", throttled)
	_, err := w.Refresh(t.Context(), registration(), "MARKER-old")
	wantError(t, err, errs.Network, "throttled to the end")

	w.service.Close()
	w.clock.slept = nil
	_, err = w.Refresh(t.Context(), registration(), "MARKER-old")
	wantError(t, err, errs.Network, "the connection was refused")
	if len(w.clock.slept) != attempts-1 {
		t.Errorf("%d attempts to connect", len(w.clock.slept)+1)
	}
}

// The end of a token is counted by our clock, right or wrong.
func TestTokenEndIsImmuneToSkew(t *testing.T) {
	w := newWorld(t)
	ours := w.clock.now()
	w.service.on("/token", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", ours.Add(3*time.Hour).UTC().Format(http.TimeFormat))
		gives(goodToken)(rw, r)
	})
	if _, ok := w.ClockAhead(); ok {
		t.Error("the service's clock is known before it has answered")
	}
	token, err := w.Refresh(t.Context(), registration(), "MARKER-old")
	if err != nil || !token.Expires.Equal(ours.Add(time.Hour)) {
		t.Errorf("ends %v: %v", token.Expires.Sub(ours), err)
	}
	if ahead, ok := w.ClockAhead(); !ok || ahead.Round(time.Minute) != 3*time.Hour {
		t.Errorf("ahead by %v %v", ahead, ok)
	}
	w.service.on("/token", refuses(400, "InvalidGrantException"))
	w.ahead.Store(int64(3 * time.Hour))
	o := w.options()
	o.Now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
	_, err = New(o).Refresh(t.Context(), registration(), "MARKER-old")
	wantError(t, err, errs.Auth, "this machine's clock is 3h0m0s behind AWS's")
}

func TestTokenLifeIsBounded(t *testing.T) {
	for in, want := range map[string]time.Duration{"-5": 0, "0": 0, "2147483647": 90 * 24 * time.Hour} {
		w := newWorld(t)
		w.service.on("/token", gives(strings.Replace(goodToken, "3600", in, 1)))
		token, err := w.Refresh(t.Context(), registration(), "MARKER-old")
		if err != nil || token.Expires.Sub(w.clock.now()) != want {
			t.Errorf("expiresIn %s: %v %v", in, token.Expires.Sub(w.clock.now()), err)
		}
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	for code, c := range map[string]struct {
		is    error
		kind  errs.Kind
		words string
	}{
		"InvalidGrantException":         {ErrGrant, errs.Auth, "not accepted any more"},
		"ExpiredTokenException":         {ErrGrant, errs.Auth, "not accepted any more"},
		"InvalidClientException":        {ErrClient, errs.Auth, "not known any more"},
		"UnauthorizedClientException":   {nil, errs.Auth, "does not allow to sign in this way"},
		"UnsupportedGrantTypeException": {nil, errs.Auth, "does not allow to sign in this way"},
		"InvalidScopeException":         {nil, errs.Auth, "does not allow to sign in this way"},
		"AccessDeniedException":         {nil, errs.Auth, "access was denied"},
		"InvalidRequestException":       {nil, errs.Backend, "refused (InvalidRequest)"},
		"Some<b>Thing":                  {nil, errs.Backend, "refused ("},
	} {
		w := newWorld(t)
		w.service.on("/token", refuses(400, code))
		_, err := w.Refresh(t.Context(), registration(), "MARKER-old")
		wantError(t, err, c.kind, c.words)
		if c.is != nil && !errors.Is(err, c.is) || strings.ContainsAny(err.Error(), "\x1b<") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestWrongRegionIsFound(t *testing.T) {
	for _, c := range []struct {
		reply reply
		want  string
	}{
		{refuses(400, "InvalidRequestRegionException", `"region":"us-east-1"`, `"endpoint":"https://oidc.us-east-1.amazonaws.com"`), "us-east-1"},
		{refuses(400, "InvalidRequestRegionException", `"region":"evil.example/"`), ""},
		{refuses(400, "InvalidRequestRegionException"), ""},
		{refuses(400, "InvalidGrantException"), ""},
		{refuses(400, "InvalidRequestException"), ""},
	} {
		w := newWorld(t)
		w.service.on("/device_authorization", c.reply)
		_, _, err := w.device(t)
		wantError(t, err, errs.Auth, "start the sign-in with IAM Identity Center in eu-west-1: ")
		if e, ok := errors.AsType[*RegionError](err); !ok || e.Region != c.want {
			t.Errorf("%v: want region %q", err, c.want)
		}
		if c.want != "" && !strings.Contains(errs.HintOf(err), "region="+c.want) {
			t.Errorf("hint %q", errs.HintOf(err))
		}
	}
}

func TestCallsThatMayBeRepeatedAre(t *testing.T) {
	w := newWorld(t)
	w.service.on("/client/register", drops, cuts, refuses(503, "InternalServerException"), gives(`{"clientId":"client","clientSecret":"s"}`))
	if r, err := w.Register(t.Context(), startURL, PKCE); err != nil || !r.Expires.IsZero() {
		t.Errorf("until %v: %v", r.Expires, err)
	}
	w.service.on("/client/register", drops)
	_, err := w.Register(t.Context(), startURL, PKCE)
	wantError(t, err, errs.Network, "the connection was closed before the answer was complete")
	if n := len(w.service.seen("/client/register")); n != 2*attempts {
		t.Errorf("%d requests", n)
	}
}

func TestSecretsDoNotPrintThemselves(t *testing.T) {
	for _, v := range []any{
		Registration{ClientID: marker, ClientSecret: marker}, Token{Access: marker, Refresh: marker},
		RoleCredentials{AccessKeyID: marker, SecretAccessKey: marker, SessionToken: marker},
	} {
		b, err := json.Marshal(map[string]any{"v": v})
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "list", []any{v})
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		s := fmt.Sprintf("%v %+v %#v %s %q %d %x", v, v, v, v, v, v, v) + fmt.Sprint([]any{v}) + string(b) + log.String()
		if strings.Contains(s, marker) || strings.Contains(s, fmt.Sprintf("%x", marker)) || err != nil {
			t.Errorf("%T prints itself: %s", v, s)
		}
	}
}
