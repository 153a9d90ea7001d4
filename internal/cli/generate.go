package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

type generateOptions struct {
	missing bool
	dryRun  bool
}

func (o *generateOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.missing, "missing", false, "store a value for every secret that the schema generates and that is not there")
	f.BoolVar(&o.dryRun, "dry-run", false, "with --missing: only say which those are")
}

func newGenerate(a *app) *cobra.Command {
	var o generateOptions
	var doc strings.Builder
	for _, g := range secret.Generators() {
		fmt.Fprintf(&doc, "  %-8s  %s\n", g.Name, g.Doc)
	}
	c := &cobra.Command{
		Use:   "generate KIND or generate --missing",
		Short: "Make a random value, or all that are missing",
		Long: `Print a new random value of this KIND:

` + doc.String() + `
Random numbers are the system's. On a terminal a newline is added. --format json
has the public key of a key pair, too.

To store a value without seeing it: skret set KEY --generate KIND.

--missing stores one for every rule of .skret.yaml's schema that has generate:
and whose secret is not there. Nothing that is there is written over, and no value
is shown; public keys of key pairs are printed.`,
		Example: `  skret generate password
  skret generate hex:16
  skret generate --missing --dry-run
  skret generate --missing -e prod`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(secret.GeneratorNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, args []string) error {
			if o.missing {
				return runGenerateMissing(c.Context(), a, o, args)
			}
			return runGenerate(a, o, args)
		},
	}
	o.bind(c.Flags())
	return c
}

func runGenerate(a *app, o generateOptions, args []string) error {
	switch {
	case o.dryRun:
		return errs.New(errs.Invalid, "--dry-run goes with --missing").WithHint("see skret generate --help")
	case len(args) == 0:
		return errs.New(errs.Invalid, "what to generate is not said").
			WithHint("name one of %s; or fill the schema's gaps with --missing", strings.Join(secret.GeneratorNames(), ", "))
	}
	v, err := generate.Value(args[0])
	if err != nil {
		return err
	}
	text := v.Reveal()
	if a.json() {
		return a.streams.JSON(generatedJSON{Kind: args[0], Value: text, PublicKey: generate.Public(v)})
	}
	if a.streams.OutTTY && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err = a.streams.Out.WriteString(text)
	return err
}

// generatedJSON is a value that was made. It is printable text, whatever its kind.
type generatedJSON struct {
	Kind      string `json:"kind"`
	Value     string `json:"value"`
	PublicKey string `json:"public_key,omitempty"`
}

func runGenerateMissing(ctx context.Context, a *app, o generateOptions, args []string) error {
	if len(args) > 0 {
		return errs.New(errs.Invalid, "--missing goes without a KIND: the schema says what is generated")
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	keys, err := client.Ungenerated(ctx)
	switch {
	case err != nil:
		return err
	case o.dryRun:
		return a.printToGenerate(keys)
	case len(keys) == 0 && !a.json():
		a.streams.Notice("nothing that the schema generates is missing")
		return nil
	}
	made, err := client.Generate(engine.BySchema, keys...)
	if err != nil {
		return err
	}
	return a.put(ctx, client, 0, made, true)
}

func (a *app) printToGenerate(keys []secret.Key) error {
	if a.json() {
		return a.streams.JSON(append([]secret.Key{}, keys...))
	}
	for _, k := range keys {
		if _, err := fmt.Fprintln(a.streams.Out, ui.Safe(string(k))); err != nil {
			return err
		}
	}
	return nil
}
