package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
)

func newConfig(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "config",
		Short: "Show the settings in force, and where each came from",
		Long: `Show the settings of the chosen environment, and where each came from: a flag, a
variable, FILE:LINE, or default. Nothing is opened and no request is made.

A setting comes from the first of these that has it: flags, SKRET_* variables,
AWS_* variables, .skret.local.yaml, .skret.yaml. A blank variable counts as unset.
.skret.yaml is looked for from the current folder upward, last in the repository's
root or the home folder; --config or SKRET_CONFIG names another. .skret.local.yaml
stands beside it, for what is the user's own.

Exit codes:
  0  shown
  2  the configuration is missing or wrong: all that is, with file, line, column
  8  a flag is wrong`,
		Example: `  skret config
  skret config -e prod --region eu-west-1
  skret config --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runConfig(a) },
	}, "table", "json")
}

func runConfig(a *app) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(settingsJSON(p))
	}
	var rows [][]string
	for _, s := range p.Settings() {
		value := strings.Join(s.Values, ", ")
		if len(s.Values) == 0 && s.Standard != "" {
			value = "(" + s.Standard + ")"
		}
		rows = append(rows, []string{s.Name, value, s.Origin.String()})
	}
	return a.streams.Table([]string{"SETTING", "VALUE", "FROM"}, rows)
}

type settingJSON struct {
	Value any         `json:"value"` // a string, an array of strings, or null
	From  *originJSON `json:"from"`  // null: nothing set it
}

type originJSON struct {
	Kind string `json:"kind"` // flag, variable, file or found
	Name string `json:"name,omitempty"`
	Line int    `json:"line,omitempty"`
	// Where the further parts are of a list that is joined from several.
	Also []originJSON `json:"also,omitempty"`
}

func newOriginJSON(o config.Origin) originJSON {
	doc := originJSON{Kind: o.Kind, Name: o.Name, Line: o.Line}
	for also := o.Also; also != nil; also = also.Also {
		doc.Also = append(doc.Also, originJSON{Kind: also.Kind, Name: also.Name, Line: also.Line})
	}
	return doc
}

func settingsJSON(p *config.Project) map[string]settingJSON {
	all := map[string]settingJSON{}
	for _, s := range p.Settings() {
		var doc settingJSON
		switch {
		case s.List:
			doc.Value = append([]string{}, s.Values...)
		case len(s.Values) > 0:
			doc.Value = s.Values[0]
		}
		if s.Origin.Kind != "default" {
			o := newOriginJSON(s.Origin)
			doc.From = &o
		}
		all[s.Name] = doc
	}
	return all
}
