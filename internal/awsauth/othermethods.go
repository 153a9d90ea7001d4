package awsauth

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/anywhere"
	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/awsauth/webid"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// profileMethod pins a profile of the AWS configuration, whatever is in it.
func profileMethod() Method {
	return Method{
		Name:    "profile",
		Doc:     "a profile of ~/.aws/config: SSO, credential_process, keys, roles",
		Options: []Option{{"profile", "the name of the profile", true}},
		login:   profileLogin("name of the AWS profile"),
		provider: func(s *signIn) (aws.CredentialsProvider, error) {
			return &pinned{s: s, name: s.last().Meta["profile"]}, nil
		},
		origin: func(c vault.Credential) string { return quoted(c, `profile "`+c.Meta["profile"]+`"`) },
		renew:  func(vault.Credential) string { return "renew the profile's credentials, as skret auth doctor says" },
	}
}

// consoleMethod pins a profile that was made by aws login.
func consoleMethod() Method {
	m := profileMethod()
	m.Name, m.Doc = "login", "the console sign-in of aws login, by the profile that it made"
	ask := m.login
	m.login = func(ctx context.Context, l *attempt) (draft, error) {
		d, err := ask(ctx, l)
		if err != nil {
			return d, err
		}
		return d, l.o.checkConsole(d.meta["profile"])
	}
	m.renew = func(c vault.Credential) string { return "sign in with aws login --profile " + c.Meta["profile"] }
	return m
}

func profileLogin(text string) func(context.Context, *attempt) (draft, error) {
	return func(ctx context.Context, l *attempt) (draft, error) {
		name, err := l.value(ctx, "profile", text, "default")
		return draft{meta: map[string]string{"profile": name}}, err
	}
}

// checkConsole refuses a profile that aws login did not make.
func (o Options) checkConsole(profile string) error {
	id, err := o.profile(profile)
	if err != nil || id.kind == console {
		return err
	}
	return errs.New(errs.Invalid, "profile %q was not made by aws login", profile).
		WithHint("make it with aws login --profile %s, or use --method profile for it as it is", profile)
}

// pinned is a profile of the AWS configuration, read when it is first used.
type pinned struct {
	s    *signIn
	name string

	mu sync.Mutex
	id *Identity
}

// Retrieve returns the profile's credentials.
func (p *pinned) Retrieve(ctx context.Context) (aws.Credentials, error) {
	id, err := p.identity()
	if err != nil {
		return aws.Credentials{}, err
	}
	return id.Credentials.Retrieve(ctx)
}

func (p *pinned) identity() (id *Identity, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == nil {
		p.id, err = p.s.o.profile(p.name)
	}
	return p.id, err
}

// profile is the identity of a profile of the AWS configuration.
func (o Options) profile(name string) (*Identity, error) {
	o.Profile, o.ProfileExplicit, o.Region = name, true, cmp.Or(o.Region, noRegion)
	return followChain(o)
}

func rolesAnywhereMethod() Method {
	return Method{
		Name: "roles-anywhere",
		Doc:  "a role, by a certificate and its key (IAM Roles Anywhere)",
		Options: []Option{
			{"trust_anchor_arn", "the trust anchor that knows the certificate's authority", true},
			{"profile_arn", "the profile of Roles Anywhere", true},
			{"role_arn", "the role", true},
			{"certificate", "the file of the certificate, in PEM", true},
			{"private_key", "the file of its key, in PEM; the certificate's if not given", false},
			{"chain", "the file of the authorities in between, in PEM", false},
			{"duration", "how long a session lasts, such as 1h; 15m to 12h", false},
			{"session_name", "the name of the session, as CloudTrail shows it", false},
		},
		login: func(ctx context.Context, l *attempt) (draft, error) {
			meta := map[string]string{}
			for _, f := range []struct{ option, text string }{
				{"trust_anchor_arn", "ARN of the trust anchor"}, {"profile_arn", "ARN of the Roles Anywhere profile"}, {"role_arn", "ARN of the role"},
				{"certificate", "file of the certificate"},
			} {
				v, err := l.value(ctx, f.option, f.text, "")
				if err != nil {
					return draft{}, err
				}
				meta[f.option] = v
			}
			l.pick(meta, "private_key", "chain", "duration", "session_name")
			for _, f := range []string{"certificate", "private_key", "chain"} {
				if meta[f] != "" && !filepath.IsAbs(meta[f]) {
					meta[f] = filepath.Join(l.l.Dir, meta[f])
				}
			}
			_, err := l.o.anywhere(meta)
			return draft{meta: meta}, errors.Join(err, checkSession(meta))
		},
		provider: func(s *signIn) (aws.CredentialsProvider, error) {
			c := s.last()
			p, err := s.o.anywhere(c.Meta)
			if err != nil {
				return nil, err
			}
			life, err := sessionLife(c.Meta["duration"])
			return &minted{s: s, key: c.Meta["role_arn"], asks: life, mint: p.Retrieve}, err
		},
		origin: func(c vault.Credential) string { return quoted(c, "Roles Anywhere, role "+c.Meta["role_arn"]) },
	}
}

