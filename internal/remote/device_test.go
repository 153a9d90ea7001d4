package remote

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

const (
	askGitHub  = "POST /login/oauth/access_token"
	askDoppler = "POST /v3/auth/cli/authorize"
)

// browser is what a user sees.
type browser struct{ url, code string }

func (b *browser) show(url, code string) error {
	b.url, b.code = url, code
	return nil
}

func word(w string) fake.ServiceAnswer { return fake.ServiceAnswer{Body: `{"error":"` + w + `"}`} }

func TestDeviceFlowOfGitHub(t *testing.T) {
	srv := services(t, marker)
	srv.On(askGitHub, word("authorization_pending"), word("slow_down"), fake.ServiceAnswer{Status: 400, Body: `{"error":"authorization_pending"}`},
		fake.ServiceAnswer{Drop: true}, fake.ServiceAnswer{Status: 503}, fake.ServiceAnswer{Body: `{"access_token":"ghu_` + marker + `","token_type":"bearer","scope":"repo","expires_in":28800}`})
	clk, b := newClock(), &browser{}
	got, err := service(t, "github").Device(t.Context(), clk.options(), DeviceOptions{BaseURL: srv.URL, ClientID: "Iv1.abc", Show: b.show})
	if err != nil {
		t.Fatal(err)
	}
	if b.url != srv.URL+"/login/device" || b.code != "WDJB-MJHT" {
		t.Errorf("%+v", b)
	}
	if want := []time.Duration{5e9, 5e9, 10e9, 10e9, 15e9, 20e9}; !slices.Equal(clk.slept, want) {
		t.Errorf("it waited %v", clk.slept)
	}
	if got.field("token") != "ghu_"+marker || got.Kind != "user token of an app" || got.Origin != srv.URL+"/api/v3" || !got.Made() || !got.Expires.Equal(clk.now.Add(8*time.Hour)) {
		t.Errorf("%+v", got)
	}
	calls := srv.Calls()
	start, _ := url.ParseQuery(calls[0].Body)
	ask, _ := url.ParseQuery(calls[1].Body)
	if start.Get("client_id") != "Iv1.abc" || start.Get("scope") != "repo" || ask.Get("device_code") != "device-code-1" || ask.Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" {
		t.Errorf("%v %v", start, ask)
	}
	for _, c := range calls {
		if c.Header.Get("Authorization") != "" {
			t.Error("something is sent as a token")
		}
	}
	meta, secret := got.Keep()
	back, err := service(t, "github").Find(t.Context(), FindOptions{Getenv: env(), Stored: &Stored{Name: "default", Method: got.Method, Meta: meta, Field: func(n string) string { return secret[n] }}})
	if err != nil || !back.Made() || !back.Expires.Equal(got.Expires) || back.field("token") != got.field("token") {
		t.Errorf("%+v %v", back, err)
	}
}

func TestDeviceFlowOfDoppler(t *testing.T) {
	srv := services(t, marker)
	waiting := fake.ServiceAnswer{Status: 409, Body: `{"success":false}`}
	srv.On(askDoppler, waiting, waiting, fake.ServiceAnswer{Drop: true}, fake.ServiceAnswer{Body: `{"token":"dp.ct.` + marker + `","name":"me","dashboard_url":"https://x"}`})
	clk, b := newClock(), &browser{}
	got, err := service(t, "doppler").Device(t.Context(), clk.options(), DeviceOptions{BaseURL: srv.URL, Machine: "laptop", Show: b.show})
	if err != nil {
		t.Fatal(err)
	}
	if b.url != srv.URL+"/auth" || b.code != "happy-tree" || got.field("token") != "dp.ct."+marker || got.Kind != "CLI token" || !got.Made() {
		t.Errorf("%+v %+v", b, got)
	}
	if q := srv.Calls()[0].Path; !strings.Contains(q, "hostname=laptop") || !strings.Contains(q, "version=v1.2.3") {
		t.Error(q)
	}
	if body := srv.Calls()[1].Body; body != `{"code":"polling-code-1"}` {
		t.Error(body)
	}
}

