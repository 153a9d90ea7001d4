package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

// client returns an API of a service at a fake that answers one route.
func client(t *testing.T, name, route string, answers ...fake.ServiceAnswer) (*API, *clock, *fake.Services) {
	t.Helper()
	srv := services(t, marker)
	srv.On(route, answers...)
	c := newClock()
	return Client(c.options(), given(t, name, srv.URL, marker)), c, srv
}

func TestRequestsCarryWhatTheServiceWants(t *testing.T) {
	for _, c := range []struct{ service, path, accept, version string }{
		{"doppler", "/v3/projects", "application/json", ""},
		{"infisical", "/api/v3/projects", "application/json", ""},
		{"github", "/api/v3/v3/projects", "application/vnd.github+json", "2022-11-28"},
		{"gitlab", "/api/v4/v3/projects", "application/json", ""},
		{"cloudflare", "/client/v4/v3/projects", "application/json", ""},
	} {
		api, _, srv := client(t, c.service, "POST "+c.path, fake.ServiceAnswer{Status: 201, Header: map[string]string{"Link": "<x>"}, Body: `{"id":7}`})
		var out struct{ ID int }
		reply, err := api.Do(t.Context(), "POST", "/v3/projects?page=2&q=a%20b", map[string]string{"name": "n"}, &out)
		if err != nil || out.ID != 7 || reply.Status != 201 || reply.Header.Get("Link") != "<x>" {
			t.Fatalf("%s: %+v %+v %v", c.service, reply, out, err)
		}
		got := srv.Calls()[0]
		for name, want := range map[string]string{
			"Authorization": "Bearer " + marker, "User-Agent": "skret/1.2.3", "Accept": c.accept, "X-GitHub-Api-Version": c.version, "Content-Type": "application/json",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", c.service, name, got.Header.Get(name))
			}
		}
		if got.Path != c.path+"?page=2&q=a%20b" || got.Body != `{"name":"n"}` {
			t.Errorf("%s %s", got.Path, got.Body)
		}
	}
	api, _, srv := client(t, "github", "POST /api/v3/f", fake.ServiceAnswer{Status: 204})
	if _, err := api.Do(t.Context(), "POST", "/f", url.Values{"a": {"b c"}}, nil); err != nil {
		t.Error(err)
	}
	if got := srv.Calls()[0]; got.Body != "a=b+c" || got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%+v", got)
	}
}

