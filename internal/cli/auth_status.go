package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// timeForm is how times stand in JSON.
const timeForm = time.RFC3339

type statusOptions struct{ offline, prompt bool }

func (o *statusOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.offline, "offline", false, "ask nobody: what is known here")
	f.BoolVar(&o.prompt, "prompt", false, "a word for a shell's prompt: no network, no keyring")
}

func newAuthStatus(a *app) *cobra.Command {
	var o statusOptions
	c := formats(&cobra.Command{
		Use:   "status [SERVICE]",
		Short: "Show who commands sign as, until when, and why",
		Long: `Show every sign-in, and who commands sign as, until when, and why. AWS is asked with
the very credentials that commands use, other services with their tokens.

The one that is used has a * before its name. UNTIL is when the user must sign in
again at the latest; whoever manages the service may end it earlier. Credentials
that renew themselves before they end have none.

Exit codes:
  0  the identity that commands would use works, or with --offline may work
  4  it does not: expired, refused, of the wrong account, or there is none`,
		Example: `  skret auth status
  skret auth status aws -e prod --format json
  PS1='$(skret auth status --prompt) $ '`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: serviceNames(),
		RunE:      func(c *cobra.Command, args []string) error { return runAuthStatus(c.Context(), a, o, args) },
	}, "table", "json")
	o.bind(c.Flags())
	return c
}

func runAuthStatus(ctx context.Context, a *app, o statusOptions, args []string) error {
	if len(args) == 1 {
		if err := enum("service", args[0], serviceNames()...); err != nil {
			return err
		}
	}
	if o.prompt {
		return a.promptStatus()
	}
	eo, err := a.identityOptions()
	if err != nil {
		return err
	}
	a.signals.watch()
	report := statusReport{Sealed: sealedBy(eo)}
	var broken error
	only := strings.Join(args, "")
	if only != "" && only != awsauth.Service {
		return a.otherStatus(ctx, eo, only, o.offline)
	}
	all, err := awsauth.Statuses(ctx, engine.AWS(eo), o.offline)
	if err != nil {
		return err
	}
	for _, st := range all {
		report.Identities = append(report.Identities, awsStatus(st))
		if st.Used && !st.Works() {
			broken = st.Err
		}
	}
	if only == "" {
		others, err := a.serviceStatuses(ctx, eo, "", o.offline)
		if err != nil {
			return err
		}
		report.Identities = append(report.Identities, others...)
	}
	if err := a.printStatus(report); err != nil {
		return err
	}
	return asAuth(broken)
}

// otherStatus is the status of one service that is not AWS.
func (a *app) otherStatus(ctx context.Context, eo engine.Options, service string, offline bool) error {
	all, err := a.serviceStatuses(ctx, eo, service, offline)
	if err != nil {
		return err
	}
	if err := a.printStatus(statusReport{Sealed: sealedBy(eo), Identities: all}); err != nil {
		return err
	}
	for _, st := range all {
		if st.Used && st.Error != "" {
			return errs.New(errs.Auth, "%s: %s", st.Service, st.Error).WithHint("%s", st.Hint)
		}
	}
	return nil
}

// asAuth gives an identity that does not work the exit code that says so, whatever
// else is the matter.
func asAuth(err error) error {
	if err == nil || errs.KindOf(err) == errs.Auth {
		return err
	}
	return errs.New(errs.Auth, "%w", err)
}

// statusReport is the answer of auth status.
type statusReport struct {
	Sealed     sealedJSON       `json:"sealed"`
	Identities []identityStatus `json:"identities"`
}

type sealedJSON struct {
	Store string `json:"store"` // keyring, keyfile, passphrase, plaintext; "" when nothing is kept
	Where string `json:"where"`
	File  string `json:"file"`
}

// identityStatus is one identity. Times are RFC 3339, "" when there is none.
type identityStatus struct {
	Service   string `json:"service"`
	Name      string `json:"name"`
	Method    string `json:"method"`
	Used      bool   `json:"used"`
	State     string `json:"state"`
	Account   string `json:"account"`
	Identity  string `json:"identity"`
	Source    string `json:"source"`
	Reason    string `json:"reason"`
	Shadows   string `json:"shadows"`
	Renewable bool   `json:"renewable"`

	CredentialsExpire string `json:"credentials_expire"`
	TokenExpires      string `json:"token_expires"`
	RenewableUntil    string `json:"renewable_until"`
	Bound             string `json:"bound"`
	KeyCreated        string `json:"key_created"`

	Error string `json:"error"`
	Hint  string `json:"hint"`

	until time.Time
}

