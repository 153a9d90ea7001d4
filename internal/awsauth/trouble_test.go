package awsauth

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

// What becomes of trouble with STS: what passes is waited for, what does not is said,
// with the role that it is about.
func TestTroubleOfRoles(t *testing.T) {
	const a, b, w = "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/web"
	dir := t.TempDir()
	var all sync.WaitGroup
	defer all.Wait()
	for _, test := range []struct {
		name, profile string
		fault         fake.Fault
		kind          errs.Kind // of the error; Unclassified: there is none
		failed        bool      // by itself
		want, hint    string
	}{
		{name: "fails once", profile: "b", fault: fake.Fault{Status: 503, Code: "ServiceUnavailable"}},
		{name: "throttles once", profile: "b", fault: fake.Fault{Status: 400, Code: "Throttling"}},
		{name: "drops once", profile: "b", fault: fake.Fault{Do: "drop"}},
		{name: "issuer is not known yet", profile: "web", fault: fake.Fault{Status: 400, Code: "InvalidIdentityToken"}},
		{name: "issuer does not answer once", profile: "web", fault: fake.Fault{Status: 400, Code: "IDPCommunicationError"}},
		{"fails for good", "b", fake.Fault{Status: 503, Code: "ServiceUnavailable", Message: "marker", Times: -1}, errs.Backend, true, "AWS failed", "try again later"},
		{"throttles for good", "b", fake.Fault{Status: 400, Code: "Throttling", Message: "marker", Times: -1}, errs.Network, false, "throttled to the end", "try again later"},
		{"refuses the inner role", "b", fake.Fault{Status: 403, Code: "AccessDenied", Message: "marker"}, errs.Auth, false, a + " may not be assumed", "trust policy"},
		{"refuses the outer role", "b", fake.Fault{Skip: 1, Status: 403, Code: "AccessDenied", Message: "marker"}, errs.Auth, false, b + " may not be assumed", "trust policy"},
		{"refuses the token", "web", fake.Fault{Status: 403, Code: "AccessDenied", Message: "marker"}, errs.Auth, false, w + " may not be assumed", "issuer, audience and subject"},
		{"does not take the token", "web", fake.Fault{Status: 400, Code: "InvalidIdentityToken", Message: "marker", Times: -1}, errs.Auth, false, "AWS refuses the token", "the token is renewed by"},
		{"an old token", "web", fake.Fault{Status: 400, Code: "ExpiredTokenException", Message: "marker"}, errs.Auth, false, "have expired", "the token is renewed by"},
		{"a web page", "a", fake.Fault{Do: "html", Times: -1}, errs.Backend, false, "not an answer of AWS", "captive portal"},
		{"another shape", "a", fake.Fault{Do: "garbage", Times: -1}, errs.Backend, false, "not an answer of AWS", ""},
		{"a redirect", "a", fake.Fault{Do: "redirect", Times: -1}, errs.Backend, false, "redirect", ""},
		{name: "nobody", profile: "nobody", kind: errs.Auth, want: "gave no credentials", hint: "set AWS_ACCESS_KEY_ID"},
	} {
		c := fake.NewCloud()
		t.Cleanup(c.Close)
		user := c.User("dev")
		c.Role(a, fake.Trust{AWS: []string{user.ARN}})
		c.Role(b, fake.Trust{AWS: []string{a}})
		c.Role(w, fake.Trust{Issuer: "token.example", Subject: "*"})
		c.Issuer("token.example")
		if test.fault != (fake.Fault{}) {
			c.Fault("sts", test.fault)
		}
		config, token := filepath.Join(dir, test.name), filepath.Join(dir, test.name+" token")
		jwt := c.JWT("token.example", "repo:x", "sts.amazonaws.com", nil)
		for name, text := range map[string]string{token: jwt, config: "[profile keys]\naws_access_key_id = " + user.ID + "\naws_secret_access_key = " + user.Secret + "\n" +
			"[profile a]\nrole_arn = " + a + "\nsource_profile = keys\n[profile b]\nrole_arn = " + b + "\nsource_profile = a\n" +
			"[profile web]\nrole_arn = " + w + "\nweb_identity_token_file = " + token + "\n" +
			"[profile nobody]\nrole_arn = " + a + "\ncredential_source = Environment\n"} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		env := map[string]string{}
		for _, v := range append(c.Env(), "AWS_CONFIG_FILE="+config, "AWS_PROFILE="+test.profile) {
			name, text, _ := strings.Cut(v, "=")
			env[name] = text
		}
		o := options()
		o.Getenv = func(name string) string { return env[name] }
		id, err := Resolve(o)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			_, err := id.Credentials.Retrieve(t.Context())
			text, hint, failed := fmt.Sprint(err), errs.HintOf(err), errors.Is(err, errs.ErrFailed)
			if test.kind == errs.Unclassified && err != nil ||
				test.kind != errs.Unclassified && (errs.KindOf(err) != test.kind || !strings.Contains(text, test.want) || !strings.Contains(hint, test.hint) || failed != test.failed) {
				t.Errorf("%s: %s (%v, failed %v), hint %q", test.name, text, errs.KindOf(err), failed, hint)
			}
			for _, secret := range []string{"marker", fake.SecretMark, jwt, "<html"} {
				if strings.Contains(text+hint, secret) {
					t.Errorf("%s: %s %s shows %s", test.name, text, hint, secret)
				}
			}
		})
	}
}

