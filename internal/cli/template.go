package cli

import (
	"context"
	"encoding/base64"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/template"
	"github.com/skret/skret/internal/ui"
)

// The words for template --engine.
const (
	engineSimple = "simple"
	engineGo     = "go"
)

type templateOptions struct {
	filters
	output string
	engine string
}

func (o *templateOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.StringVarP(&o.output, "output", "o", "", "put the text in place of this `file`, for you alone to read")
	f.StringVar(&o.engine, "engine", engineSimple, "language of the template: simple, which is ${NAME}, or go")
}

func newTemplate(a *app) *cobra.Command {
	var o templateOptions
	c := &cobra.Command{
		Use:   "template FILE | -",
		Short: "Fill a file with the values of secrets",
		Long: `Print a file in which each ${NAME} stands for the value of a secret, NAME being a
key or a variable. $${ is a plain ${, and any other $ is itself. Every other byte
stays as it is, and what was filled in is not looked at again. - is standard
input.

The secrets are those that run would pass to a command: required ones must be
there, and what the schema says must hold. Names that are not defined are told
all at once, and then nothing is written.

--engine go takes Go templates, which have conditions and loops: .NAME is a value,
index . "app/key" one by its key, and range goes over all. Their functions are
and or not eq ne lt le gt ge len index print printf println html js urlquery,
as Go has them, and has "NAME", json and base64. Nothing there reads a file, runs a
command or sees the environment around skret.

-o writes a file as a whole, with mode 0600, or not at all. On a terminal control
characters are shown as escapes.

Exit codes:
  0  everything was written
  1  the file cannot be read or written
  5  the template uses a name that is not defined, or a required secret is missing
  6  two keys map to one variable
  8  the template, a value or a name is wrong, or wrong usage
  2, 3, 4, 7  as for every command: see skret --help`,
		Example: `  skret template nginx.conf.tmpl -o nginx.conf
  skret template -e prod app.yaml.tmpl | kubectl apply -f -
  echo 'db: ${DATABASE_URL}' | skret template -
  skret template --engine go config.tmpl -o config.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runTemplate(c.Context(), a, o, args[0]) },
	}
	o.bind(c.Flags())
	_ = c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions([]string{engineSimple, engineGo}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func runTemplate(ctx context.Context, a *app, o templateOptions, name string) error {
	if err := enum("--engine", o.engine, engineSimple, engineGo); err != nil {
		return err
	}
	text, err := a.readInput(name, "the template")
	if err != nil {
		return err
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	var output string
	if o.output != "" {
		if output, err = a.outputFile(o.output, client.Project); err != nil {
			return err
		}
		if err := a.notTheTemplate(name, output); err != nil {
			return err
		}
	}
	set, err := client.Variables(ctx, o.only, o.except, o.allow)
	if err != nil {
		return err
	}
	filled, err := fill(o.engine, string(text), set)
	if err != nil {
		return errs.Each(shownFile(name), err)
	}
	return a.printFilled(o.output, output, filled)
}

// printFilled writes what a template became: to the file, which the user wrote as
// shown, or to standard output.
func (a *app) printFilled(shown, file, text string) error {
	doc := filledJSON{Output: shown}
	switch {
	case file != "":
		if err := durable.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		if !a.json() {
			a.streams.Notice("wrote %s", shown)
			return nil
		}
	case !a.json():
		if a.streams.OutTTY {
			text = ui.SafeLines(text)
		}
		_, err := a.streams.Out.WriteString(text)
		return err
	case utf8.ValidString(text):
		doc.Text = &text
	default:
		doc.TextBase64 = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return a.streams.JSON(doc)
}

// filledJSON is a template that was filled: the file that it was written to, or the
// text. Bytes that are not UTF-8, which JSON cannot carry, are in TextBase64.
type filledJSON struct {
	Output     string  `json:"output,omitempty"`
	Text       *string `json:"text,omitempty"`
	TextBase64 string  `json:"text_base64,omitempty"`
}

// notTheTemplate refuses to put the filled text in place of the template.
func (a *app) notTheTemplate(name, output string) error {
	path, err := a.abs(name)
	if err != nil || name == "-" {
		return err
	}
	in, _ := os.Stat(path)
	if out, err := os.Stat(output); err == nil && os.SameFile(in, out) {
		return errs.New(errs.Invalid, "--output: %s is the template itself, and would be lost", name).WithHint("name another")
	}
	return nil
}

func shownFile(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// fill puts the values of the set, by key or by variable, into a template.
func fill(engine, text string, set secret.Set) (string, error) {
	values := make(map[string]secret.Value, 2*len(set))
	names := make([]string, len(set))
	for i, v := range set {
		values[v.Name], values[string(v.Key)] = v.Value, v.Value
		names[i] = v.Name
	}
	lookup := func(name string) (string, bool, error) {
		v, ok := values[name]
		return v.Reveal(), ok, nil
	}
	if engine == engineGo {
		return template.Go(text, names, lookup)
	}
	return template.Expand(text, lookup)
}
