package awsauth

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awssso "github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/skret/skret/internal/awsauth/sso"
	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/httpx"
)

// ways are the two that lead to credentials: ours and the SDK's.
var ways = []string{"skret", "SDK"}

// fetch gets the credentials of the process's environment in one of the ways, an MFA
// code being given when it is asked for.
func fetch(ctx context.Context, t *testing.T, way string) (aws.Credentials, error) {
	t.Helper()
	if way == "SDK" {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.TokenProvider = func() (string, error) { return fake.MFACode, nil }
		}))
		if err != nil {
			return aws.Credentials{}, err
		}
		return cfg.Credentials.Retrieve(ctx)
	}
	o := options()
	o.Region = ""
	o.AskMFA = func(context.Context, string) ([]byte, error) { return []byte(fake.MFACode), nil }
	id, err := Resolve(o)
	if err != nil {
		return aws.Credentials{}, err
	}
	return id.Credentials.Retrieve(ctx)
}

// asked are the requests of signing in: their parameters, and who signed. Names of
// sessions that nobody has chosen are left out.
func asked(c *fake.Cloud) []string {
	var all []string
	for _, service := range []string{"sts", "sso", "oidc", "container"} {
		for _, call := range c.Calls(service, "") {
			in := maps.Clone(call.Body)
			if name, _ := in["RoleSessionName"].(string); strings.Trim(strings.TrimPrefix(strings.TrimPrefix(name, "skret-"), "aws-go-sdk-"), "0123456789") == "" {
				delete(in, "RoleSessionName")
			}
			text, _ := json.Marshal(in)
			arn := call.ARN
			if i := strings.LastIndexByte(arn, '/'); strings.Contains(arn, ":assumed-role/") {
				arn = arn[:i]
			}
			all = append(all, fmt.Sprintf("%s %s by %s: %s", service, call.Op, arn, text))
		}
	}
	return all
}

