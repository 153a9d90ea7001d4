package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/transfer"
)

type diffOptions struct {
	planOptions
	selection
}

func (o *diffOptions) bind(f *pflag.FlagSet) {
	o.bindLook(f)
	o.selection.bind(f)
}

func newDiff(a *app) *cobra.Command {
	var o diffOptions
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show how two places differ, by names",
		Long: `Show what would have to change at B to make it like A: what only A has (create),
what has another value (update), what only B has (orphan). Values are compared in
memory and not shown. A place that gives no values back, such as GitHub, shows what
it has, and of the rest that it is unknown.

A place is
  NAME                     an environment of .skret.yaml
  NAME@2026-11-01          as it was then; also 2026-11-01T15:04, in your zone
  NAME@v3                  with the third version of each secret, or its newest before
  /PATH, aws:REGION:/PATH  a path in SSM Parameter Store
  FILE, FORMAT:FILE        a file: .env, secrets.json, dotenv:config/app
  github:OWNER/REPO[:ENVIRONMENT], github:ORG
  gitlab:GROUP/PROJECT[:SCOPE]
  cloudflare-workers:SCRIPT, cloudflare-pages:PROJECT[:ENVIRONMENT]
  kubernetes:[NAMESPACE/]NAME
  doppler:PROJECT/CONFIG, infisical:PROJECT-ID/ENVIRONMENT[/FOLDER]
  chamber:SERVICE, local:FILE

Two stores are compared by key, all else by the names of variables. In SSM the
history of a parameter ends with it: a past does not show what was deleted since.`,
		Example: `  skret diff dev prod
  skret diff prod .env
  skret diff prod github:acme/app
  skret diff prod@2026-11-01 prod --exit-code`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeEnvs,
		RunE:              func(c *cobra.Command, args []string) error { return runDiff(c.Context(), a, o, args[0], args[1]) },
	}
	o.bind(c.Flags())
	return c
}

func runDiff(ctx context.Context, a *app, o diffOptions, from, to string) error {
	o.orphans = true
	if err := o.check(a); err != nil {
		return err
	}
	p, err := a.anyPlaces()
	if err != nil {
		return err
	}
	left, right, err := a.ends(ctx, p, from, to)
	if err != nil {
		return err
	}
	defer left.Close(ctx)
	defer right.Close(ctx)
	if left.ID == right.ID {
		return samePlace(from, to)
	}
	plan, err := p.Compare(ctx, left, right, o.mapping())
	if err != nil {
		return err
	}
	if a.json() {
		err = a.streams.JSON(map[string]any{"plans": []planJSON{newPlanJSON(left.Title, right.Title, plan)}})
	} else {
		err = a.printPlan(left.Title, right.Title, plan, o.planOptions)
	}
	if err == nil && o.exitCode && (plan.Differs() || len(plan.Of(transfer.Orphan)) > 0) {
		err = errs.New(errs.Drift, "%s and %s differ", left.Title, right.Title)
	}
	return err
}

// anyPlaces opens places without a chosen environment: the words name them all.
func (a *app) anyPlaces() (*engine.Places, error) {
	in, err := a.input()
	if err != nil {
		return nil, err
	}
	project, err := config.Outline(in)
	if err != nil {
		return nil, err
	}
	return a.places(project), nil
}
