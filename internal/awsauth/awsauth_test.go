package awsauth

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

// environment gives the process exactly these variables of AWS, and a home of
// its own. The SDK reads the process's environment, so tests cannot hand it one.
func environment(t *testing.T, vars ...string) {
	t.Helper()
	for _, v := range os.Environ() {
		if k, _, _ := strings.Cut(v, "="); strings.HasPrefix(k, "AWS_") {
			t.Setenv(k, "")
		}
	}
	home := t.TempDir()
	for _, v := range append([]string{"HOME=" + home, "USERPROFILE=" + home, "AWS_EC2_METADATA_DISABLED=true"}, vars...) {
		k, val, _ := strings.Cut(v, "=")
		t.Setenv(k, val)
	}
}

func options() Options {
	return Options{Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler), Region: "eu-west-1"}
}

func profiles(t *testing.T, config string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", name)
}

// The chain leads where the SDK's leads: the same credentials, or an error where it has
// one, in the same region.
func TestChainIsTheSDKs(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := []string{"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET"}
	const files = "[default]\nregion = eu-north-1\naws_access_key_id = DEF\naws_secret_access_key = s\n" +
		"[profile p]\nregion = eu-west-3\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":\"s\"}'\n" +
		"[profile old]\ncredential_process = printf '{\"Version\":2,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":\"s\"}'\n" +
		"[profile failing]\ncredential_process = false\n[profile sso]\nsso_start_url = u\nsso_region = r\n" +
		"[profile env]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Environment\n" +
		"[profile odd]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Somewhere\n" +
		"[profile ecs]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = EcsContainer\n" +
		"[profile self]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = self\naws_access_key_id = SELF\naws_secret_access_key = s\n"
	for _, c := range []struct {
		files string
		vars  []string
	}{
		{"", keys},
		{"", append(keys, "AWS_SESSION_TOKEN=token", "AWS_REGION=us-west-2")},
		{files, keys},
		{files, append(keys, "AWS_DEFAULT_PROFILE=none")},
		{files, append(keys, "AWS_PROFILE=none")},
		{files, append(keys, "AWS_PROFILE=p")},
		{files, nil},
		{files, []string{"AWS_DEFAULT_PROFILE=none"}},
		{files, []string{"AWS_PROFILE=p"}},
		{files, []string{"AWS_PROFILE=p", "AWS_REGION=us-west-2"}},
		{files, []string{"AWS_PROFILE=old"}},
		{files, []string{"AWS_PROFILE=failing"}},
		{files, []string{"AWS_PROFILE=none"}},
		{files, []string{"AWS_PROFILE=sso"}},
		{files, []string{"AWS_PROFILE=odd"}},
		{files, []string{"AWS_PROFILE=ecs"}},
		{files, append(keys, "AWS_USE_FIPS_ENDPOINT=maybe")},
		{files, append(keys, "AWS_MAX_ATTEMPTS=x")},
		{files, []string{"AWS_ACCESS_KEY_ID=half"}},
		{files, []string{"AWS_WEB_IDENTITY_TOKEN_FILE=" + token}},
		{"[default]\naws_access_key_id = half\n", nil},
	} {
		t.Run(strings.Join(c.vars, " "), func(t *testing.T) {
			environment(t, c.vars...)
			if c.files != "" {
				profiles(t, c.files)
			}
			cfg, werr := config.LoadDefaultConfig(t.Context())
			var want aws.Credentials
			if werr == nil {
				want, werr = cfg.Credentials.Retrieve(t.Context())
			}
			o := options()
			o.Region = ""
			id, err := followChain(o)
			var got aws.Credentials
			if err == nil {
				got, err = id.Credentials.Retrieve(t.Context())
			}
			if (err == nil) != (werr == nil) {
				t.Fatalf("error %v, the SDK's %v", err, werr)
			}
			if err == nil && (got.AccessKeyID != want.AccessKeyID || got.SecretAccessKey != want.SecretAccessKey || got.SessionToken != want.SessionToken || id.Region != cfg.Region) {
				t.Errorf("%s in %q, the SDK's %s in %q", got.AccessKeyID, id.Region, want.AccessKeyID, cfg.Region)
			}
		})
	}
}