// Chains of roles, web identities, sign-ins and containers: the SDK and we make the
// same requests, signed by the same, and get credentials of the same identity.
func TestRequestsAreTheSDKs(t *testing.T) {
	c := fake.NewCloud()
	defer c.Close()
	user := c.User("dev")
	const a, b, d, g, w = "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/path/d",
		"arn:aws:iam::111122223333:role/guarded", "arn:aws:iam::111122223333:role/web"
	c.Role(a, fake.Trust{AWS: []string{user.ARN}})
	c.Role(b, fake.Trust{AWS: []string{a}})
	c.Role(d, fake.Trust{AWS: []string{b}, External: "ext/1"})
	c.Role(g, fake.Trust{AWS: []string{user.ARN}, MFA: true})
	c.Role(w, fake.Trust{Issuer: "token.example", Subject: "repo:*"})
	c.Issuer("token.example")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(c.JWT("token.example", "repo:x", "sts.amazonaws.com", nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	const taskRole = "arn:aws:iam::111122223333:role/by-task"
	c.Role(taskRole, fake.Trust{AWS: []string{"arn:aws:iam::111122223333:role/task-role"}})
	containerToken := filepath.Join(t.TempDir(), "container-token")
	if err := os.WriteFile(containerToken, []byte(fake.ContainerToken), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := "[profile keys]\naws_access_key_id = " + user.ID + "\naws_secret_access_key = " + user.Secret + "\n"
	role := func(name, arn, more string) string {
		return "[profile " + name + "]\nrole_arn = " + arn + "\n" + more + "\n"
	}
	files := keys +
		role("a", a, "source_profile = keys\nregion = eu-west-3") +
		role("b", b, "source_profile = a\nduration_seconds = 1800\nregion = us-west-1") +
		role("d", d, "source_profile = b\nexternal_id = ext/1\nrole_session_name = me@host\nduration_seconds = 3600") +
		role("short", a, "source_profile = keys\nduration_seconds = 60") +
		role("odd", a, "source_profile = keys\nduration_seconds = 950") +
		role("long", a, "source_profile = keys\nduration_seconds = 43200") +
		role("toolong", b, "source_profile = a\nduration_seconds = 43200") +
		role("guarded", g, "source_profile = keys\nmfa_serial = arn:aws:iam::111122223333:mfa/dev") +
		role("wrong", d, "source_profile = b\nexternal_id = other") +
		role("inner", b, "source_profile = wrong") +
		role("env", a, "credential_source = Environment") +
		role("web", w, "web_identity_token_file = "+token) +
		role("webnamed", w, "role_session_name = named\nduration_seconds = 1800\nweb_identity_token_file = "+token) +
		role("byweb", b, "source_profile = a-web") + role("a-web", w, "web_identity_token_file = "+token) +
		role("task", taskRole, "credential_source = EcsContainer")
	environ := user.Env()
	for _, p := range []struct {
		profile string
		vars    []string
	}{
		{"keys", nil},
		{"a", nil},
		{"b", nil},
		{"d", nil},
		{"d", []string{"AWS_REGION=eu-central-1"}},
		{"short", nil},
		{"long", nil},
		{"toolong", nil},
		{"guarded", nil},
		{"wrong", nil},
		{"inner", nil},
		{"env", environ},
		{"env", nil}, // nobody to assume the role
		{"none", nil},
		{"web", nil},
		{"webnamed", nil},
		{"byweb", nil},
		{"task", c.ContainerEnv("")},
		{"task", c.ContainerEnv(containerToken)},
		{"task", c.ContainerEnv(token)}, // another's
		{"", c.ContainerEnv("")},
		{"", append(c.ContainerEnv(containerToken), "AWS_CONTAINER_AUTHORIZATION_TOKEN=wrong")},
		{"", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + token, "AWS_ROLE_ARN=" + w}},
		{"", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + token, "AWS_ROLE_ARN=" + w, "AWS_ROLE_SESSION_NAME=job"}},
		{"", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + token + "-none", "AWS_ROLE_ARN=" + w}},
		{"a", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + token, "AWS_ROLE_ARN=" + w}},
		{"a", environ},
	} {
		t.Run(p.profile+" "+strings.Join(p.vars, " "), func(t *testing.T) {
			environment(t, append(c.Env(), p.vars...)...)
			profiles(t, files)
			if p.profile != "" {
				t.Setenv("AWS_PROFILE", p.profile)
			}
			requests, who, lives := map[string][]string{}, map[string]string{}, map[string]time.Duration{}
			for _, way := range ways {
				c.Forget()
				got, err := fetch(t.Context(), t, way)
				requests[way] = asked(c)
				key, _ := c.Key(got.AccessKeyID)
				arn := key.ARN
				if strings.Contains(arn, ":assumed-role/") && !strings.HasSuffix(arn, "/me@host") && !strings.HasSuffix(arn, "/named") && !strings.HasSuffix(arn, "/job") {
					arn = arn[:strings.LastIndexByte(arn, '/')]
				}
				who[way] = fmt.Sprint(arn, " ", key.Secret == got.SecretAccessKey, " ", key.Token == got.SessionToken, " ", got.AccountID, " ", got.CanExpire, " ", err == nil)
				if got.CanExpire && got.Source != "CredentialsEndpointProvider" { // of which the SDK names an end that is 5 minutes earlier
					lives[way] = key.Expires.Sub(got.Expires).Round(10 * time.Second)
				}
			}
			if lives["skret"] != lives["SDK"] {
				t.Errorf("skret's end %v early, the SDK's %v", lives["skret"], lives["SDK"])
			}
			if who["skret"] != who["SDK"] {
				t.Errorf("skret is %s, the SDK %s", who["skret"], who["SDK"])
			}
			if !slices.Equal(requests["skret"], requests["SDK"]) {
				t.Errorf("skret asks\n\t%s\nthe SDK\n\t%s", strings.Join(requests["skret"], "\n\t"), strings.Join(requests["SDK"], "\n\t"))
			}
		})
	}
}