// A server may refuse in many ways, and send back whatever it got.
func TestRefusals(t *testing.T) {
	echo := fmt.Sprintf(`{"error":%q,"code":%q,"message":"token %[1]s","errors":[{"code":%[1]q}],"messages":["\u001b[31m%[1]s"]}`, marker, "x"+marker)
	for name, c := range map[string]struct {
		service string
		answer  fake.ServiceAnswer
		kind    errs.Kind
		words   []string
	}{
		"401":              {"doppler", fake.ServiceAnswer{Status: 401, Body: echo}, errs.Auth, []string{"the Doppler token is not accepted by 127.0.0.1:", "https://dashboard.doppler.com"}},
		"403":              {"gitlab", fake.ServiceAnswer{Status: 403, Body: `{"error":"insufficient_scope","scope":"api"}`}, errs.Auth, []string{"may not GET /api/v4/x at", "status 403, insufficient_scope", "permission"}},
		"403 with echo":    {"github", fake.ServiceAnswer{Status: 403, Body: echo}, errs.Auth, []string{"status 403"}},
		"403 sso":          {"github", fake.ServiceAnswer{Status: 403, Header: map[string]string{"X-GitHub-SSO": "required; url=https://evil.example/" + marker}}, errs.Auth, []string{"single sign-on", "Configure SSO"}},
		"404":              {"github", fake.ServiceAnswer{Status: 404, Body: echo}, errs.NotFound, []string{"there is no /api/v3/x at", "may not see it"}},
		"409":              {"doppler", fake.ServiceAnswer{Status: 409}, errs.Conflict, []string{"status 409"}},
		"400 of a bad key": {"cloudflare", fake.ServiceAnswer{Status: 400, Body: `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers"}]}`}, errs.Auth, []string{"not accepted", "6003"}},
		"422":              {"infisical", fake.ServiceAnswer{Status: 422, Body: `{"reqId":"r","statusCode":422,"error":"ValidationFailure","message":[{"x":1}]}`}, errs.Backend, []string{"refused GET /api/x", "ValidationFailure"}},
		"418 as a page":    {"github", fake.ServiceAnswer{Status: 418, Body: "<html>" + marker}, errs.Backend, []string{"status 418"}},
		"success: false":   {"doppler", fake.ServiceAnswer{Body: `{"success":false,"messages":["` + marker + `"]}`}, errs.Backend, []string{"refused GET /x", "status 200"}},
		"a page":           {"gitlab", fake.ServiceAnswer{Body: "\n <html>" + marker}, errs.Backend, []string{"a web page", "captive portal"}},
		"nothing":          {"gitlab", fake.ServiceAnswer{Body: " \n"}, errs.Backend, []string{"is empty"}},
		"half":             {"gitlab", fake.ServiceAnswer{Body: `{"id":1`}, errs.Backend, []string{"is not understood"}},
		"more":             {"gitlab", fake.ServiceAnswer{Body: `{"id":1} {"id":2}`}, errs.Backend, []string{"is not understood"}},
		"another shape":    {"gitlab", fake.ServiceAnswer{Body: `{"id":"` + marker + `"}`}, errs.Backend, []string{"is not understood"}},
		"a list":           {"gitlab", fake.ServiceAnswer{Body: `[1,2]`}, errs.Backend, []string{"is not understood"}},
		"text":             {"gitlab", fake.ServiceAnswer{Body: marker}, errs.Backend, []string{"is not understood"}},
		"huge":             {"gitlab", fake.ServiceAnswer{Body: `{"x":"` + strings.Repeat("a", 17<<20) + `"}`}, errs.Backend, []string{"larger than 16 MiB"}},
		"huge refusal":     {"gitlab", fake.ServiceAnswer{Status: 400, Body: strings.Repeat("a", 17<<20)}, errs.Backend, []string{"status 400"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := service(t, c.service)
			api, clk, _ := client(t, c.service, "GET "+s.below+"/x", c.answer)
			if c.service == "github" {
				api, clk, _ = client(t, c.service, "GET /api/v3/x", c.answer)
			}
			var out struct{ ID int }
			_, err := api.Do(t.Context(), "GET", "/x", nil, &out)
			wantError(t, err, c.kind, c.words...)
			if len(clk.slept) > 0 {
				t.Errorf("it waited %v", clk.slept)
			}
			noSecret(t, "the log", clk.log.String())
		})
	}
}

// What a code may be is narrow: a server can put anything there.
func TestCodesGiveNothingAway(t *testing.T) {
	api, _, _ := client(t, "github", "GET /x")
	for raw, want := range map[string]string{
		`{"error":"NotFound"}`:                        "NotFound",
		`{"code":10214}`:                              "10214",
		`{"errors":[{"code":10000},{"code":1}]}`:      "10000",
		`{"error":"two words","code":"slow_down"}`:    "slow_down",
		`{"error":"sEcReT"}`:                          "", // the start of the token
		`{"error":"` + strings.Repeat("a", 41) + `"}`: "",
		`{"error":{"code":"x"}}`:                      "",
		`{"code":123456789}`:                          "",
		`{"code":1e300}`:                              "",
		`{"error":"a\u001b[31m"}`:                     "",
		`{"error":"ü"}`:                               "",
		`{`:                                           "", `[]`: "", ``: "", `null`: "",
	} {
		if got := api.code([]byte(raw), []string{marker}); got != want {
			t.Errorf("%s: %q", raw, got)
		}
	}
	api.t.fields = func(string) string { return "onlyletters" }
	if got := api.code([]byte(`{"error":"the_onlyletters_token"}`), nil); got != "" {
		t.Errorf("%q", got)
	}
}

