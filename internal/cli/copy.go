package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

type copyOptions struct {
	planOptions
	selection
	rename    []string
	overwrite bool
	yes       string
}

func (o *copyOptions) bind(f *pflag.FlagSet) {
	o.planOptions.bind(f)
	o.selection.bind(f)
	f.StringArrayVar(&o.rename, "rename", nil, "`OLD=NEW`: another key for one secret; may be repeated")
	f.BoolVar(&o.overwrite, "overwrite", false, "write over what exists with another value")
	f.StringVar(&o.yes, "yes", "", "`name` of the protected environment that is meant to be written to")
}

func newCopy(a *app) *cobra.Command {
	var o copyOptions
	c := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy secrets from one environment to another",
		Long: `Copy the secrets of one environment to another, under the same keys.

FROM and TO are environments of .skret.yaml. FROM may also be an environment as it
was (prod@2026-11-01, prod@v3), a path in SSM, a file, or another place: see skret
diff --help.

What exists at TO with another value is told before anything is written, and then
nothing is: --overwrite writes over it. What has the same value is left as it is,
so that it gets no new version. Into an environment with "protected: true" it asks
for the environment's name; where nobody can be asked, --yes gives it.

Within one environment, --rename OLD=NEW says which secrets are copied, and to
which keys; skret rename does so and deletes the old one.`,
		Example: `  skret copy dev staging --only 'DB_*'
  skret copy dev dev --rename DB_URL=DB_URL_OLD
  skret copy staging prod --overwrite --dry-run
  skret copy prod@2026-11-01 prod --overwrite --only API_KEY --yes prod`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeEnvs,
		RunE:              func(c *cobra.Command, args []string) error { return runCopy(c.Context(), a, o, args[0], args[1]) },
	}
	o.bind(c.Flags())
	return c
}

func runCopy(ctx context.Context, a *app, o copyOptions, from, to string) error {
	if err := o.check(a); err != nil {
		return err
	}
	mapping := o.mapping()
	var err error
	if mapping.Rename, err = renames(o.rename); err != nil {
		return err
	}
	p, err := a.anyPlaces()
	if err != nil {
		return err
	}
	src, dst, err := a.ends(ctx, p, from, to)
	if err != nil {
		return err
	}
	defer src.Close(ctx)
	defer dst.Close(ctx)
	if src.ID == dst.ID {
		if len(mapping.Rename) == 0 {
			return samePlace(from, to).WithHint("within one environment, --rename OLD=NEW says what is copied where")
		}
		for old := range mapping.Rename {
			mapping.Only = append(mapping.Only, string(old))
		}
	}
	if !dst.Keys {
		return errs.New(errs.Invalid, "copy writes to environments, and %s is none", dst.Title).
			WithHint("skret sync writes to services and files")
	}
	if !o.dryRun {
		if err := a.protect(ctx, dst.Project, o.yes); err != nil {
			return err
		}
	}
	policy := transfer.Policy{OnExists: transfer.Fail}
	if o.overwrite {
		policy.OnExists = transfer.Overwrite
	}
	t, err := p.Prepare(ctx, src, dst, engine.TransferOptions{Mapping: mapping, Policy: policy, Look: o.dryRun})
	if err != nil {
		return err
	}
	var docs []planJSON
	return a.printPlans(docs, a.carry(ctx, t, o.planOptions, &docs))
}

// ends opens two places that are named by words.
func (a *app) ends(ctx context.Context, p *engine.Places, from, to string) (src, dst *engine.End, err error) {
	specs := make([]engine.Spec, 2)
	for i, word := range []string{from, to} {
		if specs[i], err = p.Ref(word); err == nil {
			err = a.resolveFile(&specs[i])
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if src, err = p.Open(ctx, specs[0]); err != nil {
		return nil, nil, err
	}
	if dst, err = p.Open(ctx, specs[1]); err != nil {
		src.Close(ctx)
		return nil, nil, err
	}
	return src, dst, nil
}

func samePlace(a, b string) *errs.Error {
	return errs.New(errs.Invalid, "%s and %s are the same place", a, b)
}

// renames reads what --rename says.
func renames(words []string) (map[secret.Key]secret.Key, error) {
	m := map[secret.Key]secret.Key{}
	for _, w := range words {
		from, to, ok := strings.Cut(w, "=")
		if !ok || from == "" || to == "" {
			return nil, errs.New(errs.Invalid, "--rename: %q is not OLD=NEW", w)
		}
		if _, twice := m[secret.Key(from)]; twice {
			return nil, errs.New(errs.Invalid, "--rename: %s is given twice", from).WithHint("copy once for each new key")
		}
		m[secret.Key(from)] = secret.Key(to)
	}
	return m, nil
}
