package awsauth

import (
	"cmp"
	"fmt"

	"github.com/skret/skret/internal/awsauth/shared"
)

// kind is a place that credentials come from.
type kind int

const (
	keysInEnv kind = iota
	webIdentityInEnv
	keysInProfile
	credentialSourceEnv // credential_source = Environment
	webIdentity
	ssoProfile
	console
	process
	container
	instance // EC2 metadata; the end of the chain
)

// source is where the credentials come from.
type source struct {
	kind    kind
	profile string   // that holds it
	detail  string   // SSO session, token file ...
	roles   []string // that are assumed with it, one after the other
}

// sourceOf follows the chain's choice. explicit says that a profile was asked for.
func sourceOf(env variables, p *shared.Profile, explicit bool) source {
	switch {
	case explicit:
	case env.keys.HasKeys():
		return source{kind: keysInEnv}
	case env.webIdentityFile != "":
		return source{kind: webIdentityInEnv, detail: env.webIdentityFile, roles: []string{env.roleARN}}
	}
	return inProfile(env, p)
}

func inProfile(env variables, p *shared.Profile) source {
	s := source{profile: p.Name}
	switch {
	case p.Source != nil:
		s = inProfile(env, p.Source)
	case p.Credentials.HasKeys():
		s.kind = keysInProfile
	case p.CredentialSource != "":
		s.kind = map[string]kind{"Ec2InstanceMetadata": instance, "EcsContainer": container, "Environment": credentialSourceEnv}[p.CredentialSource]
	case p.WebIdentityTokenFile != "":
		s.kind, s.detail = webIdentity, p.WebIdentityTokenFile
	case p.SSO != nil:
		s.kind, s.detail = ssoProfile, p.SSO.Session
	case p.LoginSession != "":
		s.kind, s.detail = console, p.LoginSession
	case p.CredentialProcess != "":
		s.kind, s.detail = process, p.CredentialProcess
	case env.containerPath != "" || env.containerURI != "":
		s.kind = container
	default:
		s.kind = instance
	}
	if p.RoleARN != "" {
		s.roles = append(s.roles, p.RoleARN)
	}
	return s
}

// describe says in words what the source is, and the next step when its
// credentials have expired.
func (s source) describe() (origin, renew string) {
	p := cmp.Or(s.profile, "default")
	switch s.kind {
	case keysInEnv:
		return "the access key in AWS_ACCESS_KEY_ID", "get new ones, and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN"
	case webIdentityInEnv:
		return "the web identity in AWS_WEB_IDENTITY_TOKEN_FILE", "the token is renewed by whoever writes " + s.detail
	case keysInProfile:
		origin, renew = fmt.Sprintf("profile %q (its access key)", p), "get new ones, and store them with aws configure --profile "+p
	case credentialSourceEnv:
		origin, renew = fmt.Sprintf("profile %q (credential_source Environment)", p), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case webIdentity:
		origin, renew = fmt.Sprintf("profile %q (web identity)", p), "the token is renewed by whoever writes "+s.detail
	case ssoProfile:
		origin, renew = fmt.Sprintf("profile %q (SSO)", p), "sign in with aws sso login --profile "+p
		if s.detail != "" {
			origin = fmt.Sprintf("profile %q (SSO session %q)", p, s.detail)
		}
	case console:
		origin, renew = fmt.Sprintf("profile %q (aws login)", p), "sign in with aws login --profile "+p
	case process:
		origin, renew = fmt.Sprintf("profile %q (credential_process)", p), fmt.Sprintf("they come from the program that credential_process names in profile %q: run it by hand", p)
	case container:
		origin, renew = "the role of this container", "the platform renews them: try again in a minute"
	default:
		origin, renew = "the role of this EC2 instance", "the platform renews them: try again in a minute"
	}
	for _, r := range s.roles {
		origin += ", role " + r
	}
	return origin, renew
}
