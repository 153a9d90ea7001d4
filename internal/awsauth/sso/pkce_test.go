package sso

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// authorized checks the address at which a browser starts, and returns the one at
// which it ends, with the given parameters.
func authorized(t *testing.T, address string, params ...string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Path != "/authorize" || q.Get("response_type") != "code" || q.Get("client_id") != "client" || q.Get("scopes") != "sso:account:access" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 40 || q.Has("code_verifier") {
		t.Errorf("the browser starts at %s", address)
	}
	back := url.Values{"state": {q.Get("state")}}
	for i := 0; i < len(params); i += 2 {
		back.Set(params[i], params[i+1])
	}
	return q.Get("redirect_uri") + "?" + back.Encode()
}

// page is what a browser ended at.
type page struct {
	status int
	header http.Header
	text   string
}

// browse signs in by PKCE with a browser that goes where visit says, one address
// after the other.
func (w *world) browse(t *testing.T, visit func(authorizeURL string) []string) ([]page, Token, error) {
	pages := make(chan []page, 1)
	token, err := w.PKCE(t.Context(), registration(), func(address string) error {
		var got []page
		for _, a := range visit(address) {
			status, header, text := get(t, http.MethodGet, a, nil)
			got = append(got, page{status, header, text})
		}
		pages <- got
		return nil
	})
	return <-pages, token, err
}