// signedIn signs in at the cloud, as aws sso login does.
func signedIn(t *testing.T, c *fake.Cloud) (sso.Registration, sso.Token) {
	t.Helper()
	c.Set(func(r *fake.CloudRules) { r.Polls = 1 })
	client := sso.New(sso.Options{
		Region: "us-east-1", HTTP: httpx.Client(httpx.Options{}), Getenv: os.Getenv, Sleep: func(context.Context, time.Duration) error { return nil },
	})
	r, err := client.Register(t.Context(), fake.StartURL, sso.Device)
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.Device(t.Context(), r, fake.StartURL, func(sso.DevicePrompt) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return r, token
}

// What aws sso login keeps is read, renewed and written back as the SDK does it.
func TestSignInsOfIdentityCenterAreTheSDKs(t *testing.T) {
	const files = "[profile new]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n" +
		"[profile other]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = None\n" +
		"[profile half]\nsso_session = corp\n" +
		"[profile role]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = new\n" +
		"[sso-session corp]\nsso_region = us-east-1\nsso_start_url = " + fake.StartURL + "\n" +
		"[profile old]\nsso_region = us-east-1\nsso_start_url = " + fake.StartURL + "\nsso_account_id = 111122223333\nsso_role_name = Dev\n"
	const ahead, over = time.Hour, -time.Minute
	for _, test := range []struct {
		name, profile string
		left          time.Duration // of the token
		without       string        // what the file lacks
		mend          func(c *fake.Cloud)
		quiet         bool // our refusal comes before any request
	}{
		{name: "good", profile: "new", left: ahead},
		{name: "good, for a role", profile: "role", left: ahead},
		{name: "over", profile: "new", left: over},
		{name: "over, and the refresh token stays", profile: "new", left: over, mend: func(c *fake.Cloud) { c.Set(func(r *fake.CloudRules) { r.Reusable = true }) }},
		{name: "over for good", profile: "new", left: over, mend: (*fake.Cloud).Revoke},
		{name: "over, and cannot be renewed", profile: "new", left: over, without: "refreshToken"},
		{name: "over, and of nobody", profile: "new", left: over, without: "clientSecret"},
		{name: "revoked", profile: "new", left: ahead, mend: (*fake.Cloud).Revoke},
		{name: "another role", profile: "other", left: ahead},
		{name: "no account", profile: "half", left: ahead, quiet: true},
		{name: "older settings", profile: "old", left: ahead},
		{name: "older settings, over", profile: "old", left: over},
	} {
		t.Run(test.name, func(t *testing.T) {
			kept, requests, outcome := map[string]string{}, map[string]string{}, map[string]string{}
			for _, way := range ways {
				c := fake.NewCloud()
				defer c.Close()
				c.Assign("111122223333", "Dev")
				c.Role("arn:aws:iam::111122223333:role/a", fake.Trust{AWS: []string{"arn:aws:iam::111122223333:root"}})
				environment(t, append(c.Env(), "AWS_PROFILE="+test.profile)...)
				profiles(t, files)
				reg, token := signedIn(t, c)
				c.Forget()
				if test.mend != nil {
					test.mend(c)
				}
				doc := map[string]any{
					"startUrl": fake.StartURL, "region": "us-east-1", "accessToken": token.Access, "refreshToken": token.Refresh,
					"expiresAt": time.Now().Add(test.left).UTC().Format(time.RFC3339), "clientId": reg.ClientID, "clientSecret": reg.ClientSecret,
					"registrationExpiresAt": "2099-01-01T00:00:00Z", "more": map[string]any{"a": []any{1, "<&>"}},
				}
				delete(doc, test.without)
				text, _ := json.Marshal(doc)
				dir := filepath.Join(os.Getenv("HOME"), ".aws", "sso", "cache")
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, of := range []string{"corp", fake.StartURL} {
					name := fmt.Sprintf("%x.json", sha1.Sum([]byte(of)))
					if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
						t.Fatal(err)
					}
					names = append(names, name)
				}
				got, err := fetch(t.Context(), t, way)
				key, _ := c.Key(got.AccessKeyID)
				outcome[way] = fmt.Sprint(strings.HasPrefix(key.ARN, fake.SSORole("111122223333", "Dev")), " ", got.AccountID, " ", err == nil, " ",
					!got.CanExpire || key.Expires.Sub(got.Expires).Abs() < 2*time.Second)
				if err != nil && strings.Contains(fmt.Sprint(err, errs.HintOf(err)), fake.SecretMark) && way == "skret" {
					t.Errorf("%v shows a secret", err)
				}
				for _, call := range asked(c) {
					op, _, _ := strings.Cut(call, ":")
					requests[way] += op + "\n"
				}
				entries, _ := os.ReadDir(dir)
				for i, e := range entries {
					if len(entries) != len(names) || !slices.Contains(names, e.Name()) {
						t.Errorf("%s leaves %s (%d)", way, e.Name(), i)
					}
					info, _ := e.Info()
					text, _ := os.ReadFile(filepath.Join(dir, e.Name()))
					var doc map[string]any
					if err := json.Unmarshal(text, &doc); err != nil {
						t.Error(err)
					}
					until, err := time.Parse(time.RFC3339, fmt.Sprint(doc["expiresAt"]))
					if err != nil {
						t.Error(err)
					}
					doc["expiresAt"] = time.Until(until).Round(10 * time.Second).String()
					for secret, was := range map[string]string{"accessToken": token.Access, "refreshToken": token.Refresh, "clientSecret": reg.ClientSecret, "clientId": reg.ClientID} {
						if s, ok := doc[secret].(string); ok {
							doc[secret] = fmt.Sprint(s == was, strings.HasPrefix(s, fake.SecretMark))
						}
					}
					text, _ = json.Marshal(doc)
					kept[way] += fmt.Sprint(e.Name(), " ", info.Mode(), " ", string(text), "\n")
				}
			}
			if outcome["skret"] != outcome["SDK"] {
				t.Errorf("skret: %s, the SDK: %s", outcome["skret"], outcome["SDK"])
			}
			if requests["skret"] != requests["SDK"] && !test.quiet {
				t.Errorf("skret asks\n%s\nthe SDK\n%s", requests["skret"], requests["SDK"])
			}
			if kept["skret"] != kept["SDK"] {
				t.Errorf("skret keeps\n%s\nthe SDK\n%s", kept["skret"], kept["SDK"])
			}
		})
	}
}