func sealedBy(eo engine.Options) sealedJSON {
	if eo.Project.Home == "" {
		return sealedJSON{}
	}
	v := engine.Vault(eo)
	if all, err := v.List(); err != nil || len(all) == 0 {
		return sealedJSON{}
	}
	store, where, err := v.Backend()
	if err != nil {
		return sealedJSON{}
	}
	return sealedJSON{Store: string(store), Where: where, File: eo.Project.Home + "/credentials.yaml"}
}

func awsStatus(st awsauth.Status) identityStatus {
	doc := identityStatus{
		Service: awsauth.Service, Name: st.Name, Method: st.Method, Used: st.Used, State: string(st.State),
		Account: st.Account, Identity: st.ARN, Source: st.Origin, Reason: st.Reason, Shadows: st.Shadow, Renewable: st.Renewable,
		CredentialsExpire: rfc(st.Credentials), TokenExpires: rfc(st.Token), RenewableUntil: rfc(st.Session), Bound: st.Bound, KeyCreated: rfc(st.KeyCreated),
		until: st.Session,
	}
	if st.Method == awsauth.Chain {
		doc.until = st.Credentials
	}
	if st.Err != nil {
		doc.Error, doc.Hint = st.Err.Error(), errs.HintOf(st.Err)
	}
	return doc
}

func rfc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

func (a *app) printStatus(r statusReport) error {
	if a.json() {
		if r.Identities == nil {
			r.Identities = []identityStatus{}
		}
		return a.streams.JSON(r)
	}
	rows := make([][]string, len(r.Identities))
	for i, st := range r.Identities {
		name := st.Name
		if st.Used {
			name = "*" + name
		}
		rows[i] = []string{st.Service, name, st.State, "(method: " + st.Method + ")", st.Account, st.Identity, a.when(st.until), st.Source}
	}
	if err := a.streams.Table([]string{"SERVICE", "NAME", "STATE", "METHOD", "ACCOUNT", "IDENTITY", "UNTIL", "SOURCE"}, rows); err != nil {
		return err
	}
	if err := a.streams.Flush(); err != nil { // what is said about it comes after it
		return err
	}
	for _, st := range r.Identities {
		a.explainStatus(st)
	}
	if r.Sealed.Store == string(vault.Plaintext) {
		a.streams.Notice("the sign-ins are in clear in %s; skret auth login --store keyfile or keyring seals them", r.Sealed.File)
	} else if r.Sealed.Store != "" {
		a.streams.Notice("the sign-ins are in %s, sealed by %s", r.Sealed.File, r.Sealed.Where)
	}
	return nil
}

// explainStatus says on stderr what has no room in the table.
func (a *app) explainStatus(st identityStatus) {
	title := strings.TrimSpace(st.Service + " " + st.Name)
	if st.Used && st.Reason != "" {
		a.streams.Notice("%s is used: %s", title, st.Reason)
	}
	if st.Shadows != "" {
		a.streams.Notice("%s", st.Shadows)
	}
	if made, err := time.Parse(timeForm, st.KeyCreated); err == nil && time.Since(made) > 24*time.Hour {
		a.streams.Notice("the access key of %s is %d days old; skret auth rotate replaces it", title, int(time.Since(made).Hours()/24))
	}
	if st.State == string(awsauth.Expiring) {
		a.streams.Notice("%s ends soon, by %s: skret auth login %s", title, st.Bound, st.Service)
	}
	if st.Error != "" && !st.Used { // the used one of AWS is the command's own error
		a.streams.Notice("%s: %s; %s", title, st.Error, st.Hint)
	}
}

// promptStatus prints a word for a prompt: the sign-in that commands use and how
// long it is good for; nothing when there is none. It costs no request and opens
// nothing that is sealed.
func (a *app) promptStatus() error {
	eo, err := a.identityOptions()
	if err != nil {
		return err
	}
	st, ok, err := awsauth.Glance(engine.AWS(eo))
	if err != nil || !ok {
		return err
	}
	word := "aws:" + st.Name
	switch {
	case st.State == awsauth.Expired:
		word += " expired"
	case !st.Session.IsZero():
		word += " " + roughly(time.Until(st.Session))
	}
	if a.json() {
		return a.streams.JSON(map[string]string{"prompt": word})
	}
	_, err = fmt.Fprintln(a.streams.Out, word)
	return err
}

// roughly writes a time that is left: 12m, 5h, 83d.
func roughly(d time.Duration) string {
	switch {
	case d < 0:
		return "expired"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
