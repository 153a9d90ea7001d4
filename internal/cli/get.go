package cli

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

type getOptions struct{ version int64 }

func (o *getOptions) bind(f *pflag.FlagSet) {
	f.Int64Var(&o.version, "version", 0, "read this version instead of the current one")
}

func newGet(a *app) *cobra.Command {
	var o getOptions
	c := &cobra.Command{
		Use:   "get KEY [KEY ...]",
		Short: "Print the value of a secret",
		Long: `Print the value of a secret, byte for byte.

On a terminal a newline is added, and control characters are shown as escapes.
Several keys are printed as JSON only; env prints them in other shapes.`,
		Example: `  skret get DATABASE_URL
  skret get DATABASE_URL --version 3
  skret get TLS_KEY > key.pem
  skret get DATABASE_URL API_KEY --format json`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runGet(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	return c
}

func runGet(ctx context.Context, a *app, o getOptions, args []string) error {
	switch {
	case o.version < 0:
		return errs.New(errs.Invalid, "--version: %d is not a version", o.version)
	case len(args) > 1 && o.version > 0:
		return errs.New(errs.Invalid, "--version goes with one key")
	case len(args) > 1 && !a.json():
		return errs.New(errs.Invalid, "several keys have no plain form").
			WithHint("use --format json, or skret env --only KEY")
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	keys, err := client.Keys(args)
	if err != nil {
		return err
	}
	var es []secret.Entry
	if o.version > 0 {
		e, err := client.Version(ctx, keys[0], o.version)
		if err != nil {
			return err
		}
		es = []secret.Entry{e}
	} else if es, err = client.Get(ctx, keys...); err != nil {
		return err
	}
	if a.json() {
		docs := make([]valueJSON, len(es))
		for i, e := range es {
			docs[i] = newValueJSON(e)
		}
		if len(args) == 1 {
			return a.streams.JSON(docs[0])
		}
		return a.streams.JSON(docs)
	}
	text := es[0].Value.Reveal()
	if a.streams.OutTTY {
		text = ui.SafeLines(text) + "\n"
	}
	_, err = a.streams.Out.WriteString(text)
	return err
}

// valueJSON is a secret with its value. Bytes that are not UTF-8, which JSON
// cannot carry, are in ValueBase64 instead.
type valueJSON struct {
	entryJSON
	Value       *string `json:"value,omitempty"`
	ValueBase64 string  `json:"value_base64,omitempty"`
}

func newValueJSON(e secret.Entry) valueJSON {
	doc := valueJSON{entryJSON: newEntryJSON(e)}
	if v := e.Value.Reveal(); utf8.ValidString(v) {
		doc.Value = &v
	} else {
		doc.ValueBase64 = base64.StdEncoding.EncodeToString([]byte(v))
	}
	return doc
}
