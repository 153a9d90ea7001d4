package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// generateBySchema is the kind of set --generate that stands for the schema's.
const generateBySchema = "schema"

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
	for _, k := range generate.Kinds() {
		fmt.Fprintf(&doc, "  %-8s  %s\n", k.Name, k.Doc)
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
		ValidArgsFunction: cobra.FixedCompletions(kinds(), cobra.ShellCompDirectiveNoFileComp),
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

// kinds are the names of what can be generated.
func kinds() []string {
	var names []string
	for _, k := range generate.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

func runGenerate(a *app, o generateOptions, args []string) error {
	switch {
	case o.dryRun:
		return errs.New(errs.Invalid, "--dry-run goes with --missing").WithHint("see skret generate --help")
	case len(args) == 0:
		return errs.New(errs.Invalid, "what to generate is not said").
			WithHint("name one of %s; or fill the schema's gaps with --missing", strings.Join(kinds(), ", "))
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
	client, err := a.open(ctx)
	if err != nil {
		return err
	}
	es, err := client.Names(ctx, "")
	if err != nil {
		return err
	}
	rules := client.Project.Rules
	var made []secret.Entry
	for _, r := range toGenerate(rules, es) {
		e := secret.Entry{Key: secret.Key(r.Name)}
		if !o.dryRun {
			if e.Value, err = generated(rules, e.Key, generateBySchema); err != nil {
				return err
			}
		}
		made = append(made, e)
	}
	switch {
	case o.dryRun:
		return a.printToGenerate(made)
	case len(made) == 0 && !a.json():
		a.streams.Notice("nothing that the schema generates is missing")
		return nil
	}
	return a.put(ctx, client, 0, made, true)
}

// toGenerate are the rules whose secrets are to be made and are not among es.
func toGenerate(rules []secret.Rule, es []secret.Entry) (some []secret.Rule) {
	there := make(map[string]bool, 2*len(es)) // keys and variables
	note := func(k secret.Key) { there[string(k)], there[k.EnvName()] = true, true }
	for _, e := range es {
		note(e.Key)
	}
	for _, r := range rules {
		if there[r.Name] {
			continue
		}
		note(secret.Key(r.Name)) // of several rules about it the first holds
		if r.Generate != "" {
			some = append(some, r)
		}
	}
	return some
}

func (a *app) printToGenerate(es []secret.Entry) error {
	if a.json() {
		keys := make([]secret.Key, len(es))
		for i, e := range es {
			keys[i] = e.Key
		}
		return a.streams.JSON(keys)
	}
	for _, e := range es {
		if _, err := fmt.Fprintln(a.streams.Out, ui.Safe(string(e.Key))); err != nil {
			return err
		}
	}
	return nil
}

// generated makes the value of a secret, as spec says or the schema, and sees to it
// that the schema lets it be.
func generated(rules []secret.Rule, k secret.Key, spec string) (secret.Value, error) {
	rule := secret.FindRule(rules)(k)
	if spec == generateBySchema {
		if spec = rule.Generate; spec == "" {
			return secret.Value{}, errs.New(errs.Invalid, "no rule of the schema says how %s is generated", k).
				WithHint("name a kind: skret set %s --generate password", k)
		}
	}
	v, err := generate.Value(spec)
	if err != nil {
		return v, err
	}
	if faults := check.Judge([]secret.Rule{rule}, nil, []secret.Entry{{Key: k, Value: v}}); len(faults) > 0 {
		return v, errs.New(errs.Invalid, "%s generates a value for %s that %s", spec, k, faults[0].Why).
			WithHint("generate another kind, or change the rule at %s", faults[0].Where)
	}
	return v, nil
}
