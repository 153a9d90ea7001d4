package fake_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/skret/skret/internal/fake"
)

// The SDK of AWS judges the fakes here: it builds, signs and reads.

func newCloud(t *testing.T) *fake.Cloud {
	t.Helper()
	c := fake.NewCloud()
	t.Cleanup(c.Close)
	t.Cleanup(func() {
		if left := c.Unmet(); len(left) > 0 {
			t.Errorf("announced, but it did not happen: %q", left)
		}
	})
	return c
}

func stsOf(c *fake.Cloud, k fake.Key) *sts.Client {
	return sts.New(sts.Options{
		Region: fake.Region, BaseEndpoint: aws.String(c.URL("sts")), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(k.ID, k.Secret, k.Token),
	})
}

// wantCode asserts that an error has the code, and is that of an API.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		got = api.ErrorCode()
	}
	if got != code {
		t.Errorf("code %q, want %q: %v", got, code, err)
	}
}

func TestWhoSignsIsKnownToSTSAndNobodyElseGetsAnAnswer(t *testing.T) {
	c := newCloud(t)
	user, role := c.User("ada"), c.Issue("arn:aws:sts::444455556666:assumed-role/app/me", time.Hour)
	for _, k := range []fake.Key{user, role, c.Root()} {
		out, err := stsOf(c, k).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if *out.Arn != k.ARN || !strings.Contains(k.ARN, ":"+*out.Account+":") || *out.UserId == "" {
			t.Errorf("%s is %s in %s", k.ARN, *out.Arn, *out.Account)
		}
	}
	for code, change := range map[string]func(k *fake.Key){
		"SignatureDoesNotMatch": func(k *fake.Key) { k.Secret += "x" },
		"InvalidClientTokenId":  func(k *fake.Key) { k.Token = "another" },
	} {
		k := role
		change(&k)
		_, err := stsOf(c, k).GetCallerIdentity(t.Context(), nil)
		wantCode(t, err, code)
	}
	_, err := stsOf(c, fake.Key{ID: "AKIAUNKNOWNUNKNOWN00", Secret: "x"}).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "InvalidClientTokenId")
	if calls := c.Calls("sts", "GetCallerIdentity"); calls[0].ARN != user.ARN || calls[0].KeyID != user.ID || calls[len(calls)-1].ARN != "" {
		t.Errorf("the record is wrong: %+v", calls)
	}
}

func TestTheClockEndsKeysAndSignatures(t *testing.T) {
	c := newCloud(t)
	k := c.Issue("arn:aws:sts::444455556666:assumed-role/app/me", time.Minute)
	c.Advance(2 * time.Minute)
	_, err := stsOf(c, k).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "ExpiredToken")
	for _, move := range []struct {
		by   time.Duration
		want string
	}{{10 * time.Minute, "Signature expired"}, {-20 * time.Minute, "Signature not yet current"}} {
		c.Advance(move.by)
		c.Forget()
		_, err = stsOf(c, c.User("ada")).GetCallerIdentity(t.Context(), nil)
		wantCode(t, err, "SignatureDoesNotMatch")
		if !strings.Contains(err.Error(), move.want) {
			t.Errorf("%v", err)
		}
	}
}

func TestAssumeRoleHoldsToTheTrustPolicyAndTheLimits(t *testing.T) {
	c := newCloud(t)
	ada, bob := c.User("ada"), c.User("bob")
	const plain, external, mfa = "arn:aws:iam::222233334444:role/plain", "arn:aws:iam::222233334444:role/external", "arn:aws:iam::222233334444:role/mfa"
	c.Role(plain, fake.Trust{AWS: []string{ada.ARN, "arn:aws:iam::222233334444:role/plain"}})
	c.Role(external, fake.Trust{AWS: []string{fake.Account}, External: "xyz"})
	c.Role(mfa, fake.Trust{AWS: []string{ada.ARN}, MFA: true})
	for name, tt := range map[string]struct {
		key  fake.Key
		role string
		set  func(*sts.AssumeRoleInput)
		code string
	}{
		"trusted":           {ada, plain, nil, ""},
		"not trusted":       {bob, plain, nil, "AccessDenied"},
		"no such role":      {ada, plain + "x", nil, "AccessDenied"},
		"root":              {c.Root(), plain, nil, "AccessDenied"},
		"bad name":          {ada, plain, func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a b") }, "ValidationError"},
		"too long":          {ada, plain, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(43201) }, "ValidationError"},
		"external id":       {bob, external, func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("xyz") }, ""},
		"wrong external id": {bob, external, func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("abc") }, "AccessDenied"},
		"no external id":    {bob, external, nil, "AccessDenied"},
		"no code":           {ada, mfa, nil, "AccessDenied"},
		"code": {ada, mfa, func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::1:mfa/ada"), aws.String(fake.MFACode)
		}, ""},
		"wrong code": {ada, mfa, func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::1:mfa/ada"), aws.String("000000")
		}, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sts.AssumeRoleInput{RoleArn: &tt.role, RoleSessionName: aws.String("me")}
			if tt.set != nil {
				tt.set(in)
			}
			out, err := stsOf(c, tt.key).AssumeRole(t.Context(), in)
			wantCode(t, err, tt.code)
			if err != nil {
				return
			}
			got, ok := c.Key(*out.Credentials.AccessKeyId)
			if !ok || got.ARN != *out.AssumedRoleUser.Arn || !strings.HasPrefix(got.ARN, "arn:aws:sts::222233334444:assumed-role/") {
				t.Errorf("the key is %+v", got)
			}
			// Out of a role, an hour is the most.
			_, err = stsOf(c, got).AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: aws.String(plain), RoleSessionName: aws.String("me"), DurationSeconds: aws.Int32(3601),
			})
			wantCode(t, err, "ValidationError")
		})
	}
}

