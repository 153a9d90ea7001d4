package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// confirmOptions are those of the commands that change what cannot simply be
// changed back.
type confirmOptions struct{ yes bool }

func (o *confirmOptions) bind(f *pflag.FlagSet) {
	f.BoolVarP(&o.yes, "yes", "y", false, "do it without asking")
}

// confirm asks on the terminal unless --yes was given. Where nobody can be
// asked it refuses: a script must say that it means it.
func (a *app) confirm(ctx context.Context, o confirmOptions, question string) error {
	if o.yes {
		return nil
	}
	if !a.interactive() || !a.streams.InTTY {
		return errs.New(errs.Invalid, "%s: nobody can be asked here", question).WithHint("pass --yes")
	}
	a.signals.watch()
	ok, err := a.streams.Confirm(ctx, question)
	if err == nil && !ok {
		err = errs.New(errs.Invalid, "not confirmed; nothing was changed")
	}
	return err
}

func newDelete(a *app) *cobra.Command {
	var o confirmOptions
	c := &cobra.Command{
		Use:   "delete KEY [KEY ...]",
		Short: "Delete secrets",
		Long: `Delete secrets. On a terminal it asks first; elsewhere --yes is needed.

The local store keeps the earlier versions, and rollback brings them back. AWS
deletes the history with the parameter.`,
		Example: `  skret delete OLD_TOKEN
  skret delete OLD_TOKEN OLDER_TOKEN --yes`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runDelete(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	return c
}

func runDelete(ctx context.Context, a *app, o confirmOptions, args []string) error {
	client, err := a.open()
	if err != nil {
		return err
	}
	keys, err := client.Keys(args)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("delete %s from %s", secret.Join(keys), client.Project.Describe())
	if err := a.confirm(ctx, o, question); err != nil {
		return err
	}
	err = client.Delete(ctx, keys...)
	if missing, ok := errors.AsType[*store.Missing](err); ok {
		keys = missing.Others(keys)
	} else if err != nil {
		return err
	}
	if a.json() && len(keys) > 0 {
		if jerr := a.streams.JSON(map[string]any{"deleted": keys}); err == nil {
			err = jerr
		}
		return err
	}
	for _, k := range keys {
		a.streams.Notice("deleted %s", k)
	}
	return err
}
