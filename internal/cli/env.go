package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

type envOptions struct {
	filters
	output string
}

func (o *envOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.StringVarP(&o.output, "output", "o", "", "put the text in place of this `file`, for you alone to read")
}

func newEnv(a *app) *cobra.Command {
	var o envOptions
	var shapes strings.Builder
	for _, f := range format.All() {
		fmt.Fprintf(&shapes, "  %-10s  %s\n", f.Name, f.Doc)
	}
	c := &cobra.Command{
		Use:   "env [flags]",
		Short: "Print the secrets as variables, in the shape that another program reads",
		Long: `Print the environment's secrets as variables, in the shape of --format:

` + shapes.String() + `
The program that a format is for reads back the exact bytes of every value, and
runs nothing, whatever the values are. A value for which that cannot be is
refused by the name of its key, all of them at once, and nothing is printed;
skret run hands over such values too.

dotenv is what these read alike: dotenv for Node, node --env-file, python-dotenv,
docker compose, godotenv, and "set -a; . FILE" in sh, dash and bash. It refuses
what they read differently: a carriage return, two backslashes in a row or one at
the end, ${, and a single quote together with one of " \ $ and the backtick.
Tools that expand variables on top, such as dotenv-expand, are not among them.

github is to be appended to the file behind $GITHUB_ENV or $GITHUB_OUTPUT. Within
GitHub Actions it also writes a mask for every line of every value to stderr,
where the runner takes it and shows none of it: do not redirect stderr there.

On a terminal control characters are shown as escapes.

Exit codes:
  0  everything was printed
  5  a required secret is missing
  6  two keys map to one variable
  8  a value or a name that cannot be printed so, or wrong usage
  1, 2, 3, 4, 7  as for every command: see skret --help`,
		Example: `  skret env > .env
  skret env -o .env
  eval "$(skret env --format shell)"
  skret env --format fish | source
  skret env --format powershell | Invoke-Expression
  skret env --format docker -o app.env && docker run --env-file app.env app
  skret env --format github >> "$GITHUB_ENV"
  skret env --format json --only 'DB_*' | jq -r .DB_URL`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runEnv(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return formats(c, format.Names()...)
}

func runEnv(ctx context.Context, a *app, o envOptions) error {
	f, _ := format.Lookup(a.global.format)
	github := f.Name == format.GitHub
	if github && o.output != "" {
		return errs.New(errs.Invalid, "--output replaces a file, and GitHub's may hold what other commands wrote").
			WithHint(`append to it: skret env --format github >> "$GITHUB_ENV"`)
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	var output string
	if o.output != "" {
		if output, err = a.outputFile(o.output, client.Project); err != nil {
			return err
		}
	}
	set, err := client.Variables(ctx, o.only, o.except, o.allow)
	if err != nil {
		return err
	}
	text, err := f.Text(set)
	if err != nil {
		return err
	}
	switch {
	case output != "":
		if err := durable.WriteFile(output, text, 0o600); err != nil {
			return err
		}
		a.streams.Notice("wrote %s", o.output)
		return nil
	case github:
		if err := a.mask(set); err != nil {
			return err
		}
	}
	if a.streams.OutTTY {
		text = []byte(ui.SafeLines(string(text)))
	}
	_, err = a.streams.Out.Write(text)
	return err
}

// outputFile returns the file to put the text into: not one that skret lives by.
func (a *app) outputFile(name string, p *config.Project) (string, error) {
	path, err := a.abs(name)
	if err != nil {
		return "", err
	}
	info, _ := os.Stat(path)
	for _, own := range p.Files() {
		if there, err := os.Stat(own); path == own || err == nil && os.SameFile(info, there) {
			return "", errs.New(errs.Invalid, "--output: %s is a file of skret's own, and would be lost", name).WithHint("name another")
		}
	}
	return path, nil
}

// mask has GitHub's runner hide the values in its log. Elsewhere nobody would
// take the masks, and they would show what they are to hide.
func (a *app) mask(set secret.Set) error {
	if getenv("GITHUB_ACTIONS") != "true" {
		a.streams.Notice("this is not GitHub Actions: no masks are written")
		return nil
	}
	if _, err := a.streams.Err.Write(format.Masks(set)); err != nil {
		return fmt.Errorf("write the masks to standard error: %w", err)
	}
	return nil
}
