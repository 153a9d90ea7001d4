package webid

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
)

// signature is what no output may hold, of all tokens here.
const signature = "U0lHTkFUVVJFTUFSS0VS"

// jwt makes a token with these claims.
func jwt(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc([]byte(claims)) + "." + signature
}

func goodToken() string {
	return jwt(`{"iss":"https://token.example","sub":"repo:acme/app:ref:refs/heads/main","aud":"sts.amazonaws.com","exp":1772368245}`)
}

// env makes an environment of NAME=VALUE words.
func env(words ...string) func(string) string {
	return func(name string) string {
		for _, w := range words {
			if v, ok := strings.CutPrefix(w, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

// told is a source with a record of all that it says.
type told struct {
	*Source
	log     bytes.Buffer
	notices []string
}

func source(t *testing.T, o Options) *told {
	t.Helper()
	s := &told{}
	o.Log = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Notice = func(line string) { s.notices = append(s.notices, line) }
	if o.Getenv == nil {
		o.Getenv = env()
	}
	made, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Source = made
	return s
}

// wantToken fails unless the source gives the token and keeps it to itself.
func (s *told) wantToken(t *testing.T, want string) {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil || got != want {
		t.Errorf("%s: %v", s.Describe(), err)
	}
	s.wantSilence(t, nil)
}

// wantError fails unless the source gives an error of this kind, with this text,
// and shows nothing of what it got.
func (s *told) wantError(t *testing.T, kind errs.Kind, text string) {
	t.Helper()
	got, err := s.Token(t.Context())
	if got != "" || errs.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v (%v), want %q", s.Describe(), err, errs.KindOf(err), text)
	}
	s.wantSilence(t, err)
}

func (s *told) wantSilence(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{signature, "MARKER"} {
		if all := fmt.Sprint(err) + errs.HintOf(err) + s.log.String() + s.Describe(); strings.Contains(all, secret) {
			t.Errorf("%q is shown: %s", secret, all)
		}
	}
}

func TestDetectKnowsTheCI(t *testing.T) {
	for word, want := range map[string]string{
		"GITHUB_ACTIONS=true": GitHub, "GITLAB_CI=true": GitLab, "CIRCLECI=true": CircleCI, "BUILDKITE=true": Buildkite, "CI=true": "", "GITHUB_ACTIONS=false": "",
	} {
		if got := Detect(env(word)); got != want {
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestAutoTakesWhatIsGivenBeforeTheCI(t *testing.T) {
	in := env("CIRCLECI=true", "CIRCLE_OIDC_TOKEN=x", "MINE=x")
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "CircleCI"},
		{Options{Kind: Auto}, "CircleCI"},
		{Options{File: "/f"}, "the file /f"},
		{Options{Command: "print hunter2"}, "the command"},
		{Options{Variable: "MINE"}, "the variable MINE"},
		{Options{Kind: GitLab, Variable: "MINE"}, "GitLab (MINE)"},
	} {
		c.o.Getenv = in
		if got := source(t, c.o).Describe(); got != c.want {
			t.Errorf("%+v: %q", c.o, got)
		}
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // without buildkite-agent
	for name, c := range map[string]struct {
		o          Options
		kind       errs.Kind
		want, hint string
	}{
		"no CI":               {Options{}, errs.Auth, "no job of GitHub Actions, GitLab, CircleCI or Buildkite", "a file, a variable or a command"},
		"no permission":       {Options{Getenv: env("GITHUB_ACTIONS=true")}, errs.Auth, "may not ask for a token", "id-token: write"},
		"half a permission":   {Options{Getenv: env("GITHUB_ACTIONS=true", "ACTIONS_ID_TOKEN_REQUEST_URL=https://x")}, errs.Auth, "may not ask", "id-token: write"},
		"not GitHub":          {Options{Kind: GitHub}, errs.Auth, "no job of GitHub Actions", "workflow"},
		"no address":          {Options{Kind: GitHub, Getenv: env("ACTIONS_ID_TOKEN_REQUEST_URL=MARKER", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=MARKER")}, errs.Auth, "not an address", "GitHub"},
		"no id_tokens":        {Options{Kind: GitLab}, errs.Auth, "GITLAB_OIDC_TOKEN is not set", `id_tokens: { GITLAB_OIDC_TOKEN: { aud: "sts.amazonaws.com" } }`},
		"no id_tokens, named": {Options{Kind: GitLab, Variable: "AWS", Audience: "https://gitlab.example"}, errs.Auth, "AWS is not set", `id_tokens: { AWS: { aud: "https://gitlab.example" } }`},
		"no context":          {Options{Kind: CircleCI}, errs.Auth, "CIRCLE_OIDC_TOKEN_V2 is not set", "context"},
		"no agent":            {Options{Kind: Buildkite}, errs.Auth, "buildkite-agent is not on PATH", "mount-buildkite-agent"},
		"empty variable":      {Options{Variable: "MINE", Getenv: env("MINE=")}, errs.Auth, "MINE is not set", "token"},
		"no variable":         {Options{Kind: Variable}, errs.Invalid, "no variable is named", ""},
		"no file":             {Options{Kind: File}, errs.Invalid, "must be named in full", ""},
		"relative file":       {Options{File: "token"}, errs.Invalid, `"token" must be named in full`, ""},
		"no command":          {Options{Kind: Command, Command: " "}, errs.Invalid, "no command", ""},
		"unknown":             {Options{Kind: "jenkins"}, errs.Invalid, `"jenkins" is not a source`, "github, gitlab, circleci, buildkite, variable, file, command, auto"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.o.Getenv == nil {
				c.o.Getenv = env()
			}
			_, err := New(c.o)
			if errs.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || !strings.Contains(errs.HintOf(err), c.hint) {
				t.Errorf("got %v (%v), hint %q", err, errs.KindOf(err), errs.HintOf(err))
			}
			if strings.Contains(fmt.Sprint(err), "MARKER") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

func TestTokensInVariables(t *testing.T) {
	old, good := jwt(`{"sub":"old"}`), goodToken()
	for name, o := range map[string]Options{
		"GitLab":            {Kind: GitLab, Getenv: env("GITLAB_OIDC_TOKEN=" + good)},
		"GitLab, named":     {Kind: GitLab, Variable: "AWS_TOKEN", Getenv: env("GITLAB_OIDC_TOKEN="+old, "AWS_TOKEN="+good)},
		"CircleCI":          {Getenv: env("CIRCLECI=true", "CIRCLE_OIDC_TOKEN="+old, "CIRCLE_OIDC_TOKEN_V2="+good)},
		"CircleCI, old":     {Kind: CircleCI, Getenv: env("CIRCLE_OIDC_TOKEN=" + good)},
		"blanks around":     {Variable: "MINE", Getenv: env("MINE= " + good + "\r\n")},
		"any other service": {Variable: "BITBUCKET_STEP_OIDC_TOKEN", Getenv: env("BITBUCKET_STEP_OIDC_TOKEN=" + good)},
	} {
		t.Run(name, func(t *testing.T) { source(t, o).wantToken(t, good) })
	}
}

func TestFileIsReadAnewEachTime(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "..data"), filepath.Join(dir, "token")
	put := func(content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(name, link); err != nil { // as Kubernetes has it
		t.Skip(err)
	}
	s := source(t, Options{File: link})
	s.wantError(t, errs.Auth, "no such file") // it is not there yet
	for _, sub := range []string{"one", "two"} {
		token := jwt(`{"sub":"` + sub + `"}`)
		put(token + "\n")
		s.wantToken(t, token)
	}
	put("")
	s.wantError(t, errs.Auth, "gave none")
	put(strings.Repeat("MARKER", maxToken))
	s.wantError(t, errs.Auth, "larger than")
	source(t, Options{File: dir}).wantError(t, errs.Auth, "not a regular file")
}

func TestWhatIsNoJWTIsRefusedAndNotShown(t *testing.T) {
	enc := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"words":        "MARKER is not a token",
		"in quotes":    `"` + goodToken() + `"`,
		"in JSON":      `{"value":"` + goodToken() + `"}`,
		"with Bearer":  "Bearer " + goodToken(),
		"two":          goodToken() + "\n" + goodToken(),
		"broken":       goodToken()[:20] + "\n" + goodToken()[20:],
		"two parts":    "MARKER.MARKER",
		"four parts":   goodToken() + ".MARKER",
		"no signature": strings.TrimSuffix(goodToken(), signature),
		"not JSON":     enc([]byte("MARKER")) + "." + enc([]byte("{}")) + "." + signature,
		"no claims":    enc([]byte("{}")) + ".." + signature,
		"a list":       enc([]byte("{}")) + "." + enc([]byte("[]")) + "." + signature,
		"odd claims":   jwt(`{"iss":["MARKER"]}`),
		"an AWS key":   "wJalrXUtnFEMI/K7MDENG/bPxRfiCYMARKER",
	} {
		t.Run(name, func(t *testing.T) {
			source(t, Options{Variable: "MINE", Getenv: env("MINE=" + text)}).wantError(t, errs.Auth, "is no JWT")
		})
	}
}

func TestClaimsTellsWhatATrustPolicyNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		token                     string
		issuer, subject, audience string
		expires                   time.Time
	}{
		"one audience": {goodToken(), "https://token.example", "repo:acme/app:ref:refs/heads/main", "sts.amazonaws.com", time.Unix(1772368245, 0)},
		"several":      {" " + jwt(`{"aud":["a","b"],"exp":1772368245.9}`) + "\n", "", "", "a, b", time.Unix(1772368245, 0)},
		"no time":      {jwt(`{"exp":1e300}`), "", "", "", time.Time{}},
		"hostile":      {jwt(`{"sub":"a\u001b[31mb\u202ec\nd","iss":"` + strings.Repeat("x", 400) + `"}`), strings.Repeat("x", 300) + "...", "a[31mbcd", "", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			issuer, subject, audience, expires, err := Claims(c.token)
			if err != nil || issuer != c.issuer || subject != c.subject || audience != c.audience || !expires.Equal(c.expires) {
				t.Errorf("got %q %q %q %v %v", issuer, subject, audience, expires, err)
			}
		})
	}
	if _, _, _, _, err := Claims("MARKER"); errs.KindOf(err) != errs.Invalid || strings.Contains(err.Error(), "MARKER") {
		t.Errorf("got %v", err)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(goodToken())
	f.Add(jwt(`{"aud":["a",null],"exp":-1}`))
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		issuer, subject, audience, expires, err := Claims(token)
		if err != nil {
			if issuer+subject+audience != "" || err.Error() != "this is no JWT" {
				t.Errorf("an error shows %q: %v", issuer+subject+audience, err)
			}
			return
		}
		if strings.ContainsAny(issuer+subject+audience, "\x00\x1b\n\r\u202e\u0085") || expires.Year() > 40000 {
			t.Errorf("not fit to be shown: %q %q %q %v", issuer, subject, audience, expires)
		}
	})
}
