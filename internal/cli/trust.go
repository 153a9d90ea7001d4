package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/trust"
)

type trustOptions struct {
	confirmOptions
	dryRun, forget, shell bool
}

func (o *trustOptions) bind(f *pflag.FlagSet) {
	o.confirmOptions.bind(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "show what is asked for, and its hash; allow nothing")
	f.BoolVar(&o.shell, "shell", false, "let shells load the secrets on entering the folder (skret hook)")
	f.BoolVar(&o.forget, "forget", false, "take back what was allowed to this project")
}

func newTrust(a *app) *cobra.Command {
	var o trustOptions
	c := &cobra.Command{
		Use:   "trust",
		Short: "Allow .skret.yaml to reach beyond the project",
		Long: `Show what the project's .skret.yaml asks for beyond the project itself, and allow
it: to send a token and secrets to an address that is not the service's own, or to
write a file outside of the project's folder. Until then, sync refuses the targets
that do so.

What is allowed is kept in ~/.skret/trust.json for this very file. Whoever changes
the file so that it asks for more has to be trusted anew: only what is new is
shown. In CI, sync --trust takes the hash that --dry-run prints.

--shell allows shells that have skret's hook to load the secrets when they enter
the folder, as long as nothing is changed in .skret.yaml and .skret.local.yaml:
whoever writes them chooses the variables of your shell.`,
		Example: `  skret trust
  skret trust --dry-run
  skret trust --shell
  skret sync --trust sha256:3b1f...`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runTrust(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return formats(c, "table", "json")
}

type demandJSON struct {
	Kind string `json:"kind"`
	What string `json:"what"`
	For  string `json:"for"`
	New  bool   `json:"new"`
}

func runTrust(ctx context.Context, a *app, o trustOptions) error {
	p, err := a.anyPlaces()
	if err != nil {
		return err
	}
	if p.Project.File == "" {
		return errs.New(errs.Config, "there is no .skret.yaml here to trust").WithHint("go to the project's folder, or name it with -C")
	}
	book := engine.Trust(p.Options)
	if o.forget {
		had, err := book.Forget(ctx, p.Project.File)
		if err == nil && !had {
			a.streams.Notice("nothing was allowed to %s", p.Project.File)
		}
		return err
	}
	if o.shell {
		return a.trustShell(ctx, o, p.Project, book)
	}
	all, err := p.Demands()
	if err != nil {
		return err
	}
	unknown, err := book.New(p.Project.File, all)
	if err != nil {
		return err
	}
	hash := trust.Hash(all)
	if a.json() {
		err = a.streams.JSON(map[string]any{"file": p.Project.File, "hash": hash, "demands": demandsJSON(all, unknown)})
	} else {
		err = a.printDemands(p.Project.File, hash, all, unknown)
	}
	if err != nil || o.dryRun || len(unknown) == 0 {
		return err
	}
	if err := a.streams.Flush(); err != nil { // before the question
		return err
	}
	if err := a.confirm(ctx, o.confirmOptions, "allow that to "+p.Project.File); err != nil {
		return err
	}
	return book.Allow(ctx, p.Project.File, all)
}

// trustShell allows shells to load the project as it is.
func (a *app) trustShell(ctx context.Context, o trustOptions, p *config.Project, book *trust.Book) error {
	content, err := engine.Content(p)
	if err != nil {
		return err
	}
	allowed, err := book.ShellAllowed(p.File, content)
	if err != nil {
		return err
	}
	if a.json() {
		if err := a.streams.JSON(map[string]any{"file": p.File, "content": content, "allowed": allowed}); err != nil {
			return err
		}
	} else if allowed {
		a.streams.Notice("shells may load %s as it is", p.File)
	} else if o.dryRun {
		a.streams.Notice("shells may not load %s as it is", p.File)
	}
	if allowed || o.dryRun {
		return nil
	}
	if err := a.streams.Flush(); err != nil { // before the question
		return err
	}
	if err := a.confirm(ctx, o.confirmOptions, "let shells load the secrets of "+p.File+" on entering its folder"); err != nil {
		return err
	}
	return book.AllowShell(ctx, p.File, content)
}

func demandsJSON(all, unknown []trust.Demand) []demandJSON {
	docs := make([]demandJSON, len(all))
	for i, d := range all {
		docs[i] = demandJSON{d.Kind, d.What, d.For, slices.Contains(unknown, d)}
	}
	return docs
}

func (a *app) printDemands(file, hash string, all, unknown []trust.Demand) error {
	if len(all) == 0 {
		a.streams.Notice("%s asks for nothing beyond the project", file)
		return nil
	}
	var rows [][]string
	for _, d := range all {
		state := "allowed"
		if slices.Contains(unknown, d) {
			state = "new"
		}
		rows = append(rows, []string{state, d.Does(), d.What, d.For})
	}
	a.streams.Notice("%s asks for this beyond the project; its hash is %s", file, hash)
	return a.streams.Table([]string{"STATE", "WHAT", "WHERE", "FOR"}, rows)
}