func TestPKCESignsIn(t *testing.T) {
	w := newWorld(t)
	var start string
	pages, token, err := w.browse(t, func(address string) []string {
		start = address
		return []string{authorized(t, address, "code", "MARKER-code")}
	})
	if err != nil || token.Access != "MARKER-access" {
		t.Fatal(err)
	}
	u, _ := url.Parse(start)
	got := w.service.seen("/token")[0]
	sum := sha256.Sum256([]byte(got.field("codeVerifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != u.Query().Get("code_challenge") || len(got.field("codeVerifier")) < 43 {
		t.Errorf("the verifier %q does not fit", got.field("codeVerifier"))
	}
	if got.field("grantType") != "authorization_code" || got.field("code") != "MARKER-code" || got.field("redirectUri") != u.Query().Get("redirect_uri") {
		t.Errorf("redeemed with %v", got.body)
	}
	p := pages[0]
	if p.status != http.StatusOK || !strings.Contains(p.text, "You are signed in.") || !strings.Contains(p.text, "return to the terminal") {
		t.Errorf("the browser ended at %d: %s", p.status, p.text)
	}
	if strings.Contains(p.text, "<script") || strings.Contains(p.text, marker) {
		t.Errorf("the page is not plain: %s", p.text)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Type": "text/html; charset=utf-8",
	} {
		if p.header.Get(name) != want {
			t.Errorf("%s is %q", name, p.header.Get(name))
		}
	}
	if csp := p.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "script") {
		t.Errorf("the policy is %q", csp)
	}
	redirect, _ := url.Parse(u.Query().Get("redirect_uri"))
	if redirect.Hostname() != "127.0.0.1" || redirect.Path != "/oauth/callback" {
		t.Errorf("the browser comes back to %s", redirect)
	}
	if conn, err := net.Dial("tcp", redirect.Host); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestPKCEHasNewSecretsEachTime(t *testing.T) {
	a, b := newRequest("h"), newRequest("h")
	if a.state == b.state || a.verifier == b.verifier || a.state == a.verifier || len(a.verifier) < 43 {
		t.Errorf("%+v and %+v", a, b)
	}
}

// Whoever else asks gets nothing, ends nothing, and takes no turn.
func TestPKCEIgnoresStrangers(t *testing.T) {
	w := newWorld(t)
	done := make(chan struct{})
	_, err := w.PKCE(t.Context(), registration(), func(address string) error {
		defer close(done)
		good := authorized(t, address, "code", "MARKER-code")
		u, _ := url.Parse(good)
		at := "http://" + u.Host
		state := u.Query().Get("state")
		callback := at + "/oauth/callback?"
		for _, c := range []struct {
			method, address string
			want            int
			edit            func(*http.Request)
		}{
			{"GET", callback + "code=stolen", 400, nil},
			{"GET", callback + "code=stolen&state=", 400, nil},
			{"GET", callback + "code=stolen&state=" + state[1:], 400, nil},
			{"GET", callback + "code=stolen&state=" + state + "x", 400, nil},
			{"GET", callback + "code=stolen&state=" + state + "&state=" + state, 400, nil},
			{"GET", callback + "code=a&code=b&state=" + state, 400, nil},
			{"GET", callback + "code=a&error=b&state=" + state, 400, nil},
			{"GET", callback + "state=" + state, 400, nil},
			{"GET", callback + "code=&state=" + state, 400, nil},
			{"GET", callback + "code=a&state=" + state + "&%zz", 400, nil},
			{"GET", callback + "error=access_denied&state=wrong", 400, nil},
			{"GET", callback + "error=access_denied", 400, nil},
			{"POST", good, 405, nil},
			{"HEAD", good, 405, nil},
			{"GET", at + "/", 404, nil},
			{"GET", at + "/favicon.ico", 404, nil},
			{"GET", strings.Replace(good, "/oauth/callback", "/oauth/callback/", 1), 404, nil},
			{"GET", strings.Replace(good, "/oauth/callback", "/oauth//callback", 1), 404, nil},
			{"GET", good, 400, func(r *http.Request) { r.Host = "evil.example:" + u.Port() }},
			{"GET", good, 400, func(r *http.Request) { r.Host = "localhost:" + u.Port() }},
			{"GET", good, 400, func(r *http.Request) { r.Host = "127.0.0.1" }},
			{"GET", good, 400, func(r *http.Request) { r.Body, r.ContentLength = aByte{}, -1 }},
		} {
			status, header, text := get(t, c.method, c.address, c.edit)
			if status != c.want || header.Get("Cache-Control") != "no-store" || strings.Contains(text, "signed in") {
				t.Errorf("%s %s: %d %s", c.method, c.address, status, text)
			}
		}
		if n := len(w.service.seen("/token")); n != 0 {
			t.Errorf("%d codes were redeemed", n)
		}
		if status, _, _ := get(t, "GET", good, nil); status != 200 {
			t.Errorf("the right one: %d", status)
		}
		return nil
	})
	<-done
	if got := w.service.seen("/token"); err != nil || len(got) != 1 || got[0].field("code") != "MARKER-code" {
		t.Errorf("%v: %v", got, err)
	}
}

// aByte is a body of one byte, whose length is not known.
type aByte struct{}

func (aByte) Read(p []byte) (int, error) { return copy(p, "x"), io.EOF }
func (aByte) Close() error               { return nil }

func TestPKCETakesOneCode(t *testing.T) {
	w := newWorld(t)
	var good string
	w.service.on("/token", func(rw http.ResponseWriter, r *http.Request) {
		if status, _, _ := get(t, "GET", good, nil); status != http.StatusBadRequest {
			t.Errorf("a second code: %d", status)
		}
		gives(goodToken)(rw, r)
	})
	_, _, err := w.browse(t, func(address string) []string {
		good = authorized(t, address, "code", "MARKER-code")
		return []string{good}
	})
	if n := len(w.service.seen("/token")); err != nil || n != 1 {
		t.Errorf("%d requests: %v", n, err)
	}
}

func TestPKCESaysWhyItDidNotWork(t *testing.T) {
	for word, c := range map[string]struct {
		kind  errs.Kind
		words string
	}{
		"access_denied":           {errs.Auth, "access was denied"},
		"invalid_grant":           {errs.Auth, "it may be in another region"},
		"invalid_scope":           {errs.Auth, "does not allow to sign in this way"},
		"unauthorized_client":     {errs.Auth, "does not allow to sign in this way"},
		"server_error":            {errs.Backend, "the service failed"},
		"temporarily_unavailable": {errs.Network, "throttled"},
		"<script>x\x1b":           {errs.Backend, "refused (Scriptx)"},
		"\x00":                    {errs.Backend, "refused ("},
	} {
		w := newWorld(t)
		pages, _, err := w.browse(t, func(address string) []string {
			return []string{authorized(t, address, "error", word, "error_description", "<script>"+marker)}
		})
		wantError(t, err, c.kind, c.words)
		if p := pages[0]; p.status != 200 || !strings.Contains(p.text, "You are not signed in.") || strings.Contains(p.text, "<script") {
			t.Errorf("%q: the browser ended at %d: %s", word, p.status, p.text)
		}
		if len(w.service.seen("/token")) != 0 {
			t.Errorf("%q: something was redeemed", word)
		}
	}
	w := newWorld(t)
	w.service.on("/token", refuses(400, "InvalidGrantException"))
	pages, _, err := w.browse(t, func(address string) []string {
		return []string{authorized(t, address, "code", "MARKER-code")}
	})
	wantError(t, err, errs.Auth, "finish the sign-in")
	if !errors.Is(err, ErrGrant) || !strings.Contains(pages[0].text, "You are not signed in.") {
		t.Errorf("%v, and the page says %s", err, pages[0].text)
	}
}

// A browser that cannot be started is not the end: the address was shown.
func TestPKCEWaitsForAUserWhoOpensTheAddressByHand(t *testing.T) {
	w := newWorld(t)
	done := make(chan struct{})
	_, err := w.PKCE(t.Context(), registration(), func(address string) error {
		good := authorized(t, address, "code", "MARKER-code")
		go func() {
			defer close(done)
			get(t, "GET", good, nil)
		}()
		return errors.New("no browser")
	})
	<-done
	if err != nil {
		t.Error(err)
	}
}

func TestPKCEEndsWhenNobodyComes(t *testing.T) {
	w := newWorld(t)
	w.clock.unattended = true
	_, err := w.PKCE(t.Context(), registration(), func(string) error { return nil })
	wantError(t, err, errs.Auth, "did not come back within 10 minutes")
	if !strings.Contains(errs.HintOf(err), "--flow device") || w.clock.slept[0] != 10*time.Minute {
		t.Errorf("hint %q after %v", errs.HintOf(err), w.clock.slept)
	}
}

func TestPKCEEndsAtOnceWhenCancelled(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.PKCE(ctx, registration(), func(string) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBrowserStartsAtTheServiceOfTheRegion(t *testing.T) {
	for _, c := range []struct {
		region     string
		fips, dual bool
		env, want  string
	}{
		{"eu-west-1", false, false, "", "https://oidc.eu-west-1.amazonaws.com/authorize"},
		{"eu-west-1", false, true, "", "https://oidc.eu-west-1.api.aws/authorize"},
		{"us-east-1", true, false, "", "https://oidc-fips.us-east-1.amazonaws.com/authorize"},
		{"cn-north-1", false, false, "", "https://oidc.cn-north-1.amazonaws.com.cn/authorize"},
		{"us-gov-west-1", false, false, "", "https://oidc.us-gov-west-1.amazonaws.com/authorize"},
		{"eu-west-1", true, true, "https://vpce.example/base", "https://vpce.example/base/authorize"},
		{"eu-west-1", false, false, "http://127.0.0.1:4566", "http://127.0.0.1:4566/authorize"},
	} {
		u, err := New(Options{
			Region: c.region, FIPS: c.fips, DualStack: c.dual, HTTP: httpx.Client(httpx.Options{}),
			Getenv: func(n string) string { return map[string]string{"AWS_ENDPOINT_URL_SSO_OIDC": c.env}[n] },
		}).authorizeURL()
		if err != nil || u.String() != c.want {
			t.Errorf("%+v: %v %v", c, u, err)
		}
	}
}

func TestBrowserIsNotSentToPlainHTTPElsewhere(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1/", "http://evil.example/", "ftp://127.0.0.1/", "nonsense"} {
		c := New(Options{
			Region: "eu-west-1", HTTP: httpx.Client(httpx.Options{}),
			Getenv: func(n string) string { return map[string]string{"AWS_ENDPOINT_URL_SSO_OIDC": address}[n] },
		})
		_, err := c.PKCE(t.Context(), registration(), func(string) error { t.Error("a browser was opened"); return nil })
		wantError(t, err, errs.Config, "endpoint of SSO")
	}
}
