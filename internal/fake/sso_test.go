package fake_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc/types"

	"github.com/skret/skret/internal/fake"
)

const (
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
	codeGrant    = "authorization_code"
	refreshGrant = "refresh_token"
	callback     = "http://127.0.0.1/oauth/callback"
	here         = "http://127.0.0.1:1/oauth/callback" // a port at which nobody listens
	verifier     = "0123456789012345678901234567890123456789012345"
)

// user is somebody with the SDK's clients and a registration.
type user struct {
	t      *testing.T
	cloud  *fake.Cloud
	oidc   *ssooidc.Client
	portal *sso.Client
	reg    *ssooidc.RegisterClientOutput
}

func newUser(t *testing.T) *user {
	c := newCloud(t)
	u := &user{
		t: t, cloud: c,
		oidc:   ssooidc.New(ssooidc.Options{Region: fake.Region, BaseEndpoint: aws.String(c.URL("oidc")), Retryer: aws.NopRetryer{}}),
		portal: sso.New(sso.Options{Region: fake.Region, BaseEndpoint: aws.String(c.URL("sso")), Retryer: aws.NopRetryer{}}),
	}
	reg, err := u.oidc.RegisterClient(t.Context(), registration())
	if err != nil {
		t.Fatal(err)
	}
	u.reg = reg
	return u
}

func registration() *ssooidc.RegisterClientInput {
	return &ssooidc.RegisterClientInput{
		ClientName: aws.String("tests"), ClientType: aws.String("public"), Scopes: []string{"sso:account:access"},
		GrantTypes: []string{deviceGrant, codeGrant, refreshGrant}, RedirectUris: []string{callback}, IssuerUrl: aws.String(fake.StartURL),
	}
}

func (u *user) device() (*ssooidc.StartDeviceAuthorizationOutput, error) {
	return u.oidc.StartDeviceAuthorization(u.t.Context(), &ssooidc.StartDeviceAuthorizationInput{
		ClientId: u.reg.ClientId, ClientSecret: u.reg.ClientSecret, StartUrl: aws.String(fake.StartURL),
	})
}

func (u *user) token(grant string, more func(*ssooidc.CreateTokenInput)) (*ssooidc.CreateTokenOutput, error) {
	in := &ssooidc.CreateTokenInput{ClientId: u.reg.ClientId, ClientSecret: u.reg.ClientSecret, GrantType: &grant}
	more(in)
	return u.oidc.CreateToken(u.t.Context(), in)
}

func (u *user) poll(d *ssooidc.StartDeviceAuthorizationOutput) (*ssooidc.CreateTokenOutput, error) {
	return u.token(deviceGrant, func(in *ssooidc.CreateTokenInput) { in.DeviceCode = d.DeviceCode })
}

func (u *user) renew(token *string) (*ssooidc.CreateTokenOutput, error) {
	return u.token(refreshGrant, func(in *ssooidc.CreateTokenInput) { in.RefreshToken = token })
}

func (u *user) signIn() *ssooidc.CreateTokenOutput {
	u.t.Helper()
	d, err := u.device()
	if err != nil {
		u.t.Fatal(err)
	}
	out, err := u.poll(d)
	if err != nil {
		u.t.Fatal(err)
	}
	return out
}

// browse opens the page at which the user authorizes and returns where the
// browser is sent; nil if nowhere.
func (u *user) browse(change func(url.Values)) *url.URL {
	u.t.Helper()
	q := url.Values{
		"response_type": {"code"}, "client_id": {*u.reg.ClientId}, "redirect_uri": {here}, "state": {"st&te"}, "scopes": {"sso:account:access"},
		"code_challenge": {fake.Challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	if change != nil {
		change(q)
	}
	r, _ := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.cloud.URL("oidc")+"/authorize?"+q.Encode(), nil)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return nil
	}
	to, err := resp.Location()
	if err != nil {
		u.t.Fatal(err)
	}
	return to
}

func TestRegistrationHasTheServicesRules(t *testing.T) {
	u := newUser(t)
	if at := time.Unix(u.reg.ClientSecretExpiresAt, 0); at.Sub(u.cloud.Now()).Round(time.Hour) != 90*24*time.Hour {
		t.Errorf("the registration ends at %s", at)
	}
	for code, change := range map[string]func(*ssooidc.RegisterClientInput){
		"InvalidClientMetadataException": func(in *ssooidc.RegisterClientInput) { in.ClientType = aws.String("confidential") },
		"InvalidScopeException":          func(in *ssooidc.RegisterClientInput) { in.Scopes = []string{"everything"} },
		"UnsupportedGrantTypeException":  func(in *ssooidc.RegisterClientInput) { in.GrantTypes = []string{"password"} },
		"InvalidRedirectUriException":    func(in *ssooidc.RegisterClientInput) { in.RedirectUris = []string{here} },
		"InvalidRequestException":        func(in *ssooidc.RegisterClientInput) { in.IssuerUrl = nil },
	} {
		in := registration()
		change(in)
		_, err := u.oidc.RegisterClient(t.Context(), in)
		wantCode(t, err, code)
	}
	u.cloud.Advance(91 * 24 * time.Hour)
	_, err := u.device()
	wantCode(t, err, "InvalidClientException")
}