// Where SSM is comes from the profile, too, in the SDK's order.
func TestEndpointOfAProfile(t *testing.T) {
	const config = `
[profile plain]
aws_access_key_id = a
aws_secret_access_key = b
endpoint_url = https://all.example
[profile special]
aws_access_key_id = a
aws_secret_access_key = b
endpoint_url = https://all.example
services = mine
[services mine]
ssm =
  endpoint_url = https://ssm.example
[profile off]
aws_access_key_id = a
aws_secret_access_key = b
endpoint_url = https://all.example
ignore_configured_endpoint_urls = true
[profile fips]
aws_access_key_id = a
aws_secret_access_key = b
region = us-gov-west-1
use_fips_endpoint = true
use_dualstack_endpoint = true
max_attempts = 9
ca_bundle = `
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	resolve := func(t *testing.T, profile string, vars ...string) Identity {
		t.Helper()
		environment(t, vars...)
		profiles(t, config+bundle+"\n")
		o := options()
		o.Profile, o.ProfileExplicit = profile, true
		if profile == "fips" {
			o.Region = ""
		}
		id, err := Resolve(o)
		if err != nil {
			t.Fatal(err)
		}
		return *id
	}
	for _, c := range []struct {
		profile, want string
		vars          []string
	}{
		{"plain", "https://all.example", nil},
		{"special", "https://ssm.example", nil},
		{"off", "", nil},
		{"plain", "https://env.example", []string{"AWS_ENDPOINT_URL=https://env.example"}},
		{"special", "https://env.example", []string{"AWS_ENDPOINT_URL=https://env.example"}},
		{"special", "https://envssm.example", []string{"AWS_ENDPOINT_URL=https://env.example", "AWS_ENDPOINT_URL_SSM=https://envssm.example"}},
		{"special", "", []string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}},
	} {
		if got := resolve(t, c.profile, c.vars...).Endpoint; got != c.want {
			t.Errorf("profile %s with %q: %q, want %q", c.profile, c.vars, got, c.want)
		}
	}
	if id := resolve(t, "fips"); !id.FIPS || !id.DualStack || id.MaxAttempts != 9 || id.Region != "us-gov-west-1" || id.CABundle != bundle {
		t.Errorf("%+v", id)
	}
}

// Without a metadata service it is known soon that there are no credentials,
// and a cancelled command does not wait even for that.
func TestNoCredentialsIsKnownSoon(t *testing.T) {
	silent := fake.NewMetadata("silent")
	defer silent.Close()
	environment(t, "AWS_EC2_METADATA_DISABLED=", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+silent.URL)
	id, err := Resolve(options())
	if err != nil {
		t.Fatal(err)
	}
	// The bound is that of the client: 0.6 s, one attempt. Twice the second that
	// is promised leaves room for a busy machine.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = id.Credentials.Retrieve(ctx)
	if errs.KindOf(err) != errs.Auth || !strings.Contains(err.Error(), "no answer from") || len(silent.Calls()) != 1 {
		t.Errorf("%v after %q", err, silent.Calls())
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err = id.Credentials.Retrieve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A role of an instance is fetched once, and only with a token.
func TestInstanceRole(t *testing.T) {
	imds := fake.NewMetadata("")
	defer imds.Close()
	environment(t, "AWS_EC2_METADATA_DISABLED=", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+imds.URL)
	id, err := Resolve(options())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := id.Credentials.Retrieve(t.Context())
		if err != nil || c.AccessKeyID != fake.AccessKey || c.SessionToken != "session" {
			t.Fatal(err)
		}
	}
	if calls := imds.Calls(); len(calls) != 3 || calls[0] != "PUT /latest/api/token" {
		t.Errorf("%q", calls)
	}
}

// An answer of the user is taken as it is, and asked for once.
func TestMFACode(t *testing.T) {
	sts := fake.NewSTS()
	defer sts.Close()
	environment(t, "AWS_ENDPOINT_URL_STS="+sts.URL)
	profiles(t, "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n[profile role]\nsource_profile = base\nrole_arn = arn:aws:iam::1:role/x\nmfa_serial = arn:aws:iam::1:mfa/me\nduration_seconds = 3600\n")
	o := options()
	o.Profile, o.ProfileExplicit = "role", true
	asked, code := 0, "000000"
	o.AskMFA = func(_ context.Context, prompt string) ([]byte, error) {
		if asked++; !strings.Contains(prompt, "arn:aws:iam::1:mfa/me") {
			t.Errorf("asked %q", prompt)
		}
		return []byte(code), nil
	}
	id, err := Resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = id.Credentials.Retrieve(t.Context())
	if errs.KindOf(err) != errs.Auth || !strings.Contains(err.Error(), "the MFA code was refused") {
		t.Errorf("%v", err)
	}
	code = "123456"
	for range 2 {
		if c, err := id.Credentials.Retrieve(t.Context()); err != nil || c.AccessKeyID != fake.AccessKey {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	if last := sts.Calls()[len(sts.Calls())-1]; last.Get("DurationSeconds") != "3600" {
		t.Errorf("%v", last)
	}
}

var _ aws.CredentialsProvider = constant{}

const certificate = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUazdMATgsktzmvRFxG1VoOw1mxtQwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQxMTQ3NDVaGA8yMTI2MTAzMTExNDc0
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC7Z
goKTf1i7BmQDgeAJV2pSY/qPZU3tGNK7+pqGLkcpTnFefJ3WPkGsDNB7oXCd9zwh
aawHIUPbWG3kxqpvTumjUzBRMB0GA1UdDgQWBBQyiiz57UxuMN8qr2lABiun0KKe
IzAfBgNVHSMEGDAWgBQyiiz57UxuMN8qr2lABiun0KKeIzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDuGnpnzUNU0zNr5dCSxNZR8pJcS/3xC4Vb
1b+gmTxOjwIhAIzxlxVbs6uJ5jkWofIaJQ7Ztw15eTQBtBzuE55iN2rs
-----END CERTIFICATE-----
`
