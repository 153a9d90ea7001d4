package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/awsauth/shared"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// chain is the way that the AWS SDK goes to credentials, gone by ourselves: the SDK's
// own package for it brings four services with it.
type chain struct {
	o        Options
	env      variables
	profile  *shared.Profile // never nil; without a name there is none
	region   string
	http     *http.Client // for STS and IAM Identity Center
	instance *instanceRole
}

// variables is what the variables say of credentials.
type variables struct {
	keys                                   aws.Credentials
	webIdentityFile, roleARN, roleSession  string
	containerPath, containerURI            string
	containerToken, containerTokenFile     string
	profile, region, metadata, metadataURI string
}

func readEnvironment(get func(string) string) variables {
	e := variables{
		keys: aws.Credentials{
			AccessKeyID:     cmp.Or(get("AWS_ACCESS_KEY_ID"), get("AWS_ACCESS_KEY")),
			SecretAccessKey: cmp.Or(get("AWS_SECRET_ACCESS_KEY"), get("AWS_SECRET_KEY")),
			SessionToken:    get("AWS_SESSION_TOKEN"), AccountID: get("AWS_ACCOUNT_ID"), Source: "EnvConfigCredentials",
		},
		webIdentityFile: get("AWS_WEB_IDENTITY_TOKEN_FILE"), roleARN: get("AWS_ROLE_ARN"), roleSession: get("AWS_ROLE_SESSION_NAME"),
		containerPath: get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), containerURI: get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
		containerToken: get("AWS_CONTAINER_AUTHORIZATION_TOKEN"), containerTokenFile: get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
		profile: cmp.Or(get("AWS_PROFILE"), get("AWS_DEFAULT_PROFILE")), region: cmp.Or(get("AWS_REGION"), get("AWS_DEFAULT_REGION")),
		metadata: get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), metadataURI: get("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
	}
	if !e.keys.HasKeys() {
		e.keys = aws.Credentials{}
	}
	return e
}

// followChain makes the identity that the chain leads to. It reads files, and makes
// no request.
func followChain(o Options) (*Identity, error) {
	o.fill()
	keys, webIdentity := inEnvironment(o.Getenv)
	explicit := o.Profile != "" && (o.ProfileExplicit || !keys && !webIdentity)
	if o.Profile != "" && !explicit {
		o.Log.Info("credentials in the environment go before the profile", "profile", o.Profile)
	}
	id, wrong := fromVariables(o)
	if wrong != "" {
		return nil, loadError(o, fmt.Errorf("the value of %s is not understood", wrong))
	}
	c := &chain{o: o, env: readEnvironment(o.Getenv), profile: &shared.Profile{}}
	name := c.env.profile
	if explicit {
		name = o.Profile
	}
	configFile, credentialsFile := files(o.Getenv)
	p, err := shared.Load(configFile, credentialsFile, cmp.Or(name, "default"))
	_, missing := errors.AsType[*shared.NotFoundError](err)
	switch {
	case err == nil:
		c.profile = p
	case missing && !explicit && o.Getenv("AWS_PROFILE") == "": // it was not asked for
	default:
		return nil, loadError(o, err)
	}
	p = c.profile
	c.instance = newInstanceRole(o.Getenv, cmp.Or(c.env.metadataURI, p.MetadataEndpoint), cmp.Or(c.env.metadata, p.MetadataMode))
	c.region = cmp.Or(o.Region, c.env.region, p.Region)
	id.Region, id.CABundle = c.region, cmp.Or(id.CABundle, p.CABundle)
	id.Endpoint = c.endpoint("SSM")
	if o.Getenv("AWS_USE_FIPS_ENDPOINT") == "" {
		id.FIPS = p.FIPS
	}
	if o.Getenv("AWS_USE_DUALSTACK_ENDPOINT") == "" {
		id.DualStack = p.DualStack
	}
	id.MaxAttempts = cmp.Or(id.MaxAttempts, p.MaxAttempts)
	if c.http = o.HTTP; c.http == nil || p.CABundle != "" && o.Getenv("AWS_CA_BUNDLE") == "" {
		c.http = httpx.Client(httpx.Options{Trust: httpx.Bundle(id.CABundle)})
	}

	id.http, id.getenv = c.http, c.getenv

	src := sourceOf(c.env, p, explicit)
	id.kind = src.kind
	id.Origin, id.Renew = src.describe()
	id.Who = src.who(c.env, p)
	provider, err := c.start(src, id)
	if err != nil {
		return nil, loadError(o, err)
	}
	id.Credentials = &explained{provider: provider, source: src, options: o, profile: p, instance: c.instance}
	return id, nil
}

