package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/secret"
)

func newList(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List the names of the secrets",
		Long: `List the names of the environment's secrets, and the variables that a command
sees them as. No value is read or decrypted.

On a terminal the columns have headers; elsewhere a tab parts them.`,
		Example: `  skret list
  skret list -e prod
  skret list db/ --format json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runList(c.Context(), a, args) },
	}, "table", "json")
}

func runList(ctx context.Context, a *app, args []string) error {
	client, err := a.open()
	if err != nil {
		return err
	}
	var prefix secret.Key
	if len(args) == 1 && args[0] != "" {
		if prefix, err = client.Key(args[0]); err != nil {
			return err
		}
	}
	es, err := client.Names(ctx, prefix)
	if err != nil {
		return err
	}
	if a.json() {
		docs := make([]entryJSON, len(es))
		for i, e := range es {
			docs[i] = newEntryJSON(e)
		}
		return a.streams.JSON(docs)
	}
	rows := make([][]string, len(es))
	for i, e := range es {
		rows[i] = []string{string(e.Key), e.Key.EnvName(), strconv.FormatInt(e.Version, 10), a.when(e.Modified), e.Description}
	}
	if len(es) == 0 && a.streams.OutTTY {
		a.streams.Notice("no secrets here yet; set one with skret set NAME")
		return nil
	}
	return a.streams.Table([]string{"KEY", "VARIABLE", "VERSION", "MODIFIED", "DESCRIPTION"}, rows)
}

// when writes a time: in the user's zone on a terminal, in UTC elsewhere.
func (a *app) when(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case a.streams.OutTTY:
		return t.Local().Format("2006-01-02 15:04")
	}
	return t.UTC().Format(time.RFC3339)
}

// entryJSON is what is known of a secret besides its value.
type entryJSON struct {
	Key         secret.Key        `json:"key"`
	Variable    string            `json:"variable"`
	Version     int64             `json:"version"`
	Type        string            `json:"type,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Labels      []string          `json:"labels,omitempty"`
	Modified    *time.Time        `json:"modified,omitempty"`
	Author      string            `json:"author,omitempty"`
	Deleted     bool              `json:"deleted,omitempty"`
}

func newEntryJSON(e secret.Entry) entryJSON {
	doc := entryJSON{
		Key: e.Key, Variable: e.Key.EnvName(), Version: e.Version, Type: e.Type, Description: e.Description,
		Tags: e.Tags, Labels: e.Labels, Author: e.Author, Deleted: e.Deleted,
	}
	if !e.Modified.IsZero() {
		t := e.Modified.UTC()
		doc.Modified = &t
	}
	return doc
}