// A command that is cancelled does not wait for who signs it.
func TestCancelledCommandsDoNotWait(t *testing.T) {
	c := fake.NewCloud()
	defer c.Close()
	arrived := make(chan struct{}, 10)
	c.OnCall = func(string, string) { arrived <- struct{}{} }
	user := c.User("dev")
	environment(t, append(c.Env(), "AWS_PROFILE=a")...)
	profiles(t, "[profile keys]\naws_access_key_id = "+user.ID+"\naws_secret_access_key = "+user.Secret+"\n[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\n")
	c.Fault("sts", fake.Fault{Do: "hang", Times: -1})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := fetch(ctx, t, "skret"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// The certificates that a profile trusts are those for signing in.
func TestAuthoritiesOfAProfile(t *testing.T) {
	c := fake.NewCloud()
	defer c.Close()
	user := c.User("dev")
	c.Role("arn:aws:iam::111122223333:role/a", fake.Trust{AWS: []string{user.ARN}})
	to, _ := url.Parse(c.URL("sts"))
	secure := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host }})
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer secure.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{bundle: true, "": false} {
		for _, way := range ways {
			environment(t, append(c.Env(), "AWS_PROFILE=a", "AWS_MAX_ATTEMPTS=1", "AWS_ENDPOINT_URL_STS="+secure.URL)...)
			profiles(t, "[profile keys]\naws_access_key_id = "+user.ID+"\naws_secret_access_key = "+user.Secret+
				"\n[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\nca_bundle = "+name+"\n")
			os.Unsetenv("AWS_CA_BUNDLE")
			if _, err := fetch(t.Context(), t, way); (err == nil) != want {
				t.Errorf("%s with ca_bundle %q: %v", way, name, err)
			}
		}
	}
}

// rolesOf is an instance's metadata whose credentials last for so long, and fail on
// demand.
type rolesOf struct {
	*httptest.Server
	life  time.Duration
	fails bool
	calls int
}

