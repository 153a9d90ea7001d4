package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

type logoutOptions struct {
	name string
	all  bool

	revoke bool
}

func (o *logoutOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "name of the sign-in; the default one otherwise")
	f.BoolVar(&o.all, "all", false, "all sign-ins, or all of the service")
	f.BoolVar(&o.revoke, "revoke", false, "end a token at its service that was not made by skret, too")
}

func newAuthLogout(a *app) *cobra.Command {
	var o logoutOptions
	c := &cobra.Command{
		Use:   "logout [SERVICE]",
		Short: "End a sign-in, and forget it",
		Long: `End a sign-in at its service where the service can, and forget it on this machine
in any case, also offline. What stays valid elsewhere, and until when, is said:
credentials of a role that were given out already live until they end.

Afterwards commands sign with what the AWS SDK finds, or with another sign-in.`,
		Example: `  skret auth logout aws
  skret auth logout aws --name deploy
  skret auth logout --all`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: serviceNames(),
		RunE:      func(c *cobra.Command, args []string) error { return runAuthLogout(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	return c
}

func runAuthLogout(ctx context.Context, a *app, o logoutOptions, args []string) error {
	service := ""
	if len(args) == 1 {
		if service = args[0]; service != "" {
			if err := enum("service", service, serviceNames()...); err != nil {
				return err
			}
		}
	}
	switch {
	case o.all && o.name != "":
		return errs.New(errs.Invalid, "--all and --name exclude each other")
	case service == "" && !o.all:
		return errs.New(errs.Invalid, "of which service?").WithHint("skret auth logout aws, or --all; skret auth status shows what there is")
	}
	eo, err := a.userOptions()
	if err != nil {
		return err
	}
	a.signals.watch()
	which, err := pickLogouts(engine.Vault(eo), o, service)
	if err != nil {
		return err
	}
	docs := []logoutJSON{}
	var probs []error
	for _, c := range which {
		doc, err := a.logout(ctx, eo, c, o.revoke)
		if err != nil {
			probs = append(probs, err)
			continue
		}
		docs = append(docs, doc)
	}
	if a.json() {
		if err := a.streams.JSON(docs); err != nil {
			return err
		}
	}
	return errors.Join(probs...)
}

// pickLogouts lists the sign-ins that are meant.
func pickLogouts(v *vault.Vault, o logoutOptions, service string) ([]vault.Credential, error) {
	if !o.all {
		c, err := v.Find(service, o.name)
		return []vault.Credential{c}, err
	}
	all, err := v.List()
	if err != nil {
		return nil, err
	}
	var some []vault.Credential
	for _, c := range all {
		if service == "" && slices.Contains(serviceNames(), c.Service) || c.Service == service {
			some = append(some, c)
		}
	}
	return some, nil
}

type logoutJSON struct {
	Service string `json:"service"`
	Name    string `json:"name"`
	Ended   bool   `json:"ended"` // at the service
	Why     string `json:"why,omitempty"`
	Stays   string `json:"stays,omitempty"`
	Until   string `json:"until,omitempty"`
}

func (a *app) logout(ctx context.Context, eo engine.Options, c vault.Credential, revoke bool) (logoutJSON, error) {
	if c.Service != awsauth.Service {
		return a.logoutService(ctx, eo, c, revoke)
	}
	done, err := awsauth.SignOut(ctx, engine.AWS(eo), c.Name)
	if err != nil {
		return logoutJSON{}, err
	}
	doc := logoutJSON{Service: c.Service, Name: c.Name, Ended: done.Ended, Why: done.Why, Stays: done.Stays}
	if !done.Until.IsZero() {
		doc.Until = done.Until.UTC().Format(timeForm)
	}
	a.sayLogout(doc)
	if !done.Until.IsZero() && !a.json() {
		a.streams.Notice("copies of its credentials elsewhere stay valid until %s", a.when(done.Until))
	}
	return doc, nil
}

func (a *app) sayLogout(doc logoutJSON) {
	if a.json() {
		return
	}
	a.streams.Notice("%s: signed out of %q", doc.Service, doc.Name)
	if doc.Why != "" {
		a.streams.Notice("not ended at the service: %s", doc.Why)
	}
	if doc.Stays != "" {
		a.streams.Notice("what stays valid: %s", doc.Stays)
	}
}
