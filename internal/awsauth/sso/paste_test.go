package sso

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestPasteSignsIn(t *testing.T) {
	w := newWorld(t)
	asked := 0
	token, err := w.Paste(t.Context(), registration(), func(_ context.Context, address string) (string, error) {
		asked++
		if asked == 1 {
			return address, nil // the wrong one
		}
		good := authorized(t, address, "code", "MARKER-code")
		u, _ := url.Parse(good)
		if conn, err := net.Dial("tcp", u.Host); err == nil {
			conn.Close()
			t.Errorf("somebody listens at %s", u.Host)
		}
		return " " + good[:60] + "\n  " + good[60:] + "\n", nil
	})
	if err != nil || token.Access != "MARKER-access" || asked != 2 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	if got := w.service.seen("/token")[0]; got.field("code") != "MARKER-code" || !strings.HasPrefix(got.field("redirectUri"), "http://127.0.0.1:") {
		t.Errorf("redeemed with %v", got.body)
	}
}

func TestPasteAsksThreeTimes(t *testing.T) {
	w := newWorld(t)
	asked := 0
	_, err := w.Paste(t.Context(), registration(), func(_ context.Context, address string) (string, error) {
		asked++
		return authorized(t, address, "code", marker, "state", "another"), nil
	})
	wantError(t, err, errs.Invalid, "not the address that the browser ended at")
	if asked != 3 || len(w.service.seen("/token")) != 0 {
		t.Errorf("asked %d times", asked)
	}
	broken := errors.New("no terminal")
	_, err = w.Paste(t.Context(), registration(), func(context.Context, string) (string, error) { return "", broken })
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	_, err = w.Paste(t.Context(), registration(), func(_ context.Context, address string) (string, error) {
		return authorized(t, address, "error", "access_denied"), nil
	})
	wantError(t, err, errs.Auth, "access was denied")
}

func TestPastedAddress(t *testing.T) {
	q := request{state: "the-state", redirect: "http://127.0.0.1:50123/oauth/callback"}
	const rest = "127.0.0.1:50123/oauth/callback?code=abc&state=the-state"
	for text, want := range map[string]string{
		"http://" + rest:               "abc",
		"  http://" + rest + "\r\n":    "abc",
		`"http://` + rest + `"`:        "abc",
		"<http://" + rest + ">":        "abc",
		rest:                           "abc",
		"http://" + rest + "#":         "abc",
		"http://" + rest + "&x=y":      "abc",
		"https://" + rest:              "",
		"http://evil.example/?" + rest: "",
		"http://127.0.0.1:50124/oauth/callback?code=abc&state=the-state":   "",
		"http://127.0.0.1:50123/oauth/other?code=abc&state=the-state":      "",
		"http://127.0.0.1:50123/oauth/callback?code=abc&state=other":       "",
		"http://127.0.0.1:50123/oauth/callback?code=abc":                   "",
		"http://127.0.0.1:50123/oauth/callback?code=abc&state=the-state&%": "",
		"abc": "", "": "", "http://" + rest + strings.Repeat("x", maxPaste): "",
	} {
		if a, ok := q.pasted(text); ok != (want != "") || a.code != want {
			t.Errorf("%.80q: %q %v", text, a.code, ok)
		}
	}
}

// Whatever is pasted, it is an answer only with the right state, at the right
// address, and it is a code or an error.
func FuzzPasted(f *testing.F) {
	q := request{state: "the-state", redirect: "http://127.0.0.1:50123/oauth/callback"}
	for _, s := range []string{
		"http://127.0.0.1:50123/oauth/callback?code=abc&state=the-state", "127.0.0.1:50123/oauth/callback?error=access_denied&state=the-state#x",
		" <http://127.0.0.1:50123/oauth/callback?state=the-state&code=%41> ", "http://127.0.0.1:50123/oauth/callback?code=a&code=b&state=the-state", "://", "%", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := q.pasted(text)
		if !ok {
			return
		}
		if (a.code == "") == (a.refused == "") {
			t.Errorf("%q: %+v", text, a)
		}
		plain := strings.Join(strings.Fields(text), "")
		if !strings.Contains(plain, "127.0.0.1:50123/oauth/callback?") {
			t.Errorf("%q is at another address", text)
		}
		_, query, _ := strings.Cut(plain, "?")
		if v, _ := url.ParseQuery(query); !strings.HasPrefix(v.Get("state"), q.state) {
			t.Errorf("%q has another state", text)
		}
		_ = pascal(a.refused)
	})
}
