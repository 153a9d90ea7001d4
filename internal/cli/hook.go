package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/hook"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/secret"
)

// hookWait bounds how long a shell is kept from its prompt.
const hookWait = 10 * time.Second

func newHook(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "hook bash|zsh|fish",
		Short: "Print the hook that loads a project's secrets into the shell on cd",
		Long: `Print the hook that makes a shell load the secrets of a project when it enters the
project's folder, and take them back when it leaves it. It goes into the shell's
start file.

Only projects that you have allowed this to are loaded: skret trust --shell. That
holds as long as nothing is changed in .skret.yaml and .skret.local.yaml. Nobody
is asked for a passphrase or sent to a browser, and a service that does not answer
is given up on after ten seconds.

Every program that you start in the folder then gets all the secrets, not only the
one that needs them: skret run is the narrower way. Variables that you change
after they were loaded are put back on leaving as they were before. Secrets with
"as: file" are not loaded: nobody would remove the files.`,
		Example: `  eval "$(skret hook bash)"      # in ~/.bashrc
  eval "$(skret hook zsh)"       # in ~/.zshrc
  skret hook fish | source       # in ~/.config/fish/config.fish`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: hook.Shells(),
		RunE:      func(_ *cobra.Command, args []string) error { return runHook(a, args[0]) },
	}
	c.AddCommand(&cobra.Command{
		Use:    "update SHELL [WAITING]",
		Short:  "Print what the hook is to evaluate",
		Hidden: true,
		Args:   cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return runHookUpdate(c.Context(), a, args[0], append(args, "")[1])
		},
	})
	return c
}

func runHook(a *app, shell string) error {
	script, err := hook.Script(shell, a.self())
	if err != nil {
		return err
	}
	return a.printScript(shell, script)
}

// self is how this program can be called again: by its name, if that is how it was
// found, since what is behind it changes place with every upgrade.
func (a *app) self() string {
	if !strings.ContainsRune(os.Args[0], filepath.Separator) {
		return "skret"
	}
	path, err := filepath.Abs(os.Args[0])
	if err != nil {
		return "skret"
	}
	return path
}

// runHookUpdate prints code that brings the shell's variables to what the folder
// asks for. Those of another folder are taken back first, whatever goes wrong with
// this one: what may take long, or be ended by ^C, is another call, of that code's.
func runHookUpdate(ctx context.Context, a *app, shell, waiting string) error {
	if err := enum("hook update", shell, hook.Shells()...); err != nil {
		return err
	}
	if a.streams.OutTTY {
		return errs.New(errs.Invalid, "hook update is for the shell's hook, and would show values here").WithHint("see skret hook --help")
	}
	a.global.noInput = true
	had := hook.Parse(getenv(hook.Variable))
	p, next, err := a.hookState()
	if err == nil && next.File == had.File && next.Content == had.Content && next.Env == had.Env {
		_, err := a.streams.Out.WriteString(hook.Wait(shell, ""))
		return err
	}
	code, lerr := hook.Leave(shell, had)
	if lerr != nil {
		return lerr
	}
	if had.File != "" && waiting == "" {
		a.streams.Notice("took back the variables of %s", had.File)
	}
	wait := ""
	switch {
	case err != nil || next.File == "":
	case code != "":
		_, err := a.streams.Out.WriteString(code + hook.Again(shell, a.self()))
		return err
	default:
		code, wait, err = a.hookEnter(ctx, shell, p, next, waiting)
	}
	if _, werr := a.streams.Out.WriteString(code + hook.Wait(shell, wait)); werr != nil {
		return werr
	}
	return err
}

// hookState is the project that the folder is in, and what it asks for; the zero
// state is nothing.
func (a *app) hookState() (*config.Project, hook.State, error) {
	in, err := a.input()
	if err != nil {
		return nil, hook.State{}, err
	}
	if p, err := config.Outline(in); err == nil && p.File == "" {
		return nil, hook.State{}, nil
	}
	p, err := config.Load(in)
	if err != nil {
		return nil, hook.State{}, err
	}
	content, err := engine.Content(p)
	return p, hook.State{File: p.File, Content: content, Env: p.Env}, err
}

// hookEnter returns the code that loads the project, or the project that consent
// is waited for.
func (a *app) hookEnter(ctx context.Context, shell string, p *config.Project, next hook.State, waiting string) (code, wait string, err error) {
	allowed, err := engine.Trust(a.options(p)).ShellAllowed(p.File, next.Content)
	switch {
	case err != nil:
		return "", "", err
	case !allowed:
		if waiting != p.File {
			a.streams.Notice("%s is not allowed to set variables here: see what is in it, then run skret trust --shell", p.File)
		}
		return "", p.File, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hookWait,
		errs.New(errs.Network, "the secrets of %s were not loaded within %s", p.Describe(), hookWait).WithHint("leave the folder and enter it again"))
	defer cancel()
	a.signals.watch()
	client, err := engine.Open(a.options(p))
	if err != nil {
		return "", "", err
	}
	set, err := client.Variables(ctx, nil, nil, nil)
	if err != nil {
		return "", "", endedBy(err, ctx)
	}
	set = slices.DeleteFunc(set, func(v secret.Variable) bool {
		if v.File {
			a.streams.Notice("%s is a file secret, which skret run alone can hand over", v.Name)
		}
		return v.File
	})
	was := map[string]string{}
	for _, e := range environ() {
		if name, value, ok := strings.Cut(e, "="); ok {
			was[name] = value
		}
	}
	code, err = hook.Enter(shell, next, set, was)
	if err == nil {
		err = fitting(set)
	}
	if err != nil {
		return "", "", err
	}
	a.streams.Notice("loaded %s of %s", count(len(set), "secret"), p.Describe())
	return code, "", nil
}

// fitting refuses variables with which a shell could start no program any more, not
// even the one that takes them back.
func fitting(set secret.Set) error {
	env, _, err := run.Environ(set, environ(), run.Policy{})
	if err == nil {
		err = run.CheckSize(os.Args[0], os.Args, env)
	}
	if err != nil {
		return errs.New(errs.Invalid, "the shell could start no program any more: %w", err).WithHint("use skret run in this project; its --except leaves such secrets out")
	}
	return nil
}
