package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

type findOptions struct{ all, fold bool }

func (o *findOptions) bind(f *pflag.FlagSet) {
	f.BoolVarP(&o.all, "all", "a", false, "look in all environments of .skret.yaml")
	f.BoolVarP(&o.fold, "ignore-case", "i", false, "capitals and small letters are alike")
}

func newFind(a *app) *cobra.Command {
	var o findOptions
	c := formats(&cobra.Command{
		Use:   "find PATTERN [PATTERN ...]",
		Short: "Find secrets by name",
		Long: `Find secrets by key, or by the variable that a command sees. No value is read or
decrypted.

In a pattern * stands for anything, / included, ? for one character and [a-z] for
one of several. A pattern without any of them may stand anywhere in the name.

With --all every environment is looked at. One that cannot be reached is told of,
and the others are shown; the exit code is then that of the failure. When nothing
is found it is 5.`,
		Example: `  skret find url
  skret find 'DB_*' 'db/*'
  skret find -i token --all --format json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runFind(c.Context(), a, o, args) },
	}, "table", "json")
	o.bind(c.Flags())
	return c
}

// foundJSON is a secret and where it is.
type foundJSON struct {
	Environment string `json:"environment"`
	entryJSON
}

func runFind(ctx context.Context, a *app, o findOptions, args []string) error {
	if o.all && a.global.Env != "" {
		return errs.New(errs.Invalid, "--all and --env exclude each other")
	}
	match, err := engine.Finder(args, o.fold)
	if err != nil {
		return err
	}
	projects, err := a.projects(o.all)
	docs, rows := []foundJSON{}, [][]string(nil)
	probs := errs.All(err)
	for _, p := range projects {
		es, err := a.namesOf(ctx, p)
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			probs = append(probs, err)
		}
		for _, e := range es {
			if match(e) {
				docs = append(docs, foundJSON{p.Env, newEntryJSON(e)})
				rows = append(rows, []string{p.Env, string(e.Key), e.Key.EnvName(), strconv.FormatInt(e.Version, 10), a.when(e.Modified), e.Description})
			}
		}
	}
	if a.json() {
		err = a.streams.JSON(docs)
	} else if len(rows) > 0 {
		err = a.streams.Table([]string{"ENVIRONMENT", "KEY", "VARIABLE", "VERSION", "MODIFIED", "DESCRIPTION"}, rows)
	}
	if err == nil {
		err = errors.Join(probs...)
	}
	if err == nil && len(docs) == 0 {
		err = errs.New(errs.NotFound, "no name matches %s", secret.Join(args)).WithHint("see all names with skret list")
	}
	return err
}

// projects are that of the chosen environment, or those of all, and why some of them
// cannot be used.
func (a *app) projects(all bool) (ps []*config.Project, err error) {
	if !all {
		p, err := a.project()
		if err != nil {
			return nil, err
		}
		return []*config.Project{p}, nil
	}
	in, err := a.input()
	if err != nil {
		return nil, err
	}
	outline, err := config.Outline(in)
	if err != nil {
		return nil, err
	}
	if len(outline.Envs) == 0 {
		return nil, errs.New(errs.Config, "--all: there is no .skret.yaml with environments").WithHint("start with skret init")
	}
	var probs []error
	for _, name := range outline.Envs {
		p, err := load(in, config.Flags{Env: name})
		if err != nil {
			probs = append(probs, errs.Each(name, err))
			continue
		}
		ps = append(ps, p)
	}
	return ps, errors.Join(probs...)
}

// namesOf lists an environment.
func (a *app) namesOf(ctx context.Context, p *config.Project) ([]secret.Entry, error) {
	client, err := a.openProject(p)
	if err == nil {
		var es []secret.Entry
		if es, err = client.Names(ctx, ""); err == nil {
			return es, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", p.Describe(), err)
}