func (o Options) anywhere(meta map[string]string) (*anywhere.Provider, error) {
	life, err := sessionLife(meta["duration"])
	if err != nil {
		return nil, err
	}
	id, _ := fromVariables(o)
	return anywhere.New(anywhere.Options{
		TrustAnchorARN: meta["trust_anchor_arn"], ProfileARN: meta["profile_arn"], RoleARN: meta["role_arn"],
		SessionName: meta["session_name"], Duration: life,
		Certificate: meta["certificate"], PrivateKey: meta["private_key"], Chain: meta["chain"],
		HTTP: o.HTTP, Getenv: o.Getenv, FIPS: id.FIPS, DualStack: id.DualStack, UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice, Now: o.Now,
	})
}

func oidcMethod() Method {
	return Method{
		Name: "oidc",
		Doc:  "a role, by a token of GitHub Actions, GitLab, CircleCI, Buildkite, a file or a command",
		Options: []Option{
			{"role_arn", "the role", true},
			{"provider", "where the token is from: github, gitlab, circleci, buildkite, variable, file, command; found out otherwise", false},
			{"audience", "the token's audience; sts.amazonaws.com if not given", false},
			{"token_file", "the file that holds the token", false},
			{"token_command", "the command that prints the token", false},
			{"token_variable", "the variable that holds the token", false},
			{"duration", "how long a session lasts, such as 1h; 15m to 12h", false},
			{"session_name", "the name of the session, as CloudTrail shows it", false},
			{"region", "the region whose STS is asked", false},
		},
		login: func(ctx context.Context, l *attempt) (draft, error) {
			meta := map[string]string{}
			var err error
			if meta["role_arn"], err = l.value(ctx, "role_arn", "ARN of the role", ""); err != nil {
				return draft{}, err
			}
			l.pick(meta, "provider", "audience", "token_file", "token_command", "token_variable", "duration", "session_name", "region")
			if f := meta["token_file"]; f != "" && !filepath.IsAbs(f) {
				meta["token_file"] = filepath.Join(l.l.Dir, f)
			}
			if err := errors.Join(checkRoleARN(meta["role_arn"]), checkSession(meta)); err != nil {
				return draft{}, err
			}
			_, err = l.o.tokens(meta)
			return draft{meta: meta}, err
		},
		provider: func(s *signIn) (aws.CredentialsProvider, error) {
			c := s.last()
			life, err := sessionLife(c.Meta["duration"])
			return &minted{s: s, key: c.Meta["role_arn"], asks: life, mint: s.assumeByToken}, err
		},
		origin: func(c vault.Credential) string { return quoted(c, "OIDC, role "+c.Meta["role_arn"]) },
	}
}

// tokens is where the tokens of an oidc sign-in come from.
func (o Options) tokens(meta map[string]string) (*webid.Source, error) {
	return webid.New(webid.Options{
		Kind: cmp.Or(meta["provider"], webid.Auto), Audience: meta["audience"], File: meta["token_file"], Command: meta["token_command"], Variable: meta["token_variable"],
		Getenv: o.Getenv, HTTP: o.HTTP, UserAgent: o.UserAgent, Log: o.Log, Notice: o.Notice,
	})
}

// assumeByToken mints credentials of the role for a token that is got anew.
func (s *signIn) assumeByToken(ctx context.Context) (aws.Credentials, error) {
	c := s.last()
	source, err := s.o.tokens(c.Meta)
	if err != nil {
		return aws.Credentials{}, err
	}
	token, err := source.Token(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	life, err := sessionLife(c.Meta["duration"])
	if err != nil {
		return aws.Credentials{}, err
	}
	role := query.Role{ARN: c.Meta["role_arn"], SessionName: cmp.Or(c.Meta["session_name"], "skret"), Duration: life}
	creds, err := s.sts(cmp.Or(c.Meta["region"], s.o.Region, noRegion), nil).AssumeRoleWithWebIdentity(ctx, role, token)
	if err == nil {
		return creds, nil
	}
	err = s.roleRefused(err, "the token of "+source.Describe(), c.Meta["role_arn"])
	if issuer, subject, audience, _, cerr := webid.Claims(token); cerr == nil && errs.KindOf(err) == errs.Auth {
		return creds, errs.New(errs.Auth, "%w", err).
			WithHint("the role's trust policy must allow the issuer %s with aud %q and sub %q", strings.TrimPrefix(issuer, "https://"), audience, subject)
	}
	return creds, err
}
