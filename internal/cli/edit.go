package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
	"github.com/skret/skret/internal/ui"
)

type editOptions struct {
	yes        string
	allowEmpty bool
}

func (o *editOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.yes, "yes", "", "`name` of the environment: delete without asking, and write although it is protected")
	f.BoolVar(&o.allowEmpty, "allow-empty", false, "accept an empty value")
}

func newEdit(a *app) *cobra.Command {
	var o editOptions
	c := &cobra.Command{
		Use:   "edit [KEY]",
		Short: "Edit a secret, or the whole environment, in your editor",
		Long: `Edit a secret in your editor: its exact bytes. Without KEY, all of the
environment in one text: "KEY: value" lines of YAML. What you take out there is
deleted, after a question; a line that you add is a new secret. When you leave the
text as it is, or the editor fails, nothing is written.

The editor is $VISUAL, $EDITOR or vi. Words in it are parted as in a shell, quotes
included, but no shell is started. One that returns at once must be told to wait:
EDITOR="code --wait".

The text is a file that only you may read, in a folder of its own, in memory where
the system has such a place. Backups and swap files that the editor puts beside
it go with the folder: overwritten and removed at the end, also after ^C, and at
the next edit if skret was killed. What the editor keeps elsewhere (vim's undodir
and viminfo, say) skret does not know of.

Of an environment with several layers its own is edited: what it writes to.

If the secret changed meanwhile, nothing is written: you may edit on over what
is there now, or keep your text.

One line break at the end of a value that had none is taken off: editors put one
there. To store one, leave an empty line at the end.`,
		Example: `  skret edit TLS_KEY
  skret edit -e dev
  EDITOR="code --wait" skret edit DATABASE_URL`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return runEdit(c.Context(), a, o, args) },
	}
	o.bind(c.Flags())
	return c
}

// editing is one edit: what was read, and what the user makes of it.
type editing struct {
	*app
	o       editOptions
	client  *engine.Client
	key     secret.Key // "": the whole environment
	command []string   // the editor
	scratch *durable.Scratch

	was     []secret.Entry // what was read, as far as it can stand in a text
	odd     []string       // why the rest cannot
	remarks []string       // for the head of the text
}

func runEdit(ctx context.Context, a *app, o editOptions, args []string) error {
	command, err := a.editor()
	if err != nil {
		return err
	}
	e := &editing{app: a, o: o, command: command}
	if e.client, err = a.openFresh(); err != nil {
		return err
	}
	if len(args) == 1 {
		if e.key, err = e.client.Key(args[0]); err != nil {
			return err
		}
	}
	if err := a.protect(ctx, e.client.Project, o.yes); err != nil {
		return err
	}
	if err := e.read(ctx); err != nil {
		return err
	}
	if e.key != "" && len(e.was) == 0 {
		if _, err := secret.ParseKey(string(e.key)); err != nil {
			return err
		}
		a.streams.Notice("%s is not in %s; what you save creates it there", e.key, e.client.Project.Describe())
	}
	const kind = "edit"
	memory := getenv("XDG_RUNTIME_DIR")
	durable.SweepScratch(kind, memory, true, func(string) {}) // what skret left when it was killed
	if e.scratch, err = durable.NewScratch(kind, memory); err != nil {
		return err
	}
	if !e.scratch.InMemory {
		a.streams.Notice("there is no folder in memory here: the text is on the disk while you edit it, in %s", e.scratch.Dir)
	}
	docs, err := e.loop(ctx)
	if e.scratch != nil {
		err = errors.Join(err, e.scratch.Wipe())
	}
	return a.printPlans(docs, err)
}

// editor returns the command of the user's editor.
func (a *app) editor() ([]string, error) {
	if !a.interactive() {
		return nil, errs.New(errs.Invalid, "edit starts an editor, and asking is switched off").
			WithHint("write a value with skret set, and several with skret import")
	}
	line := cmp.Or(getenv("VISUAL"), getenv("EDITOR"))
	if line == "" {
		if !a.streams.InTTY {
			return nil, errs.New(errs.Invalid, "edit starts an editor, and there is no terminal").
				WithHint("write a value with skret set, several with skret import, or name an editor that needs no terminal by EDITOR")
		}
		if line = "vi"; runtime.GOOS == "windows" {
			line = "notepad"
		}
	}
	words, err := ui.Words(line, runtime.GOOS != "windows")
	if err == nil && len(words) == 0 {
		err = errors.New("it has no word")
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, "VISUAL or EDITOR: %w", err).WithHint("set it as in EDITOR=\"code --wait\"")
	}
	return words, nil
}

// read reads what is to be edited.
func (e *editing) read(ctx context.Context) error {
	var keys []secret.Key
	if e.key != "" {
		keys = []secret.Key{e.key}
	}
	es, err := e.client.Own(ctx, keys...)
	if err != nil {
		return err
	}
	e.was, e.odd = nil, nil
	for _, one := range es {
		why := format.Editable(one)
		switch {
		case e.key != "" && one.Hidden != "":
			return errs.New(errs.Backend, "%s", one.Hidden)
		case e.key != "" && why != "":
			e.streams.Notice("%s is no text: %s; not every editor keeps its bytes", one.Key, why)
		case why != "":
			e.odd = append(e.odd, fmt.Sprintf("%s: %s", one.Key, why))
			continue
		}
		e.was = append(e.was, one)
	}
	return nil
}

