package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/httpx"
)

// marker is a secret that must not show.
const marker = "sEcReT-mArKeR-4711"

// clock is the time, which passes when someone sleeps.
type clock struct {
	now    time.Time
	slept  []time.Duration
	notice []string
	log    strings.Builder
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) options() Options {
	return Options{
		HTTP: httpx.Client(httpx.Options{}), UserAgent: "skret/1.2.3",
		Now:    func() time.Time { return c.now },
		Notice: func(text string) { c.notice = append(c.notice, text) },
		Log:    slog.New(slog.NewTextHandler(&c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.slept = append(c.slept, d)
			c.now = c.now.Add(d)
			return ctx.Err()
		},
	}
}

func service(t *testing.T, name string) *Service {
	t.Helper()
	s, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// given is a token of the method "token" for the service at an address.
func given(t *testing.T, name, address, token string) Token {
	t.Helper()
	got, err := service(t, name).Token(MethodToken, address, map[string]string{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// services is a fake that knows the marker alone.
func services(t *testing.T, token string) *fake.Services {
	s := fake.NewServices(token)
	t.Cleanup(s.Close)
	return s
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// wantError checks an error's kind and words, and that it gives nothing away.
func wantError(t *testing.T, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind {
		t.Errorf("%v is of kind %v, not %v", err, errs.KindOf(err), kind)
		return
	}
	text := err.Error() + "\n" + errs.HintOf(err)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in: %s", w, text)
		}
	}
	noSecret(t, "an error", fmt.Sprintf("%s %+v %#v", text, err, err))
	if strings.ContainsAny(err.Error(), "\n\x1b") || strings.HasSuffix(err.Error(), ".") {
		t.Errorf("not a message: %q", err)
	}
}

func noSecret(t *testing.T, where, text string) {
	t.Helper()
	if strings.Contains(text, marker) {
		t.Errorf("%s holds the token: %s", where, text)
	}
}

func TestEveryServiceCanBePromptedFor(t *testing.T) {
	var names []string
	for _, s := range Services() {
		names = append(names, s.Name)
		if s.Title == "" || s.verify == nil || s.revoke == nil || !strings.HasPrefix(s.Manage, "https://") {
			t.Errorf("%s is not complete", s.Name)
		}
		if home, err := s.Origin(s.home); err != nil || home != s.home {
			t.Errorf("%s: the address of its API is %s, %v", s.Name, home, err)
		}
		for _, m := range s.Methods {
			if m.Doc == "" || m.Name == MethodDevice && s.device == nil {
				t.Errorf("%s, %s is not complete", s.Name, m.Name)
			}
			for _, f := range m.Fields {
				if f.Name == "" || f.Label == "" || f.Help == "" || m.Name == MethodToken && len(f.Variables) == 0 {
					t.Errorf("%s, %s: %+v is not complete", s.Name, m.Name, f)
				}
			}
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("%v", names)
	}
	_, err := Lookup("vault")
	wantError(t, err, errs.Invalid, `"vault"`, "cloudflare, doppler, github, gitlab, infisical")
	_, err = service(t, "github").Method("magic")
	wantError(t, err, errs.Invalid, "token, device")
	if m, err := service(t, "infisical").Method(""); err != nil || m.Name != "universal-auth" {
		t.Errorf("%v %v", m, err)
	}
}

func TestTokenDoesNotPrintItself(t *testing.T) {
	uni, err := service(t, "infisical").Token("universal-auth", "", map[string]string{"client_id": "id", "client_secret": marker})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []Token{given(t, "doppler", "", "dp.pt."+marker), uni} {
		api := Client(newClock().options(), token)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			noSecret(t, verb, fmt.Sprintf(verb, token)+fmt.Sprintf(verb, &token)+fmt.Sprintf(verb, []Token{token})+fmt.Sprintf(verb, api))
		}
		b, err := json.Marshal(token)
		if err != nil {
			t.Error(err)
		}
		noSecret(t, "JSON", string(b))
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "api", api)
		noSecret(t, "a log", log.String())
	}
}

func TestTokenIsJudgedByHowItBegins(t *testing.T) {
	for _, c := range []struct{ service, token, kind, refused string }{
		{"doppler", "dp.ct.abc", "CLI token", ""},
		{"doppler", "dp.pt.abc", "personal token", ""},
		{"doppler", "dp.st.prd.abc", "service token", ""},
		{"doppler", "something-new", "token", ""},
		{"doppler", "dp.audit.abc", "", "audit token"},
		{"doppler", "ghp_abc", "", "classic token of GitHub, not of Doppler"},
		{"github", "ghp_abc", "classic token", ""},
		{"github", "github_pat_abc", "fine-grained token", ""},
		{"github", "ghs_abc", "installation token", ""},
		{"github", "0123456789abcdef0123456789abcdef01234567", "token", ""},
		{"github", "ghr_abc", "", "refresh token"},
		{"github", "glpat-abc", "", "access token of GitLab"},
		{"cloudflare", "cfut_abc", "user token", ""},
		{"cloudflare", "cfat_abc", "account token", ""},
		{"cloudflare", "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY", "token", ""},
		{"cloudflare", "cfk_abc", "", "global key"},
		{"cloudflare", "0123456789abcdef0123456789abcdef01234", "", "global key"},
		{"gitlab", "glpat-abc", "access token", ""},
		{"gitlab", "SIE-glpat-abc", "token", ""},
		{"gitlab", "glcbt-abc", "", "job token"},
		{"gitlab", "dp.st.abc", "", "service token of Doppler"},
		{"infisical", "st.abc", "service token", ""},
		{"infisical", "eyJhbGciOi", "access token", ""},
	} {
		got, err := service(t, c.service).Token(MethodToken, "", map[string]string{"token": c.token})
		if c.refused != "" {
			wantError(t, err, errs.Invalid, c.refused, "https://")
			continue
		}
		if err != nil || got.Kind != c.kind {
			t.Errorf("%s %s: %q %v", c.service, c.token, got.Kind, err)
		}
	}
}

func TestPastedTokenIsTrimmedOrRefused(t *testing.T) {
	s := service(t, "github")
	for _, pasted := range []string{marker, " " + marker, marker + "\n", "\r\n\t" + marker + " \r\n"} {
		got, err := s.Token("", "", map[string]string{"token": pasted})
		if err != nil || got.field("token") != marker {
			t.Errorf("%q: %v", pasted, err)
		}
	}
	for _, pasted := range []string{"", " \n", marker + " x", marker + "\nX-Evil: 1", "a\x00b", "a\x1b[31m", "Bearer " + marker, "tökén", "a\u200bb", strings.Repeat("a", maxToken+1)} {
		_, err := s.Token("", "", map[string]string{"token": pasted})
		wantError(t, err, errs.Invalid, "GitHub token")
	}
}

func TestWhatIsKeptGivesTheTokenBack(t *testing.T) {
	for _, c := range []struct {
		service, method, address string
		answers                  map[string]string
	}{
		{"doppler", "token", "", map[string]string{"token": "dp.st." + marker}},
		{"github", "token", "https://ghe.example.com", map[string]string{"token": marker}},
		{"cloudflare", "token", "", map[string]string{"token": marker, "account_id": "abc"}},
		{"gitlab", "token", "gitlab.example.com:8443/sub", map[string]string{"token": marker}},
		{"infisical", "token", "https://eu.infisical.com", map[string]string{"token": marker}},
		{"infisical", "universal-auth", "", map[string]string{"client_id": "id", "client_secret": marker}},
	} {
		s := service(t, c.service)
		token, err := s.Token(c.method, c.address, c.answers)
		if err != nil {
			t.Fatal(err)
		}
		meta, secret := token.Keep()
		noSecret(t, "metadata", fmt.Sprint(meta))
		got, err := s.Find(t.Context(), FindOptions{Getenv: env(), Stored: &Stored{
			Name: "work", Method: token.Method, Meta: meta, Field: func(n string) string { return secret[n] },
		}})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range c.answers {
			if got.field(name) != want {
				t.Errorf("%s: %s is lost", c.service, name)
			}
		}
		if got.Origin != token.Origin || got.Kind != token.Kind || got.From != `the stored sign-in "work"` {
			t.Errorf("%+v, not %+v", got, token)
		}
	}
}

func TestPageOfTokensIsThatOfTheServer(t *testing.T) {
	for _, c := range []struct{ service, address, want string }{
		{"github", "", "https://github.com/settings/tokens"},
		{"github", "octo.ghe.com", "https://octo.ghe.com/settings/tokens"},
		{"github", "ghe.example.com", "https://ghe.example.com/settings/tokens"},
		{"gitlab", "git.example.com/sub", "https://git.example.com/sub/-/user_settings/personal_access_tokens"},
		{"infisical", "eu.infisical.com", "https://eu.infisical.com (Access Control, Machine Identities)"},
		{"doppler", "", "https://dashboard.doppler.com/workplace/tokens"},
	} {
		if got := service(t, c.service).manage(given(t, c.service, c.address, "x").Origin); got != c.want {
			t.Errorf("%s %s: %s", c.service, c.address, got)
		}
	}
}

func TestOptionsThatAreLeftOutWork(t *testing.T) {
	var o Options
	o.fill()
	o.Notice("nobody reads it")
	if o.Now().IsZero() || o.UserAgent != "skret" {
		t.Errorf("%+v", o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := o.Sleep(ctx, 0); err != nil {
		t.Error(err)
	}
	cancel()
	if err := o.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
