package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/browse"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
	"github.com/skret/skret/internal/ui"
)

func newBrowse(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "browse",
		Short: "Look through environments and secrets on the terminal",
		Long: `Look through the environments and their secrets on the whole terminal: find one as
you type its name, reveal its value, edit, delete and make secrets, see their
versions and bring one back, compare two environments.

The keys are on the last line; ? shows all of them.

A value is read when you reveal it, one at a time, and hidden again by the next
key, after 30 seconds, and when you leave. What a protected environment is to
lose or get back is confirmed by its name.

It needs a terminal; elsewhere list, get and diff tell the same. Colours are the
terminal's own, and none where NO_COLOR is set.`,
		Example: `  skret browse
  skret browse -e prod`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runBrowse(c.Context(), a) },
	}
}

func runBrowse(ctx context.Context, a *app) error {
	refused := func(why string) error {
		return errs.New(errs.Invalid, "browse needs a terminal: %s", why).
			WithHint("skret list, skret get and skret diff tell the same, also as JSON")
	}
	term := getenv("TERM")
	switch {
	case a.json():
		return refused("it has nothing to print as JSON")
	case !a.streams.InTTY || !a.streams.OutTTY:
		return refused("standard input or output is none")
	case !a.interactive():
		return refused("asking is switched off")
	case runtime.GOOS != "windows" && (term == "" || term == "dumb"):
		return refused("this one cannot be drawn on, by what TERM says")
	}
	b := &browsed{a: a, browser: browse.New(), clients: map[string]*engine.Client{}}
	o, err := b.options()
	if err != nil {
		return err
	}
	a.signals.watch()
	if a.streams.ErrTTY {
		a.log = slog.New(slog.DiscardHandler) // it would be written across the screen
	}
	if b.screen, err = a.streams.OpenScreen(); err != nil {
		return err
	}
	defer b.screen.Close()
	return b.browser.Run(ctx, b.screen, o)
}

// browsed is what the terminal interface looks at and changes.
type browsed struct {
	a       *app
	begin   *config.Project // the environment that it begins with; nil if none is chosen
	screen  *ui.Screen
	browser *browse.Browser

	mu      sync.Mutex
	clients map[string]*engine.Client // those that are open
}

var (
	_ browse.Reader = (*browsed)(nil)
	_ browse.Writer = (*browsed)(nil)
)

// options reads the configuration. An environment that is not in order is no error
// unless it is the one that is asked for.
func (b *browsed) options() (browse.Options, error) {
	o := browse.Options{Reader: b, Writer: b, Colour: getenv("NO_COLOR") == ""}
	in, err := b.a.input()
	if err != nil {
		return o, err
	}
	outline, err := config.Outline(in)
	if err != nil {
		return o, err
	}
	o.Project = outline.Name
	if b.begin, err = b.a.project(); err != nil && (b.a.global.Env != "" || len(outline.Envs) == 0) {
		return o, err
	}
	names := outline.Envs
	if b.begin != nil {
		if o.Env = b.begin.Env; !slices.Contains(names, o.Env) {
			names = []string{o.Env}
		}
	}
	for _, name := range names {
		e := browse.Environment{Name: name, Protected: outline.Protected(name)}
		if p, err := b.project(name); err != nil {
			e.Err = err
		} else {
			place := *p
			place.Env = ""
			e.Where = place.Describe()
		}
		o.Environments = append(o.Environments, e)
	}
	return o, nil
}

// project returns the configuration of an environment.
func (b *browsed) project(env string) (*config.Project, error) {
	if b.begin != nil && b.begin.Env == env {
		return b.begin, nil
	}
	in, err := b.a.input()
	if err != nil {
		return nil, err
	}
	return load(in, config.Flags{Env: env})
}

// client opens an environment, once.
func (b *browsed) client(env string) (*engine.Client, error) {
	b.mu.Lock()
	c := b.clients[env]
	b.mu.Unlock()
	if c != nil {
		return c, nil
	}
	p, err := b.project(env)
	if err != nil {
		return nil, err
	}
	if c, err = engine.Open(b.engineOptions(p)); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients[env] = c
	return c, nil
}

// engineOptions have questions asked on the terminal in place of the screen, and what
// there is to say shown on it. What is seen may be changed: it is read anew, and not
// from a cache.
func (b *browsed) engineOptions(p *config.Project) engine.Options {
	o := b.a.options(p)
	o.Refresh = !o.Offline
	o.Notice = b.browser.Notice
	if ask := o.AskPassphrase; ask != nil {
		o.AskPassphrase = func(ctx context.Context, prompt string) (answer []byte, err error) {
			err = b.screen.Lend(func() error {
				answer, err = ask(ctx, prompt)
				return err
			})
			return answer, err
		}
	}
	if again := o.Relogin; again != nil {
		o.Relogin = func(ctx context.Context, name string, why error) error {
			return b.screen.Lend(func() error { return again(ctx, name, why) })
		}
	}
	return o
}

