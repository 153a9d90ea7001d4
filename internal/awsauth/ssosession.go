package awsauth

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/sso"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// When the access token of IAM Identity Center is renewed: when so little of its
// life is left, it is tried; when less than the second, it must succeed.
const (
	tokenTry  = 15 * time.Minute
	tokenMust = time.Minute
)

// ssoSession gives role credentials from a session with IAM Identity Center.
type ssoSession struct {
	s      *signIn
	client *sso.Client

	tried time.Time // when this process last renewed the token, or tried to
}

func ssoProvider(s *signIn) (aws.CredentialsProvider, error) {
	c := s.last()
	account, role, err := ssoRole(s.o, c)
	if err != nil {
		return nil, err
	}
	x := &ssoSession{s: s, client: ssoClient(s.o, c.Meta["region"])}
	return &minted{s: s, key: account + "/" + role, mint: func(ctx context.Context) (aws.Credentials, error) {
		return x.roleCredentials(ctx, account, role)
	}}, nil
}

func ssoClient(o Options, region string) *sso.Client {
	id, _ := fromVariables(o)
	return sso.New(sso.Options{
		Region: region, HTTP: o.HTTP, Getenv: o.Getenv, FIPS: id.FIPS, DualStack: id.DualStack, Log: o.Log, UserAgent: o.UserAgent, Now: o.Now,
	})
}

// ssoRole returns the account and the role to sign in to: those of the
// environment or a flag, else those of the sign-in. A role belongs to its
// account: the sign-in's is not taken for another account.
func ssoRole(o Options, c vault.Credential) (account, role string, err error) {
	account, role = o.Account, o.Role
	if account == "" {
		account = c.Meta["account_id"]
	}
	if role == "" && account == c.Meta["account_id"] {
		role = c.Meta["role_name"]
	}
	if account == "" || role == "" {
		what := "account and role are"
		if account != "" {
			what = "role in account " + account + " is"
		}
		return "", "", errs.New(errs.Config, "the sign-in %q does not say which %s meant", c.Name, what).
			WithHint("pass --account and --role, set account: and role: in .skret.yaml, or choose them with %s", loginCommand(c.Name))
	}
	return account, role, nil
}

