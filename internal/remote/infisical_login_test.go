package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

const callerBody = "Action=GetCallerIdentity&Version=2011-06-15"

// signedCaller is what a signer gives: the form is right, the signature is for AWS
// to check.
func signedCaller(change map[string]string) func(context.Context) (string, string, map[string]string, error) {
	return func(context.Context) (string, string, map[string]string, error) {
		headers := map[string]string{
			"Host": "sts.eu-west-1.amazonaws.com", "X-Amz-Date": "20260301T120000Z", "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
			"Content-Length": fmt.Sprint(len(callerBody)), "X-Amz-Security-Token": marker,
			"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260301/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=" + strings.Repeat("0a", 32),
		}
		maps.Copy(headers, change)
		return http.MethodPost, callerBody, headers, nil
	}
}

// anIdentityServer is a fake with machine identities of each kind.
func anIdentityServer(t *testing.T) *fake.Infisical {
	t.Helper()
	srv := fake.NewInfisical()
	t.Cleanup(srv.Close)
	value(srv, "/", "A", "1", "B", "${A}")
	srv.AddIdentity("client-1", "universal-auth", marker, -1)
	srv.AddIdentity("identity-1", "oidc-auth", "eyJ."+marker+".sig", -1)
	srv.AddIdentity("identity-2", "aws-auth", "AKIAEXAMPLE", -1)
	return srv
}

