package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/engine"
)

type doctorOptions struct{ offline bool }

func (o *doctorOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.offline, "offline", false, "ask nobody: look at this machine alone")
}

func newAuthDoctor(a *app) *cobra.Command {
	var o doctorOptions
	c := formats(&cobra.Command{
		Use:   "doctor",
		Short: "Say step by step why commands sign as they do, and what is wrong",
		Long: `Look at every place that an AWS identity can come from, in order, and say what is
used, what is there and shadowed by what comes before it, and what is not there;
then at what sign-ins depend on: the key that seals them, locks, the clock, the
proxy, endpoints. At the end stands the one thing to do next.

Nothing is changed, and no value is shown that may be secret.

Exit codes:
  0  commands can sign
  4  they cannot`,
		Example: `  skret auth doctor
  skret auth doctor -e prod --format json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAuthDoctor(c.Context(), a, o) },
	}, "table", "json")
	o.bind(c.Flags())
	return c
}

type findingJSON struct {
	Step   string `json:"step"`
	Result string `json:"result"`
	Detail string `json:"detail"`
	Mend   string `json:"mend"`
}

func runAuthDoctor(ctx context.Context, a *app, o doctorOptions) error {
	eo, err := a.identityOptions()
	if err != nil {
		return err
	}
	a.signals.watch()
	d := awsauth.Doctor(ctx, engine.AWS(eo), o.offline)
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.json() {
		doc := struct {
			Order   []findingJSON `json:"order"`
			Machine []findingJSON `json:"machine"`
			Suggest string        `json:"suggest"`
		}{[]findingJSON{}, []findingJSON{}, d.Suggest}
		for _, f := range d.Chain {
			doc.Order = append(doc.Order, findingJSON(f))
		}
		for _, f := range d.Machine {
			doc.Machine = append(doc.Machine, findingJSON(f))
		}
		if err := a.streams.JSON(doc); err != nil {
			return err
		}
	} else {
		var rows [][]string
		for _, f := range append(d.Chain, d.Machine...) {
			rows = append(rows, []string{f.Step, f.Result, f.Detail})
		}
		if err := a.streams.Table([]string{"STEP", "RESULT", "DETAIL"}, rows); err != nil {
			return err
		}
		if err := a.streams.Flush(); err != nil {
			return err
		}
		if d.Suggest != "" {
			a.streams.Notice("next: %s", d.Suggest)
		}
	}
	return asAuth(d.Err)
}