func TestDeviceFlowThatDoesNotEndWell(t *testing.T) {
	hub := func(body string) fake.ServiceAnswer { return fake.ServiceAnswer{Body: body} }
	code := func(uri string) string {
		return `{"device_code":"d","user_code":"u","verification_uri":"` + uri + `","expires_in":900,"interval":5}`
	}
	for name, c := range map[string]struct {
		service, route string
		answers        []fake.ServiceAnswer
		kind           errs.Kind
		words          []string
	}{
		"denied":             {"github", askGitHub, []fake.ServiceAnswer{word("authorization_pending"), word("access_denied")}, errs.Auth, []string{"refused in the browser", "start it again"}},
		"expired":            {"github", askGitHub, []fake.ServiceAnswer{word("expired_token")}, errs.Auth, []string{"the code has ended", "skret auth login github"}},
		"never decided":      {"github", askGitHub, []fake.ServiceAnswer{word("authorization_pending")}, errs.Auth, []string{"the code has ended"}},
		"slow down for ever": {"github", askGitHub, []fake.ServiceAnswer{word("slow_down")}, errs.Auth, []string{"the code has ended"}},
		"never answers":      {"github", askGitHub, []fake.ServiceAnswer{{Drop: true}}, errs.Auth, []string{"the code has ended"}},
		"another word":       {"github", askGitHub, []fake.ServiceAnswer{word("incorrect_device_code")}, errs.Backend, []string{"(incorrect_device_code)"}},
		"no word":            {"github", askGitHub, []fake.ServiceAnswer{word(`\u001b[31m` + marker)}, errs.Backend, []string{"GitHub refused the sign-in"}},
		"no token":           {"github", askGitHub, []fake.ServiceAnswer{hub(`{}`)}, errs.Backend, []string{"has no token"}},
		"a broken token":     {"github", askGitHub, []fake.ServiceAnswer{hub(`{"access_token":"` + marker + `\r\nX: y"}`)}, errs.Invalid, []string{"a space, a line break"}},
		"a page":             {"github", askGitHub, []fake.ServiceAnswer{hub(`<html>`)}, errs.Backend, []string{"a web page"}},
		"not enabled":        {"github", "POST /login/device/code", []fake.ServiceAnswer{word("device_flow_disabled")}, errs.Backend, []string{"device_flow_disabled", "device flow enabled"}},
		"unknown app":        {"github", "POST /login/device/code", []fake.ServiceAnswer{{Status: 404, Body: `{"error":"Not Found"}`}}, errs.NotFound, nil},
		"no code":            {"github", "POST /login/device/code", []fake.ServiceAnswer{hub(`{"verification_uri":"x"}`)}, errs.Backend, []string{"not its own"}},
		"somebody's page":    {"github", "POST /login/device/code", []fake.ServiceAnswer{hub(code("https://evil.example/login/device"))}, errs.Backend, []string{"an address to open that is not its own"}},
		"a script":           {"github", "POST /login/device/code", []fake.ServiceAnswer{hub(code("javascript:alert(1)"))}, errs.Backend, []string{"not its own"}},
		"control characters": {"github", "POST /login/device/code", []fake.ServiceAnswer{hub(`{"device_code":"d","user_code":"\u001b[31mu","verification_uri":"$URL/login","expires_in":900}`)}, errs.Backend, []string{"no code"}},
		"doppler denied":     {"doppler", askDoppler, []fake.ServiceAnswer{{Status: 403, Body: `{"success":false,"messages":["no"]}`}}, errs.Auth, []string{"refused in the browser"}},
		"doppler error":      {"doppler", askDoppler, []fake.ServiceAnswer{hub(`{"error":"` + marker + `"}`)}, errs.Auth, []string{"refused in the browser"}},
		"doppler waits":      {"doppler", askDoppler, []fake.ServiceAnswer{{Status: 409}}, errs.Auth, []string{"the code has ended"}},
		"doppler's version":  {"doppler", "GET /v3/auth/cli/generate/2", []fake.ServiceAnswer{{Status: 400, Body: `{"success":false,"messages":["Invalid CLI version"]}`}}, errs.Backend, []string{"does not let this program sign in", "--method token"}},
		"doppler's page":     {"doppler", "GET /v3/auth/cli/generate/2", []fake.ServiceAnswer{hub(`{"code":"a","polling_code":"b","auth_url":"https://doppler.com.evil.example/"}`)}, errs.Backend, []string{"not its own"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv, clk := services(t, ""), newClock()
			for i := range c.answers {
				c.answers[i].Body = strings.ReplaceAll(c.answers[i].Body, "$URL", srv.URL)
			}
			srv.On(c.route, c.answers...)
			_, err := service(t, c.service).Device(t.Context(), clk.options(), DeviceOptions{BaseURL: srv.URL, ClientID: "id", Show: (&browser{}).show})
			wantError(t, err, c.kind, c.words...)
			if d := clk.now.Sub(newClock().now); d > 20*time.Minute {
				t.Errorf("it waited %v", d)
			}
		})
	}
}

func TestDeviceFlowNeedsWhatItNeeds(t *testing.T) {
	_, err := service(t, "github").Device(t.Context(), newClock().options(), DeviceOptions{})
	wantError(t, err, errs.Invalid, "needs an OAuth app, and skret has none", "--opt client_id=", "--method token")
	_, err = service(t, "cloudflare").Device(t.Context(), newClock().options(), DeviceOptions{})
	wantError(t, err, errs.Invalid, "Cloudflare has no sign-in by a browser", "skret auth login cloudflare")

	srv, stop := services(t, ""), errors.New("nobody looks")
	_, err = service(t, "doppler").Device(t.Context(), newClock().options(), DeviceOptions{BaseURL: srv.URL, Show: func(string, string) error { return stop }})
	if !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = service(t, "doppler").Device(ctx, newClock().options(), DeviceOptions{BaseURL: srv.URL, Show: func(string, string) error { cancel(); return nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAddressToOpenIsTheServicesOwn(t *testing.T) {
	for _, c := range []struct {
		service, origin, address string
		own                      bool
	}{
		{"doppler", "https://api.doppler.com", "https://dashboard.doppler.com/workplace/auth/cli", true},
		{"doppler", "https://api.doppler.com", "https://api.doppler.com/x", true},
		{"doppler", "https://api.doppler.com", "http://dashboard.doppler.com/", false},
		{"doppler", "https://api.doppler.com", "https://dashboard.doppler.com.evil.example/", false},
		{"doppler", "https://api.doppler.com", "https://evildoppler.com/", false},
		{"github", "https://github.com", "https://github.com/login/device", true},
		{"github", "https://github.com", "https://x.github.com/login/device", false},
		{"github", "https://octo.ghe.com", "https://evil.ghe.com/login/device", false},
		{"doppler", "https://api.co.uk", "https://evil.co.uk/", false},
		{"doppler", "https://api.co.uk", "https://api.co.uk:8443/", false},
		{"doppler", "https://api.co.uk", "https://dashboard.doppler.com/", false},
	} {
		u, err := url.Parse(c.address)
		if err != nil || service(t, c.service).owns(u, c.origin) != c.own {
			t.Errorf("%s for %s: %v", c.address, c.origin, !c.own)
		}
	}
}