// start makes the provider of what the chain begins with.
func (c *chain) start(src source, id *Identity) (aws.CredentialsProvider, error) {
	switch src.kind {
	case keysInEnv:
		return constant(c.env.keys), nil
	case webIdentityInEnv:
		return c.webIdentity(id, c.env.webIdentityFile, c.env.roleARN, c.env.roleSession)
	}
	return c.of(c.profile, id)
}

// of makes the provider of a profile, with the roles that it assumes around it.
func (c *chain) of(p *shared.Profile, id *Identity) (provider aws.CredentialsProvider, err error) {
	switch {
	case p.Source != nil:
		provider, err = c.of(p.Source, id)
	case p.Credentials.HasKeys():
		provider = constant(p.Credentials)
	case p.CredentialSource == "Environment":
		provider = constant(c.env.keys)
	case p.CredentialSource == "Ec2InstanceMetadata":
		provider = reuse(c.instance)
	case p.CredentialSource == "EcsContainer" && c.env.containerPath == "" && c.env.containerURI == "":
		err = errors.New("credential_source is EcsContainer, and neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
	case p.CredentialSource == "EcsContainer":
		provider, err = c.container()
	case p.CredentialSource != "":
		err = errors.New("credential_source is none of EcsContainer, Ec2InstanceMetadata and Environment")
	case p.WebIdentityTokenFile != "":
		return c.webIdentity(id, p.WebIdentityTokenFile, p.RoleARN, p.RoleSessionName)
	case p.SSO != nil:
		if err = p.SSO.Check(p.Name); err == nil {
			provider = c.identityCenter(id, p.SSO)
		}
	case p.LoginSession != "":
		provider = reuse(&consoleSession{o: c.o, http: c.http, region: c.region, session: p.LoginSession, instead: c.endpoint("Signin")})
	case p.CredentialProcess != "":
		provider = reuse(program{c.o, p.CredentialProcess})
	case c.env.containerPath != "" || c.env.containerURI != "":
		provider, err = c.container()
	default:
		provider = reuse(c.instance)
	}
	if err != nil || p.RoleARN == "" {
		return provider, err
	}
	return c.assumed(id, p, provider), nil
}

// shortRole is how long a session of a role lasts unless the profile wants more.
const shortRole = 15 * time.Minute

// assumed is the role of a profile, assumed by what the provider gives.
func (c *chain) assumed(id *Identity, p *shared.Profile, by aws.CredentialsProvider) aws.CredentialsProvider {
	role := query.Role{
		ARN: p.RoleARN, SessionName: cmp.Or(p.RoleSessionName, sessionName(c.o)), ExternalID: p.ExternalID, MFASerial: p.MFASerial, Duration: max(p.RoleDuration, shortRole),
	}
	sts := c.sts(id, by)
	return reuse(aws.CredentialsProviderFunc(func(ctx context.Context) (creds aws.Credentials, err error) {
		r := role
		if r.MFASerial != "" {
			if r.MFACode, err = c.o.mfa(ctx, r.MFASerial); err != nil {
				return aws.Credentials{}, err
			}
		}
		creds, err = sts.AssumeRole(ctx, r)
		return creds, ofRole(r.ARN, err)
	}))
}

// roleError is the error of a role that was not given: of several that are assumed
// one by the other it says which.
type roleError struct {
	role string
	error
}

func (e *roleError) Unwrap() error { return e.error }

// ofRole notes the role in an error of STS, unless that is of a role before it.
func ofRole(role string, err error) error {
	_, isAPI := errors.AsType[*query.APIError](err)
	if _, before := errors.AsType[*roleError](err); !isAPI || before {
		return err
	}
	return &roleError{role, err}
}

// sessionName is that of a session that nobody has named.
func sessionName(o Options) string {
	return "skret-" + strconv.FormatInt(o.Now().UnixNano(), 10)
}

// webIdentity is a role, assumed by the token that is in the file when it is needed.
func (c *chain) webIdentity(id *Identity, file, arn, session string) (aws.CredentialsProvider, error) {
	if arn == "" {
		return nil, errors.New("a web identity needs the ARN of a role, in AWS_ROLE_ARN or role_arn")
	}
	sts := c.sts(id, nil)
	return reuse(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		token, err := os.ReadFile(file)
		if err != nil {
			return aws.Credentials{}, err
		}
		creds, err := sts.AssumeRoleWithWebIdentity(ctx, query.Role{ARN: arn, SessionName: cmp.Or(session, sessionName(c.o))}, string(token))
		return creds, ofRole(arn, err)
	})), nil
}