// signIn finds a token in an environment and reads with it.
func signIn(t *testing.T, srv *fake.Infisical, o Options, pairs ...string) (*API, error) {
	t.Helper()
	token, err := service(t, "infisical").Find(t.Context(), FindOptions{Getenv: env(append(pairs, "INFISICAL_DOMAIN", srv.URL)...)})
	if err != nil {
		t.Fatal(err)
	}
	api := Client(o, token)
	i, err := InfisicalSource(api, InfisicalOptions{ProjectID: projectID, Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Read(t.Context())
	return api, err
}

func TestMachineIdentitiesSignInOnceAndOut(t *testing.T) {
	idToken := func(_ context.Context, audience string) (string, error) {
		if audience != "" {
			t.Errorf("the audience is %q", audience)
		}
		return "eyJ." + marker + ".sig\n", nil
	}
	for name, c := range map[string]struct {
		env      []string
		from     string
		provides bool // the place gives an identity token
	}{
		"universal":                {env: []string{"INFISICAL_CLIENT_ID", "client-1", "INFISICAL_CLIENT_SECRET", marker}, from: "INFISICAL_CLIENT_ID with INFISICAL_CLIENT_SECRET"},
		"universal, as the CLI":    {env: []string{"INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "client-1", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", marker}, from: "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID with INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"},
		"OIDC with a variable":     {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1", "INFISICAL_JWT", "eyJ." + marker + ".sig"}, from: "INFISICAL_MACHINE_IDENTITY_ID"},
		"OIDC with the old one":    {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1", "INFISICAL_OIDC_AUTH_JWT", "eyJ." + marker + ".sig"}, from: "INFISICAL_MACHINE_IDENTITY_ID"},
		"OIDC in GitHub Actions":   {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1"}, from: "INFISICAL_MACHINE_IDENTITY_ID", provides: true},
		"OIDC by its own variable": {env: []string{"INFISICAL_OIDC_AUTH_IDENTITY_ID", "identity-1"}, from: "INFISICAL_OIDC_AUTH_IDENTITY_ID", provides: true},
		"OIDC by name":             {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1", "INFISICAL_AUTH_METHOD", "oidc-auth", "INFISICAL_AUTH_ORGANIZATION_SLUG", "sub"}, from: "INFISICAL_MACHINE_IDENTITY_ID", provides: true},
		"AWS by its own variable":  {env: []string{"INFISICAL_AWS_IAM_AUTH_IDENTITY_ID", "identity-2"}, from: "INFISICAL_AWS_IAM_AUTH_IDENTITY_ID"},
		"AWS by name":              {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-2", "INFISICAL_AUTH_METHOD", "aws-iam"}, from: "INFISICAL_MACHINE_IDENTITY_ID"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, clk := anIdentityServer(t), newClock()
			o := clk.options()
			o.SignCaller = signedCaller(nil)
			if c.provides {
				o.IDToken = idToken
			}
			api, err := signIn(t, srv, o, c.env...)
			if err != nil || api.t.From != c.from {
				t.Fatalf("%s: %v", api.t.From, err)
			}
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if _, err := api.Do(t.Context(), http.MethodGet, "/v1/identities/details", nil, nil); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if open := srv.Open(); len(open) != 1 {
				t.Errorf("%d access tokens are open", len(open))
			}
			api.Close(t.Context())
			api.Close(t.Context())
			want := []string{"login", "list", "list", "details", "details", "details", "details", "revoke"}
			if ops := srv.Ops(); !slices.Equal(ops, want) || len(srv.Open()) != 0 || srv.UsedAfterRevoke() != 0 || len(clk.notice) != 0 {
				t.Errorf("%v, %d open, %q", ops, len(srv.Open()), clk.notice)
			}
			for _, call := range srv.Calls()[1:] {
				noSecret(t, "a request", fmt.Sprint(call))
			}
			if slug := strings.Contains(srv.Calls()[0].Body, `"organizationSlug":"sub"`); slug != slices.Contains(c.env, "sub") {
				t.Error(srv.Calls()[0].Body)
			}
			noSecret(t, "the log", clk.log.String())
		})
	}
}

func TestWhichMachineIdentityIsMeant(t *testing.T) {
	both := []string{"INFISICAL_MACHINE_IDENTITY_ID", "i"}
	for name, c := range map[string]struct {
		env    []string
		method string // "": none
	}{
		"an ID":                         {both, "oidc-auth"},
		"a token goes before an ID":     {append(both, "INFISICAL_TOKEN", "eyJx"), "token"},
		"a secret goes before a token":  {[]string{"INFISICAL_TOKEN", "eyJx", "INFISICAL_CLIENT_ID", "i", "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "s"}, "universal-auth"},
		"a token, with a method named":  {append(both, "INFISICAL_TOKEN", "eyJx", "INFISICAL_AUTH_METHOD", "aws-iam"), "token"},
		"AWS":                           {append(both, "INFISICAL_AUTH_METHOD", "aws-iam"), "aws-auth"},
		"AWS, as the path of the API":   {append(both, "INFISICAL_AUTH_METHOD", "aws-auth"), "aws-auth"},
		"OIDC, as actions name it":      {append(both, "INFISICAL_AUTH_METHOD", "oidc"), "oidc-auth"},
		"a method that is not known":    {append(both, "INFISICAL_AUTH_METHOD", "kubernetes"), ""},
		"a secret, with another method": {[]string{"INFISICAL_AUTH_METHOD", "oidc-auth", "INFISICAL_CLIENT_ID", "i", "INFISICAL_CLIENT_SECRET", "s"}, "universal-auth"},
		"a JWT alone":                   {[]string{"INFISICAL_JWT", "eyJx"}, ""},
	} {
		token, err := service(t, "infisical").Find(t.Context(), FindOptions{Getenv: env(c.env...)})
		if c.method == "" {
			wantError(t, err, errs.Auth, "not signed in to Infisical")
		} else if err != nil || token.Method != c.method {
			t.Errorf("%s: %s, %v", name, token.Method, err)
		}
	}
}

func TestIdentityTokenIsNotStored(t *testing.T) {
	s := service(t, "infisical")
	token, err := s.Token("oidc-auth", "", map[string]string{"identity_id": "identity-1", "jwt": "eyJ." + marker, "audience": "skret"})
	if err != nil || token.Kind != "oidc auth" {
		t.Fatalf("%q %v", token.Kind, err)
	}
	meta, secret := token.Keep()
	noSecret(t, "what is stored", fmt.Sprint(meta, secret))
	if !maps.Equal(meta, map[string]string{"origin": "https://app.infisical.com/api", "kind": "oidc auth", "identity_id": "identity-1", "audience": "skret"}) || len(secret) != 0 {
		t.Errorf("%v %v", meta, secret)
	}
	got, err := s.Find(t.Context(), FindOptions{Getenv: env(), Stored: &Stored{Name: "default", Method: "oidc-auth", Meta: meta, Field: func(string) string { return "" }}})
	if err != nil || got.field("identity_id") != "identity-1" || got.field("jwt") != "" {
		t.Errorf("%v", err)
	}
	noSecret(t, "a token", fmt.Sprintf("%v %+v %#v", token, token, token))
	if !token.tells("eyJ."+marker) || got.tells("eyJ."+marker) {
		t.Error("what is a secret of the token is not known")
	}
}

func TestStoredIdentitySignsInWhereItRuns(t *testing.T) {
	srv, clk := anIdentityServer(t), newClock()
	s := service(t, "infisical")
	o := clk.options()
	o.SignCaller = signedCaller(nil)
	o.IDToken = func(_ context.Context, audience string) (string, error) {
		if audience != "skret" {
			t.Errorf("the audience is %q", audience)
		}
		return "eyJ." + marker + ".sig", nil
	}
	for method, id := range map[string]string{"oidc-auth": "identity-1", "aws-auth": "identity-2"} {
		token, err := s.Token(method, srv.URL, map[string]string{"identity_id": id, "audience": "skret"})
		if err != nil {
			t.Fatal(err)
		}
		who, err := s.Verify(t.Context(), o, token)
		if err != nil || who.Who != "machine identity "+id {
			t.Errorf("%s: %+v %v", method, who, err)
		}
		if left, err := s.Revoke(t.Context(), o, token); err != nil || left != "" {
			t.Errorf("%s: %q %v", method, left, err)
		}
	}
	if len(srv.Open()) != 0 {
		t.Errorf("%d access tokens are open", len(srv.Open()))
	}
}

func TestIdentityThatIsNotAccepted(t *testing.T) {
	oidc, aws := []string{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1"}, []string{"INFISICAL_AWS_IAM_AUTH_IDENTITY_ID", "identity-2"}
	gives := func(token string, err error) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return token, err }
	}
	for name, c := range map[string]struct {
		env   []string
		o     Options
		fault *fake.Fault
		kind  errs.Kind
		words []string
	}{
		"no token to be had":   {env: oidc, kind: errs.Auth, words: []string{"no identity token", "INFISICAL_JWT", "id-token: write", "INFISICAL_AUTH_METHOD=aws-iam"}},
		"an empty one":         {env: oidc, o: Options{IDToken: gives(" ", nil)}, kind: errs.Auth, words: []string{"no identity token"}},
		"no JWT":               {env: oidc, o: Options{IDToken: gives(marker+" x", nil)}, kind: errs.Invalid, words: []string{"the identity token for Infisical has a space"}},
		"it cannot be got":     {env: oidc, o: Options{IDToken: gives("", errs.New(errs.Auth, "oidc token: refused").WithHint("do x"))}, kind: errs.Auth, words: []string{"needs an identity token: oidc token: refused", "do x"}},
		"another token":        {env: oidc, o: Options{IDToken: gives("eyJ.other", nil)}, kind: errs.Auth, words: []string{"127.0.0.1:", "does not accept the sign-in of the machine identity of INFISICAL_MACHINE_IDENTITY_ID: status 401", "audience"}},
		"another identity":     {env: []string{"INFISICAL_MACHINE_IDENTITY_ID", "nobody", "INFISICAL_JWT", "eyJ"}, kind: errs.Auth, words: []string{"does not accept", "status 404, NotFound", "is the ID right"}},
		"a server that echoes": {env: oidc, o: Options{IDToken: gives("sEcReTsEcReT", nil)}, fault: &fake.Fault{Op: "login", Status: 401, Code: "sEcReTsEcReT", Message: marker}, kind: errs.Auth, words: []string{"status 401"}},
		"a server that fails":  {env: oidc, o: Options{IDToken: gives("eyJ", nil)}, fault: &fake.Fault{Op: "login", Status: 500, Code: "InternalServerError"}, kind: errs.Backend, words: []string{"failed: status 500"}},
		"nobody can sign":      {env: aws, kind: errs.Auth, words: []string{"cannot be done here", "--method universal-auth"}},
		"signing fails": {env: aws, o: Options{SignCaller: func(context.Context) (string, string, map[string]string, error) {
			return "", "", nil, errors.New("no credentials")
		}}, kind: errs.Unclassified, words: []string{"needs an AWS identity: no credentials"}},
		"another AWS identity":  {env: aws, o: Options{SignCaller: signedCaller(map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAOTHER/20260301/eu-west-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)})}, kind: errs.Auth, words: []string{"does not accept", "127.0.0.1:", "role or account"}},
		"a request elsewhere":   {env: aws, o: Options{SignCaller: signedCaller(map[string]string{"Host": "iam.amazonaws.com"})}, kind: errs.Auth, words: []string{"status 400"}},
		"a header that is lost": {env: aws, o: Options{SignCaller: signedCaller(map[string]string{"X-Amz-Security-Token": ""})}, kind: errs.Auth, words: []string{"status 400"}},
		"a secret used up":      {env: []string{"INFISICAL_CLIENT_ID", "client-2", "INFISICAL_CLIENT_SECRET", marker}, kind: errs.Auth, words: []string{"INFISICAL_CLIENT_ID with INFISICAL_CLIENT_SECRET is not accepted by 127.0.0.1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv, clk := anIdentityServer(t), newClock()
			srv.AddIdentity("client-2", "universal-auth", marker, 0)
			if c.fault != nil {
				srv.Fault(*c.fault)
			}
			o := clk.options()
			o.IDToken, o.SignCaller = c.o.IDToken, c.o.SignCaller
			api, err := signIn(t, srv, o, c.env...)
			wantError(t, err, c.kind, c.words...)
			if err != nil && strings.Contains(err.Error(), "sEcReT") {
				t.Errorf("a secret is shown: %v", err)
			}
			api.Close(t.Context())
			if len(srv.Open()) != 0 || slices.Contains(srv.Ops(), "revoke") || c.kind == errs.Config && len(srv.Ops()) != 0 {
				t.Errorf("%v", srv.Ops())
			}
			noSecret(t, "the log", clk.log.String())
		})
	}
}

// A secret may be good for one sign-in: a command needs no more.
func TestOneUseOfASecretIsEnough(t *testing.T) {
	srv := anIdentityServer(t)
	srv.AddIdentity("client-2", "universal-auth", marker, 1)
	pair := []string{"INFISICAL_CLIENT_ID", "client-2", "INFISICAL_CLIENT_SECRET", marker}
	api, err := signIn(t, srv, newClock().options(), pair...)
	if err != nil {
		t.Fatal(err)
	}
	api.Close(t.Context())
	_, err = signIn(t, srv, newClock().options(), pair...)
	wantError(t, err, errs.Auth, "is not accepted")
}

// What is sent to sign in goes nowhere else either.
func TestSignInIsNotTakenAlong(t *testing.T) {
	srv, to := anIdentityServer(t), nowhere(t)
	o := newClock().options()
	o.SignCaller = signedCaller(nil)
	for _, status := range redirects {
		for _, e := range [][]string{
			{"INFISICAL_CLIENT_ID", "client-1", "INFISICAL_CLIENT_SECRET", marker},
			{"INFISICAL_MACHINE_IDENTITY_ID", "identity-1", "INFISICAL_JWT", "eyJ." + marker + ".sig"},
			{"INFISICAL_AWS_IAM_AUTH_IDENTITY_ID", "identity-2"},
		} {
			srv.Fault(fake.Fault{Op: "login", Do: "redirect", Status: status, Message: to})
			_, err := signIn(t, srv, o, e...)
			wantError(t, err, errs.Backend, "which is not followed")
		}
	}
}

// EU and US know nothing of each other's identities.
func TestWrongRegionIsThoughtOfAtASignIn(t *testing.T) {
	for address, aside := range map[string]bool{"": true, "eu.infisical.com": false} {
		token, err := service(t, "infisical").Token("aws-auth", address, map[string]string{"identity_id": "i"})
		if err != nil {
			t.Fatal(err)
		}
		err = Client(newClock().options(), token).refusedIdentity(&Failure{Status: http.StatusNotFound})
		wantError(t, err, errs.Auth, hostOf(token.Origin)+" does not accept")
		if strings.Contains(errs.HintOf(err), "accounts in the EU") != aside {
			t.Errorf("%q: %s", address, errs.HintOf(err))
		}
	}
}
