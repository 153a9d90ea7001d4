// Package awsauth answers which AWS identity a command has, why, and until when.
//
// [Resolve] takes the first of these that there is:
//
//  1. what was asked for: a sign-in of skret's by name, the chain, or an AWS
//     profile
//  2. the sign-in that the environment of .skret.yaml names
//  3. the default sign-in that skret keeps after skret auth login aws
//  4. the AWS SDK's chain, in the SDK's order: a profile that was asked for,
//     else the access key in the environment, else a web identity there, else
//     the profile of AWS_PROFILE or "default", with whatever it says: keys, SSO,
//     aws login, credential_process, a role; and last the container's or the EC2
//     instance's role
//
// The first that there is stays: if it fails, the error says how to mend it, and
// nobody else signs in its place. What a sign-in of skret's shadows is said.
//
// [Login] makes a sign-in, by one of [Methods]; [Status], [Logout], [Doctor] and
// [Rotate] look after it. What is secret in it is kept by package vault. From
// then on commands renew it silently: one process of a machine at a time, ahead
// of the end, and what was got is written down before it is used, since a
// refresh token may be good for one use only.
//
// What differs from the bare SDK in the chain: an instance's metadata is asked
// without a proxy, in version 2 only, and within a second; a credential_process
// gets no standard input and its output appears in no error; an MFA code is
// asked for; AWS_ENDPOINT_URL and endpoint_url are those of STS and IAM Identity
// Center, too, as in the SDKs of other languages; every duration_seconds of 15
// minutes or more counts; and an error says what was looked at and what to do.
package awsauth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// Service is the name by which the vault knows AWS.
const Service = "aws"

// Chain is the word for what the AWS SDK finds, where the name of a sign-in
// could stand.
const Chain = "chain"

// Options are what is asked for. Getenv must read the process's environment,
// since the SDK does so by itself; it and Log are never nil.
type Options struct {
	Auth     string // a sign-in by name, or [Chain]; "" leaves it to the order
	AuthFrom string // where that stands, for messages: "--auth"

	Profile         string // asked for, from AWS_PROFILE, or from .skret.yaml; "" for the default
	ProfileFrom     string // where that stands, for messages
	ProfileExplicit bool   // asked for: goes before everything

	Account, Role string // who signs must be of them; "" is any
	Region        string // "" leaves it to the SDK

	Vault     *vault.Vault // of skret's own sign-ins; nil: there are none
	HTTP      *http.Client // for the services of signing in
	Home      string       // skret's own folder, for what may be forgotten; "" keeps nothing
	UserAgent string
	Getenv    func(string) string
	Log       *slog.Logger
	Notice    func(msg string) // a line for the user; nil: none
	Now       func() time.Time // nil: time.Now

	// AskMFA asks for the code of an MFA device. nil refuses.
	AskMFA func(ctx context.Context, prompt string) ([]byte, error)

	// Relogin is called when the sign-in of this name is over, for why. When it
	// returns nil the user has signed in again. nil: nobody can be asked.
	Relogin func(ctx context.Context, name string, why error) error

	depth int // of sign-ins that assume roles of each other
}

func (o *Options) fill() {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Identity is who signs the requests, and where they go.
type Identity struct {
	Credentials aws.CredentialsProvider // its errors have a kind and a hint
	Region      string
	Origin      string // in words: `profile "prod" (SSO session "corp")`
	Renew       string // the next step when the credentials have expired
	Reason      string // why this one: "named by --auth"
	SignIn      string // the name of the sign-in of skret's, if it is one
	Who         string // tells it from other identities, as far as is known without asking; not to be shown

	Endpoint        string // of SSM, when one is configured
	FIPS, DualStack bool
	MaxAttempts     int    // 0 when it is not configured
	CABundle        string // file of certificate authorities; "" for the system's

	kind   kind                // of the source, in the chain
	http   *http.Client        // by which STS is asked; nil: that of the options
	getenv func(string) string // and where that is; nil likewise
}

// Resolve finds the identity. It makes no request: credentials that must be
// fetched are fetched when they are first used.
func Resolve(o Options) (*Identity, error) {
	o.fill()
	choice, err := choose(o)
	if err != nil {
		return nil, err
	}
	var id *Identity
	if choice.signIn != nil {
		id, err = fromVault(o, *choice.signIn)
	} else {
		id, err = followChain(o)
	}
	if err != nil {
		return nil, err
	}
	if id.Region == "" {
		return nil, errs.New(errs.Config, "no AWS region is set").
			WithHint("pass --region, or set AWS_REGION, region: in .skret.yaml, or region in the AWS profile")
	}
	id.Reason = choice.reason
	if choice.shadows != "" {
		o.Notice(choice.shadows)
	}
	id.Credentials = guarded(o, id)
	o.Log.Info("identity", "origin", id.Origin, "reason", id.Reason, "region", id.Region)
	return id, nil
}

// fromVariables makes an identity without credentials of what the environment
// says about requests. wrong is the variable that cannot be understood, if any.
func fromVariables(o Options) (id *Identity, wrong string) {
	on := func(name string) bool {
		v, ok := truth(o.Getenv(name))
		if !ok {
			wrong = name
		}
		return v
	}
	id = &Identity{
		Region: o.Region, CABundle: o.Getenv("AWS_CA_BUNDLE"), Endpoint: endpoint.Override(o.Getenv, "SSM"),
		FIPS: on("AWS_USE_FIPS_ENDPOINT"), DualStack: on("AWS_USE_DUALSTACK_ENDPOINT"),
	}
	on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	var err error
	if id.MaxAttempts, err = strconv.Atoi(cmp.Or(o.Getenv("AWS_MAX_ATTEMPTS"), "0")); err != nil {
		wrong = "AWS_MAX_ATTEMPTS"
	}
	return id, wrong
}

// constant is credentials that do not change.
type constant aws.Credentials

// Retrieve returns them, if there are any: nothing signs with empty ones.
func (c constant) Retrieve(context.Context) (aws.Credentials, error) {
	if creds := aws.Credentials(c); creds.HasKeys() {
		return creds, nil
	}
	return aws.Credentials{}, errors.New("there is no access key")
}

// homeOf returns the user's folder: without the variable, as in a service of
// systemd, that of the system's list of users; "" when unknown.
func homeOf(getenv func(string) string) string {
	variable := "HOME"
	if runtime.GOOS == "windows" {
		variable = "USERPROFILE"
	}
	if home := getenv(variable); home != "" {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

// files returns where AWS's configuration is; "" when unknown.
func files(getenv func(string) string) (config, credentials string) {
	config, credentials = getenv("AWS_CONFIG_FILE"), getenv("AWS_SHARED_CREDENTIALS_FILE")
	if config != "" && credentials != "" {
		return config, credentials
	}
	if home := homeOf(getenv); home != "" {
		config = cmp.Or(config, filepath.Join(home, ".aws", "config"))
		credentials = cmp.Or(credentials, filepath.Join(home, ".aws", "credentials"))
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
