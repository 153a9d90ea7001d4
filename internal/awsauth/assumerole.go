package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

func assumeRoleMethod() Method {
	return Method{
		Name: "assume-role",
		Doc:  "a role, assumed by the SDK's chain, an AWS profile, or another sign-in",
		Options: []Option{
			{"role_arn", "the role, such as arn:aws:iam::123456789012:role/deploy", true},
			{"source", "who assumes it: chain, profile:NAME, or the name of a sign-in; chain if not given", false},
			{"external_id", "the external id that the role's trust policy wants", false},
			{"duration", "how long a session lasts, such as 1h; 15m to 12h", false},
			{"session_name", "the name of the session, as CloudTrail shows it", false},
			{"mfa_serial", "the MFA device whose code the role wants", false},
			{"mfa_command", "a command that prints the code; asked for on the terminal otherwise", false},
			{"region", "the region whose STS is asked", false},
		},
		login: func(ctx context.Context, l *attempt) (draft, error) {
			meta := map[string]string{}
			var err error
			if meta["role_arn"], err = l.value(ctx, "role_arn", "ARN of the role", ""); err != nil {
				return draft{}, err
			}
			l.pick(meta, "source", "external_id", "duration", "session_name", "mfa_serial", "mfa_command", "region")
			return draft{meta: meta}, errors.Join(checkRoleARN(meta["role_arn"]), checkSession(meta), l.checkSource(meta["source"]))
		},
		provider: func(s *signIn) (aws.CredentialsProvider, error) {
			c := s.last()
			life, err := sessionLife(c.Meta["duration"])
			return &minted{s: s, key: c.Meta["role_arn"], asks: life, mint: s.assumeRole}, err
		},
		origin: func(c vault.Credential) string { return quoted(c, "role "+c.Meta["role_arn"]) },
	}
}

// checkRoleARN refuses what is no ARN of a role.
func checkRoleARN(arn string) error {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || len(parts[4]) != 12 || !strings.HasPrefix(parts[5], "role/") {
		return errs.New(errs.Invalid, "role_arn: %q is not the ARN of a role", arn).WithHint("it is like arn:aws:iam::123456789012:role/deploy")
	}
	return nil
}

// checkSession refuses settings of a session that STS would refuse.
func checkSession(meta map[string]string) error {
	var probs []error
	if d := meta["duration"]; d != "" {
		if _, err := sessionLife(d); err != nil {
			probs = append(probs, err)
		}
	}
	if n := meta["session_name"]; n != "" && (len(n) < 2 || len(n) > 64 || strings.ContainsFunc(n, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@_-", r))
	})) {
		probs = append(probs, errs.New(errs.Invalid, "session_name: 2 to 64 letters, digits, and the signs + = , . @ _ -"))
	}
	return errors.Join(probs...)
}

// sessionLife reads a duration: 1h, or a number of seconds. "" is an hour.
func sessionLife(s string) (time.Duration, error) {
	d, err := time.ParseDuration(cmp.Or(s, "1h"))
	if n, nerr := strconv.Atoi(s); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 15*time.Minute || d > 12*time.Hour {
		return 0, errs.New(errs.Invalid, "duration: %q is not between 15m and 12h", s)
	}
	return d, nil
}

// checkSource refuses a source that does not exist, or that would assume itself.
func (l *attempt) checkSource(source string) error {
	if _, isProfile := strings.CutPrefix(source, "profile:"); source == "" || source == Chain || isProfile {
		return nil
	}
	if source == l.l.Name {
		return errs.New(errs.Invalid, "source: the sign-in %q cannot assume a role by itself", source).WithHint("give this one another --name")
	}
	_, err := l.o.Vault.Find(Service, source)
	if errs.KindOf(err) == errs.NotFound {
		return errs.New(errs.Invalid, "source: there is no sign-in named %q", source).WithHint("it is chain, profile:NAME, or one that skret auth status lists")
	}
	return err
}

// maxSources bounds the chain of sign-ins that assume roles of each other.
const maxSources = 5

// source returns who assumes the role of a sign-in.
func (s *signIn) source(source string) (*Identity, error) {
	o := s.o
	o.Account, o.Role, o.Relogin = "", "", nil // those are for the role itself
	o.Auth, o.AuthFrom, o.Profile, o.ProfileExplicit = Chain, "source", "", false
	if name, ok := strings.CutPrefix(source, "profile:"); ok {
		o.Profile, o.ProfileFrom, o.ProfileExplicit, o.Auth = name, "source", true, ""
	} else if source != "" {
		o.Auth = source
	}
	if o.depth++; o.depth > maxSources {
		return nil, errs.New(errs.Config, "the sign-in %q: its source leads through more than %d others", s.name, maxSources).
			WithHint("see the sources with skret auth status; one may lead back to itself")
	}
	o.Region = cmp.Or(o.Region, noRegion)
	return Resolve(o)
}