// Names is the method of [browse.Reader]. What the store does not say of a secret, the
// project's schema may.
func (b *browsed) Names(ctx context.Context, env string) ([]secret.Entry, error) {
	c, err := b.client(env)
	if err != nil {
		return nil, err
	}
	es, err := c.Names(ctx, "")
	for i := range es {
		for _, r := range c.Project.Rules {
			if r.Is(es[i].Key) && es[i].Description == "" {
				es[i].Description = r.Description
			}
		}
	}
	return es, err
}

// Value is the method of [browse.Reader].
func (b *browsed) Value(ctx context.Context, env string, k secret.Key, version int64) (secret.Entry, error) {
	c, err := b.client(env)
	if err != nil {
		return secret.Entry{}, err
	}
	if version > 0 {
		return c.Version(ctx, k, version)
	}
	es, err := c.Get(ctx, k)
	if err != nil {
		return secret.Entry{}, err
	}
	return es[0], nil
}

// History is the method of [browse.Reader]. The stores give the values with it, which
// go no further.
func (b *browsed) History(ctx context.Context, env string, k secret.Key) ([]browse.Version, error) {
	c, err := b.client(env)
	if err != nil {
		return nil, err
	}
	es, err := c.History(ctx, k)
	if err != nil {
		return nil, err
	}
	vs := make([]browse.Version, 0, len(es))
	for i, e := range slices.Backward(es) {
		e.Value = secret.Value{}
		vs = append(vs, browse.Version{Entry: e, Note: note(e, i == len(es)-1)})
	}
	return vs, nil
}

// Compare is the method of [browse.Reader].
func (b *browsed) Compare(ctx context.Context, from, to string) ([]browse.Difference, error) {
	p, err := b.a.anyPlaces()
	if err != nil {
		return nil, err
	}
	p.Options = b.engineOptions(p.Project)
	left, right, err := b.a.ends(ctx, p, from, to)
	if err != nil {
		return nil, err
	}
	defer left.Close(ctx)
	defer right.Close(ctx)
	plan, err := p.Compare(ctx, left, right, transfer.Mapping{})
	if err != nil {
		return nil, err
	}
	verdicts := map[transfer.Action]browse.Verdict{
		transfer.Create: browse.OnlyFrom, transfer.Update: browse.Different, transfer.Orphan: browse.OnlyTo, transfer.Unchanged: browse.Same,
	}
	ds := make([]browse.Difference, len(plan.Items))
	for i, it := range plan.Items {
		v, known := verdicts[it.Action]
		if !known {
			v = browse.Unknown
		}
		ds[i] = browse.Difference{Name: it.Shown(), Verdict: v}
	}
	return ds, nil
}

// Edit is the method of [browse.Writer]: skret edit, on the terminal in place of the
// screen. What it says there is said on the screen again.
func (b *browsed) Edit(ctx context.Context, env string, k secret.Key) (done string, err error) {
	var said bytes.Buffer
	streams := *b.a.streams
	streams.Err = io.MultiWriter(streams.Err, &said)
	a := *b.a
	a.streams = &streams
	if a.global.Flags, err = b.flags(env); err != nil {
		return "", err
	}
	err = b.screen.Lend(func() error { return runEdit(ctx, &a, editOptions{}, []string{string(k)}) })
	return strings.ReplaceAll(strings.TrimSpace(said.String()), "skret: ", ""), err
}

// flags are those by which a command is about an environment.
func (b *browsed) flags(env string) (config.Flags, error) {
	if b.begin != nil && b.begin.Env == env {
		return b.a.global.Flags, nil
	}
	in, err := b.a.input()
	if err != nil {
		return config.Flags{}, err
	}
	_, f, err := aim(in, config.Flags{Env: env})
	return f, err
}

// Delete is the method of [browse.Writer].
func (b *browsed) Delete(ctx context.Context, env string, k secret.Key) error {
	c, err := b.client(env)
	if err != nil {
		return err
	}
	return c.Delete(ctx, k)
}

// Rollback is the method of [browse.Writer].
func (b *browsed) Rollback(ctx context.Context, env string, k secret.Key, version int64) (made int64, err error) {
	c, err := b.client(env)
	if err != nil {
		return 0, err
	}
	_, made, err = c.Rollback(ctx, k, version)
	return made, err
}
