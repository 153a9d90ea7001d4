package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/leak"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

type maskOptions struct{ only, except []string }

func (o *maskOptions) bind(f *pflag.FlagSet) {
	f.StringSliceVar(&o.only, "only", nil, "only secrets that match one of these `globs`, by key or by variable")
	f.StringSliceVar(&o.except, "except", nil, "all secrets but those that match one of these `globs`")
}

func newMask(a *app) *cobra.Command {
	var o maskOptions
	c := &cobra.Command{
		Use:   "mask [flags]",
		Short: "Copy standard input to standard output with the values of the secrets masked",
		Long: `Copy standard input to standard output, with *** in place of every value of the
environment's secrets: plain, each line of a value of several lines, in base64,
escaped for URLs and JSON, and in hex. Everything else passes as it is, binary
data too, and at once: only what may be the beginning of a value waits for the
rest, for less than 50 ms.

This protects against accidents. A program that means to show a value can: in
another encoding, in pieces, or slowly. Values under 4 bytes, short numbers and
words that occur everywhere, such as "production", are not masked; stderr names
those secrets.

skret run --mask masks what a command writes. This is for output that is there
already, or comes from elsewhere. The secrets are read before the first byte;
when one cannot be read, nothing passes. --timeout limits that reading.

With --format json the secrets that are masked, and those that are not, are one
line of JSON on stderr. Standard output stays what it is.

Exit codes:
  0  everything was passed on
  1  standard input or output failed
  5  a secret of --only does not exist
  8  wrong usage
  2, 3, 4, 7  as for every command: see skret --help`,
		Example: `  ./deploy 2>&1 | skret mask -e prod
  skret mask < old.log > clean.log
  kubectl logs -f app | skret mask --except 'PUBLIC_*'`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runMask(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

func runMask(ctx context.Context, a *app, o maskOptions) error {
	client, err := a.open()
	if err != nil {
		return err
	}
	// Of no interest here is what keeps secrets from being variables: their names.
	es, err := client.List(ctx, "")
	if bad, partial := errors.AsType[*store.Unreadable](err); partial {
		es = append(es, bad.Entries()...)
	} else if err != nil {
		return err
	}
	es, ferr := secret.Filter(es, o.only, o.except)
	if ferr != nil {
		return ferr
	}
	if slices.ContainsFunc(es, func(e secret.Entry) bool { return !e.Value.Present() }) {
		return err
	}
	secrets := make([]leak.Secret, len(es))
	for i, e := range es {
		secrets[i] = leak.Secret{Name: string(e.Key), Value: e.Value}
	}
	matcher, skipped := leak.New(secrets, leak.Options{MinLength: leak.MinMask})
	a.tellMasked(secrets, skipped)
	// From here on a signal ends us as it ends any filter.
	if err := a.signals.release(); err != nil {
		return err
	}
	w := matcher.Mask(flushing{a.streams})
	if _, err := io.Copy(w, a.streams.In); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// tellMasked says on stderr which secrets are not masked, and in JSON also which are.
func (a *app) tellMasked(secrets []leak.Secret, skipped []leak.Skipped) {
	isSkipped := func(name string) bool {
		return slices.ContainsFunc(skipped, func(s leak.Skipped) bool { return s.Name == name })
	}
	doc := maskJSON{Masked: []string{}, Skipped: []maskSkippedJSON{}}
	for _, s := range secrets {
		if !isSkipped(s.Name) {
			doc.Masked = append(doc.Masked, s.Name)
		}
	}
	names := map[string][]string{}
	var reasons []string
	for _, s := range skipped {
		doc.Skipped = append(doc.Skipped, maskSkippedJSON{s.Name, s.Why})
		if names[s.Why] == nil {
			reasons = append(reasons, s.Why)
		}
		names[s.Why] = append(names[s.Why], s.Name)
	}
	if a.json() {
		_ = json.NewEncoder(a.streams.Err).Encode(doc)
		return
	}
	for _, why := range reasons {
		a.streams.Notice("not masked, since %s: %s", why, strings.Join(names[why], ", "))
	}
	if len(secrets) == 0 {
		a.streams.Notice("there are no secrets to mask")
	}
}

// maskJSON says by key what is masked, and what is not.
type maskJSON struct {
	Masked  []string          `json:"masked"`
	Skipped []maskSkippedJSON `json:"skipped"`
}

type maskSkippedJSON struct {
	Key string `json:"key"`
	Why string `json:"why"`
}
