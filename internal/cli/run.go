package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/secret"
)

// filters say which secrets become variables, besides the configuration.
type filters struct{ only, except, allow []string }

func (o *filters) bind(f *pflag.FlagSet) {
	f.StringSliceVar(&o.only, "only", nil, "only secrets that match one of these `globs`, by key or by variable")
	f.StringSliceVar(&o.except, "except", nil, "all secrets but those that match one of these `globs`")
	f.StringSliceVar(&o.allow, "allow-env", nil, "pass these variables although their `names` are dangerous")
}

type runOptions struct {
	filters
	pristine bool
	preserve []string // "*" is all

	exec, supervise bool
	mask            bool // nothing is masked without a wish, but in CI
	maskSet         bool
	killAfter       time.Duration
	mount           string
	mountFormat     string
	watch           bool
	interval        time.Duration
	onChange        string
}

func (o *runOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.BoolVar(&o.pristine, "pristine", false, "of the environment around it, the command gets only the essentials")
	f.StringSliceVar(&o.preserve, "preserve-env", nil, "let your own variables win over secrets: all, or these `names`")
	f.Lookup("preserve-env").NoOptDefVal = "*"
	f.BoolVar(&o.mask, "mask", false, "hide the secrets in what the command writes (by itself in CI)")
	f.StringVar(&o.mount, "mount", "", "have all secrets in this `file` while the command runs")
	f.StringVar(&o.mountFormat, "mount-format", "", "format of that file, one of skret env's; by default what its name says")
	f.BoolVar(&o.watch, "watch", false, "look for changes of the secrets, and start the command anew with them")
	f.DurationVar(&o.interval, "interval", 0, "how often to look (default 30s, of a local store 1s)")
	f.StringVar(&o.onChange, "on-change", "restart", "what to do: restart, signal=NAME, or exec=PROGRAM with its arguments")
	f.DurationVar(&o.killAfter, "kill-after", 10*time.Second, "how long after TERM to send KILL")
	f.BoolVar(&o.exec, "exec", false, "have the command take skret's place, or refuse")
	f.BoolVar(&o.supervise, "supervise", false, "stay beside the command")
	f.SetInterspersed(false)
}

