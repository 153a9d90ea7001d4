package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

func newRollback(a *app) *cobra.Command {
	var o confirmOptions
	c := &cobra.Command{
		Use:   "rollback KEY [VERSION]",
		Short: "Bring back an earlier value of a secret",
		Long: `Bring back an earlier value of a secret, as a new version; nothing is removed.
Without VERSION it is the one before the current. On a terminal it asks first;
elsewhere --yes is needed. A secret that changes in the meantime is left alone.`,
		Example: `  skret rollback DATABASE_URL
  skret rollback DATABASE_URL 3 --yes`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runRollback(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	return c
}

func runRollback(ctx context.Context, a *app, o confirmOptions, args []string) error {
	var version int64
	wanted := "the version before the current"
	if len(args) == 2 {
		v, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil || v < 1 {
			return errs.New(errs.Invalid, "%q is not a version", args[1]).WithHint("see the versions with skret history %s", errs.Word(args[0]))
		}
		version, wanted = v, fmt.Sprintf("version %d", v)
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	key, err := client.Key(args[0])
	if err != nil {
		return err
	}
	question := fmt.Sprintf("bring back %s of %s in %s", wanted, key, client.Project.Describe())
	if err := a.confirm(ctx, o, question); err != nil {
		return err
	}
	from, to, err := client.Rollback(ctx, key, version)
	if err != nil {
		return err
	}
	if !a.json() {
		a.streams.Notice("version %d of %s is back", from, key)
	}
	return a.printWritten("set", []engine.Written{{Key: key, Version: to}})
}