func TestDeviceFlowGoesThroughAllItsAnswers(t *testing.T) {
	u := newUser(t)
	u.cloud.Set(func(r *fake.CloudRules) { r.Polls = -1 })
	d, err := u.device()
	if err != nil {
		t.Fatal(err)
	}
	if *d.UserCode != fake.UserCode || d.ExpiresIn != 600 || d.Interval != 1 {
		t.Errorf("%+v", d)
	}
	_, err = u.poll(d)
	wantCode(t, err, "AuthorizationPendingException")
	_, err = u.poll(d)
	wantCode(t, err, "SlowDownException")
	u.cloud.Advance(2 * time.Second) // 6 are due now
	_, err = u.poll(d)
	wantCode(t, err, "SlowDownException")
	resp, err := http.Get(*d.VerificationUriComplete)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	u.cloud.Advance(20 * time.Second)
	if _, err = u.poll(d); err != nil {
		t.Fatal(err)
	}
	u.cloud.Advance(20 * time.Second)
	_, err = u.poll(d)
	wantCode(t, err, "InvalidGrantException")

	u.cloud.Set(func(r *fake.CloudRules) { r.Polls, r.Deny = 0, true })
	d, _ = u.device()
	_, err = u.poll(d)
	wantCode(t, err, "AccessDeniedException")
	d, _ = u.device()
	u.cloud.Advance(11 * time.Minute)
	_, err = u.poll(d)
	wantCode(t, err, "ExpiredTokenException")
}

func TestDeviceIsApprovedAtTheNthPoll(t *testing.T) {
	u := newUser(t)
	u.cloud.Set(func(r *fake.CloudRules) { r.Polls, r.Lax = 3, true })
	d, err := u.device()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := u.poll(d)
		wantCode(t, err, "AuthorizationPendingException")
	}
	if _, err := u.poll(d); err != nil {
		t.Error(err)
	}
}

func TestAuthorizationCodeIsBoundToVerifierAndAddressAndGoodOnce(t *testing.T) {
	u := newUser(t)
	redeem := func(code, redirect, verifier string) error {
		_, err := u.token(codeGrant, func(in *ssooidc.CreateTokenInput) {
			in.Code, in.RedirectUri, in.CodeVerifier = &code, &redirect, &verifier
		})
		return err
	}
	code := func() string {
		to := u.browse(nil)
		if to == nil || to.Host != "127.0.0.1:1" || to.Path != "/oauth/callback" || to.Query().Get("state") != "st&te" {
			t.Fatalf("the browser is sent to %v", to)
		}
		return to.Query().Get("code")
	}
	one := code()
	if err := redeem(one, here, verifier); err != nil {
		t.Fatal(err)
	}
	wantCode(t, redeem(one, here, verifier), "InvalidGrantException")
	wantCode(t, redeem(code(), here, verifier+"x"), "InvalidGrantException")
	wantCode(t, redeem(code(), strings.Replace(here, ":1/", ":2/", 1), verifier), "InvalidGrantException")

	for name, change := range map[string]func(url.Values){
		"invalid_request": func(q url.Values) { q.Set("code_challenge_method", "plain") },
		"invalid_scope":   func(q url.Values) { q.Set("scopes", "everything") },
	} {
		if to := u.browse(change); to == nil || to.Query().Get("error") != name || to.Query().Get("code") != "" {
			t.Errorf("%s: the browser is sent to %v", name, to)
		}
	}
	for _, other := range []string{"http://127.0.0.1:1/", "http://localhost:1/oauth/callback", "https://evil.example/oauth/callback", callback} {
		if to := u.browse(func(q url.Values) { q.Set("redirect_uri", other) }); to != nil {
			t.Errorf("%s: the browser is sent to %v", other, to)
		}
	}
	u.cloud.Set(func(r *fake.CloudRules) { r.Deny = true })
	if to := u.browse(nil); to.Query().Get("error") != "access_denied" {
		t.Errorf("the browser is sent to %v", to)
	}
}

