// Package shared reads AWS's shared configuration, ~/.aws/config and
// ~/.aws/credentials, as the AWS SDK for Go does, whose own reader comes with the
// clients of four services and costs every start of skret half a millisecond.
// What the SDK does is the promise, its oddities included: tests hold both against
// each other.
package shared

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Profile is a profile with all that is known of where its credentials come from.
type Profile struct {
	Name        string // "" when there is none
	Credentials aws.Credentials

	RoleARN, ExternalID, MFASerial, RoleSessionName string
	RoleDuration                                    time.Duration // 0: not said
	Source                                          *Profile      // who assumes the role

	CredentialSource     string // Environment, Ec2InstanceMetadata or EcsContainer
	CredentialProcess    string
	WebIdentityTokenFile string
	LoginSession         string
	SSO                  *SSO

	Region, CABundle               string
	FIPS, DualStack                bool
	MaxAttempts                    int // 0: not said
	MetadataEndpoint, MetadataMode string

	ignoreEndpoints bool
	endpoint        string
	services        map[string]value
	sourceName      string
	ssoName         string
}

// SSO is where a profile's sign-in with IAM Identity Center is.
type SSO struct {
	Session                         string // "" with the older settings, in the profile itself
	StartURL, Region, Account, Role string

	ownStartURL, ownRegion string // in the profile, beside the session's
}

// NotFoundError says that a profile is not there.
type NotFoundError struct{ Profile string }

func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no profile %q", e.Profile) }

// Load reads a profile of the two files. Its errors name profiles and settings, and
// no values but those of settings that have to be a word.
func Load(config, credentials, profile string) (*Profile, error) {
	l := loader{merge(readFile(config), readFile(credentials)), map[string]bool{}}
	return l.profile(profile)
}

// loader follows source_profile.
type loader struct {
	sections map[string]*section
	seen     map[string]bool
}

func (l loader) profile(name string) (*Profile, error) {
	s := l.sections[name]
	if s == nil {
		return nil, &NotFoundError{name}
	}
	if s.partial {
		return nil, fmt.Errorf("profile %q: it has half of an access key", name)
	}
	p, err := settings(name, s)
	if err != nil {
		return nil, err
	}
	if l.seen[name] { // its own source: the keys that it has beside the role
		p.RoleARN, p.ExternalID, p.MFASerial, p.RoleSessionName, p.sourceName = "", "", "", "", ""
	} else if err := p.needsRole(); err != nil {
		return nil, err
	}
	if len(l.seen) > 0 && p.Credentials.HasKeys() {
		return p, nil
	}
	l.seen[name] = true
	if n := count(p.sourceName, p.CredentialSource, p.CredentialProcess, p.WebIdentityTokenFile); n > 1 {
		return nil, fmt.Errorf("profile %q: only one of source_profile, credential_source, credential_process and web_identity_token_file can be there", name)
	}
	if p.sourceName != "" {
		p.CredentialSource, p.CredentialProcess, p.WebIdentityTokenFile, p.Credentials = "", "", "", aws.Credentials{}
		if p.Source, err = l.profile(p.sourceName); err == nil && !p.Source.hasCredentials() {
			err = errors.New("it has no credentials")
		}
		var missing *NotFoundError
		switch {
		case errors.As(err, &missing):
			return nil, fmt.Errorf("profile %q: its source_profile %q is not there", name, missing.Profile)
		case err != nil:
			return nil, fmt.Errorf("profile %q: its source_profile %q: %w", name, p.sourceName, err)
		}
	}
	if p.ssoName != "" {
		session := l.sections["sso-session "+strings.TrimSpace(p.ssoName)]
		if session == nil {
			return nil, fmt.Errorf("profile %q: there is no [sso-session %s]", name, p.ssoName)
		}
		p.SSO.ownStartURL, p.SSO.ownRegion = p.SSO.StartURL, p.SSO.Region
		p.SSO.Session, p.SSO.StartURL, p.SSO.Region = p.ssoName, session.text("sso_start_url"), session.text("sso_region")
	}
	if named := l.sections["services "+s.text("services")]; named != nil {
		p.services = named.values
	}
	return p, nil
}