func TestWebIdentityHoldsToIssuerAudienceSubjectTimeAndSignature(t *testing.T) {
	c := newCloud(t)
	const role, host = "arn:aws:iam::" + fake.Account + ":role/ci", fake.GitHubIssuer
	c.Issuer(host)
	c.Role(role, fake.Trust{Issuer: host, Subject: "repo:acme/app:*"})
	good := c.JWT(host, fake.GitHubSubject, "sts.amazonaws.com", nil)
	for name, tt := range map[string]struct{ token, code string }{
		"good":             {good, ""},
		"another subject":  {c.JWT(host, "repo:evil/app:environment:prod", "sts.amazonaws.com", nil), "AccessDenied"},
		"another audience": {c.JWT(host, fake.GitHubSubject, "https://github.com/acme", nil), "InvalidIdentityToken"},
		"another issuer":   {c.JWT("gitlab.example", fake.GitHubSubject, "sts.amazonaws.com", nil), "InvalidIdentityToken"},
		"expired":          {c.JWT(host, fake.GitHubSubject, "sts.amazonaws.com", map[string]any{"exp": c.Now().Add(-time.Second).Unix()}), "ExpiredTokenException"},
		"tampered":         {good[:len(good)-8] + "AAAAAAAA", "InvalidIdentityToken"},
		"no token":         {"abc", "InvalidIdentityToken"},
	} {
		t.Run(name, func(t *testing.T) {
			client := sts.New(sts.Options{Region: fake.Region, BaseEndpoint: aws.String(c.URL("sts")), Retryer: aws.NopRetryer{}})
			out, err := client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(role), RoleSessionName: aws.String("job"), WebIdentityToken: &tt.token,
			})
			wantCode(t, err, tt.code)
			if err == nil && *out.AssumedRoleUser.Arn != "arn:aws:sts::"+fake.Account+":assumed-role/ci/job" {
				t.Error(*out.AssumedRoleUser.Arn)
			}
		})
	}
}

func TestGitHubGivesATokenToTheJobAlone(t *testing.T) {
	c := newCloud(t)
	env := c.GitHubEnv()
	address, _ := strings.CutPrefix(env[0], "ACTIONS_ID_TOKEN_REQUEST_URL=")
	token, _ := strings.CutPrefix(env[1], "ACTIONS_ID_TOKEN_REQUEST_TOKEN=")
	for bearer, want := range map[string]int{token: 200, "x" + token: 401, "": 401} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"&audience=sts.amazonaws.com", nil)
		r.Header.Set("Authorization", "bearer "+bearer)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
}

func TestFaultsHappenToEveryService(t *testing.T) {
	c := newCloud(t)
	c.Fault("sts", fake.Fault{Op: "GetCallerIdentity", Status: 503, Code: "ServiceUnavailable", Message: "later"}, fake.Fault{Do: "lose"}, fake.Fault{Do: "html"})
	client := stsOf(c, c.User("ada"))
	_, err := client.GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "ServiceUnavailable")
	for range 2 {
		if _, err := client.GetCallerIdentity(t.Context(), nil); err == nil {
			t.Error("the fault did not happen")
		}
	}
	if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if n := c.Count("", ""); n != 4 {
		t.Errorf("%d requests", n)
	}
}
