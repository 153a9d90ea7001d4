package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
)

// maxConfig bounds the file that init changes, in bytes.
const maxConfig = 1 << 20

func newInit(a *app) *cobra.Command {
	var asDefault bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Write .skret.yaml, or add an environment to it",
		Long: `Write a .skret.yaml with one environment, which is the default one, into the
current folder; or add an environment to the .skret.yaml that is there. What is
in it stays as it is, with its comments, and so does the default, unless
--default is given. Nothing is asked, no secret is made, and no request.

The environment's name is -e, or the last segment of --path, or dev. --path
means provider aws, and --file provider local; the file of a local environment
is .skret.secrets.yaml. What AWS_* variables say is not written down.

Exit codes:
  0  written; the next step is on stderr
  2  the .skret.yaml that is there is wrong
  6  it has an environment of that name already; nothing was changed
  8  a flag is wrong or missing`,
		Example: `  skret init --provider local
  skret init --provider aws --path /myapp/prod --region us-east-1
  skret init -e staging --path /myapp/staging --region eu-west-1 --default`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runInit(c.Context(), a, asDefault) },
	}
	c.Flags().BoolVar(&asDefault, "default", false, "make it the default environment of an existing .skret.yaml")
	return c
}

func runInit(ctx context.Context, a *app, asDefault bool) error {
	in, err := a.input()
	if err != nil {
		return err
	}
	add, err := config.NewAddition(in)
	if err != nil {
		return err
	}
	add.Default = asDefault
	made := false
	err = durable.Update(ctx, add.File, 0o644, maxConfig, func(old []byte) ([]byte, error) {
		made = old == nil
		return add.Apply(old)
	})
	if err != nil {
		return err
	}
	// What counts is what the next command makes of the file.
	p, err := config.Load(config.Input{Dir: in.Dir, Home: in.Home, Flags: config.Flags{Config: add.File, Env: add.Env}})
	if err != nil {
		return err
	}
	next := "skret set NAME"
	if !add.Default {
		next = "skret set -e " + add.Env + " NAME"
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"file": p.File, "environment": p.Env, "made": made, "default": add.Default, "next": next})
	}
	name := p.File
	if rel, err := filepath.Rel(in.Dir, name); err == nil {
		name = rel
	}
	a.streams.Notice("wrote environment %s into %s", p.Describe(), name)
	a.streams.Notice("next: %s", next)
	return nil
}
