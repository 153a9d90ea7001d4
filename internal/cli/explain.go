package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/secret"
)

func newExplain(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "explain KEY",
		Short: "Explain where a secret comes from, and what becomes of it",
		Long: `Explain a secret, by its key or by the name of its variable, without its value:
each layer that has it, the nearest first, which wins; the rule of the schema that
is about it; and why a command would not get it, or why run would refuse to start.

The layers are the environment's paths and those of the environments that it
extends.

Exit codes:
  0  explained
  5  there is no such secret
  6  the variable could be of two keys
  1, 2, 3, 4, 7, 8  as for every command: see skret --help`,
		Example: `  skret explain DATABASE_URL
  skret explain -e prod db/url
  skret explain DATABASE_URL --format json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runExplain(c.Context(), a, args[0]) },
	}, "text", "json")
}

func runExplain(ctx context.Context, a *app, name string) error {
	client, err := a.open()
	if err != nil {
		return err
	}
	x, err := client.Explain(ctx, name)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(newExplanationJSON(x))
	}
	rows := [][]string{{"key", string(x.Key)}, {"variable", x.Key.EnvName()}}
	for i, d := range x.Layers {
		what := "layer"
		if i == 0 {
			what = "from"
		}
		rows = append(rows, []string{what, d.Project.Describe() + ": " + a.defined(d.Entry)})
	}
	if len(x.Layers) == 0 {
		rows = append(rows, []string{"from", "the default of its rule"})
	}
	if x.Rule.Name != "" {
		rows = append(rows, []string{"rule", x.Rule.Where + ": " + ruled(x.Rule)})
	}
	if x.Rule.Description != "" {
		rows = append(rows, []string{"what for", x.Rule.Description})
	}
	switch {
	case x.Left != "":
		rows = append(rows, []string{"run", "does not get it: " + x.Left})
	case len(x.Refused) == 0:
		rows = append(rows, []string{"run", "gets it"})
	}
	for _, why := range x.Refused {
		rows = append(rows, []string{"run", "refuses to start: " + why})
	}
	return a.streams.Table([]string{"WHAT", ""}, rows)
}

// defined says what is known of a secret in one layer.
func (a *app) defined(e secret.Entry) string {
	if e.Hidden != "" {
		return "cannot be read: " + e.Hidden
	}
	s := fmt.Sprintf("version %d", e.Version)
	if when := a.when(e.Modified); when != "" {
		s += " of " + when
	}
	if e.Author != "" {
		s += " by " + e.Author
	}
	return s
}

// ruled says what a rule says.
func ruled(r secret.Rule) string {
	var all []string
	add := func(is bool, what string) {
		if is {
			all = append(all, what)
		}
	}
	add(r.Type != "", r.Type)
	add(len(r.Values) > 0, strings.Join(r.Values, "|"))
	add(r.Pattern != "", r.Pattern)
	add(r.MinLength > 0, fmt.Sprintf("at least %d bytes", r.MinLength))
	add(r.Required, "required")
	add(r.HasDefault, "has a default")
	add(r.Expand, "references are filled")
	add(r.File, "as a file")
	add(r.Generate != "", "made as "+r.Generate)
	if all == nil {
		return "anything"
	}
	return strings.Join(all, ", ")
}

type explanationJSON struct {
	Key      secret.Key       `json:"key"`
	Variable string           `json:"variable"`
	Layers   []definitionJSON `json:"layers"` // the nearest first: that wins
	Default  bool             `json:"default"`
	Rule     *ruleJSON        `json:"rule"` // null: there is none
	Run      bool             `json:"run"`  // a command gets it
	Why      []string         `json:"why"`  // it does not, or run refuses to start
}

type definitionJSON struct {
	Wins     bool   `json:"wins"`
	Env      string `json:"environment,omitempty"`
	Provider string `json:"provider"`
	Path     string `json:"path,omitempty"`
	Region   string `json:"region,omitempty"`
	File     string `json:"file,omitempty"`
	Hidden   string `json:"hidden,omitempty"` // why the value cannot be read
	entryJSON
}

type ruleJSON struct {
	Name        string   `json:"name"`
	Type        string   `json:"type,omitempty"`
	Values      []string `json:"values,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	MinLength   int      `json:"min_length,omitempty"`
	Required    bool     `json:"required"`
	Default     bool     `json:"default"` // there is one
	Expand      bool     `json:"expand"`
	File        bool     `json:"file"`
	Generate    string   `json:"generate,omitempty"`
	Description string   `json:"description,omitempty"`
	Where       string   `json:"where"`
}

func newExplanationJSON(x engine.Explanation) explanationJSON {
	doc := explanationJSON{
		Key: x.Key, Variable: x.Key.EnvName(), Layers: []definitionJSON{}, Default: len(x.Layers) == 0,
		Run: x.Left == "" && len(x.Refused) == 0, Why: append([]string{}, x.Refused...),
	}
	if x.Left != "" {
		doc.Why = append(doc.Why, x.Left)
	}
	for i, d := range x.Layers {
		one := definitionJSON{
			Wins: i == 0, Env: d.Project.Env, Provider: d.Project.Place.Provider, Path: d.Project.Place.Path,
			Hidden: d.Entry.Hidden, entryJSON: newEntryJSON(d.Entry),
		}
		if one.Provider == config.ProviderAWS {
			one.Region = d.Project.Place.Region
		} else {
			one.File = d.Project.Place.File
		}
		doc.Layers = append(doc.Layers, one)
	}
	if r := x.Rule; r.Name != "" {
		doc.Rule = &ruleJSON{
			Name: r.Name, Type: r.Type, Values: r.Values, Pattern: r.Pattern, MinLength: r.MinLength, Required: r.Required,
			Default: r.HasDefault, Expand: r.Expand, File: r.File, Generate: r.Generate, Description: r.Description, Where: r.Where,
		}
	}
	return doc
}
