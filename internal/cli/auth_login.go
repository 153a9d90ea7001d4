package cli

import (
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

type loginOptions struct {
	name, method, flow, store, mfaCommand string
	opts                                  []string
	fromStdin, fromEnv, noVerify          bool
	allowRoot, force                      bool
}

func (o *loginOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.method, "method", "", "how to sign in; see above")
	f.StringVar(&o.name, "name", "", "name of the sign-in, to have several")
	f.StringArrayVar(&o.opts, "opt", nil, "a setting of the method, NAME=VALUE; may be repeated")
	f.StringVar(&o.flow, "flow", "", "with sso: pkce, paste or device")
	f.StringVar(&o.mfaCommand, "mfa-command", "", "with assume-role: a command that prints the MFA code")
	f.StringVar(&o.store, "store", "", "where the key of all sign-ins is kept: keyring, keyfile, passphrase or plaintext")
	f.BoolVar(&o.fromStdin, "from-stdin", false, "read the secrets from standard input")
	f.BoolVar(&o.fromEnv, "from-env", false, "take the secrets from the service's environment variables")
	f.BoolVar(&o.noVerify, "no-verify", false, "keep it without asking the service who that is")
	f.BoolVar(&o.allowRoot, "allow-root", false, "keep the keys of an account's root user, too")
	f.BoolVar(&o.force, "force", false, "end the session that there is first: for new permissions")
}