func newRun(a *app) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [flags] [--] COMMAND [ARG ...]",
		Short: "Run a command with the secrets in its environment",
		Long: `Run a command with the environment's secrets as variables. What follows the
first word that is no flag belongs to the command. No shell is started.

On Unix the command takes skret's place in the same process: the terminal,
signals and the exit status are its own. Where something must outlive its start,
skret stays beside it, hands on signals, stops and continues with it, and ends
as it ends: for secrets that are files ("as: file" in the schema), --mount,
--mask, --watch and --timeout, and on Windows.

A secret replaces a variable of its name, and one line on stderr names those
that had another value; --preserve-env or --preserve-env=NAMES keeps yours.
--pristine passes, besides the secrets, only PATH HOME USER LOGNAME SHELL TERM
LANG LC_* TMPDIR TZ, what Windows cannot do without, and what
--preserve-env=NAMES lists. SKRET_IDENTITY, which opens the whole store, is not
passed unless --preserve-env=NAMES lists it.

Names by which a command can be made to run other code, such as LD_PRELOAD or
PATH, are refused unless --allow-env names them. The command itself is looked
for in your PATH, never in one from the secrets.

--mask hides values, and their usual encodings, in what the command writes. On a
terminal the command gets one of its own, and notices nothing. Where CI is set
it is on; --mask=false switches it off. In GitHub Actions the values are also
told to the runner. It is there against accidents, not against a command that
means to tell.

A variable whose schema says "as: file" holds the path of a file with the value,
and --mount FILE is a file with all of them. Both are yours alone, and gone with
the command. After a kill of skret the next run removes them.

--watch looks for changes by names and versions. The new secrets are read and
judged before the command is told; if something is wrong with them it goes on
with the old ones. restart ends it by TERM, after --kill-after by KILL.
signal=HUP sends a signal: it is for file secrets, which are then new, since no
environment can be changed from outside. exec=PROGRAM runs a program with the
new secrets, without a shell.

--timeout counts from the start of skret: the command is ended by TERM, and
after --kill-after by KILL.

Exit codes:
  124  --timeout ended the command
  125  skret failed before the start: all that is wrong is on stderr
  126  the command was found, and cannot be executed
  127  there is no such command
  else the command's own; 128+n when signal n ended it`,
		Example: `  skret run -- make deploy
  skret run -e prod --only 'DB_*' -- ./migrate up
  skret run --pristine -- env
  skret run -- sh -c 'echo "$GREETING"'
  skret run --mask -- npm test
  skret run --watch -- ./server
  skret run --mount .env -- docker compose up`,
		// Whatever is wrong with run's own arguments is 125 too, not 8.
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return notStarted(c.Context(), a.prepare(c)) },
		Args:              cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			o.maskSet = c.Flags().Changed("mask")
			return notStarted(c.Context(), runRun(c.Context(), a, o, args))
		},
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return notStarted(c.Context(), usageError(c, err))
	})
	o.bind(c.Flags())
	_ = c.RegisterFlagCompletionFunc("mount-format", cobra.FixedCompletions(format.Names(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("on-change", cobra.FixedCompletions([]string{"restart", "signal=HUP", "exec="}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// startError is a failure of run before the command started.
type startError struct {
	code int
	err  error
}

func (e *startError) Error() string   { return e.err.Error() }
func (e *startError) Unwrap() []error { return []error{e.err} } // a join in it is printed as one
func (e *startError) ExitCode() int   { return e.code }

// notStarted gives err the exit code of run: that of a command that cannot be
// started if nothing else is wrong, 125 if something is.
func notStarted(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	err = endedBy(err, ctx)
	if stopped, ok := errors.AsType[interrupted](err); ok {
		return stopped
	}
	switch e := err.(type) { //nolint:errorlint // only what stands alone
	case run.Status, run.Signaled, *startError:
		return err
	case *run.CommandError:
		return &startError{e.Code, err}
	}
	return &startError{run.CodeFailed, err}
}

// runRun returns only when the command could not be started, or has ended beside
// skret.
func runRun(ctx context.Context, a *app, o runOptions, args []string) error {
	if len(args) == 0 {
		return errs.New(errs.Invalid, "no command to run").WithHint("name one: skret run -- COMMAND [ARG ...]")
	}
	p := &plan{app: a, runOptions: o, args: args}
	if err := p.judge(); err != nil {
		return err
	}
	p.ambient = environ() // before a keyring's library, which sets a variable for itself
	set, setErr := p.read(ctx)
	if a.global.chdir != "" {
		dir, err := a.dir()
		if err != nil {
			return err
		}
		if err := os.Chdir(dir); err != nil && setErr == nil { // else it says so
			return err
		}
		p.ambient = slices.Insert(p.ambient, 0, "PWD="+dir)
	}
	var lookErr error
	p.path, lookErr = run.Look(args[0], getenv("PATH"))
	reasons := p.reasons(set)
	env, replaced, envErr := p.environ(set)
	problems := slices.DeleteFunc([]error{setErr, p.judgeReasons(reasons), envErr, lookErr}, func(err error) bool { return err == nil })
	switch len(problems) {
	case 0:
	case 1:
		return problems[0]
	default:
		return errors.Join(problems...)
	}
	if len(replaced) > 0 {
		names := strings.Join(replaced, ",")
		a.streams.Notice("secrets replace variables of the environment: %s (--preserve-env=%s keeps yours)", names, names)
	}
	a.began(args[0])
	a.log.Debug("start", "program", p.path, "secrets", len(set), "variables", len(env))
	beside := len(reasons) > 0 || p.supervise || p.masks()
	run.Sweep(getenv("XDG_RUNTIME_DIR"), beside)
	if beside {
		return p.runBeside(ctx, set)
	}
	if err := a.streams.Flush(); err != nil {
		return err
	}
	// From here on a signal is the command's.
	if err := a.signals.release(); err != nil {
		return err
	}
	return run.Exec(p.path, args, env)
}

// plan is a command that is to be started, and all that its environment is made
// of besides the secrets.
type plan struct {
	*app
	runOptions
	args    []string
	path    string
	ambient []string
	policy  run.Policy
	format  format.Format // of the mount
	change  onChange
	seen    string // what of the store tells a change of its secrets
}

// judge finds what is wrong with the flags alone.
func (p *plan) judge() (err error) {
	if p.policy, err = p.environPolicy(); err != nil {
		return err
	}
	switch {
	case p.exec && p.supervise:
		return errs.New(errs.Invalid, "--exec and --supervise exclude each other")
	case p.killAfter < 0:
		return errs.New(errs.Invalid, "--kill-after: %s is negative", p.killAfter)
	case p.mount == "" && p.mountFormat != "":
		return errs.New(errs.Invalid, "--mount-format is for --mount")
	case !p.watch && (p.interval != 0 || p.onChange != "restart"):
		return errs.New(errs.Invalid, "--interval and --on-change are for --watch")
	}
	if p.mount != "" {
		if p.format, err = mountFormat(p.mount, p.mountFormat); err != nil {
			return err
		}
	}
	if p.watch {
		p.change, err = parseOnChange(p.onChange)
	}
	return err
}

// masks tells whether the command's output is masked.
func (p *plan) masks() bool {
	if p.maskSet {
		return p.runOptions.mask
	}
	return inCI() && !p.exec
}

// reasons are those for which skret has to stay beside the command.
func (p *plan) reasons(set secret.Set) (reasons []string) {
	for _, r := range []struct {
		is   bool
		what string
	}{
		{p.maskSet && p.runOptions.mask, "--mask"}, {p.watch, "--watch"}, {p.mount != "", "--mount"}, {p.global.timeout > 0, "--timeout"},
	} {
		if r.is {
			reasons = append(reasons, r.what)
		}
	}
	for _, v := range set {
		if v.File {
			reasons = append(reasons, fmt.Sprintf("%s as a file", v.Name))
		}
	}
	return reasons
}

// judgeReasons refuses what --exec cannot do.
func (p *plan) judgeReasons(reasons []string) error {
	if !p.exec || len(reasons) == 0 {
		return nil
	}
	return errs.New(errs.Invalid, "--exec leaves no skret beside the command, which is needed for %s", strings.Join(reasons, ", ")).
		WithHint("leave out --exec")
}

// read reads the secrets, and before them, for --watch, what tells a change. set is
// what to look for more problems in when there is an error.
func (p *plan) read(ctx context.Context) (set secret.Set, err error) {
	client, err := p.open()
	if err != nil {
		return nil, err
	}
	if p.watch {
		if err := p.judgeInterval(client.Project); err != nil {
			return nil, err
		}
		if p.seen, err = versions(ctx, client); err != nil {
			return nil, err
		}
	}
	return client.Variables(ctx, p.only, p.except, p.allow)
}

// environ lays the set over the environment and judges the whole. What is to be a
// file, and is none yet, counts as its path.
func (p *plan) environ(set secret.Set) (env, replaced []string, err error) {
	set = slices.Clone(set)
	for i, v := range set {
		if v.File {
			set[i].Value = secret.NewValue(filepath.Join(os.TempDir(), v.Name))
		}
	}
	env, replaced, err = run.Environ(set, p.ambient, p.policy)
	if serr := run.CheckSize(p.path, p.args, env); serr != nil {
		err = errors.Join(err, serr)
	}
	return env, replaced, err
}

func (o *runOptions) environPolicy() (run.Policy, error) {
	p := run.Policy{Pristine: o.pristine, PreserveAll: slices.Contains(o.preserve, "*"), Preserve: o.preserve}
	if p.Pristine && p.PreserveAll {
		return p, errs.New(errs.Invalid, "--pristine and --preserve-env exclude each other").
			WithHint("name what to keep: --preserve-env=NAME,NAME")
	}
	if slices.Contains(o.preserve, "") {
		return p, errs.New(errs.Invalid, "--preserve-env: a name is empty")
	}
	return p, nil
}
