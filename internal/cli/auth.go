package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/ui"
)

func newAuth(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "auth",
		Short: "Sign in to AWS and to the services that secrets come from and go to",
		Long: `Sign in to AWS and to the services that secrets come from and go to, see who
commands sign as, and sign out.

Commands sign with the first of these that there is:
  1. --auth NAME or chain, --profile NAME; SKRET_AUTH, SKRET_PROFILE
  2. auth: of the environment in .skret.yaml
  3. the default sign-in of skret auth login aws
  4. what the AWS SDK finds: keys in the environment, AWS_PROFILE, the profile
     of .skret.yaml, web identity, container, EC2 instance
The first that there is stays: if it fails, the error says how to mend it, and
nobody else signs in its place.`,
		Example: `  skret auth login aws
  skret auth status
  skret auth logout aws`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newAuthLogin(a),
		newAuthStatus(a),
		newAuthLogout(a),
		newAuthUse(a),
		newAuthToken(a),
		newAuthRotate(a),
		newAuthDoctor(a),
		newAuthPolicy(a),
		newAuthBootstrap(a),
	)
	return c
}

// userOptions are the engine's options for what needs no project.
func (a *app) userOptions() (engine.Options, error) {
	in, err := a.input()
	if err != nil {
		return engine.Options{}, err
	}
	p, err := config.User(in)
	return a.options(p), err
}

// identityOptions are the engine's options for what concerns the identity of the
// project's environment. Where there is no project, or none that can be used, the
// flags and variables alone decide; why is said.
func (a *app) identityOptions() (engine.Options, error) {
	p, err := a.project()
	if err == nil && p.Place.Provider == config.ProviderAWS {
		return a.options(p), nil
	}
	if err != nil && errs.KindOf(err) != errs.Config {
		return engine.Options{}, err
	}
	o, uerr := a.userOptions()
	if err != nil && uerr == nil && hasConfiguration(err) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		a.streams.Notice("the configuration is not used: %s", first)
	}
	return o, uerr
}

// hasConfiguration tells whether an error is about a configuration that is
// there.
func hasConfiguration(err error) bool { return !strings.HasPrefix(err.Error(), "there is no ") }

// relogin has the user sign in again, in the middle of a command.
func (a *app) relogin(o engine.Options) func(ctx context.Context, name string, why error) error {
	return func(ctx context.Context, name string, why error) error {
		a.signals.watch()
		a.streams.Notice("%s", why)
		if yes, err := a.streams.Confirm(ctx, "sign in now"); err != nil || !yes {
			return why
		}
		done, err := awsauth.SignIn(ctx, engine.AWS(o), a.loginOptions(awsauth.LoginOptions{Name: name}))
		if err == nil {
			a.streams.Notice("signed in as %s", done.Caller.ARN)
		}
		return err
	}
}

// loginOptions puts in how the user is asked.
func (a *app) loginOptions(o awsauth.LoginOptions) awsauth.LoginOptions {
	o.Ask = a.ask
	o.Show = func(text, link string) {
		a.streams.Tell("\n" + text + "\n")
		if link != "" {
			a.streams.QR(link)
		}
	}
	if a.interactive() {
		o.Browse = ui.Browser(getenv)
	}
	return o
}

// ask asks the user a question of a login.
func (a *app) ask(ctx context.Context, q awsauth.Question) (string, error) {
	if !a.interactive() {
		return "", unasked(q)
	}
	a.signals.watch()
	var answer string
	var err error
	switch {
	case q.Hidden:
		var b []byte
		b, err = a.streams.ReadHidden(ctx, q.Text+": ")
		answer = string(b)
	case q.Choices != nil:
		answer, err = a.streams.Choose(ctx, q.Text, q.Choices)
	default:
		answer, err = a.streams.ReadLine(ctx, q.Text, q.Standard)
	}
	if ui.IsNoTerminal(err) {
		return "", unasked(q)
	}
	return answer, err
}

// unasked is the refusal of a question where nobody can be asked.
func unasked(q awsauth.Question) error {
	e := errs.New(errs.Invalid, "%s is needed, and nobody can be asked here", q.Text)
	switch {
	case q.Option != "":
		return e.WithHint("pass --opt %s=...", q.Option)
	case q.Hidden:
		return e.WithHint("give it by a pipe with --from-stdin, or by variables with --from-env")
	}
	return e.WithHint("run this on a terminal")
}

// parseOpts reads --opt NAME=VALUE.
func parseOpts(words []string) (map[string]string, error) {
	opts := map[string]string{}
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, errs.New(errs.Invalid, "--opt: %q is not NAME=VALUE", name)
		}
		if _, twice := opts[name]; twice {
			return nil, errs.New(errs.Invalid, "--opt: %s is given twice", name)
		}
		opts[name] = value
	}
	return opts, nil
}

// describeMethods lists the methods and their options, for the help.
func describeMethods() string {
	var b strings.Builder
	for _, m := range awsauth.Methods() {
		fmt.Fprintf(&b, "  %-15s %s\n", m.Name, m.Doc)
		for _, o := range m.Options {
			must := ""
			if o.Must {
				must = " (asked for)"
			}
			fmt.Fprintf(&b, "    %-17s %s%s\n", o.Name, o.Doc, must)
		}
	}
	return b.String()
}
