package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// maxInput bounds what is read of a file or a pipe, in bytes. Every store's own limit
// is lower.
const maxInput = 16 << 20

type setOptions struct {
	fromFile    string
	generate    string
	allowEmpty  bool
	trimNewline bool
	typ         string
	description string
	tags        []string
	ifVersion   int64
}

func (o *setOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.fromFile, "from-file", "", "take the value from this file, byte for byte")
	f.StringVar(&o.generate, "generate", "", "make the value: one of the `kinds` of skret generate, or schema for what .skret.yaml says")
	f.BoolVar(&o.allowEmpty, "allow-empty", false, "accept an empty value")
	f.BoolVar(&o.trimNewline, "trim-newline", false, "take one newline off the end of what is read")
	f.StringVar(&o.typ, "type", "", "type of the parameter in AWS: SecureString (the default), String or StringList")
	f.StringVar(&o.description, "description", "", "what the secret is for; readable by whoever may list")
	f.StringArrayVar(&o.tags, "tag", nil, "tag NAME=VALUE of the parameter in AWS (repeatable)")
	f.Int64Var(&o.ifVersion, "if-version", store.AnyVersion, "write only if this is the current version; 0: only if there is none")
}

func newSet(a *app) *cobra.Command {
	var o setOptions
	c := &cobra.Command{
		Use:   "set KEY [VALUE | -] or set KEY=VALUE ...",
		Short: "Store a secret",
		Long: `Store a secret. The value comes from the first of these that is given:

  VALUE or KEY=VALUE   on the command line, where the shell's history and other
                       users' ps can see it
  --from-file FILE     the bytes of a file
  --generate KIND      a new random value, which is not shown; see skret generate
  a pipe, or -         all of standard input
  a prompt             on the terminal, without echo

Bytes are kept as they are. A single line that ends in a newline is stored with
it, and a remark says so; --trim-newline takes it off. Of a key pair that was
generated the public key is printed.`,
		Example: `  skret set DATABASE_URL
  skret set LOG_LEVEL=debug REGION=eu-west-1
  printf %s "$TOKEN" | skret set API_TOKEN
  skret set TLS_KEY --from-file key.pem --description "until May"
  skret set SESSION_KEY --generate hex:32
  skret set API_TOKEN --if-version 0 < token      # only if there is none yet`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runSet(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	_ = c.RegisterFlagCompletionFunc("generate", cobra.FixedCompletions(append(secret.GeneratorNames(), engine.BySchema), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"SecureString", "String", "StringList"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func runSet(ctx context.Context, a *app, o setOptions, args []string) error {
	pairs, err := o.pairs(args)
	if err != nil {
		return err
	}
	tags, err := parseTags(o.tags)
	if err != nil {
		return err
	}
	client, err := a.open()
	if err != nil {
		return err
	}
	entries := make([]secret.Entry, len(pairs))
	var probs []error
	for i, p := range pairs {
		key, err := client.Key(p.key)
		if err == nil {
			_, err = secret.ParseKey(string(key))
		}
		if err != nil {
			probs = append(probs, err)
			continue
		}
		entries[i] = secret.Entry{Key: key, Type: o.typ, Description: o.description, Tags: tags}
	}
	if err := errors.Join(probs...); err != nil {
		return err
	}
	for i, p := range pairs {
		if o.generate != "" {
			made, err := client.Generate(o.generate, entries[i].Key)
			if err != nil {
				return err
			}
			entries[i].Value = made[0].Value
			continue
		}
		v := []byte(p.value)
		if !p.given {
			if v, err = a.readValue(ctx, o, entries[i].Key); err != nil {
				return err
			}
		}
		if len(v) == 0 && !o.allowEmpty {
			probs = append(probs, errs.New(errs.Invalid, "the value of %s is empty", entries[i].Key).
				WithHint("pass --allow-empty if that is meant"))
		}
		entries[i].Value = secret.NewValue(string(v))
	}
	if err := errors.Join(probs...); err != nil {
		return err
	}
	return a.put(ctx, client, o.ifVersion, entries, o.generate != "")
}

// put writes secrets and says what was written; made tells that the values are new
// ones of skret's, of which the public keys are printed.
func (a *app) put(ctx context.Context, client *engine.Client, expect int64, entries []secret.Entry, made bool) error {
	if ks := client.Project.Place.Keys; len(ks) > 0 {
		for _, e := range entries {
			if !slices.Contains(ks, string(e.Key)) {
				a.streams.Notice("%s is not in keys: of the configuration, and is not read as long as it is not", e.Key)
			}
		}
	}
	done, err := client.Put(ctx, expect, entries...)
	verb, public := "set", []string(nil)
	if made {
		verb = "generated"
		for _, e := range entries[:len(done)] {
			public = append(public, generate.Public(e.Value))
		}
	}
	if perr := a.printWritten(verb, done, public...); err == nil {
		err = perr
	}
	return err
}

// printWritten says what was stored: talk for a person, data as JSON. public are the
// public keys of the values, "" for those that have none; there may be none at all.
func (a *app) printWritten(verb string, done []engine.Written, public ...string) error {
	if a.json() {
		type doc struct {
			Key       secret.Key `json:"key"`
			Version   int64      `json:"version"`
			PublicKey string     `json:"public_key,omitempty"`
		}
		docs := make([]doc, len(done))
		for i, w := range done {
			docs[i] = doc{Key: w.Key, Version: w.Version}
			if i < len(public) {
				docs[i].PublicKey = public[i]
			}
		}
		return a.streams.JSON(docs)
	}
	for _, w := range done {
		a.streams.Notice("%s %s, version %d", verb, w.Key, w.Version)
	}
	_, err := a.streams.Out.WriteString(strings.Join(public, ""))
	return err
}

type pair struct {
	key, value string
	given      bool // the value is on the command line
}

// pairs takes the arguments apart and refuses what is in conflict.
func (o *setOptions) pairs(args []string) ([]pair, error) {
	usage := func(format string, args ...any) ([]pair, error) {
		return nil, errs.New(errs.Invalid, format, args...).WithHint("see skret set --help")
	}
	if o.ifVersion < store.AnyVersion {
		return usage("--if-version: %d is not a version", o.ifVersion)
	}
	if o.generate != "" {
		switch {
		case len(args) > 1 || strings.Contains(args[0], "="):
			return usage("--generate goes with one key, and no value")
		case o.fromFile != "" || o.trimNewline || o.allowEmpty:
			return usage("--generate excludes --from-file, --trim-newline and --allow-empty")
		}
		return []pair{{key: args[0]}}, nil
	}
	if !strings.Contains(args[0], "=") {
		switch {
		case len(args) > 2:
			return usage("one value at a time, or KEY=VALUE for several")
		case len(args) == 1 || args[1] == "-" && o.fromFile == "":
			return []pair{{key: args[0]}}, nil
		case o.fromFile != "":
			return usage("a value and --from-file exclude each other")
		}
		return []pair{{args[0], args[1], true}}, nil
	}
	if o.fromFile != "" {
		return usage("KEY=VALUE and --from-file exclude each other")
	}
	if len(args) > 1 && o.ifVersion > 0 {
		return usage("--if-version goes with one key")
	}
	var ps []pair
	for i, arg := range args {
		k, v, ok := strings.Cut(arg, "=")
		if !ok {
			return usage("argument %d is not KEY=VALUE", i+1) // it may be a value: not shown
		}
		ps = append(ps, pair{k, v, true})
	}
	return ps, nil
}

func parseTags(words []string) (map[string]string, error) {
	var tags map[string]string
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return nil, errs.New(errs.Invalid, "--tag: %q is not NAME=VALUE", w)
		}
		if tags == nil {
			tags = map[string]string{}
		}
		tags[k] = v
	}
	return tags, nil
}

// readInput reads a file, or standard input, which is -. what names it in errors.
func (a *app) readInput(name, what string) ([]byte, error) {
	if name != "-" {
		path, err := a.abs(name)
		if err != nil {
			return nil, err
		}
		data, err := durable.ReadFile(path, maxInput)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		return data, nil
	}
	data, err := io.ReadAll(io.LimitReader(a.streams.In, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s from standard input: %w", what, err)
	}
	if len(data) > maxInput {
		return nil, errs.New(errs.Invalid, "%s is larger than %d MB", what, maxInput>>20)
	}
	return data, nil
}

// readValue gets the value of key from the file, the pipe or the prompt.
func (a *app) readValue(ctx context.Context, o setOptions, key secret.Key) ([]byte, error) {
	from := cmp.Or(o.fromFile, "-")
	if from == "-" && a.streams.InTTY {
		if !a.interactive() {
			return nil, errs.New(errs.Invalid, "no value for %s, and asking is switched off", key).
				WithHint("pipe the value in, or use --from-file")
		}
		a.signals.watch()
		return a.streams.ReadHidden(ctx, fmt.Sprintf("value of %s: ", key))
	}
	v, err := a.readInput(from, "the value of "+string(key))
	if err != nil {
		return nil, err
	}
	one, ends := bytes.CutSuffix(v, []byte("\n"))
	switch {
	case ends && o.trimNewline:
		return one, nil
	case ends && len(one) > 0 && !bytes.Contains(one, []byte("\n")):
		a.streams.Notice("the value of %s ends with a newline, which is stored with it; --trim-newline takes it off", key)
	}
	return v, nil
}
