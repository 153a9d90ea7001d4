package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
)

type checkOptions struct {
	filters
	namesOnly bool
	all       bool
}

func (o *checkOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.BoolVar(&o.namesOnly, "names-only", false, "decrypt nothing: judge names, and whether what is required is there")
	f.BoolVar(&o.all, "all", false, "check every environment of .skret.yaml")
}

func newCheck(a *app) *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use:   "check [flags]",
		Short: "Check that the secrets are what the project says they are",
		Long: `Check the environment's secrets against .skret.yaml: what is required is there,
values are what the schema says, references lead somewhere, and every key makes a
variable of its own that is not dangerous. All faults are told at once, a line
each: the key, the rule that is broken, why, and what to do. No value is shown, nor
anything of one.

run, env and template refuse to work for the same faults.

--names-only needs no right to decrypt: it judges names alone.

Exit codes:
  0  there is no fault
  5  required secrets are missing, and nothing else is wrong
  8  there are other faults, or wrong usage
  1, 2, 3, 4, 7  as for every command: see skret --help`,
		Example: `  skret check
  skret check -e prod --format json
  skret check --all --names-only`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return formats(c, "table", "json")
}

func runCheck(ctx context.Context, a *app, o checkOptions) error {
	projects, err := a.checked(o.all)
	if err != nil {
		return err
	}
	var docs []checkJSON
	var rows [][]string
	var probs []error
	for _, p := range projects {
		doc := checkJSON{Environment: p.Env, Faults: []faultJSON{}}
		var faults []check.Fault
		client, err := a.openProject(p)
		if err == nil {
			doc.Secrets, faults, err = client.Check(ctx, o.namesOnly, o.only, o.except, o.allow)
		}
		if err != nil {
			if o.all {
				err = errs.Each(p.Describe(), err)
			}
			probs = append(probs, err)
			continue
		}
		for _, f := range faults {
			doc.Faults = append(doc.Faults, faultJSON(f))
			rows = append(rows, faultRow(p.Env, f, o.all))
		}
		docs = append(docs, doc)
		if err := faulty(p.Describe(), faults); err != nil {
			probs = append(probs, err)
		} else if !a.json() {
			a.streams.Notice("%s: %s, no faults", p.Describe(), count(doc.Secrets, "secret"))
		}
	}
	if err := a.printChecked(o.all, docs, rows); err != nil {
		return err
	}
	return errors.Join(probs...)
}

// checked are the configurations of the environments to check.
func (a *app) checked(all bool) ([]*config.Project, error) {
	if !all {
		p, err := a.project()
		return []*config.Project{p}, err
	}
	if a.global.Env != "" {
		return nil, errs.New(errs.Invalid, "--all and --env exclude each other")
	}
	in, err := a.input()
	if err != nil {
		return nil, err
	}
	return config.All(in)
}

func (a *app) printChecked(all bool, docs []checkJSON, rows [][]string) error {
	switch {
	case a.json() && all:
		return a.streams.JSON(append([]checkJSON{}, docs...))
	case a.json() && len(docs) == 1:
		return a.streams.JSON(docs[0])
	case len(rows) == 0 || a.json():
		return nil
	case all:
		return a.streams.Table([]string{"ENVIRONMENT", "KEY", "RULE", "FAULT", "WHAT TO DO"}, rows)
	}
	return a.streams.Table([]string{"KEY", "RULE", "FAULT", "WHAT TO DO"}, rows)
}

// checkJSON is what was found in one environment.
type checkJSON struct {
	Environment string      `json:"environment"` // "" without .skret.yaml
	Secrets     int         `json:"secrets"`
	Faults      []faultJSON `json:"faults"`
}

// faultJSON is a [check.Fault].
type faultJSON struct {
	Key   string `json:"key"`
	Rule  string `json:"rule"`
	Why   string `json:"why"`
	Hint  string `json:"hint"`
	Where string `json:"where,omitempty"`
}

func faultRow(env string, f check.Fault, withEnv bool) []string {
	row := []string{f.Key, f.Rule, f.Why, f.Hint}
	if f.Where != "" {
		row[2] += " (" + f.Where + ")"
	}
	if withEnv {
		row = slices.Insert(row, 0, env)
	}
	return row
}

// faulty is the error of an environment with faults, or nil.
func faulty(env string, faults []check.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	kind := errs.NotFound
	if slices.ContainsFunc(faults, func(f check.Fault) bool { return f.Rule != check.Required }) {
		kind = errs.Invalid
	}
	return errs.New(kind, "%s has %s", env, count(len(faults), "fault"))
}
