package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

type bootstrapOptions struct {
	name, iamName    string
	role, write, yes bool
}

func (o *bootstrapOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "name of the sign-in; the environment's name otherwise")
	f.StringVar(&o.iamName, "iam-name", "", "name in IAM; skret-PROJECT-ENVIRONMENT otherwise")
	f.BoolVar(&o.role, "as-role", false, "make a role, and not a user with an access key")
	f.BoolVar(&o.write, "write", false, "allow writing, too")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
}

func newAuthBootstrap(a *app) *cobra.Command {
	var o bootstrapOptions
	c := &cobra.Command{
		Use:   "bootstrap",
		Short: "Make an identity for an environment, with no more permissions than it needs",
		Long: `Make an identity for the environment, with the policy that skret auth policy prints,
and keep a sign-in as it: an IAM user with an access key, or with --as-role a role
that the present identity assumes.

The present identity, which may do that, is what the AWS SDK finds, or --profile or
--auth; it is not kept. The plan is shown and confirmed; a step that fails undoes
those before it.`,
		Example: `  skret auth bootstrap -e prod --profile admin
  skret auth bootstrap -e prod --profile admin --write --as-role`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAuthBootstrap(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

func runAuthBootstrap(ctx context.Context, a *app, o bootstrapOptions) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	if p.Place.Provider != config.ProviderAWS {
		return errs.New(errs.Invalid, "environment %s is not in AWS, and needs no identity", p.Describe()).WithHint("choose another with -e")
	}
	if !o.yes && !a.interactive() {
		return errs.New(errs.Invalid, "making an identity has to be confirmed, and nobody can be asked here").WithHint("pass --yes")
	}
	a.signals.watch()
	opts := engine.AWS(a.options(p))
	if !opts.ProfileExplicit && opts.Auth == "" {
		opts.Auth = awsauth.Chain // not a sign-in that may be this environment's own, of an earlier time
	}
	b := awsauth.BootstrapOptions{
		Name: cmp.Or(o.name, p.Env, awsauth.DefaultName), Role: o.role,
		IAMName: cmp.Or(o.iamName, strings.Trim(strings.Join([]string{"skret", p.Name, p.Env}, "-"), "-")),
		Policy: func(account string) (string, error) {
			place := *p
			place.Place.Account = account
			doc, _, err := a.document([]*config.Project{&place}, o.write)
			return doc.JSON(), err
		},
		Confirm: func(ctx context.Context, plan []string) (bool, error) {
			for _, step := range plan {
				a.streams.Notice("%s", step)
			}
			if o.yes {
				return true, nil
			}
			return a.streams.Confirm(ctx, "do that")
		},
	}
	done, err := awsauth.Bootstrap(ctx, opts, b)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"name": done.Name, "arn": done.ARN, "account": done.Account, "steps": done.Steps})
	}
	a.streams.Notice("made %s; commands use it with --auth %s, or auth: %[2]s in .skret.yaml", done.ARN, done.Name)
	return nil
}