// assumeRole mints credentials of the role.
func (s *signIn) assumeRole(ctx context.Context) (aws.Credentials, error) {
	c := s.last()
	src, err := s.source(c.Meta["source"])
	if err != nil {
		return aws.Credentials{}, err
	}
	life, err := sessionLife(c.Meta["duration"])
	if err != nil {
		return aws.Credentials{}, err
	}
	role := query.Role{
		ARN: c.Meta["role_arn"], SessionName: cmp.Or(c.Meta["session_name"], "skret"), ExternalID: c.Meta["external_id"],
		MFASerial: c.Meta["mfa_serial"], Duration: life,
	}
	if role.MFASerial != "" {
		if role.MFACode, err = s.mfaCode(ctx, role.MFASerial, c.Meta["mfa_command"]); err != nil {
			return aws.Credentials{}, err
		}
	}
	creds, err := s.sts(cmp.Or(c.Meta["region"], s.o.Region, src.Region), src.Credentials).AssumeRole(ctx, role)
	if err != nil {
		return creds, s.roleRefused(err, src.Origin, c.Meta["role_arn"])
	}
	return creds, nil
}

// sts returns a client of STS.
func (s *signIn) sts(region string, p aws.CredentialsProvider) *query.Client {
	return query.New(query.Options{
		Credentials: p, Region: region, HTTP: s.o.HTTP, Getenv: s.o.Getenv, UserAgent: s.o.UserAgent, Log: s.o.Log, Notice: s.o.Notice, Now: s.o.Now,
	})
}

// mfaCode gets a code of the MFA device: from the user's own command, else from
// the user.
func (s *signIn) mfaCode(ctx context.Context, serial, command string) (string, error) {
	if command == "" {
		return s.o.mfa(ctx, serial)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := s.o.shell(ctx, command, "mfa_command")
	out, err := cmd.Output()
	code := strings.TrimSpace(string(out))
	if err != nil || len(code) < 6 || len(code) > 8 || strings.Trim(code, "0123456789") != "" {
		why := "it did not print a code of 6 digits"
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			why = "it failed: " + exit.Error()
		}
		return "", errs.New(errs.Auth, "the sign-in %q: mfa_command: %s", s.name, why).
			WithHint("run the command by hand; it is set with %s --mfa-command", loginCommand(s.name))
	}
	return code, nil
}

// roleRefused says why a role could not be assumed, by the code of STS.
func (s *signIn) roleRefused(err error, who, role string) error {
	api, ok := errors.AsType[*query.APIError](err)
	if !ok || errs.KindOf(err) == errs.Network || errors.Is(err, errs.ErrFailed) {
		return err
	}
	e := func(format string, args ...any) *errs.Error {
		return errs.New(errs.Auth, "the sign-in %q: %s", s.name, fmt.Sprintf(format, args...))
	}
	switch code := api.Code; {
	case api.AboutMFA():
		return e("the MFA code was refused, or is wanted and was not given").WithHint("wait for a new code and try again; the device is set with --opt mfa_serial=...")
	case strings.HasPrefix(code, "AccessDenied"):
		return e("%s may not assume %s", who, role).
			WithHint("the role's trust policy must name that identity, with the external id and the conditions that it wants, and a policy of the identity must allow sts:AssumeRole on it")
	case strings.HasPrefix(code, "ExpiredToken"), code == "RequestExpired":
		return e("the credentials of %s have expired", who).WithHint("renew them where they come from, and try again")
	case code == "InvalidIdentityToken", code == "IDPRejectedClaim", code == "ExpiredTokenException":
		return e("AWS refuses the token (%s)", code).WithHint("issuer, audience and subject must be those of the role's trust policy; see skret auth doctor")
	case code == "ValidationError":
		return e("STS finds the request invalid (%s)", code).WithHint("is the duration longer than the role allows? A role that is assumed by a role lasts an hour at most")
	case code == "InvalidClientTokenId", code == "SignatureDoesNotMatch", code == "UnrecognizedClientException":
		return e("AWS refuses the keys of %s (%s)", who, code).WithHint("see skret auth doctor")
	default:
		return e("STS refuses (%s)", word(code)).WithHint("see skret auth doctor")
	}
}
