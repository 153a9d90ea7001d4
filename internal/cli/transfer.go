package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
	"github.com/skret/skret/internal/ui"
)

// planOptions are what all faces of a transfer have.
type planOptions struct {
	dryRun   bool
	exitCode bool
	values   bool
	orphans  bool // what the target alone has is listed, not only counted
}

func (o *planOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.dryRun, "dry-run", false, "show the plan, and change nothing")
	o.bindLook(f)
}

// bindLook binds what goes with looking, too.
func (o *planOptions) bindLook(f *pflag.FlagSet) {
	f.BoolVar(&o.exitCode, "exit-code", false, "exit 9 when there is a difference")
	f.BoolVar(&o.values, "values", false, "show the values, on a terminal alone")
}

// selection chooses which secrets are carried, or compared.
type selection struct{ only, except []string }

func (o *selection) bind(f *pflag.FlagSet) {
	f.StringArrayVar(&o.only, "only", nil, "only secrets that match this `pattern`; may be repeated")
	f.StringArrayVar(&o.except, "except", nil, "no secrets that match this `pattern`; may be repeated")
}

func (o *selection) mapping() transfer.Mapping {
	return transfer.Mapping{Only: o.only, Except: o.except}
}

// emptyPolicy reads what --empty says.
func emptyPolicy(word string) (transfer.OnEmpty, error) {
	if err := enum("--empty", word, "fail", "skip"); err != nil {
		return 0, err
	}
	if word == "skip" {
		return transfer.EmptySkips, nil
	}
	return transfer.EmptyBlocks, nil
}

func (o *planOptions) check(a *app) error {
	if o.values && (!a.streams.OutTTY || a.json()) {
		return errs.New(errs.Invalid, "--values shows secrets, and standard output is not a terminal").
			WithHint("look on a terminal, or read a value with skret get")
	}
	return nil
}

// places returns what opens places, for the project that is chosen.
func (a *app) places(p *config.Project) *engine.Places {
	a.signals.watch()
	o := a.options(p)
	o.Notice = a.say
	return &engine.Places{
		Options: o,
		Load: func(f config.Flags) (*config.Project, error) {
			in, err := a.input()
			if err != nil {
				return nil, err
			}
			return load(in, f)
		},
		Stdin: func() ([]byte, error) { // what is too large, the readers of formats refuse
			return io.ReadAll(io.LimitReader(a.streams.In, format.MaxText+1))
		},
		Stdout: func(text []byte) error {
			if a.streams.OutTTY {
				text = []byte(ui.SafeLines(string(text)))
			}
			_, err := a.streams.Out.Write(text)
			return err
		},
	}
}

// load resolves a place that f names, or without that the one of the command line.
func load(in config.Input, f config.Flags) (*config.Project, error) {
	p, _, err := aim(in, f)
	return p, err
}

// aim is load, and returns also the flags that are about the place. Who signs is said
// for all places of AWS alike, unless f says it.
func aim(in config.Input, f config.Flags) (*config.Project, config.Flags, error) {
	all := in.Flags
	if !f.Alone && (f.Env == "" || f.Env == all.Env) {
		p, err := config.Load(in)
		return p, all, err
	}
	f.Config = all.Config
	in.Flags = f
	p, err := config.Load(in)
	if err != nil || p.Place.Provider != config.ProviderAWS || f.Profile != "" || f.Auth != "" {
		return p, f, err
	}
	f.Profile, f.Auth = all.Profile, all.Auth
	f.Account, f.Role = cmp.Or(f.Account, all.Account), cmp.Or(f.Role, all.Role)
	in.Flags = f
	p, err = config.Load(in)
	return p, f, err
}

// say tells the user something, above the bar when there is one.
func (a *app) say(text string) {
	if a.bar != nil {
		a.bar.Notice(text, strings.HasPrefix(text, "retrying"))
		return
	}
	a.streams.Notice("%s", text)
}

// planJSON is a plan, and what came of it, as every face prints it.
type planJSON struct {
	Source  string         `json:"source"`
	Target  string         `json:"target"`
	Items   []itemJSON     `json:"items"`
	Counts  map[string]int `json:"counts"`
	Applied bool           `json:"applied"`
	Failed  []failureJSON  `json:"failed"`
	Left    []secret.Key   `json:"not_tried"`
}

