package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

func newLocal(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "local",
		Short: "Look after the encrypted file of a local store",
		Long: `Look after the encrypted file of a local store: who can open it, and with which
key.

The file is sealed for recipients, by their public keys: age keys (age1...) and
ssh keys (ssh-ed25519, ssh-rsa). Whoever has the private key of one, the identity,
opens it. Yours is SKRET_IDENTITY (its text), the file SKRET_IDENTITY_FILE, or
~/.skret/identity.txt, which is made when a store is.`,
		Example: `  skret local identity                      # your public key, to give to others
  skret local recipients add age1...        # let somebody else open the store
  skret local encrypt                       # seal a file that is in clear`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newLocalRecipients(a), newLocalEncrypt(a), newLocalIdentity(a))
	return c
}

// openLocal loads the configuration and opens its local store.
func (a *app) openLocal() (engine.Local, *config.Project, error) {
	p, err := a.project()
	if err != nil {
		return engine.Local{}, nil, err
	}
	s, err := engine.OpenLocal(a.options(p))
	return s, p, err
}

func newLocalRecipients(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "recipients",
		Short: "List, add and remove those who can open the store",
		Args:  cobra.NoArgs,
		Example: `  skret local recipients list
  skret local recipients add age1...
  skret local recipients add "$(cat colleague.pub)"
  skret local recipients remove age1...`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	list := formats(&cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List those who can open the store",
		Long:    `List the public keys of those who can open the store. No identity is needed.`,
		Example: `  skret local recipients list
  skret local recipients list -e prod --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runRecipientsList(a) },
	}, "text", "json")
	add := &cobra.Command{
		Use:   "add PUBLIC-KEY [PUBLIC-KEY ...]",
		Short: "Let somebody else open the store",
		Long: `Let somebody else open the store, by an age public key (age1...) or an ssh public
key. They read everything in it, earlier versions too.

A new recipient's key is shown by skret local identity on their machine.`,
		Example: `  skret local recipients add age1...
  skret local recipients add "ssh-ed25519 AAAA... colleague"
  curl -s https://github.com/colleague.keys | head -1 | xargs -I{} skret local recipients add {}`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runRecipientsAdd(c.Context(), a, args) },
	}
	remove := &cobra.Command{
		Use:     "remove PUBLIC-KEY [PUBLIC-KEY ...]",
		Aliases: []string{"rm"},
		Short:   "Seal the store anew for those who stay",
		Long: `Seal the store anew, under a new key, for those who stay.

What the removed could read until now, they may have kept: older files are in the
history of the repository. Change the secrets themselves, too.`,
		Example:           `  skret local recipients remove age1...`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeRecipients,
		RunE:              func(c *cobra.Command, args []string) error { return runRecipientsRemove(c.Context(), a, args) },
	}
	c.AddCommand(list, add, remove)
	return c
}

func runRecipientsList(a *app) error {
	s, _, err := a.openLocal()
	if err != nil {
		return err
	}
	rs, err := s.Recipients()
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(rs)
	}
	rows := make([][]string, len(rs))
	for i, r := range rs {
		rows[i] = []string{r}
	}
	return a.streams.Table([]string{"PUBLIC KEY"}, rows)
}

// completeRecipients offers the store's own.
func (a *app) completeRecipients(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	a.quiet()
	s, _, err := a.openLocal()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	rs, _ := s.Recipients()
	return rs, cobra.ShellCompDirectiveNoFileComp
}

func runRecipientsAdd(ctx context.Context, a *app, keys []string) error {
	s, p, err := a.openLocal()
	if err != nil {
		return err
	}
	added, err := s.AddRecipients(ctx, keys)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"added": append([]string{}, added...)})
	}
	for _, r := range added {
		a.streams.Notice("%s can open %s now", r, p.Describe())
	}
	if len(added) == 0 {
		a.streams.Notice("nothing to add: %s is sealed for them already", p.Describe())
	}
	return nil
}

func runRecipientsRemove(ctx context.Context, a *app, keys []string) error {
	s, p, err := a.openLocal()
	if err != nil {
		return err
	}
	if err := s.RemoveRecipients(ctx, keys); err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"removed": keys})
	}
	a.streams.Notice("%s is sealed under a new key; what the removed could read before, they may have kept: change those secrets", p.Describe())
	return nil
}

func newLocalEncrypt(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "encrypt",
		Short: "Seal a store that is in clear",
		Long: `Seal a store that is in clear, in one step: the file is replaced, and nothing in
clear is left beside it. It is sealed for you and for the recipients that the
configuration lists.

If the file was ever committed, the history of the repository still has the
values: change the secrets themselves, too.`,
		Example: `  skret local encrypt
  skret local encrypt -e dev`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runLocalEncrypt(c.Context(), a) },
	}
}

func runLocalEncrypt(ctx context.Context, a *app) error {
	s, p, err := a.openLocal()
	if err != nil {
		return err
	}
	n, changed, err := s.Encrypt(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.json():
		return a.streams.JSON(map[string]any{"file": p.Place.File, "secrets": n, "changed": changed})
	case changed:
		a.streams.Notice("sealed %s: %d secrets; if it was ever committed, git's history still has their values in clear: change them", p.Describe(), n)
	default:
		a.streams.Notice("%s is sealed already", p.Describe())
	}
	return nil
}

type identityOptions struct{ passphrase bool }

func (o *identityOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.passphrase, "passphrase", false, "lock the identity file with a passphrase, or change it")
}

func newLocalIdentity(a *app) *cobra.Command {
	var o identityOptions
	c := &cobra.Command{
		Use:   "identity",
		Short: "Show your public key; make your identity first if there is none",
		Long: `Show the public key of your identity, which others add to a store's recipients.
The first time, the identity is made: an age identity file that only you can read.

With --passphrase the file is locked, and every command that opens a store asks
for the passphrase. age -d unlocks it for good.`,
		Example: `  skret local identity
  skret local identity --passphrase
  SKRET_IDENTITY_FILE=ci.txt skret local identity   # a second one, for CI`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runLocalIdentity(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

func runLocalIdentity(ctx context.Context, a *app, o identityOptions) error {
	p, err := a.identityProject()
	if err != nil {
		return err
	}
	id, err := engine.LocalIdentity(ctx, a.options(p), o.passphrase)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{
			"recipients": id.Recipients, "file": id.File, "locked": id.Locked, "made": id.Made,
		})
	}
	if o.passphrase {
		a.streams.Notice("locked %s; there is no way back without the passphrase", id.File)
	}
	if _, err := a.streams.Out.WriteString(strings.Join(id.Recipients, "\n") + "\n"); err != nil {
		return err
	}
	return nil
}

// identityProject is the configuration for what does not depend on an
// environment: where none can be had, as before a project is set up, it is made
// of the variables alone.
func (a *app) identityProject() (*config.Project, error) {
	p, err := a.project()
	if errs.KindOf(err) != errs.Config {
		return p, err
	}
	flags := a.global.Flags
	a.global.Provider, a.global.File = config.ProviderLocal, ".skret.secrets.yaml"
	bare, berr := a.project()
	a.global.Flags = flags
	if berr != nil {
		return nil, err
	}
	return bare, nil
}
