package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/awsauth/shared"
	"github.com/skret/skret/internal/awsauth/sso"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// explained gives a provider's errors a kind, plain words and the next step.
// The SDK's own texts are not kept: that of a credential_process quotes all
// that the program printed.
type explained struct {
	provider aws.CredentialsProvider
	source   source
	options  Options
	profile  *shared.Profile
	instance *instanceRole
}

// Retrieve returns the credentials.
func (e *explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := e.provider.Retrieve(ctx)
	switch {
	case err == nil && c.HasKeys():
		return c, nil
	case err == nil:
		return c, e.fail("%s has no credentials", e.origin())
	case ctx.Err() != nil:
		return c, fmt.Errorf("get credentials from %s: %w", e.origin(), ctx.Err())
	}
	return c, e.explain(err)
}

func (e *explained) origin() string { origin, _ := e.source.describe(); return origin }

func (e *explained) fail(format string, args ...any) *errs.Error {
	_, renew := e.source.describe()
	return errs.New(errs.Auth, format, args...).WithHint("%s", renew)
}

func (e *explained) explain(err error) error {
	api, isAPI := errors.AsType[*query.APIError](err)
	known, isKnown := errors.AsType[*errs.Error](err)
	programError, isProgram := errors.AsType[processError](err)
	host, isNet := unreachable(err)
	status, _ := errors.AsType[statusError](err)
	file, isFile := errors.AsType[*fs.PathError](err)
	switch {
	case isAPI && errs.KindOf(err) != errs.Network && !errors.Is(err, errs.ErrFailed):
		return e.refused(api, err)
	case errors.Is(err, sso.ErrUnauthorized), errors.Is(err, sso.ErrGrant), errors.Is(err, sso.ErrClient):
		return e.fail("the sign-in of %s has expired", e.origin())
	case errors.Is(err, sso.ErrForbidden):
		return errs.New(errs.Auth, "%s: you are not assigned to that account and role", e.origin()).
			WithHint("see aws configure list-profiles, or ask whoever manages IAM Identity Center")
	case errors.Is(err, errDamagedToken):
		return e.fail("the sign-in of %s is damaged", e.origin())
	case isKnown:
		return known
	case e.source.kind == instance && !e.instance.gave():
		return e.nothing()
	case status >= http.StatusInternalServerError:
		return errs.New(errs.Backend, "%s: %w (%v)", e.origin(), errs.ErrFailed, status).WithHint("try again in a minute")
	case isProgram:
		return e.fail("%s: the program %s", e.origin(), programError)
	case isNet:
		return httpx.Explain(host, err)
	case isFile && (e.source.kind == ssoProfile || e.source.kind == console) && !errors.Is(file, fs.ErrNotExist):
		return errs.New(errs.Auth, "the sign-in of %s cannot be used: %w", e.origin(), file).WithHint("the file must be yours, and readable")
	case e.source.kind == ssoProfile, e.source.kind == console:
		return e.fail("the sign-in of %s has expired, or there is none", e.origin())
	case e.source.kind == webIdentity || e.source.kind == webIdentityInEnv:
		return e.fail("the token file %q of %s cannot be read", e.source.detail, e.origin())
	}
	return e.fail("%s gave no credentials", e.origin())
}

// refused explains an error of STS by its code.
func (e *explained) refused(api *query.APIError, err error) error {
	role := ""
	if r, ok := errors.AsType[*roleError](err); ok {
		role = r.role
	}
	switch code := api.Code; {
	case strings.HasPrefix(code, "ExpiredToken"), code == "RequestExpired":
		return e.fail("the credentials of %s have expired", e.origin())
	case code == "InvalidClientTokenId", code == "UnrecognizedClientException", code == "SignatureDoesNotMatch":
		return e.fail("AWS refuses the keys of %s (%s)", e.origin(), code)
	case code == "AccessDenied" && api.AboutMFA():
		return errs.New(errs.Auth, "%s: the MFA code was refused", e.origin()).WithHint("wait for a new code and try again")
	case strings.HasPrefix(code, "AccessDenied") && role != "":
		hint := "its trust policy must name who assumes it, and a policy of that identity must allow sts:AssumeRole on it"
		if api.Action != "AssumeRole" {
			hint = "its trust policy must allow sts:" + word(api.Action) + " for the token's issuer, audience and subject"
		}
		return errs.New(errs.Auth, "%s: %s may not be assumed", e.origin(), role).WithHint("%s", hint)
	case strings.HasPrefix(code, "InvalidIdentityToken"):
		return e.fail("AWS refuses the token of %s (%s)", e.origin(), code)
	default:
		return e.fail("AWS gives %s no credentials (%s)", e.origin(), word(code))
	}
}

func word(s string) string {
	if len(s) > 80 || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return "unknown error"
	}
	return s
}

// unreachable tells whether err is of the network, and the host.
func unreachable(err error) (host string, ok bool) {
	u, ok := errors.AsType[*url.Error](err)
	if !ok {
		_, ok := errors.AsType[*net.OpError](err)
		return "AWS", ok
	}
	if parsed, perr := url.Parse(u.URL); perr == nil {
		return parsed.Host, true
	}
	return "AWS", true
}

// nothing is the error at the end of the chain: all that was looked at, and
// why it gave nothing.
func (e *explained) nothing() error {
	looked := []string{"sign-ins of skret's (there is none)"}
	if e.options.Auth == Chain || e.options.ProfileExplicit {
		looked = nil
	}
	add := func(what, why string) { looked = append(looked, what+" ("+why+")") }
	get := e.options.Getenv

	switch {
	case cmp.Or(get("AWS_ACCESS_KEY_ID"), get("AWS_ACCESS_KEY")) == "":
		add("environment", "AWS_ACCESS_KEY_ID is not set")
	case cmp.Or(get("AWS_SECRET_ACCESS_KEY"), get("AWS_SECRET_KEY")) == "":
		add("environment", "AWS_SECRET_ACCESS_KEY is not set")
	}
	if get("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		add("web identity", "AWS_WEB_IDENTITY_TOKEN_FILE is not set")
	}
	if e.profile.Name != "" {
		add(fmt.Sprintf("profile %q", e.profile.Name), "it has no credentials")
	} else {
		c, k := files(get)
		add(`profile "default"`, fmt.Sprintf("it is not in %s and %s", c, k))
	}
	if e.profile.CredentialSource == "" {
		add("container", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set")
	}
	add("EC2 instance metadata", e.instance.problem())
	return &noCredentials{errs.New(errs.Auth, "no AWS credentials; looked at: %s", strings.Join(looked, ", ")).
		WithHint("sign in with skret auth login aws, name a profile with --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")}
}

// noCredentials is the error of a chain in which there is nothing.
type noCredentials struct{ error }

func (n *noCredentials) Unwrap() error { return n.error }

// loadError explains why the AWS configuration could not be loaded.
func loadError(o Options, err error) error {
	if p, ok := errors.AsType[*shared.NotFoundError](err); ok {
		c, k := files(o.Getenv)
		return errs.New(errs.Auth, "profile %q is not in %s and %s", p.Profile, c, k).
			WithHint("see aws configure list-profiles, or make it with aws configure --profile %s", p.Profile)
	}
	// The texts of these errors name settings and profiles, and no values.
	return errs.New(errs.Config, "load the AWS configuration: %w", err).
		WithHint("look at the AWS_ variables and the files ~/.aws/config and ~/.aws/credentials")
}