type itemJSON struct {
	Action transfer.Action `json:"action"`
	Name   secret.Key      `json:"name"`
	Key    secret.Key      `json:"key"`
	Why    string          `json:"reason"`
}

type failureJSON struct {
	Name  secret.Key `json:"name"`
	Error string     `json:"error"`
}

func newPlanJSON(source, target string, p transfer.Plan) planJSON {
	doc := planJSON{Source: source, Target: target, Items: []itemJSON{}, Counts: map[string]int{}, Failed: []failureJSON{}, Left: []secret.Key{}}
	for _, act := range transfer.Actions() {
		doc.Counts[string(act)] = len(p.Of(act))
	}
	for _, it := range p.Items {
		doc.Items = append(doc.Items, itemJSON{it.Action, it.Shown(), it.Key, ui.Safe(it.Why)})
	}
	return doc
}

func (d *planJSON) add(r transfer.Result) {
	d.Applied = true
	for _, f := range r.Failed {
		d.Failed = append(d.Failed, failureJSON{f.Item.Shown(), ui.Safe(f.Err.Error())})
	}
	for _, it := range r.Left {
		d.Left = append(d.Left, it.Shown())
	}
}

// printPlan shows a plan: what is the same is only counted.
func (a *app) printPlan(source, target string, p transfer.Plan, o planOptions) error {
	headers := []string{"ACTION", "NAME", "KEY", "REASON"}
	if o.values {
		headers = append(headers, "SOURCE", "TARGET")
	}
	var rows [][]string
	for _, it := range p.Items {
		if it.Action == transfer.Unchanged || it.Action == transfer.Orphan && !o.orphans {
			continue
		}
		row := []string{string(it.Action), string(it.Shown()), string(it.Key), it.Why}
		if o.values {
			there := ""
			if it.To != nil {
				there = shownValue(it.To.Value)
			}
			row = append(row, shownValue(it.From.Value), there)
		}
		rows = append(rows, row)
	}
	a.streams.Notice("%s -> %s: %s", source, target, summary(p))
	if len(rows) == 0 {
		return nil
	}
	return a.streams.Table(headers, rows)
}

// shownValue is a value for the eye; of a long one its start.
func shownValue(v secret.Value) string {
	text := v.Reveal()
	if r := []rune(text); len(r) > 60 {
		text = string(r[:57]) + "..."
	}
	return text
}

// summary counts a plan in words.
func summary(p transfer.Plan) string {
	var parts []string
	for _, w := range []struct {
		act   transfer.Action
		words string
	}{
		{transfer.Blocked, "blocked"}, {transfer.Conflict, "in conflict"}, {transfer.Create, "to create"}, {transfer.Update, "to update"},
		{transfer.Delete, "to delete"}, {transfer.Unknown, "unknown"}, {transfer.Skip, "skipped"}, {transfer.Orphan, "there alone"},
		{transfer.Unchanged, "unchanged"},
	} {
		if n := len(p.Of(w.act)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, w.words))
		}
	}
	if len(parts) == 0 {
		return "no secrets on either side"
	}
	return strings.Join(parts, ", ")
}

// carry applies a transfer's plan, unless it is a dry run. It shows the plan when
// nothing is done, when something is left undone, and before anything is deleted.
func (a *app) carry(ctx context.Context, t *engine.Transfer, o planOptions, docs *[]planJSON) error {
	doc := newPlanJSON(t.From.Title, t.To.Title, t.Plan)
	defer func() { *docs = append(*docs, doc) }()
	bad := t.Plan.Err()
	if !a.json() && (o.dryRun || bad != nil || t.Plan.Drift() != nil || len(t.Plan.Of(transfer.Delete)) > 0) {
		if err := errors.Join(a.printPlan(t.From.Title, t.To.Title, t.Plan, o), a.streams.Flush()); err != nil {
			return err
		}
	}
	if bad != nil {
		return bad
	}
	if o.dryRun {
		if o.exitCode && t.Plan.Differs() {
			return errs.New(errs.Drift, "%s differs from %s", t.To.Title, t.From.Title)
		}
		return nil
	}
	r, err := a.apply(ctx, t)
	doc.add(r)
	if !a.json() {
		a.streams.Notice("%s -> %s: %s", t.From.Title, t.To.Title, outcome(t.Plan, r))
	}
	return errors.Join(err, r.Err(), t.Plan.Drift())
}