func (c *chain) sts(id *Identity, by aws.CredentialsProvider) *query.Client {
	return query.New(query.Options{
		Credentials: by, Region: c.region, HTTP: c.http, Getenv: c.getenv, FIPS: id.FIPS, DualStack: id.DualStack,
		UserAgent: c.o.UserAgent, Log: c.o.Log, Notice: c.o.Notice, Now: c.o.Now,
	})
}

// endpoint returns the address that is configured in place of a service's, by AWS's
// name of it; "" for none. The environment goes before the profile, and in each the
// service's own address before that of all.
func (c *chain) endpoint(service string) string {
	get := c.o.Getenv
	ignore, _ := truth(get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
	if ignore || get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "" && c.profile.IgnoresEndpoints() {
		return ""
	}
	name := "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_"))
	return cmp.Or(get(name), get("AWS_ENDPOINT_URL"), c.profile.Endpoint(service))
}

// getenv is the environment with the profile's addresses in it, for clients that look
// for theirs there.
func (c *chain) getenv(name string) string {
	if id, ok := strings.CutPrefix(name, "AWS_ENDPOINT_URL_"); ok {
		return c.endpoint(id)
	}
	if c.profile.IgnoresEndpoints() && name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" {
		return cmp.Or(c.o.Getenv(name), "true")
	}
	return c.o.Getenv(name)
}

// containerHost answers within a task of ECS.
const containerHost = "http://169.254.170.2"

// container is the role of the container.
func (c *chain) container() (aws.CredentialsProvider, error) {
	address := c.env.containerURI
	if c.env.containerPath != "" {
		address = containerHost + c.env.containerPath
	} else if u, err := url.Parse(address); err != nil || u.Hostname() == "" {
		return nil, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is not an address")
	}
	role := containerRole{
		http:    httpx.Client(httpx.Options{NoProxy: true, LinkLocal: true, Dial: 2 * time.Second, FirstByte: 5 * time.Second}),
		address: address, token: c.env.containerToken, tokenFile: c.env.containerTokenFile,
	}
	r := reuse(role)
	r.ahead = 5 * time.Minute
	return r, nil
}

// mfa asks for a code.
func (o Options) mfa(ctx context.Context, serial string) (string, error) {
	err := errors.New("nobody can be asked")
	if o.AskMFA != nil {
		var code []byte
		if code, err = o.AskMFA(ctx, fmt.Sprintf("code of the MFA device %s: ", serial)); err == nil {
			return string(code), nil
		}
	}
	return "", errs.New(errs.Auth, "the role needs a code of the MFA device %s: %w", serial, err).
		WithHint("run it on a terminal, or use a profile without mfa_serial")
}
