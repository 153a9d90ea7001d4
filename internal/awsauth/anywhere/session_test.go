package anywhere

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
)

func TestNewSaysAllThatIsWrongAtOnce(t *testing.T) {
	const account = ":123456789012:"
	good := Options{TrustAnchorARN: anchorARN, ProfileARN: profileARN, RoleARN: roleARN, Certificate: "/c"}
	for name, c := range map[string]struct {
		change func(*Options)
		want   []string // nothing: it is right
	}{
		"right":        {func(*Options) {}, nil},
		"its region":   {func(o *Options) { o.Region = "eu-west-1" }, nil},
		"longest":      {func(o *Options) { o.Duration, o.SessionName = 12*time.Hour, strings.Repeat("x", 64) }, nil},
		"China":        {china, nil},
		"nothing":      {func(o *Options) { *o = Options{} }, []string{"trust anchor's ARN", "profile's ARN", "role's ARN", "no file"}},
		"mixed up":     {func(o *Options) { o.TrustAnchorARN, o.ProfileARN = profileARN, anchorARN }, []string{"trust-anchor/ID", "profile/ID"}},
		"a user":       {func(o *Options) { o.RoleARN = "arn:aws:iam::123456789012:user/x" }, []string{"role/NAME"}},
		"an injection": {func(o *Options) { o.RoleARN += "&x=y z" }, []string{"role/NAME"}},
		"other account": {func(o *Options) { o.RoleARN = strings.Replace(roleARN, account, ":000000000000:", 1) },
			[]string{"the role (aws, account 000000000000) and the trust anchor (aws, eu-west-1, account 123456789012)"}},
		"other region":    {func(o *Options) { o.ProfileARN = strings.Replace(profileARN, "eu-west-1", "eu-west-2", 1) }, []string{"the profile (aws, eu-west-2"}},
		"other partition": {func(o *Options) { o.RoleARN = strings.Replace(roleARN, "arn:aws:", "arn:aws-cn:", 1) }, []string{"the role (aws-cn,"}},
		"region of another partition": {func(o *Options) {
			china(o)
			for _, a := range []*string{&o.TrustAnchorARN, &o.ProfileARN} {
				*a = strings.Replace(*a, "cn-north-1", "eu-west-1", 1)
			}
		}, []string{"eu-west-1 is not of the partition aws-cn"}},
		"region asked for": {func(o *Options) { o.Region = "us-east-1" }, []string{`"us-east-1", and the trust anchor is in eu-west-1`}},
		"short account":    {func(o *Options) { o.RoleARN = "arn:aws:iam::12345:role/x" }, []string{"role/NAME"}},
		"session name":     {func(o *Options) { o.SessionName = "a b" }, []string{"2 to 64"}},
		"duration":         {func(o *Options) { o.Duration = 13 * time.Hour }, []string{"13h0m0s"}},
		"relative names":   {func(o *Options) { o.Certificate, o.Chain = "c.pem", "~/chain" }, []string{`"c.pem"`, `"~/chain"`}},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			_, err := New(o)
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if errs.KindOf(err) != errs.Invalid {
				t.Fatalf("error %v", err)
			}
			for _, part := range c.want {
				if strings.Count(err.Error(), part) != 1 {
					t.Errorf("%q does not say %q once", err, part)
				}
			}
		})
	}
}

func china(o *Options) {
	for _, a := range []*string{&o.TrustAnchorARN, &o.ProfileARN, &o.RoleARN} {
		*a = strings.NewReplacer("arn:aws:", "arn:aws-cn:", "eu-west-1", "cn-north-1").Replace(*a)
	}
}

func TestRefusalsAreExplained(t *testing.T) {
	const marker = "MARKER\x1b[31m"
	for name, c := range map[string]struct {
		status        int
		code, message string
		late          time.Duration // of the service's clock
		kind          errs.Kind
		want, hint    string
	}{
		"untrusted":   {status: 403, code: "AccessDeniedException", message: "Untrusted certificate. Insufficient certificate", kind: errs.Auth, want: "does not trust the certificate", hint: "chain"},
		"disabled":    {status: 403, code: "AccessDeniedException", message: "Profile is disabled", kind: errs.Auth, want: "disabled", hint: "enable-profile"},
		"role":        {status: 403, code: "AccessDeniedException", message: "Unable to assume role for arn:x", kind: errs.Auth, want: "may not assume the role", hint: "rolesanywhere.amazonaws.com the actions sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity"},
		"tags":        {status: 403, code: "AccessDeniedException", message: "Unable to assume role. Some attributes failed to be mapped into session tags", kind: errs.Auth, want: "session tags", hint: "attribute mappings"},
		"signature":   {status: 403, code: "AccessDeniedException", message: "Invalid signature", kind: errs.Auth, want: "refuses the signature", hint: "clock"},
		"anything":    {status: 403, code: "AccessDeniedException", message: "No", kind: errs.Auth, want: "(AccessDeniedException)", hint: "trust policy"},
		"unknown ARN": {status: 404, code: "ResourceNotFoundException", kind: errs.Auth, want: "does not know the trust anchor", hint: "--region eu-west-1"},
		"named":       {status: 403, code: "AccessDeniedException", message: "Profile does not accept role session name", kind: errs.Auth, want: "takes no name", hint: "acceptRoleSessionName"},
		"invalid":     {status: 400, code: "ValidationException", kind: errs.Auth, want: "invalid", hint: "duration"},
		"behind":      {status: 403, code: "AccessDeniedException", late: 2 * time.Hour, kind: errs.Auth, want: "clock is 2h0m0s behind AWS's", hint: "set the clock"},
		"ahead":       {status: 403, code: "AccessDeniedException", late: -7 * time.Minute, kind: errs.Auth, want: "clock is 7m0s ahead of AWS's", hint: "set the clock"},
		"throttled":   {status: 429, code: "ThrottlingException", kind: errs.Network, want: "throttled", hint: "later"},
		"failed":      {status: 500, code: "InternalFailure", kind: errs.Backend, want: "status 500", hint: "later"},
		"a proxy's":   {status: 407, kind: errs.Backend, want: "status 407", hint: "proxy"},
		"hostile":     {status: 403, code: marker, message: marker, kind: errs.Backend, want: "status 403", hint: "proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t)
			serve(t, &o, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", today().Add(c.late).Format(http.TimeFormat))
				w.WriteHeader(c.status)
				_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws#" + c.code + ":http://x", "message": c.message + " " + marker})
			})
			_, err := provider(t, o).Retrieve(t.Context())
			if errs.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || !strings.Contains(errs.HintOf(err), c.hint) {
				t.Errorf("got %v (%v), hint %q", err, errs.KindOf(err), errs.HintOf(err))
			}
			if strings.Contains(err.Error()+errs.HintOf(err), "MARKER") {
				t.Errorf("the service's text is shown: %v", err)
			}
		})
	}
}