func TestRefreshTokensAreRotatedAndGoodOnce(t *testing.T) {
	u := newUser(t)
	first := u.signIn()
	second, err := u.renew(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if *second.RefreshToken == *first.RefreshToken || *second.AccessToken == *first.AccessToken || second.ExpiresIn != 3600 {
		t.Error("the tokens are not new ones")
	}
	_, err = u.renew(first.RefreshToken)
	wantCode(t, err, "InvalidGrantException")
	third, err := u.renew(second.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}

	u.cloud.Set(func(r *fake.CloudRules) { r.OmitRefresh = true })
	for range 2 {
		if out, err := u.renew(third.RefreshToken); err != nil || out.RefreshToken != nil {
			t.Fatalf("%v, refresh token told: %v", err, out != nil)
		}
	}
	u.cloud.Set(func(r *fake.CloudRules) { r.OmitRefresh, r.ReuseEnds = false, true })
	u.cloud.Fault("oidc", fake.Fault{Op: "CreateToken:refresh_token", Do: "lose"})
	for range 2 { // the answer is lost; then the token is a used one, and that ends all
		if _, err := u.renew(third.RefreshToken); err == nil {
			t.Error("it was renewed")
		}
	}
	_, err = u.portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: third.AccessToken})
	wantCode(t, err, "UnauthorizedException")
	if n := u.cloud.Count("oidc", "CreateToken:refresh_token"); n != 7 {
		t.Errorf("%d renewals", n)
	}
}

func TestASessionEndsWhenTheAdministratorSays(t *testing.T) {
	u := newUser(t)
	u.cloud.Set(func(r *fake.CloudRules) { r.SessionLife = 90 * time.Minute })
	out := u.signIn()
	u.cloud.Advance(time.Hour)
	out, err := u.renew(out.RefreshToken)
	if err != nil || out.ExpiresIn > 30*60 {
		t.Fatalf("%v: %v", out, err)
	}
	u.cloud.Advance(time.Hour)
	_, err = u.renew(out.RefreshToken)
	wantCode(t, err, "InvalidGrantException")
}

func TestAWrongRegionIsToldWithTheRightOne(t *testing.T) {
	u := newUser(t)
	u.cloud.Fault("oidc", fake.Fault{Code: "InvalidRequestRegionException", Message: "eu-west-1"})
	_, err := u.device()
	if e, ok := errors.AsType[*types.InvalidRequestRegionException](err); !ok || *e.Region != "eu-west-1" || *e.Endpoint == "" || *e.Error_ != "invalid_request" {
		t.Errorf("%v", err)
	}
}

func TestThePortalListsInPagesAndGivesKeysThatSign(t *testing.T) {
	u := newUser(t)
	var want []string
	for i := range 7 {
		want = append(want, strings.Repeat(string(rune('1'+i)), 12))
		u.cloud.Assign(want[i], "Deploy")
	}
	for _, role := range []string{"Read", "Write", "Admin"} {
		u.cloud.Assign(want[0], role)
	}
	token := u.signIn().AccessToken
	var got []string
	for p := sso.NewListAccountsPaginator(u.portal, &sso.ListAccountsInput{AccessToken: token}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.AccountList {
			got = append(got, *a.AccountId)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("accounts %q, want %q", got, want)
	}
	got = nil
	for p := sso.NewListAccountRolesPaginator(u.portal, &sso.ListAccountRolesInput{AccessToken: token, AccountId: &want[0]}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.RoleList {
			got = append(got, *r.RoleName)
		}
	}
	if !slices.Equal(got, []string{"Deploy", "Read", "Write", "Admin"}) {
		t.Errorf("roles %q", got)
	}
	out, err := u.portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{AccessToken: token, AccountId: &want[0], RoleName: aws.String("Deploy")})
	if err != nil {
		t.Fatal(err)
	}
	rc := out.RoleCredentials
	who, err := stsOf(u.cloud, fake.Key{ID: *rc.AccessKeyId, Secret: *rc.SecretAccessKey, Token: *rc.SessionToken}).GetCallerIdentity(t.Context(), nil)
	if err != nil || *who.Arn != fake.SSORole(want[0], "Deploy") {
		t.Errorf("%v: %v", who, err)
	}
	if at := time.UnixMilli(rc.Expiration); at.Sub(u.cloud.Now()).Round(time.Minute) != time.Hour {
		t.Errorf("the keys expire at %s", at)
	}
	_, err = u.portal.GetRoleCredentials(t.Context(), &sso.GetRoleCredentialsInput{AccessToken: token, AccountId: &want[1], RoleName: aws.String("Admin")})
	wantCode(t, err, "ForbiddenException")
}

func TestThePortalKnowsOnlyTokensOfOpenSessions(t *testing.T) {
	for name, end := range map[string]func(u *user, token *string){
		"unknown": func(_ *user, token *string) { *token += "x" },
		"expired": func(u *user, _ *string) { u.cloud.Advance(61 * time.Minute) },
		"revoked": func(u *user, _ *string) { u.cloud.Revoke() },
		"logged out": func(u *user, token *string) {
			if _, err := u.portal.Logout(u.t.Context(), &sso.LogoutInput{AccessToken: token}); err != nil {
				u.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUser(t)
			u.cloud.Assign(fake.Account, "Deploy")
			token := *u.signIn().AccessToken
			end(u, &token)
			_, err := u.portal.ListAccounts(t.Context(), &sso.ListAccountsInput{AccessToken: &token})
			wantCode(t, err, "UnauthorizedException")
		})
	}
}
