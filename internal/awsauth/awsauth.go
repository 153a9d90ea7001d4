// Package awsauth answers which AWS identity a command has, and why.
//
// [Resolve] follows the AWS SDK's own chain, in the SDK's order: a profile that
// was asked for, else the access key in the environment, else a web identity
// there, else the profile of AWS_PROFILE or "default", with whatever it says:
// keys, SSO, aws login, credential_process, a role; and last the container's or
// the EC2 instance's role. The chain picks one and stays with it. skret keeps
// no credentials of its own.
//
// What differs from the bare SDK: an instance's metadata is asked without a
// proxy, in version 2 only, and within a second; a credential_process gets no
// standard input and its output appears in no error; an MFA code is asked for;
// warnings go to the log; and an error says what was looked at and what to do.
package awsauth

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
)

// Options are what is asked for. Getenv must read the process's environment,
// since the SDK does so by itself; it and Log are never nil.
type Options struct {
	Profile         string // asked for, from AWS_PROFILE, or from .skret.yaml; "" for the default
	ProfileExplicit bool   // asked for: goes before an access key in the environment
	Region          string // "" leaves it to the SDK
	Getenv          func(string) string
	Log             *slog.Logger
	Notice          func(msg string) // a line for the user; nil: none

	// AskMFA asks for the code of an MFA device. nil refuses.
	AskMFA func(ctx context.Context, prompt string) ([]byte, error)
}

// Identity is who signs the requests, and where they go.
type Identity struct {
	Credentials aws.CredentialsProvider // its errors have a kind and a hint
	Region      string
	Origin      string // in words: `profile "prod" (SSO session "corp")`
	Renew       string // the next step when the credentials have expired

	Endpoint        string // of SSM, when one is configured
	FIPS, DualStack bool
	MaxAttempts     int    // 0 when it is not configured
	CABundle        string // file of certificate authorities; "" for the system's
}

// Resolve finds the identity. It makes no request: credentials that must be
// fetched are fetched when they are first used.
func Resolve(ctx context.Context, o Options) (*Identity, error) {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	id, ok := fromEnvironment(o)
	if !ok {
		var err error
		if id, err = fromSDK(ctx, o); err != nil {
			return nil, err
		}
	}
	if id.Region == "" {
		return nil, errs.New(errs.Config, "no AWS region is set").
			WithHint("pass --region, or set AWS_REGION, region: in .skret.yaml, or region in the AWS profile")
	}
	o.Log.Info("identity", "origin", id.Origin, "region", id.Region)
	return id, nil
}

// fromEnvironment is the short way for the commonest case in CI: an access key
// in the environment, and nothing else that the SDK would read. It gives what
// the SDK gives, without loading the SDK's configuration.
func fromEnvironment(o Options) (*Identity, bool) {
	keyID := cmp.Or(o.Getenv("AWS_ACCESS_KEY_ID"), o.Getenv("AWS_ACCESS_KEY"))
	key := cmp.Or(o.Getenv("AWS_SECRET_ACCESS_KEY"), o.Getenv("AWS_SECRET_KEY"))
	if keyID == "" || key == "" || o.Region == "" || o.Profile != "" || o.Getenv("AWS_DEFAULT_PROFILE") != "" || filesExist(o.Getenv) {
		return nil, false
	}
	fips, ok1 := truth(o.Getenv("AWS_USE_FIPS_ENDPOINT"))
	dual, ok2 := truth(o.Getenv("AWS_USE_DUALSTACK_ENDPOINT"))
	ignore, ok3 := truth(o.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
	attempts, err := strconv.Atoi(cmp.Or(o.Getenv("AWS_MAX_ATTEMPTS"), "0"))
	if !ok1 || !ok2 || !ok3 || err != nil {
		return nil, false // the SDK says what is wrong with it
	}
	id := &Identity{
		Credentials: constant{
			AccessKeyID: keyID, SecretAccessKey: key, SessionToken: o.Getenv("AWS_SESSION_TOKEN"), Source: "EnvConfigCredentials",
		},
		Region: o.Region, FIPS: fips, DualStack: dual, MaxAttempts: attempts, CABundle: o.Getenv("AWS_CA_BUNDLE"),
	}
	id.Origin, id.Renew = source{kind: keysInEnv}.describe()
	if !ignore {
		id.Endpoint = cmp.Or(o.Getenv("AWS_ENDPOINT_URL_SSM"), o.Getenv("AWS_ENDPOINT_URL"))
	}
	return id, true
}

// constant is credentials that do not change.
type constant aws.Credentials

// Retrieve returns them.
func (c constant) Retrieve(context.Context) (aws.Credentials, error) { return aws.Credentials(c), nil }

// filesExist tells whether there may be a configuration file of AWS.
func filesExist(getenv func(string) string) bool {
	config, credentials := files(getenv)
	for _, name := range []string{config, credentials} {
		if name == "" {
			return true // not known where
		}
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			return true
		}
	}
	return false
}

// files returns where the SDK looks for its configuration; "" when unknown.
func files(getenv func(string) string) (config, credentials string) {
	home := getenv("HOME")
	if runtime.GOOS == "windows" {
		home = getenv("USERPROFILE")
	}
	config, credentials = getenv("AWS_CONFIG_FILE"), getenv("AWS_SHARED_CREDENTIALS_FILE")
	if config == "" && home != "" {
		config = filepath.Join(home, ".aws", "config")
	}
	if credentials == "" && home != "" {
		credentials = filepath.Join(home, ".aws", "credentials")
	}
	return config, credentials
}

// truth reads a switch as the SDK does.
func truth(s string) (on, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case s == "", strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}
