package cli

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/doctor"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

func newDoctor(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that skret depends on, and say how to mend it",
		Long: `Look at everything that skret depends on, from what costs nothing to what asks the
services, and say of each whether it is well and how it is mended: the
configuration, the store of the environment, who signs and why, permissions, the
key that sign-ins are sealed with, the way to the network, the clock, who may read
skret's files, and what git tracks that it must not.

Permissions are tried harmlessly: by a page of one name, a parameter that does not
exist, and one that does, whose value is not looked at. Writing cannot be tried so.
No question is asked and nothing is changed, but that files of skret's which others
could read are taken from them. No value is shown. --offline asks no service.

Without a project it looks at the rest. skret auth doctor says more about identity.

Exit codes:
  0  no problem; there may be warnings
  otherwise that of the first problem's kind: 2 configuration, 3 the store or the
  service, 4 identity or permission, 7 network, 10 git tracks a secret, 1 files`,
		Example: `  skret doctor
  skret doctor -e prod --format json
  skret doctor --offline`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c.Context(), a) },
	}, "table", "json")
}

type diagnosedJSON struct {
	Area   string `json:"area"`
	What   string `json:"what"`
	Result string `json:"result"` // ok, warning, problem, not_checked
	Detail string `json:"detail"`
	Mend   string `json:"mend"`
}

func runDoctor(ctx context.Context, a *app) error {
	found := a.aboutProgram()
	p, err := a.project()
	configured := aboutConfiguration(p, err)
	var o engine.Options
	switch {
	case err == nil:
		o = a.options(p)
	case errs.KindOf(err) == errs.Invalid: // a flag is wrong
		return err
	default:
		if o, err = a.userOptions(); err != nil {
			configured = append(configured, problems(err)...)
		}
	}
	a.signals.watch()
	found = append(append(found, configured...), engine.Doctor(ctx, o)...)
	if err := ctx.Err(); err != nil {
		return err
	}
	next := doctor.Suggest(found)
	if a.json() {
		doc := struct {
			Findings []diagnosedJSON `json:"findings"`
			Suggest  string          `json:"suggest"`
		}{[]diagnosedJSON{}, next}
		for _, f := range found {
			doc.Findings = append(doc.Findings, diagnosedJSON{f.Area, f.What, strings.ReplaceAll(string(f.Result), " ", "_"), f.Detail, f.Mend})
		}
		if err := a.streams.JSON(doc); err != nil {
			return err
		}
		return doctor.First(found)
	}
	var rows [][]string
	for _, f := range found {
		row := []string{string(f.Result), f.Area, f.What, f.Detail}
		switch {
		case f.Mend == "":
		case a.streams.OutTTY: // a line of its own: it is long
			rows, row = append(rows, row), []string{"", "", "", "mend: " + f.Mend}
		default:
			row = append(row, f.Mend)
		}
		rows = append(rows, row)
	}
	if err := a.streams.Table([]string{"RESULT", "AREA", "WHAT", "DETAIL"}, rows); err != nil {
		return err
	}
	if err := a.streams.Flush(); err != nil {
		return err
	}
	err = doctor.First(found)
	if err == nil && next != "" { // else the error says it
		a.streams.Notice("next: %s", next)
	}
	return err
}

// aboutProgram says what runs here.
func (a *app) aboutProgram() []doctor.Finding {
	terminal := "none: nothing is asked"
	if a.streams.InTTY || a.streams.OutTTY || a.streams.ErrTTY {
		terminal = fmt.Sprintf("input %t, output %t, errors %t", a.streams.InTTY, a.streams.OutTTY, a.streams.ErrTTY)
	}
	if !a.interactive() {
		terminal += "; questions are refused (CI or --no-input)"
	}
	return []doctor.Finding{
		{Area: "skret", What: "version", Result: doctor.OK, Detail: version() + ", " + runtime.GOOS + "/" + runtime.GOARCH},
		{Area: "skret", What: "terminal", Result: doctor.OK, Detail: terminal},
	}
}

// aboutConfiguration says which configuration there is, or what is wrong with it.
func aboutConfiguration(p *config.Project, err error) []doctor.Finding {
	switch {
	case err != nil && !hasConfiguration(err):
		return []doctor.Finding{{
			Area: "configuration", What: config.Name, Result: doctor.Skipped, Detail: "there is none here", Mend: "skret init",
		}}
	case err != nil:
		return problems(err)
	}
	file := doctor.Finding{Area: "configuration", What: config.Name, Result: doctor.OK, Detail: p.File}
	if p.File == "" {
		file.Detail = "none; flags and variables say where the secrets are"
	}
	env := doctor.Finding{Area: "configuration", What: "environment", Result: doctor.OK, Detail: p.Describe() + ", provider " + p.Place.Provider + ", cache " + p.Cache.Mode}
	return []doctor.Finding{file, env}
}

func problems(err error) []doctor.Finding {
	var all []doctor.Finding
	for _, e := range errs.All(err) {
		f := doctor.Of(config.Name, e)
		f.Area = "configuration"
		all = append(all, f)
	}
	return all
}