// loop has the user edit until there is something that can be written, and writes
// it; or until he gives up.
func (e *editing) loop(ctx context.Context) ([]planJSON, error) {
	text, err := e.text(e.was)
	if err != nil {
		return nil, err
	}
	first := text
	for {
		if text, err = e.edit(ctx, text); err != nil {
			return nil, err
		}
		if bytes.Equal(text, first) {
			e.streams.Notice("nothing was changed")
			return nil, nil
		}
		now, err := e.parse(text)
		if err == nil {
			var docs []planJSON
			if docs, err = e.write(ctx, now); err == nil {
				return docs, nil
			}
		}
		if ctx.Err() != nil {
			return nil, err
		}
		again, err := e.again(ctx, err)
		if !again {
			return nil, err
		}
		if now == nil {
			continue // the text is wrong, and stays as it is
		}
		first = nil
		if text, err = e.rebase(ctx, now); err != nil {
			return nil, err
		}
	}
}

// edit has the user edit the text.
func (e *editing) edit(ctx context.Context, text []byte) ([]byte, error) {
	name, err := e.scratch.Write(e.file(), text)
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(environ(), func(v string) bool { return strings.HasPrefix(v, "SKRET_IDENTITY=") })
	e.signals.others.Store(true)
	err = e.streams.Edit(ctx, append(slices.Clone(e.command), name), env)
	e.signals.others.Store(false)
	if err != nil {
		return nil, errs.Each("nothing was written", err)
	}
	if text, err = e.scratch.Read(e.file(), maxInput); err != nil {
		return nil, fmt.Errorf("read what was edited: %w", err)
	}
	return text, nil
}

// write shows the plan, asks what there is to ask, and writes.
func (e *editing) write(ctx context.Context, now []secret.Entry) ([]planJSON, error) {
	p := e.client.Project
	plan := e.client.EditPlan(e.was, now)
	doc := newPlanJSON("the text", p.Describe(), plan)
	var probs []error
	for _, it := range plan.Of(transfer.Blocked) {
		probs = append(probs, errs.New(errs.Invalid, "%s cannot be written: %s", it.Shown(), it.Why))
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	if !plan.Differs() {
		e.streams.Notice("nothing was changed")
		return []planJSON{doc}, nil
	}
	if !e.json() {
		if err := errors.Join(e.printPlan("the text", p.Describe(), plan, planOptions{}), e.streams.Flush()); err != nil {
			return nil, err
		}
	}
	if gone := plan.Of(transfer.Delete); len(gone) > 0 && (e.o.yes == "" || e.o.yes != p.Env) {
		names := make([]secret.Key, len(gone))
		for i, it := range gone {
			names[i] = it.Name
		}
		question := fmt.Sprintf("delete %s from %s", secret.Join(names), p.Describe())
		if !e.streams.InTTY {
			return nil, errs.New(errs.Invalid, "%s: nobody can be asked here", question).WithHint("pass --yes %s", p.Env)
		}
		if err := e.confirm(ctx, confirmOptions{}, question); err != nil {
			return nil, err
		}
	}
	done, err := e.client.ApplyEdit(ctx, plan)
	if !e.json() {
		for _, d := range done {
			if d.Version == 0 {
				e.streams.Notice("deleted %s", d.Key)
			} else {
				e.streams.Notice("set %s, version %d", d.Key, d.Version)
			}
		}
	}
	if err != nil {
		return nil, &notWritten{err}
	}
	doc.Applied = true
	return []planJSON{doc}, nil
}

// notWritten is a failure of the store: the text is right.
type notWritten struct{ error }

func (n *notWritten) Unwrap() error { return n.error }

// again asks what becomes of a text that could not be written, for why. Where
// nobody can be asked, it is kept if the text is not to blame.
func (e *editing) again(ctx context.Context, why error) (bool, error) {
	_, right := errors.AsType[*notWritten](why)
	if !e.streams.InTTY {
		if right {
			e.keep()
		}
		return false, why
	}
	for _, one := range errs.All(why) {
		e.streams.Notice("%s", one)
	}
	for {
		answer, err := e.streams.ReadLine(ctx, "edit again, keep the text in a file, or discard it? e/k/d", "e")
		if err != nil {
			return false, errors.Join(why, err)
		}
		switch strings.ToLower(answer) {
		case "e", "edit":
			return true, nil
		case "k", "keep":
			e.keep()
			return false, why
		case "d", "discard":
			return false, why
		}
	}
}

// keep leaves the text to the user.
func (e *editing) keep() {
	dir, err := e.scratch.Keep()
	if err != nil {
		e.streams.Notice("%v", err)
	}
	e.scratch = nil
	e.streams.Notice("your text is in %s; remove that folder when you are done with it", filepath.Join(dir, e.file()))
}

// rebase reads what the store has now, and returns the text that carries the
// user's changes over to it.
func (e *editing) rebase(ctx context.Context, mine []secret.Entry) ([]byte, error) {
	was := e.was
	if err := e.read(ctx); err != nil {
		return nil, err
	}
	merged, clashes := engine.Rebase(was, mine, e.was)
	e.remarks = nil
	for _, k := range clashes {
		e.remarks = append(e.remarks, fmt.Sprintf("%s was changed by somebody else meanwhile: what you save here replaces that.", k))
	}
	if e.key != "" && len(clashes) > 0 {
		e.streams.Notice("%s was changed by somebody else meanwhile: what you save replaces that", e.key)
	}
	return e.text(merged)
}
