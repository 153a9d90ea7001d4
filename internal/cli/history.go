package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/secret"
)

type historyOptions struct{ values bool }

func (o *historyOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.values, "values", false, "show the values")
}

func newHistory(a *app) *cobra.Command {
	var o historyOptions
	c := formats(&cobra.Command{
		Use:   "history KEY",
		Short: "Show the versions of a secret",
		Long: `Show the versions of a secret that the store keeps, newest first: when each was
written and, in AWS, by whom. AWS keeps 100, the local store 10.`,
		Example: `  skret history DATABASE_URL
  skret history DATABASE_URL --values
  skret history DATABASE_URL --format json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runHistory(c.Context(), a, o, args[0]) },
	}, "table", "json")
	o.bind(c.Flags())
	return c
}

func runHistory(ctx context.Context, a *app, o historyOptions, arg string) error {
	client, err := a.open()
	if err != nil {
		return err
	}
	key, err := client.Key(arg)
	if err != nil {
		return err
	}
	es, err := client.History(ctx, key)
	if err != nil {
		return err
	}
	if a.json() {
		docs := make([]any, 0, len(es))
		for _, e := range slices.Backward(es) {
			if o.values && !e.Deleted {
				docs = append(docs, newValueJSON(e))
			} else {
				docs = append(docs, newEntryJSON(e))
			}
		}
		return a.streams.JSON(docs)
	}
	headers := []string{"VERSION", "MODIFIED", "AUTHOR", "NOTE"}
	if o.values {
		headers = append(headers, "VALUE")
	}
	var rows [][]string
	for i, e := range slices.Backward(es) {
		row := []string{strconv.FormatInt(e.Version, 10), a.when(e.Modified), e.Author, note(e, i == len(es)-1)}
		if o.values {
			row = append(row, e.Value.Reveal())
		}
		rows = append(rows, row)
	}
	return a.streams.Table(headers, rows)
}

// note says what is special about a version.
func note(e secret.Entry, newest bool) string {
	var words []string
	if e.Deleted {
		words = append(words, "deleted")
	} else if newest {
		words = append(words, "current")
	}
	words = append(words, e.Labels...)
	return strings.Join(words, " ")
}