func TestTooManyRequests(t *testing.T) {
	ok := fake.ServiceAnswer{Body: `{}`}
	limited := func(status int, pairs ...string) fake.ServiceAnswer {
		h := map[string]string{"Date": "Sun, 01 Mar 2026 13:00:00 GMT"} // its clock is an hour ahead of ours
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = pairs[i+1]
		}
		return fake.ServiceAnswer{Status: status, Header: h, Body: `{"message":"` + marker + `"}`}
	}
	for name, c := range map[string]struct {
		answers []fake.ServiceAnswer
		method  string
		waits   []time.Duration // at least, at most 1 s more
		hint    string          // when it fails
	}{
		"seconds":            {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "7"), ok}, waits: []time.Duration{7 * time.Second}},
		"a date":             {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "Sun, 01 Mar 2026 13:00:30 GMT"), ok}, waits: []time.Duration{30 * time.Second}},
		"no time":            {answers: []fake.ServiceAnswer{limited(429), ok}, waits: []time.Duration{0}},
		"a write":            {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "7"), ok}, method: "POST", waits: []time.Duration{7 * time.Second}},
		"github's primary":   {answers: []fake.ServiceAnswer{limited(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1772370040"), ok}, waits: []time.Duration{40 * time.Second}},
		"github's, an hour":  {answers: []fake.ServiceAnswer{limited(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1772373600")}, hint: "try again in 1h0m0s"},
		"too long":           {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "300")}, hint: "try again in 5m0s"},
		"for ever":           {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "2147483647")}, hint: "try again later"},
		"nonsense":           {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "-1"), limited(429, "Retry-After", "99999999999999999999"), ok}, waits: []time.Duration{0, 0}},
		"to the end":         {answers: []fake.ServiceAnswer{limited(429, "Retry-After", "2")}, waits: []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, hint: "try again in 2s"},
		"github's secondary": {answers: []fake.ServiceAnswer{{Status: 403, Body: `{"message":"You have exceeded a secondary rate limit."}`}, ok}, waits: []time.Duration{time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			method := c.method
			if method == "" {
				method = "GET"
			}
			api, clk, _ := client(t, "github", method+" /api/v3/x", c.answers...)
			_, err := api.Do(t.Context(), method, "/x", nil, nil)
			if c.hint == "" && err != nil {
				t.Fatal(err)
			}
			if c.hint != "" {
				wantError(t, err, errs.Network, "refuses more requests for now", c.hint)
			}
			if len(clk.slept) != len(c.waits) {
				t.Fatalf("it waited %v", clk.slept)
			}
			for i, d := range clk.slept {
				if d < c.waits[i] || d > c.waits[i]+4*time.Second {
					t.Errorf("it waited %v", clk.slept)
				}
				if d >= time.Second && !strings.Contains(strings.Join(clk.notice, "\n"), fmt.Sprintf("retrying (%d/4) in %s", i+2, d.Round(time.Second))) {
					t.Errorf("said %q", clk.notice)
				}
			}
			noSecret(t, "a notice", strings.Join(clk.notice, "\n"))
		})
	}
}

func TestWhatIsRepeated(t *testing.T) {
	bad, drop, ok := fake.ServiceAnswer{Status: 502, Body: "<html>" + marker}, fake.ServiceAnswer{Drop: true}, fake.ServiceAnswer{Body: `{}`}
	for _, c := range []struct {
		method  string
		answers []fake.ServiceAnswer
		calls   int
		kind    errs.Kind // Unclassified: it goes well
	}{
		{"GET", []fake.ServiceAnswer{bad, bad, bad, ok}, 4, 0},
		{"GET", []fake.ServiceAnswer{bad}, 4, errs.Backend},
		{"PUT", []fake.ServiceAnswer{bad, ok}, 2, 0},
		{"GET", []fake.ServiceAnswer{{Status: 408}, ok}, 2, 0},
		{"GET", []fake.ServiceAnswer{{Status: 501}, ok}, 1, errs.Backend},
		{"POST", []fake.ServiceAnswer{bad, ok}, 1, errs.Backend},
		{"PATCH", []fake.ServiceAnswer{bad, ok}, 1, errs.Backend},
		{"DELETE", []fake.ServiceAnswer{bad, ok}, 1, errs.Backend},
		{"POST", []fake.ServiceAnswer{drop, ok}, 1, errs.Network},
		{"GET", []fake.ServiceAnswer{{Status: 404}, ok}, 1, errs.NotFound},
		{"GET", []fake.ServiceAnswer{{Status: 401}, ok}, 1, errs.Auth},
	} {
		api, _, srv := client(t, "doppler", c.method+" /x", c.answers...)
		_, err := api.Do(t.Context(), c.method, "/x", nil, nil)
		if c.kind != 0 {
			wantError(t, err, c.kind)
		} else if err != nil {
			t.Error(err)
		}
		if n := len(srv.Calls()); n != c.calls {
			t.Errorf("%s: %d requests, not %d", c.method, n, c.calls)
		}
	}
	// net/http repeats some itself; what counts is that it goes well.
	api, _, _ := client(t, "doppler", "GET /x", drop, drop, ok)
	if _, err := api.Do(t.Context(), "GET", "/x", nil, nil); err != nil {
		t.Error(err)
	}
	api, _, _ = client(t, "doppler", "GET /x", drop)
	_, err := api.Do(t.Context(), "GET", "/x", nil, nil)
	wantError(t, err, errs.Network, "no answer from 127.0.0.1:")
}