func newAuthLogin(a *app) *cobra.Command {
	var o loginOptions
	c := &cobra.Command{
		Use:   "login SERVICE",
		Short: "Sign in to AWS, Doppler, Infisical, GitHub, Cloudflare or GitLab",
		Long: `Sign in to a service: aws, doppler, infisical, github, cloudflare or gitlab. What is
missing is asked for; with CI or --no-input, or without a terminal, it is refused
instead.

The sign-in is verified and then kept in ~/.skret/credentials.yaml, sealed by a
key that is in the OS keyring, or where there is none in a key file beside it.
From then on commands use it, and renew it silently. Signing in again under the
same name replaces it; what was answered before need not be answered again.

Ways to sign in to AWS, and their settings for --opt:
` + describeMethods() + `
The other services take a token; where there is a choice, --method is token,
device, universal-auth, oidc-auth or aws-auth. --opt base_url=ADDRESS is for a
server of your own.

Exit codes:
  0  signed in
  4  refused, expired, or the wrong account
  7  the service cannot be reached
  8  something is missing, and nobody can be asked`,
		Example: `  skret auth login aws
  skret auth login aws --opt start_url=https://acme.awsapps.com/start --opt region=us-east-1
  skret auth login aws --method access-key
  skret auth login aws --name deploy --method assume-role --opt role_arn=arn:aws:iam::123456789012:role/deploy
  printf '%s\n' "$KEY_ID" "$KEY_SECRET" | skret auth login aws --method access-key --from-stdin
  skret auth login doppler`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: serviceNames(),
		RunE:      func(c *cobra.Command, args []string) error { return runAuthLogin(c.Context(), a, o, args[0]) },
	}
	o.bind(c.Flags())
	_ = c.RegisterFlagCompletionFunc("method", cobra.FixedCompletions(methodNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("store", cobra.FixedCompletions(storeNames, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("flow", cobra.FixedCompletions(flowNames, cobra.ShellCompDirectiveNoFileComp))
	return c
}

var (
	storeNames = []string{string(vault.Keyring), string(vault.KeyFile), string(vault.Passphrase), string(vault.Plaintext)}
	flowNames  = []string{"pkce", "paste", "device"}
)

func methodNames() []string {
	var names []string
	for _, m := range awsauth.Methods() {
		names = append(names, m.Name)
	}
	return names
}

func runAuthLogin(ctx context.Context, a *app, o loginOptions, service string) error {
	opts, err := o.check(service)
	if err != nil {
		return err
	}
	eo, err := a.userOptions()
	if err != nil {
		return err
	}
	if eo.Project.Home == "" {
		return errs.New(errs.Config, "there is no place for a sign-in: no home folder is known").WithHint("set HOME or SKRET_HOME to a full path")
	}
	a.signals.watch()
	given, err := a.given(o, service)
	if err != nil {
		return err
	}
	if o.store != "" {
		if err := engine.Vault(eo).Choose(ctx, vault.Store(o.store)); err != nil {
			return err
		}
	}
	if service != awsauth.Service {
		return a.loginService(ctx, eo, o, service, opts, given)
	}
	if cmp.Or(o.method, "sso") == "sso" && !a.interactive() && opts["flow"] == "" && o.method != "" {
		return errs.New(errs.Invalid, "signing in to IAM Identity Center needs a person, and nobody can be asked here").
			WithHint("--flow device prints a code for another machine; in CI use --method oidc, or no sign-in and the SDK's chain")
	}
	dir, err := a.dir()
	if err != nil {
		return err
	}
	done, err := awsauth.SignIn(ctx, engine.AWS(eo), a.loginOptions(awsauth.LoginOptions{
		Name: o.name, Method: o.method, Opts: opts, Given: given, Dir: dir, Unverified: o.noVerify, AllowRoot: o.allowRoot, Anew: o.force,
	}))
	if err != nil {
		return err
	}
	return a.printLogin(eo, done)
}

// check checks what is on the command line before anything is asked.
func (o *loginOptions) check(service string) (map[string]string, error) {
	if err := enum("service", service, serviceNames()...); err != nil {
		return nil, err
	}
	opts, err := parseOpts(o.opts)
	if err != nil {
		return nil, err
	}
	if service != awsauth.Service && (o.flow != "" || o.mfaCommand != "" || o.allowRoot || o.force) {
		return nil, errs.New(errs.Invalid, "--flow, --mfa-command, --allow-root and --force are for aws")
	}
	if o.fromStdin && o.fromEnv {
		return nil, errs.New(errs.Invalid, "--from-stdin and --from-env exclude each other")
	}
	if o.store != "" {
		if err := enum("--store", o.store, storeNames...); err != nil {
			return nil, err
		}
	}
	if o.flow != "" {
		if err := enum("--flow", o.flow, flowNames...); err != nil {
			return nil, err
		}
		opts["flow"] = o.flow
	}
	if o.mfaCommand != "" {
		opts["mfa_command"] = o.mfaCommand
	}
	return opts, nil
}

// given reads the secrets that come by a pipe or by variables; nil when they are
// to be asked for.
func (a *app) given(o loginOptions, service string) (map[string]string, error) {
	text := ""
	switch {
	case o.fromStdin:
		b, err := io.ReadAll(io.LimitReader(a.streams.In, 64<<10))
		if err != nil {
			return nil, errs.New(errs.Unclassified, "read from standard input: %w", err)
		}
		text = string(b)
	case !o.fromEnv:
		return nil, nil
	}
	if service != awsauth.Service {
		return givenFields(o, service, text)
	}
	if o.fromEnv {
		var lines []string
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
			if v := getenv(name); v != "" {
				lines = append(lines, name+"="+v)
			}
		}
		text = strings.Join(lines, "\n")
	}
	return awsauth.ParseKeys(text)
}

// printLogin says who signs from now on.
func (a *app) printLogin(eo engine.Options, done awsauth.Login) error {
	_, where, err := engine.Vault(eo).Backend()
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{
			"service": awsauth.Service, "name": done.Name, "method": done.Method, "account": done.Caller.Account, "arn": done.Caller.ARN,
			"default": done.Default, "sealed_by": where, "notes": append([]string{}, done.Notes...),
		})
	}
	as := "kept, and not verified"
	if done.Caller.ARN != "" {
		as = "signed in as " + done.Caller.ARN
	}
	a.streams.Notice("aws: %s (method: %s); sealed by %s", as, done.Method, where)
	for _, n := range done.Notes {
		a.streams.Notice("%s", n)
	}
	if !done.Default {
		a.streams.Notice("commands use it with --auth %s, or auth: %s in .skret.yaml; skret auth use aws %[1]s makes it the default", done.Name, done.Name)
	}
	return nil
}
