package shared

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// facts is a profile as text, for comparing.
func facts(p *Profile, services ...string) string {
	if p == nil {
		return "none"
	}
	c := p.Credentials
	s := fmt.Sprintf("%q keys %q role %q source %s how %q region %q %q %v %v attempts %d metadata %q %q ignore %v",
		p.Name, []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID},
		[]string{p.RoleARN, p.ExternalID, p.MFASerial, p.RoleSessionName, p.RoleDuration.String()}, facts(p.Source),
		[]string{p.CredentialSource, p.CredentialProcess, p.WebIdentityTokenFile, p.LoginSession},
		p.Region, p.CABundle, p.FIPS, p.DualStack, p.MaxAttempts, p.MetadataEndpoint, strings.ToLower(p.MetadataMode), p.ignoreEndpoints)
	if p.SSO != nil && p.Source == nil {
		s += fmt.Sprintf(" sso %q", []string{p.SSO.Session, p.SSO.StartURL, p.SSO.Region, p.SSO.Account, p.SSO.Role})
	}
	s += fmt.Sprintf(" endpoint %q", p.endpoint)
	for _, name := range services {
		u, ok := p.services[name].sub["endpoint_url"]
		s += fmt.Sprintf(" %s %q %v", name, u, ok)
	}
	return s
}

// theirs is the SDK's reading of a profile, as one of ours.
func theirs(c *config.SharedConfig) *Profile {
	if c == nil {
		return nil
	}
	p := &Profile{
		Name: c.Profile, Credentials: c.Credentials, RoleARN: c.RoleARN, ExternalID: c.ExternalID, MFASerial: c.MFASerial, RoleSessionName: c.RoleSessionName,
		RoleDuration: aws.ToDuration(c.RoleDurationSeconds), CredentialSource: c.CredentialSource, CredentialProcess: c.CredentialProcess,
		WebIdentityTokenFile: c.WebIdentityTokenFile, LoginSession: c.LoginSession, Region: c.Region, CABundle: c.CustomCABundle,
		FIPS: c.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled, DualStack: c.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled,
		MaxAttempts: c.RetryMaxAttempts, MetadataEndpoint: c.EC2IMDSEndpoint, ignoreEndpoints: aws.ToBool(c.IgnoreConfiguredEndpoints),
		endpoint: c.BaseEndpoint, Source: theirs(c.Source), services: map[string]value{},
	}
	switch c.EC2IMDSEndpointMode {
	case 1:
		p.MetadataMode = "ipv4"
	case 2:
		p.MetadataMode = "ipv6"
	}
	if c.SSOSessionName != "" || c.SSOStartURL != "" || c.SSORegion != "" || c.SSOAccountID != "" || c.SSORoleName != "" {
		p.SSO = &SSO{StartURL: c.SSOStartURL, Region: c.SSORegion, Account: c.SSOAccountID, Role: c.SSORoleName}
		if c.SSOSession != nil {
			p.SSO.Session, p.SSO.StartURL, p.SSO.Region = c.SSOSessionName, c.SSOSession.SSOStartURL, c.SSOSession.SSORegion
		}
	}
	for name, sub := range c.Services.ServiceValues {
		p.services[name] = value{sub: sub}
	}
	return p
}

// judge reads the files both ways and returns what differs.
func judge(t *testing.T, dir, cfg, creds, profile string) string {
	t.Helper()
	c, k := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	for name, text := range map[string]string{c: cfg, k: creds} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, werr := config.LoadSharedConfigProfile(t.Context(), profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{c}, []string{k}
	})
	got, err := Load(c, k, profile)
	if (err == nil) != (werr == nil) {
		return fmt.Sprintf("error %v, the SDK's %v", err, werr)
	}
	if err != nil {
		return ""
	}
	if g, w := facts(got, "ssm", "sso_oidc"), facts(theirs(&want), "ssm", "sso_oidc"); g != w {
		return g + "\nthe SDK has\n" + w
	}
	return ""
}