func settings(name string, s *section) (*Profile, error) {
	p := &Profile{
		Name: name, Credentials: aws.Credentials{
			AccessKeyID: s.text("aws_access_key_id"), SecretAccessKey: s.text("aws_secret_access_key"),
			SessionToken: s.text("aws_session_token"), AccountID: s.text("aws_account_id"),
		},
		RoleARN: s.text("role_arn"), ExternalID: s.text("external_id"), MFASerial: s.text("mfa_serial"), RoleSessionName: s.text("role_session_name"),
		sourceName: s.text("source_profile"), CredentialSource: s.text("credential_source"), CredentialProcess: s.text("credential_process"),
		WebIdentityTokenFile: s.text("web_identity_token_file"), LoginSession: s.text("login_session"),
		Region: s.text("region"), CABundle: s.text("ca_bundle"), FIPS: on(s, "use_fips_endpoint"), DualStack: on(s, "use_dualstack_endpoint"),
		MetadataEndpoint: s.text("ec2_metadata_service_endpoint"), MetadataMode: s.text("ec2_metadata_service_endpoint_mode"),
		ignoreEndpoints: on(s, "ignore_configured_endpoint_urls"), endpoint: s.text("endpoint_url"), ssoName: s.text("sso_session"),
	}
	if !p.Credentials.HasKeys() {
		p.Credentials = aws.Credentials{}
	}
	if n, err := strconv.ParseInt(s.text("duration_seconds"), 0, 64); err == nil {
		p.RoleDuration = time.Duration(n) * time.Second
	}
	if s.has("max_attempts") {
		n, err := strconv.ParseInt(s.text("max_attempts"), 0, 64)
		if err != nil {
			return nil, fmt.Errorf("profile %q: max_attempts is no number", name)
		}
		p.MaxAttempts = int(n)
	}
	if m := p.MetadataMode; m != "" && !strings.EqualFold(m, "IPv4") && !strings.EqualFold(m, "IPv6") {
		return nil, fmt.Errorf("profile %q: ec2_metadata_service_endpoint_mode is neither IPv4 nor IPv6", name)
	}
	sso := SSO{StartURL: s.text("sso_start_url"), Region: s.text("sso_region"), Account: s.text("sso_account_id"), Role: s.text("sso_role_name")}
	if sso != (SSO{}) || p.ssoName != "" {
		p.SSO = &sso
	}
	return p, nil
}

// Check tells what is wrong with the sign-in of a profile, or nil.
func (s *SSO) Check(profile string) error {
	var missing []string
	for _, n := range []struct{ key, text string }{
		{"sso_region", s.Region}, {"sso_start_url", s.StartURL}, {"sso_account_id", s.Account}, {"sso_role_name", s.Role},
	} {
		if n.text == "" {
			missing = append(missing, n.key)
		}
	}
	if missing != nil {
		return fmt.Errorf("profile %q: it is for IAM Identity Center, and lacks %s", profile, strings.Join(missing, ", "))
	}
	if s.ownRegion != "" && s.ownRegion != s.Region || s.ownStartURL != "" && s.ownStartURL != s.StartURL {
		return fmt.Errorf("profile %q: its sso_region or sso_start_url is not that of its sso-session", profile)
	}
	return nil
}

// needsRole refuses settings that are of use for a role alone, without one.
func (p *Profile) needsRole() error {
	for _, c := range []struct{ key, text string }{
		{"source_profile", p.sourceName}, {"credential_source", p.CredentialSource}, {"web_identity_token_file", p.WebIdentityTokenFile},
	} {
		if c.text != "" && p.RoleARN == "" {
			return fmt.Errorf("profile %q: %s needs role_arn", p.Name, c.key)
		}
	}
	return nil
}

func (p *Profile) hasCredentials() bool {
	return p.sourceName != "" || p.CredentialSource != "" || p.CredentialProcess != "" || p.WebIdentityTokenFile != "" || p.SSO != nil || p.Credentials.HasKeys()
}

// Endpoint returns the address that the profile puts in place of a service's, by the
// SDK's name of it, such as "SSO OIDC"; "" for none.
func (p *Profile) Endpoint(service string) string {
	if p.ignoreEndpoints {
		return ""
	}
	if s, ok := p.services[strings.ToLower(strings.ReplaceAll(service, " ", "_"))]; ok {
		if u, ok := s.sub["endpoint_url"]; ok {
			return u
		}
	}
	return p.endpoint
}

// IgnoresEndpoints tells whether the profile switches such addresses off.
func (p *Profile) IgnoresEndpoints() bool { return p.ignoreEndpoints }

func on(s *section, key string) bool { return strings.EqualFold(s.text(key), "true") }

func count(texts ...string) (n int) {
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n
}
