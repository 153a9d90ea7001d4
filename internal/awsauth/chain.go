package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// fromSDK loads the SDK's configuration.
func fromSDK(ctx context.Context, o Options) (*Identity, error) {
	keys, webIdentity := inEnvironment(o.Getenv)
	explicit := o.Profile != "" && (o.ProfileExplicit || !keys && !webIdentity)
	if o.Profile != "" && !explicit {
		o.Log.Info("credentials in the environment go before the profile", "profile", o.Profile)
	}
	askMFA := func(c *stscreds.AssumeRoleOptions) {
		c.TokenProvider = func() (string, error) { return o.mfa(ctx, c) }
	}
	load := []func(*config.LoadOptions) error{
		config.WithLogger(logger{o.Log}),
		config.WithLogConfigurationWarnings(true),
		config.WithAssumeRoleCredentialOptions(askMFA),
		config.WithEndpointCredentialOptions(func(c *endpointcreds.Options) {
			c.HTTPClient = httpx.Client(httpx.Options{NoProxy: true, LinkLocal: true, Dial: 2 * time.Second, FirstByte: 5 * time.Second})
		}),
		//nolint:forbidigo // R5: the SDK puts the ca_bundle of a profile into a client of its own kind only; its limits are httpx's
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(60 * time.Second).WithTransportOptions(httpx.Limit)),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if explicit {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, loadError(o, err)
	}
	env, shared := loaded(cfg)
	src := sourceOf(env, shared, explicit)
	id := &Identity{kind: src.kind, Region: cfg.Region, CABundle: cmp.Or(env.CustomCABundle, shared.CustomCABundle)}
	id.Origin, id.Renew = src.describe()
	if err := id.readEndpoint(ctx, o, cfg); err != nil {
		return nil, err
	}
	e := &explained{provider: cfg.Credentials, source: src, options: o, shared: shared, metadata: newMetadataClient()}
	if src.kind == process || src.kind == instance {
		e.provider = aws.NewCredentialsCache(e.rebuild(cfg, &shared, askMFA))
	}
	id.Credentials = e
	return id, nil
}

// loaded finds the two configurations that cfg was made from.
func loaded(cfg aws.Config) (env config.EnvConfig, shared config.SharedConfig) {
	for _, s := range cfg.ConfigSources {
		switch c := s.(type) {
		case config.EnvConfig:
			env = c
		case config.SharedConfig:
			shared = c
		}
	}
	return env, shared
}

// rebuild makes the provider of a profile again, with a source of our own in
// place of the SDK's: a credential_process without standard input, or the
// instance's metadata without proxy and delay. The SDK takes neither as an
// option. The roles that the profile assumes are put around it.
func (e *explained) rebuild(cfg aws.Config, c *config.SharedConfig, mfa func(*stscreds.AssumeRoleOptions)) aws.CredentialsProvider {
	var p aws.CredentialsProvider
	switch {
	case c.Source != nil:
		p = e.rebuild(cfg, c.Source, mfa)
	case c.CredentialSource == "" && c.CredentialProcess != "":
		p = e.options.processProvider(c.CredentialProcess)
	default:
		p = e.metadata.provider(cfg)
	}
	if c.RoleARN == "" {
		return p
	}
	cfg.Credentials = aws.NewCredentialsCache(p)
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), c.RoleARN, func(r *stscreds.AssumeRoleOptions) {
		r.RoleSessionName = c.RoleSessionName
		if d := c.RoleDurationSeconds; d != nil && *d > 15*time.Minute {
			r.Duration = *d
		}
		if c.ExternalID != "" {
			r.ExternalID = aws.String(c.ExternalID)
		}
		if c.MFASerial != "" {
			r.SerialNumber = aws.String(c.MFASerial)
		}
		mfa(r)
	})
}

// mfa asks for a code.
func (o Options) mfa(ctx context.Context, c *stscreds.AssumeRoleOptions) (string, error) {
	serial := aws.ToString(c.SerialNumber)
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

// readEndpoint reads where requests to SSM go, as the SDK's own client does:
// AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL, the profile's services section, its
// endpoint_url.
func (id *Identity) readEndpoint(ctx context.Context, o Options, cfg aws.Config) error {
	var errAll error
	if cfg.BaseEndpoint != nil {
		id.Endpoint = *cfg.BaseEndpoint
	}
	ignore, _ := lookup(cfg, &errAll, func(c interface {
		GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
	}) (bool, bool, error) {
		return c.GetIgnoreConfiguredEndpoints(ctx)
	})
	if global := o.Getenv("AWS_ENDPOINT_URL") != "" && o.Getenv("AWS_ENDPOINT_URL_SSM") == ""; !ignore && !global {
		if u, ok := lookup(cfg, &errAll, func(c interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}) (string, bool, error) {
			return c.GetServiceBaseEndpoint(ctx, "SSM")
		}); ok {
			id.Endpoint = u
		}
	}
	fips, _ := lookup(cfg, &errAll, func(c interface {
		GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
	}) (aws.FIPSEndpointState, bool, error) {
		return c.GetUseFIPSEndpoint(ctx)
	})
	dual, _ := lookup(cfg, &errAll, func(c interface {
		GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
	}) (aws.DualStackEndpointState, bool, error) {
		return c.GetUseDualStackEndpoint(ctx)
	})
	id.MaxAttempts, _ = lookup(cfg, &errAll, func(c interface {
		GetRetryMaxAttempts(context.Context) (int, bool, error)
	}) (int, bool, error) {
		return c.GetRetryMaxAttempts(ctx)
	})
	id.FIPS, id.DualStack = fips == aws.FIPSEndpointStateEnabled, dual == aws.DualStackEndpointStateEnabled
	if errAll != nil {
		return loadError(o, errAll)
	}
	return nil
}

// lookup asks the sources of cfg that have the method for a setting, in order.
func lookup[I, V any](cfg aws.Config, errAll *error, get func(I) (V, bool, error)) (v V, found bool) {
	for _, s := range cfg.ConfigSources {
		c, ok := s.(I)
		if !ok {
			continue
		}
		v, found, err := get(c)
		if err != nil {
			*errAll = errors.Join(*errAll, err)
		}
		if found || err != nil {
			return v, found
		}
	}
	return v, false
}

// logger takes the SDK's own log, which would go to stderr otherwise.
type logger struct{ log *slog.Logger }

// Logf writes one record.
func (l logger) Logf(c logging.Classification, format string, v ...any) {
	text := "aws sdk: " + fmt.Sprintf(format, v...)
	if c == logging.Warn {
		l.log.Warn(text)
	} else {
		l.log.Debug(text)
	}
}