func TestNoWaitBeyondTheDeadline(t *testing.T) {
	api, clk, srv := client(t, "doppler", "GET /x", fake.ServiceAnswer{Status: 429, Header: map[string]string{"Retry-After": "59"}})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := api.Do(ctx, "GET", "/x", nil, nil)
	wantError(t, err, errs.Network, "try again in 59s")
	if len(clk.slept) != 0 || len(srv.Calls()) != 1 {
		t.Errorf("it waited %v", clk.slept)
	}
}

func TestCancelledIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	_, err := Client(newClock().options(), given(t, "doppler", s.URL, marker)).Do(ctx, "GET", "/x", nil, nil)
	if !errors.Is(err, context.Canceled) || errs.KindOf(err) != errs.Unclassified {
		t.Errorf("%v", err)
	}
}

// A redirect would hand the token, or what is sent, to somebody else.
func TestTokenIsNotTakenAlong(t *testing.T) {
	var hits atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		body, _ := io.ReadAll(r.Body)
		noSecret(t, "a request elsewhere", fmt.Sprint(r.Header, r.URL, string(body)))
	}))
	defer elsewhere.Close()
	port := elsewhere.URL[strings.LastIndexByte(elsewhere.URL, ':'):]
	for _, s := range Services() {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, to := range []string{elsewhere.URL + "/x", "http://localhost" + port + "/x", "https://127.0.0.1" + port + "/x", "/x2", "http://example.invalid/"} {
				for _, method := range []string{"GET", "POST"} {
					srv := services(t, "")
					api := Client(newClock().options(), given(t, s.Name, srv.URL, marker))
					path := strings.TrimPrefix(api.t.Origin, srv.URL) + "/x"
					srv.On(method+" "+path, fake.ServiceAnswer{Status: status, Header: map[string]string{"Location": to}})
					_, err := api.Do(t.Context(), method, "/x", map[string]string{"token": marker}, nil)
					wantError(t, err, errs.Backend, "redirect")
					if n := len(srv.Calls()); n != 1 {
						t.Errorf("%s %d to %s: %d requests", s.Name, status, to, n)
					}
				}
			}
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests went elsewhere", hits.Load())
	}
}

func TestTokenIsBoundToItsOrigin(t *testing.T) {
	srv := services(t, "")
	token := given(t, "doppler", "", marker)
	token.Origin = srv.URL
	_, err := Client(newClock().options(), token).Do(t.Context(), "GET", "/v3/me", nil, nil)
	wantError(t, err, errs.Config, "refused before it is sent", "the token is for api.doppler.com")
	_, err = Client(newClock().options(), Token{Origin: srv.URL}).Do(t.Context(), "GET", "/v3/me", nil, nil)
	wantError(t, err, errs.Config, "the token is for nothing")

	// Not even to sign in.
	uni, err := service(t, "infisical").Token("universal-auth", "", map[string]string{"client_id": "i", "client_secret": marker})
	if err != nil {
		t.Fatal(err)
	}
	uni.Origin = srv.URL + "/api"
	_, err = service(t, "infisical").Verify(t.Context(), newClock().options(), uni)
	wantError(t, err, errs.Config, "the token is for app.infisical.com")

	token = given(t, "doppler", srv.URL, marker)
	for _, path := range []string{"https://example.invalid/", "//example.invalid/x", "/../x", "@example.invalid/"} {
		_, err = Client(newClock().options(), token).Do(t.Context(), "GET", path, nil, nil)
		wantError(t, err, errs.Config, "refused before it is sent")
	}
	if len(srv.Calls()) != 0 {
		t.Errorf("%v", srv.Calls())
	}
}