func TestAnswersThatAreNoneGiveNothingAway(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   errs.Kind
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>"+secretMarker) }, errs.Backend},
		"empty":      {func(http.ResponseWriter, *http.Request) {}, errs.Backend},
		"other shape": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"credentialSet":{"credentials":"`+secretMarker+`"}}`)
		}, errs.Backend},
		"empty set": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"credentialSet":[]}`) }, errs.Backend},
		"no token": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(answer, "sessionToken", "x", 1))
		}, errs.Backend},
		"no end": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(answer, "expiration", "x", 1))
		}, errs.Backend},
		"odd end": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Replace(answer, "2026-03-01T", "soon", 1))
		}, errs.Backend},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				if _, err := w.Write(bytes.Repeat([]byte(secretMarker), 1<<16)); err != nil {
					return
				}
			}
		}, errs.Backend},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, answer[:300])
		}, errs.Network},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, errs.Backend},
		"dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, errs.Network},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t)
			var log bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			serve(t, &o, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/sessions" {
					t.Errorf("the redirect was followed to %s", r.URL)
				}
				c.answer(w, r)
			})
			creds, err := provider(t, o).Retrieve(t.Context())
			if errs.KindOf(err) != c.kind || creds.HasKeys() {
				t.Errorf("got %v (%v), keys %v", err, errs.KindOf(err), creds.HasKeys())
			}
			if all := fmt.Sprint(err) + errs.HintOf(err) + log.String(); strings.Contains(all, secretMarker) {
				t.Errorf("the answer is shown: %s", all)
			}
		})
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	o := usual(t)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	serve(t, &o, func(w http.ResponseWriter, _ *http.Request) { grant(w) })
	if _, err := provider(t, o).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, roleARN) || strings.Contains(got, "MARKER") {
		t.Errorf("log %q", got)
	}
}

func TestTroubleThatMayPassIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name           string
		bad, wantCalls int
		status         int
		wantErr        bool
	}{
		{"once", 1, 2, 503, false},
		{"throttled twice", 2, 3, 429, false},
		{"for ever", 99, attempts, 500, true},
		{"refused", 99, 1, 403, true},
		{"no answer", 2, 3, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := usual(t)
			var called atomic.Int32 // a handler that panics may end after the client has gone on
			serve(t, &o, func(w http.ResponseWriter, _ *http.Request) {
				switch n := called.Add(1); {
				case int(n) > c.bad:
					grant(w)
				case c.status == 0:
					panic(http.ErrAbortHandler)
				default:
					w.WriteHeader(c.status)
				}
			})
			p := provider(t, o)
			waits := 0
			p.wait = func(_ context.Context, d time.Duration) error {
				if waits++; d <= 0 || d > 2*time.Second {
					t.Errorf("waits for %v", d)
				}
				return nil
			}
			_, err := p.Retrieve(t.Context())
			calls := int(called.Load())
			if (err != nil) != c.wantErr || calls != c.wantCalls || waits != calls-1 {
				t.Errorf("%d calls, %d waits, %v", calls, waits, err)
			}
		})
	}
}

func TestRetrieveEndsWithItsContext(t *testing.T) {
	o := usual(t)
	ctx, cancel := context.WithCancel(t.Context())
	serve(t, &o, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client goes
		cancel()
		<-r.Context().Done()
	})
	if _, err := provider(t, o).Retrieve(ctx); err == nil || ctx.Err() == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}

func TestTheEndOfACertificateIsSaidOnceAndAhead(t *testing.T) {
	key := ecKey()
	for days, want := range map[int]string{15: "", 13: "ends in 13 days, on 2026-03-14 12:30 UTC", 0: "ends in 5 hours"} {
		cert := newAuthority("root", nil).issue(key, func(c *x509.Certificate) {
			if c.NotAfter = today().AddDate(0, 0, days); days == 0 {
				c.NotAfter = today().Add(5 * time.Hour)
			}
		})
		o := files(t, certPEM(cert), keyPEM("PRIVATE KEY", key))
		var said []string
		o.Notice = func(s string) { said = append(said, s) }
		serve(t, &o, func(w http.ResponseWriter, _ *http.Request) { grant(w) })
		p := provider(t, o)
		for range 2 {
			if _, err := p.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if want == "" && said != nil || want != "" && (len(said) != 1 || !strings.Contains(said[0], want)) {
			t.Errorf("%d days: %q", days, said)
		}
	}
}
