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

// The short way for keys in the environment gives what the SDK gives.
func TestShortWayIsTheSDKsWay(t *testing.T) {
	for _, extra := range [][]string{
		{},
		{"AWS_SESSION_TOKEN=token"},
		{"AWS_ENDPOINT_URL=http://127.0.0.1:1"},
		{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_SSM=http://127.0.0.1:2"},
		{"AWS_ENDPOINT_URL_SSM=http://127.0.0.1:2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
		{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE"},
		{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false"},
		{"AWS_USE_FIPS_ENDPOINT=true"},
		{"AWS_USE_DUALSTACK_ENDPOINT=true", "AWS_MAX_ATTEMPTS=7"},
		{"AWS_WEB_IDENTITY_TOKEN_FILE=/nonexistent", "AWS_ROLE_ARN=arn:aws:iam::1:role/x"},
		{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "AWS_ROLE_ARN=arn:aws:iam::1:role/x"},
	} {
		t.Run(strings.Join(extra, " "), func(t *testing.T) {
			environment(t, append([]string{"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET"}, extra...)...)
			short, ok := fromEnvironment(options())
			if !ok {
				t.Fatal("the short way is not taken")
			}
			long, err := followChain(t.Context(), options())
			if err != nil {
				t.Fatal(err)
			}
			a, err1 := short.Credentials.Retrieve(t.Context())
			b, err2 := long.Credentials.Retrieve(t.Context())
			if err1 != nil || err2 != nil || a.AccessKeyID != b.AccessKeyID || a.SecretAccessKey != b.SecretAccessKey || a.SessionToken != b.SessionToken {
				t.Errorf("credentials differ: %v %v", err1, err2)
			}
			short.Credentials, long.Credentials = nil, nil
			if *short != *long {
				t.Errorf("short %+v\nlong  %+v", *short, *long)
			}
		})
	}
}

// What only the SDK's configuration could tell is not guessed.
func TestShortWayIsNotTaken(t *testing.T) {
	keys := []string{"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET"}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		vars   []string
		change func(*Options)
	}{
		"a config file":                       {append(keys, "AWS_CONFIG_FILE="+file), nil},
		"a credentials file":                  {append(keys, "AWS_SHARED_CREDENTIALS_FILE="+file), nil},
		"a default profile":                   {append(keys, "AWS_DEFAULT_PROFILE=x"), nil},
		"a profile":                           {keys, func(o *Options) { o.Profile = "x" }},
		"no region":                           {keys, func(o *Options) { o.Region = "" }},
		"no secret key":                       {keys[:1], nil},
		"no key":                              {nil, nil},
		"a switch that is neither on nor off": {append(keys, "AWS_USE_FIPS_ENDPOINT=perhaps"), nil},
		"no home":                             {append(keys, "HOME=", "USERPROFILE="), nil},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.vars...)
			o := options()
			if c.change != nil {
				c.change(&o)
			}
			if _, ok := fromEnvironment(o); ok {
				t.Error("it is taken")
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
		id, err := Resolve(t.Context(), o)
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
	id, err := Resolve(t.Context(), options())
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
	id, err := Resolve(t.Context(), options())
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
	id, err := Resolve(t.Context(), o)
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