// Where STS and IAM Identity Center are may stand in the profile, by services.
func TestPlacesOfSigningInAreTheSDKs(t *testing.T) {
	c := fake.NewCloud()
	defer c.Close()
	user := c.User("dev")
	c.Assign("111122223333", "Dev")
	c.Role("arn:aws:iam::111122223333:role/a", fake.Trust{AWS: []string{user.ARN}})
	files := "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\nservices = here\nregion = eu-west-1\n" +
		"[profile keys]\naws_access_key_id = " + user.ID + "\naws_secret_access_key = " + user.Secret + "\nservices = elsewhere\n" +
		"[profile all]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\nendpoint_url = " + c.URL("sts") + "\nregion = eu-west-1\n" +
		"[profile both]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = keys\nendpoint_url = http://127.0.0.1:1\nservices = here\nregion = eu-west-1\n" +
		"[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\nservices = here\nregion = eu-west-1\n" +
		"[sso-session corp]\nsso_region = us-east-1\nsso_start_url = " + fake.StartURL + "\n" +
		"[services here]\nsts =\n  endpoint_url = " + c.URL("sts") + "\nsso =\n  endpoint_url = " + c.URL("sso") + "\nsso_oidc =\n  endpoint_url = " + c.URL("oidc") + "\n" +
		"[services elsewhere]\nsts =\n  endpoint_url = http://127.0.0.1:1\n"
	for _, test := range []struct {
		profile string
		vars    []string
		want    int // requests
	}{
		{"role", nil, 1},
		{"all", nil, 1}, // of the SDKs that in Go alone passes over it
		{"both", nil, 1},
		{"sso", nil, 2},
		{"role", []string{"AWS_ENDPOINT_URL_STS=" + c.URL("iam")}, 0},
		{"both", []string{"AWS_ENDPOINT_URL=" + c.URL("iam")}, 0},
		{"both", []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false"}, 1},
	} {
		for _, way := range ways {
			if way == "SDK" && test.profile == "all" {
				continue
			}
			environment(t, append([]string{"AWS_PROFILE=" + test.profile, "AWS_MAX_ATTEMPTS=1"}, test.vars...)...)
			profiles(t, files)
			for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"} {
				if os.Getenv(name) == "" {
					os.Unsetenv(name) // the SDK tells apart what is empty and what is not there
				}
			}
			if test.profile == "sso" {
				t.Setenv("AWS_ENDPOINT_URL_SSO_OIDC", c.URL("oidc"))
				reg, token := signedIn(t, c)
				os.Unsetenv("AWS_ENDPOINT_URL_SSO_OIDC")
				text, _ := json.Marshal(map[string]any{
					"accessToken": token.Access, "refreshToken": token.Refresh, "clientId": reg.ClientID, "clientSecret": reg.ClientSecret, "expiresAt": "2020-01-01T00:00:00Z",
				})
				dir := filepath.Join(os.Getenv("HOME"), ".aws", "sso", "cache")
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%x.json", sha1.Sum([]byte("corp")))), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c.Forget()
			_, err := fetch(t.Context(), t, way)
			if n := c.Count("sts", "") + c.Count("sso", "") + c.Count("oidc", ""); n != test.want || (err == nil) != (test.want > 0) {
				t.Errorf("%s, profile %s %q: %d requests, %v", way, test.profile, test.vars, n, err)
			}
		}
	}
}

// The hosts of the services are the SDK's, in every partition, and so is what a
// request is signed for.
func TestHostsAreTheSDKs(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "eu-west-1", "ap-southeast-7", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "eusc-de-east-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1",
	} {
		for variant := range 4 {
			fips, dual := variant&1 > 0, variant&2 > 0
			r, f, d := aws.String(region), aws.Bool(fips), aws.Bool(dual)
			for service, theirs := range map[string]func() (smithyendpoints.Endpoint, error){
				"sts": func() (smithyendpoints.Endpoint, error) {
					return sts.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sts.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d, UseGlobalEndpoint: aws.Bool(false)})
				},
				"portal.sso": func() (smithyendpoints.Endpoint, error) {
					return awssso.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), awssso.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				},
				"oidc": func() (smithyendpoints.Endpoint, error) {
					return ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ssooidc.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				},
			} {
				want, err := theirs()
				if err != nil {
					t.Logf("%s in %s, FIPS %v, dual stack %v: the SDK has none: %v", service, region, fips, dual, err)
					continue
				}
				got, err := endpoint.Of(service, endpoint.Options{Region: region, FIPS: fips, DualStack: dual})
				if err != nil || got.Host != want.URI.Host {
					t.Errorf("%s in %s, FIPS %v, dual stack %v: %v (%v), the SDK has %s", service, region, fips, dual, got, err, want.URI.Host)
				}
			}
		}
	}
}