func (x *ssoSession) roleCredentials(ctx context.Context, account, role string) (aws.Credentials, error) {
	token, err := x.access(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	rc, err := x.client.RoleCredentials(ctx, token, account, role)
	if errors.Is(err, sso.ErrUnauthorized) {
		// Somebody ended the session, or the token does not live as long as was
		// said. One renewal tells which.
		if token, err = x.refresh(ctx, token); err != nil {
			return aws.Credentials{}, err
		}
		if rc, err = x.client.RoleCredentials(ctx, token, account, role); errors.Is(err, sso.ErrUnauthorized) {
			return aws.Credentials{}, x.s.over("IAM Identity Center has ended the session")
		}
	}
	if errors.Is(err, sso.ErrForbidden) {
		return aws.Credentials{}, x.forbidden(ctx, token, account, role)
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	expires := rc.Expires
	if ahead, ok := x.client.ClockAhead(); ok && ahead.Abs() > time.Minute {
		expires = expires.Add(-ahead) // by our clock
		x.s.o.noticeClock(ahead)
	}
	return aws.Credentials{
		AccessKeyID: rc.AccessKeyID, SecretAccessKey: rc.SecretAccessKey, SessionToken: rc.SessionToken,
		AccountID: account, CanExpire: true, Expires: expires,
	}, nil
}

// forbidden says what the user has instead. The sign-in is as good as before.
func (x *ssoSession) forbidden(ctx context.Context, token, account, role string) error {
	e := errs.New(errs.Auth, "the sign-in %q: you have no role %s in account %s", x.s.name, role, account)
	if roles, err := x.client.Roles(ctx, token, account); err == nil && len(roles) > 0 {
		return e.WithHint("in that account you have %s; choose one with --role, or role: in .skret.yaml", strings.Join(roles, ", "))
	}
	if accounts, err := x.client.Accounts(ctx, token); err == nil && len(accounts) > 0 {
		names := make([]string, len(accounts))
		for i, a := range accounts {
			names[i] = a.ID + " (" + a.Name + ")"
		}
		names = names[:min(len(names), 8)]
		return e.WithHint("you have the accounts %s; choose one with --account and --role; a new assignment may need %s --force", strings.Join(names, ", "), loginCommand(x.s.name))
	}
	return e.WithHint("ask whoever manages IAM Identity Center for an assignment")
}

// access returns an access token. One that nears its end is renewed: when there
// is still time, without complaint. The caller has the lock of the sign-in.
func (x *ssoSession) access(ctx context.Context) (string, error) {
	c, m, err := x.s.open(ctx)
	if err != nil {
		return "", err
	}
	token, left := m.Field("access_token"), x.left(c)
	switch {
	case left > tokenTry:
		return token, nil
	case left <= tokenMust:
		return x.refresh(ctx, token)
	case m.Field("refresh_token") == "" || x.s.o.Now().Sub(x.tried) < time.Minute:
		return token, nil
	}
	now, err := x.refresh(ctx, token)
	switch {
	case err == nil:
		return now, nil
	case ctx.Err() != nil:
		return "", err
	}
	x.s.o.Log.Debug("the sign-in is not renewed ahead", "error", err)
	return token, nil
}

// left is how long the access token is good for.
func (x *ssoSession) left(c vault.Credential) time.Duration {
	at, err := time.Parse(time.RFC3339, c.Meta["token_expires"])
	if err != nil {
		return 0
	}
	return at.Sub(x.s.o.Now())
}

// refresh gets a new access token for the refresh token and writes both down
// before they are used: the old refresh token may be good for nothing now. The
// caller has the lock.
func (x *ssoSession) refresh(ctx context.Context, old string) (string, error) {
	if !x.s.locked {
		return "", errs.New(errs.Auth, "the sign-in %q must be renewed, and skret's folder cannot be written to", x.s.name).
			WithHint("mend the permissions of %s", x.s.o.Home)
	}
	x.tried = x.s.o.Now()
	c, m, err := x.s.open(ctx)
	if err != nil {
		return "", err
	}
	if now := m.Field("access_token"); now != old && x.left(c) > tokenMust {
		return now, nil // it was renewed before we had the lock
	}
	refresh := m.Field("refresh_token")
	if refresh == "" {
		return "", x.s.over("it has expired, and IAM Identity Center gave no way to renew it")
	}
	reg := sso.Registration{ClientID: m.Field("client_id"), ClientSecret: m.Field("client_secret")}
	reg.Expires, _ = time.Parse(time.RFC3339, c.Meta["registration_expires"])
	if !reg.Expires.IsZero() && reg.Expires.Before(x.s.o.Now()) {
		return "", x.s.over("its registration with IAM Identity Center ended on %s", reg.Expires.Format(time.DateOnly))
	}
	// Once the request is sent, its answer must be written down: ^C waits.
	token, err := x.client.Refresh(context.WithoutCancel(ctx), reg, refresh)
	switch {
	case errors.Is(err, sso.ErrGrant), errors.Is(err, sso.ErrClient), errors.Is(err, sso.ErrUnauthorized):
		return "", x.s.over("IAM Identity Center does not renew it any more; whoever manages it sets how long a session lasts")
	case err != nil:
		return "", err
	}
	c.Meta = maps.Clone(c.Meta)
	c.Meta["token_expires"] = token.Expires.UTC().Format(time.RFC3339)
	m = m.With("access_token", token.Access).With("refresh_token", token.Refresh)
	if _, err := x.s.vault.Renew(context.WithoutCancel(ctx), c, m); err != nil {
		return "", errs.New(errs.KindOf(err), "the sign-in %q was renewed, and cannot be written down: %w", x.s.name, err).
			WithHint("make room or mend the permissions, then sign in again with %s", loginCommand(x.s.name))
	}
	return token.Access, nil
}