// pieces of files, put together at random.
var pieces = []string{
	"[default]", "[profile default]", "[profile a]", "[ profile   a ] ; comment", "[profile b]", "[a]", "[b]", "[profile \"b\"]", "[DEFAULT]", "[sso-session s]",
	"[services v]", "[profile a", "nonsense", "", "# comment", "; comment", "  # moved in",
	"region = eu-west-1", "region=us-east-1 # home", "REGION: cn-north-1", "region = ", "region", "region = 'x y'", "region = \"q", " region = moved", "\tregion = tab",
	"aws_access_key_id = AKID", "aws_secret_access_key = SECRET", "aws_session_token = TOKEN", "aws_access_key_id = OTHER", "aws_account_id = 123456789012",
	"role_arn = arn:aws:iam::123456789012:role/r", "source_profile = a", "source_profile = b", "source_profile = none", "credential_source = Environment",
	"credential_source = Else", "external_id = x", "mfa_serial = m", "role_session_name = n", "duration_seconds = 3600", "duration_seconds = soon",
	"credential_process = /bin/x --y", "web_identity_token_file = /t", "login_session = arn:aws:iam::1:user/u",
	"sso_session = s", "sso_session = none", "sso_start_url = https://x/start", "sso_region = us-east-1", "sso_account_id = 123456789012", "sso_role_name = R",
	"ca_bundle = /b.pem", "use_fips_endpoint = true", "use_dualstack_endpoint = TRUE", "use_fips_endpoint = maybe", "max_attempts = 5", "max_attempts = x",
	"endpoint_url = https://all", "services = v", "ignore_configured_endpoint_urls = true", "ec2_metadata_service_endpoint = http://x",
	"ec2_metadata_service_endpoint_mode = IPv6", "ec2_metadata_service_endpoint_mode = odd",
	"ssm =", "  endpoint_url = https://ssm", "sso_oidc=", "  endpoint_url = https://oidc ; not a comment", "  more text", "s3 =\n  addressing_style = path",
}

func TestProfilesAreReadAsTheSDKReadsThem(t *testing.T) {
	dir := t.TempDir()
	sound := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 5))
		file := func() string {
			var b strings.Builder
			for range r.IntN(14) {
				p := pieces[r.IntN(len(pieces))]
				if r.IntN(4) > 0 && !strings.HasPrefix(p, "[") && r.IntN(3) == 0 {
					p = pieces[r.IntN(11)]
				}
				b.WriteString(p + "\n")
				if strings.HasPrefix(p, "aws_access_key_id") && r.IntN(4) > 0 {
					b.WriteString("aws_secret_access_key = S2\n")
				}
			}
			return b.String()
		}
		cfg, creds := "[profile a]\n"+file(), file()
		for _, profile := range []string{"default", "a", "b"} {
			if diff := judge(t, dir, cfg, creds, profile); diff != "" {
				t.Fatalf("seed %d, profile %s:\n%s\n-- config --\n%s-- credentials --\n%s", seed, profile, diff, cfg, creds)
			}
			if _, err := Load(filepath.Join(dir, "config"), filepath.Join(dir, "credentials"), profile); err == nil {
				sound++
			}
		}
	}
	if sound < 300 {
		t.Errorf("only %d of the profiles were sound", sound)
	}
}

func FuzzProfilesAreReadAsTheSDKReadsThem(f *testing.F) {
	f.Add("[profile a]\nregion = x\n", "[a]\naws_access_key_id = k\naws_secret_access_key = s\n")
	f.Add(strings.Join(pieces[:40], "\n"), strings.Join(pieces[20:], "\n"))
	f.Fuzz(func(t *testing.T, cfg, creds string) {
		if diff := judge(t, t.TempDir(), cfg, creds, "a"); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSignInThatIsHalfIsSaid(t *testing.T) {
	for _, c := range []struct {
		sso  SSO
		want string
	}{
		{SSO{Region: "r", StartURL: "u", Account: "a", Role: "x"}, ""},
		{SSO{Region: "r", Account: "a"}, "lacks sso_start_url, sso_role_name"},
		{SSO{Session: "s", Region: "r", StartURL: "u", Account: "a", Role: "x"}, ""},
		{SSO{Session: "s", Region: "r", StartURL: "u"}, "lacks sso_account_id, sso_role_name"},
		{SSO{Session: "s", StartURL: "u", Account: "a", Role: "x"}, "lacks sso_region"},
		{SSO{Session: "s", Region: "r", StartURL: "u", Account: "a", Role: "x", ownRegion: "q"}, "is not that of its sso-session"},
	} {
		err := c.sso.Check("p")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.sso, err, c.want)
		}
	}
}