// apply applies a plan and shows how far it is: by a bar on a terminal, by JSON
// events with JSON, and else by a line for each secret.
func (a *app) apply(ctx context.Context, t *engine.Transfer) (transfer.Result, error) {
	failed := 0
	step := func(s transfer.Step) {
		if s.Err != nil {
			failed++
		}
		switch {
		case a.bar != nil:
			a.bar.Step(s.Ended, failed)
		case a.json():
			a.event(t.To.Title, s)
		default:
			verb := past(s.Item.Action)
			if s.Err != nil {
				verb = "failed to " + string(s.Item.Action)
			}
			a.streams.Notice("%s %s (%d of %d)", verb, s.Item.Shown(), s.Ended, s.Total)
		}
	}
	if a.streams.ErrTTY && !a.json() {
		a.bar = a.streams.Progress(t.To.Title, len(t.Plan.Of(transfer.Create, transfer.Update, transfer.Delete)))
		defer func() {
			a.bar.End()
			a.bar = nil
		}()
	}
	return t.Apply(ctx, step)
}

// event writes a line of JSON to stderr about one secret.
func (a *app) event(target string, s transfer.Step) {
	doc := map[string]any{
		"event": "item", "target": target, "action": s.Item.Action, "name": s.Item.Shown(), "ended": s.Ended, "total": s.Total, "error": nil,
	}
	if s.Err != nil {
		doc["error"] = ui.Safe(s.Err.Error())
	}
	line, err := json.Marshal(doc)
	if err == nil {
		fmt.Fprintf(a.streams.Err, "%s\n", line)
	}
}

func past(act transfer.Action) string {
	switch act {
	case transfer.Create:
		return "created"
	case transfer.Update:
		return "updated"
	}
	return "deleted"
}

// outcome counts what was done.
func outcome(p transfer.Plan, r transfer.Result) string {
	done := map[transfer.Action]int{}
	for _, it := range r.Done {
		done[it.Action]++
	}
	var parts []string
	for _, act := range []transfer.Action{transfer.Create, transfer.Update, transfer.Delete} {
		if done[act] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", done[act], past(act)))
		}
	}
	for _, w := range []struct {
		n    int
		word string
	}{
		{len(r.Failed), "failed"}, {len(r.Left), "not tried"}, {len(p.Of(transfer.Skip)), "skipped"}, {len(p.Of(transfer.Unchanged)), "unchanged"},
	} {
		if w.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", w.n, w.word))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// printPlans prints the JSON of all plans, whatever came of them.
func (a *app) printPlans(docs []planJSON, err error) error {
	if !a.json() {
		return err
	}
	if docs == nil {
		docs = []planJSON{}
	}
	if jerr := a.streams.JSON(map[string]any{"plans": docs}); err == nil {
		err = jerr
	}
	return err
}

// protect asks for the name of an environment that is protected before it is
// written to; yes is the name as it was given on the command line.
func (a *app) protect(ctx context.Context, p *config.Project, yes string) error {
	if !p.Protected(p.Env) || yes == p.Env {
		return nil
	}
	switch {
	case yes != "":
		return errs.New(errs.Invalid, "--yes: %q is not the environment that is written to", yes).WithHint("--yes %s", p.Env)
	case !a.interactive() || !a.streams.InTTY:
		return errs.New(errs.Invalid, "environment %s is protected, and nobody can be asked here", p.Env).WithHint("pass --yes %s", p.Env)
	}
	a.signals.watch()
	got, err := a.streams.ReadLine(ctx, fmt.Sprintf("%s is protected; type its name to go on", p.Describe()), "")
	if err == nil && got != p.Env {
		err = errs.New(errs.Invalid, "not confirmed; nothing was changed")
	}
	return err
}

// resolveFile makes the name of a file in a place's settings absolute, relative
// to the folder that the command acts in.
func (a *app) resolveFile(s *engine.Spec) error {
	name := s.Fields["file"]
	if name == "" || name == "-" {
		return nil
	}
	full, err := a.abs(name)
	s.Fields["file"] = full
	return err
}
