package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/secret"
)

type renameOptions struct{ yes string }

func (o *renameOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.yes, "yes", "", "`name` of the protected environment that is meant to be written to")
}

func newRename(a *app) *cobra.Command {
	var o renameOptions
	c := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Give a secret another name",
		Long: `Give a secret another name. Its value, type, description and tags go with it. There
must be no secret of the new name.

The history does not go with it: the local store keeps it under the old name, AWS
deletes it with the old parameter. In AWS the new one is made first: if something
ends skret between the two, both are there, and the same command completes it.`,
		Example: `  skret rename DB_URL DATABASE_URL
  skret rename db/url database/url -e prod`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runRename(c.Context(), a, o, args[0], args[1]) },
	}
	o.bind(c.Flags())
	return c
}

func runRename(ctx context.Context, a *app, o renameOptions, from, to string) error {
	client, err := a.openFresh()
	if err != nil {
		return err
	}
	keys := make([]secret.Key, 2)
	for i, word := range []string{from, to} {
		if keys[i], err = client.Key(word); err != nil {
			return err
		}
	}
	if err := a.protect(ctx, client.Project, o.yes); err != nil {
		return err
	}
	version, err := client.Rename(ctx, keys[0], keys[1])
	if err != nil {
		return err
	}
	for _, where := range namedIn(client.Project, keys[0], keys[1]) {
		a.streams.Notice("%s still stands in %s of the configuration", keys[0], where)
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"from": keys[0], "to": keys[1], "version": version})
	}
	history := "its history stays under the old name"
	if client.Project.Place.Provider == config.ProviderAWS {
		history = "AWS has deleted its history with the old name"
	}
	a.streams.Notice("renamed %s to %s; %s", keys[0], keys[1], history)
	return nil
}

// namedIn tells where the configuration names the old key of a secret, and not the new
// one by the same word.
func namedIn(p *config.Project, from, to secret.Key) []string {
	schema := make([]string, len(p.Rules))
	for i, r := range p.Rules {
		schema[i] = r.Name
	}
	var where []string
	for _, l := range []struct {
		name  string
		names []string
	}{
		{"required:", p.Required}, {"exclude:", p.Exclude}, {"keys:", p.Place.Keys}, {"schema:", schema},
	} {
		if slices.ContainsFunc(l.names, func(n string) bool {
			return (n == string(from) || n == from.EnvName()) && n != string(to) && n != to.EnvName()
		}) {
			where = append(where, l.name)
		}
	}
	return where
}