func newRolesOf(t *testing.T) *rolesOf {
	m := &rolesOf{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
			fmt.Fprint(w, "token")
		case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
			fmt.Fprint(w, "one\ntwo")
		case !strings.HasSuffix(r.URL.Path, "/one"), m.fails:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			m.calls++
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"A%d","SecretAccessKey":"s","Token":"t","Expiration":%q}`, m.calls, time.Now().Add(m.life).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// A process that runs for long asks an instance's metadata every hour, and goes on
// with what it has while that gives nothing; as the SDK does.
func TestInstanceRoleOutlastsTrouble(t *testing.T) {
	for _, way := range ways {
		m := newRolesOf(t)
		environment(t, "AWS_EC2_METADATA_DISABLED=", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+m.URL)
		m.life = 6 * time.Hour
		got, err := fetch(t.Context(), t, way)
		if err != nil || time.Until(got.Expires) > time.Hour || time.Until(got.Expires) < 59*time.Minute {
			t.Errorf("%s: until %v, %v", way, got.Expires, err)
		}
	}
	m := newRolesOf(t)
	m.life = -time.Minute // whatever is given is over
	role := newInstanceRole(os.Getenv, m.URL, "")
	cached := reuse(role)
	for _, want := range []string{"A1", "A2"} {
		if c, err := cached.Retrieve(t.Context()); err != nil || c.AccessKeyID != want {
			t.Errorf("%v, %v; want %s", c.AccessKeyID, err, want)
		}
	}
	m.fails = true
	for range 2 {
		c, err := cached.Retrieve(t.Context())
		if err != nil || c.AccessKeyID != "A2" || time.Until(c.Expires) < 5*time.Minute {
			t.Errorf("%v until %v, %v", c.AccessKeyID, c.Expires, err)
		}
	}
	if _, err := reuse(newInstanceRole(os.Getenv, m.URL, "")).Retrieve(t.Context()); err == nil {
		t.Error("there never were credentials")
	}
}

// Without HOME, as in a service of systemd, AWS's files are where the system's list of
// users has the user's folder.
func TestFilesWithoutHome(t *testing.T) {
	environment(t)
	home := homeOf(func(string) string { return "" })
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	os.Unsetenv("HOME")
	config, credentials := files(os.Getenv)
	if home == "" {
		t.Skip("this user has no folder")
	}
	if config != filepath.Join(home, ".aws", "config") || credentials != filepath.Join(home, ".aws", "credentials") {
		t.Errorf("%s, %s", config, credentials)
	}
}

// What was renewed serves also where it cannot be written down, and that is said.
func TestSignInThatCannotBeKeptServes(t *testing.T) {
	var notice string
	o := Options{Notice: func(msg string) { notice = msg }}
	if err := o.unkept(errors.New("read-only file system"), true); err != nil || !strings.Contains(notice, "is not kept") {
		t.Errorf("%v, %q", err, notice)
	}
	notice = ""
	if err := o.unkept(errs.New(errs.Conflict, "changed"), true); err != nil || notice != "" {
		t.Errorf("%v, %q", err, notice)
	}
	if err := o.unkept(errNoToken, false); !errors.Is(err, errNoToken) {
		t.Errorf("%v", err)
	}
}

// However many requests are to be signed at once, a role is assumed once and a code
// is asked for once; so it is for a sign-in that is pinned to a profile, and for one
// whose account is checked.
func TestCredentialsAreGotOnce(t *testing.T) {
	c := fake.NewCloud()
	defer c.Close()
	user := c.User("dev")
	c.Role("arn:aws:iam::111122223333:role/a", fake.Trust{AWS: []string{user.ARN}, MFA: true})
	environment(t, append(c.Env(), "AWS_PROFILE=a")...)
	profiles(t, "[profile keys]\naws_access_key_id = "+user.ID+"\naws_secret_access_key = "+user.Secret+
		"\n[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\nmfa_serial = m\n")
	var codes atomic.Int32
	o := options()
	o.Account = "111122223333"
	o.AskMFA = func(context.Context, string) ([]byte, error) { codes.Add(1); return []byte(fake.MFACode), nil }
	id, err := Resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	pin := &pinned{s: &signIn{o: o}, name: "a"}
	for i, p := range []aws.CredentialsProvider{id.Credentials, pin} {
		c.Forget()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := p.Retrieve(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := c.Count("sts", "AssumeRole"); n != 1 || int(codes.Load()) != i+1 {
			t.Errorf("%T: assumed %d times, %d codes", p, n, codes.Load())
		}
	}
}

func TestCredentialsAreGotAnewAheadOfTheirEnd(t *testing.T) {
	for _, test := range []struct {
		left, ahead time.Duration
		want        int // times in two
	}{{time.Hour, 0, 1}, {time.Hour, 5 * time.Minute, 1}, {4 * time.Minute, 0, 1}, {4 * time.Minute, 5 * time.Minute, 2}, {-time.Second, 0, 2}} {
		n := 0
		r := reuse(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			n++
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(test.left)}, nil
		}))
		r.ahead = test.ahead
		for range 2 {
			if _, err := r.Retrieve(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if n != test.want {
			t.Errorf("%v left, %v ahead: got %d times", test.left, test.ahead, n)
		}
	}
}

// What is under way for a cancelled command has ended when it returns; who waits for
// another's turn is cancelled at once.
func TestCancelledTurns(t *testing.T) {
	started, ended := make(chan struct{}), false
	r := reuse(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		close(started)
		<-ctx.Done()
		ended = true
		return aws.Credentials{}, ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		over, cancelOver := context.WithCancel(t.Context())
		cancelOver()
		if _, err := r.Retrieve(over); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		cancel()
	}()
	if _, err := r.Retrieve(ctx); !errors.Is(err, context.Canceled) || !ended {
		t.Errorf("%v, ended %v", err, ended)
	}
}
