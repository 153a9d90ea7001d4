package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/engine"
)

func newAuthUse(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "use SERVICE NAME",
		Short: "Make a sign-in the default of its service",
		Long: `Make a sign-in the default of its service: the one that commands use when neither a
flag nor the environment of .skret.yaml names another.`,
		Example: `  skret auth use aws work`,
		Args:    cobra.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.completeSignIns(args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error { return runAuthUse(c.Context(), a, args[0], args[1]) },
	}
}

func runAuthUse(ctx context.Context, a *app, service, name string) error {
	if err := enum("service", service, serviceNames()...); err != nil {
		return err
	}
	eo, err := a.userOptions()
	if err != nil {
		return err
	}
	if err := engine.Vault(eo).SetDefault(ctx, service, name); err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]string{"service": service, "default": name})
	}
	a.streams.Notice("%s: %q is the default now", service, name)
	return nil
}

// completeSignIns offers the services, and then the names of the service's
// sign-ins.
func (a *app) completeSignIns(args []string) []string {
	a.quiet()
	if len(args) == 0 {
		return serviceNames()
	}
	eo, err := a.userOptions()
	if err != nil {
		return nil
	}
	all, err := engine.Vault(eo).List()
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range all {
		if c.Service == args[0] {
			names = append(names, c.Name)
		}
	}
	return names
}
