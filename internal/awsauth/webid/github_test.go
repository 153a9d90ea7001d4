package webid

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const requestToken = "REQUESTMARKER"

// onGitHub is a source whose GitHub is h. It never really waits.
func onGitHub(t *testing.T, o Options, query string, h http.HandlerFunc) *told {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.HTTP = httpx.Client(httpx.Options{})
	t.Cleanup(o.HTTP.CloseIdleConnections)
	o.Getenv = env("GITHUB_ACTIONS=true", "ACTIONS_ID_TOKEN_REQUEST_URL="+server.URL+"/token"+query, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+requestToken)
	s := source(t, o)
	s.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return s
}

func TestGitHubIsAskedForAFreshTokenEachTime(t *testing.T) {
	for _, c := range []struct{ query, audience, want string }{
		{"?api-version=2.0", "", "api-version=2.0&audience=sts.amazonaws.com"},
		{"", "", "audience=sts.amazonaws.com"},
		{"?a=%2f;b", "sts.amazonaws.com.cn", "a=%2f;b&audience=sts.amazonaws.com.cn"},
		{"?a", "https://x/&evil=y z", "a&audience=https%3A%2F%2Fx%2F%26evil%3Dy+z"},
	} {
		asked := 0
		s := onGitHub(t, Options{Audience: c.audience, UserAgent: "skret/test"}, c.query, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Method != http.MethodGet || r.URL.RawQuery != c.want || r.Header.Get("Authorization") != "Bearer "+requestToken || r.Header.Get("User-Agent") != "skret/test" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			fmt.Fprintf(w, `{"value":%q,"count":9}`, jwt(fmt.Sprintf(`{"jti":"%d"}`, asked)))
		})
		s.wantToken(t, jwt(`{"jti":"1"}`))
		s.wantToken(t, jwt(`{"jti":"2"}`))
	}
}

func TestHostileAnswersOfGitHubShowNothing(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		kind errs.Kind
		want string
	}{
		"no permission": {text(403, `{"message":"MARKER"}`), errs.Auth, "status 403"},
		"job over":      {text(401, "MARKER"), errs.Auth, "status 401"},
		"other status":  {text(418, "MARKER"), errs.Backend, "status 418"},
		"a web page":    {text(200, "<html>MARKER"), errs.Backend, "did not answer with a token"},
		"empty":         {text(200, ""), errs.Backend, "did not answer with a token"},
		"no value":      {text(200, `{"count":1,"token":"MARKER"}`), errs.Backend, "did not answer with a token"},
		"other type":    {text(200, `{"value":{"MARKER":1}}`), errs.Backend, "did not answer with a token"},
		"no token":      {text(200, `{"value":"MARKER"}`), errs.Auth, "is no JWT"},
		"huge":          {text(200, `{"value":"`+strings.Repeat("MARKER", maxToken)+`"}`), errs.Backend, "did not answer with a token"},
		"echo": {func(w http.ResponseWriter, r *http.Request) {
			text(400, r.Header.Get("Authorization"))(w, r)
		}, errs.Backend, "status 400"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" {
				t.Error("it was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, errs.Backend, "redirect"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"value":"MARKER`)
		}, errs.Network, "before the answer was complete"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		}, errs.Backend, "did not answer with a token"},
		"throttled": {text(429, "MARKER"), errs.Network, "throttled"},
		"down":      {text(503, "MARKER"), errs.Backend, "status 503"},
	} {
		t.Run(name, func(t *testing.T) { onGitHub(t, Options{}, "", c.h).wantError(t, c.kind, c.want) })
	}
}

func TestGitHubIsAskedAgainWhenItIsInTrouble(t *testing.T) {
	for _, c := range []struct {
		status, bad, wantCalls int
		after                  string
		wantLongest            time.Duration
		wantErr                bool
	}{
		{503, 1, 2, "", time.Second, false},
		{429, 2, 3, "3", 3 * time.Second, false},
		{429, 3, 4, "86400", maxPause, false},
		{429, 3, 4, "99999999999999999999", 4 * time.Second, false},
		{500, 99, attempts, "", 4 * time.Second, true},
		{0, 1, 2, "", time.Second, false}, // no answer
		{403, 99, 1, "", 0, true},
	} {
		t.Run(fmt.Sprint(c.status, c.after), func(t *testing.T) {
			var called atomic.Int32 // a handler that panics may end after the client has gone on
			s := onGitHub(t, Options{}, "", func(w http.ResponseWriter, _ *http.Request) {
				switch n := called.Add(1); {
				case int(n) > c.bad:
					fmt.Fprintf(w, `{"value":%q}`, goodToken())
				case c.status == 0:
					panic(http.ErrAbortHandler)
				default:
					w.Header().Set("Retry-After", c.after)
					w.WriteHeader(c.status)
				}
			})
			var longest time.Duration
			s.wait = func(_ context.Context, d time.Duration) error { longest = max(longest, d); return nil }
			token, err := s.Token(t.Context())
			calls := int(called.Load())
			if (err != nil) != c.wantErr || (token == "") != c.wantErr || calls != c.wantCalls || longest > c.wantLongest {
				t.Errorf("%d calls, waited %v, %v", calls, longest, err)
			}
		})
	}
}

func TestPlainHTTPToOtherMachinesIsRefused(t *testing.T) {
	s := source(t, Options{
		Kind: GitHub, HTTP: httpx.Client(httpx.Options{}),
		Getenv: env("ACTIONS_ID_TOKEN_REQUEST_URL=http://pipelines.example/x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+requestToken),
	})
	s.wantError(t, errs.Config, "plain http")
}

func TestAskingGitHubEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := onGitHub(t, Options{}, "", func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := s.Token(ctx); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}
