package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
)

type rotateOptions struct{ name string }

func (o *rotateOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "name of the sign-in; the default one otherwise")
}

func newAuthRotate(a *app) *cobra.Command {
	var o rotateOptions
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the access key of a sign-in by a new one",
		Long: `Replace the access key of a sign-in: a new key is made, verified with STS and kept;
then the old one is deactivated and deleted. A step that fails undoes those
before it.

The identity needs iam:CreateAccessKey, iam:UpdateAccessKey and
iam:DeleteAccessKey on itself. Whatever else uses the old key stops working.`,
		Example: `  skret auth rotate
  skret auth rotate --name ci`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAuthRotate(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

func runAuthRotate(ctx context.Context, a *app, o rotateOptions) error {
	eo, err := a.userOptions()
	if err != nil {
		return err
	}
	a.signals.watch()
	done, err := awsauth.Rotate(ctx, engine.AWS(eo), o.name)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{
			"name": done.Name, "user": done.User, "old": done.Old, "new": done.New, "notes": append([]string{}, done.Notes...),
		})
	}
	a.streams.Notice("aws: the access key %s of %q is replaced by %s", done.Old, done.Name, done.New)
	for _, n := range done.Notes {
		a.streams.Notice("%s", n)
	}
	return nil
}
