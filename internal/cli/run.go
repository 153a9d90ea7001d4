package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/errs"
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
}

func (o *runOptions) bind(f *pflag.FlagSet) {
	o.filters.bind(f)
	f.BoolVar(&o.pristine, "pristine", false, "of the environment around it, the command gets only the essentials")
	f.StringSliceVar(&o.preserve, "preserve-env", nil, "let your own variables win over secrets: all, or these `names`")
	f.Lookup("preserve-env").NoOptDefVal = "*"
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
signals and the exit status are its own. On Windows it is a child.

A secret replaces a variable of its name, and one line on stderr names those
that had another value; --preserve-env or --preserve-env=NAMES keeps yours.
--pristine passes, besides the secrets, only PATH HOME USER LOGNAME SHELL TERM
LANG LC_* TMPDIR TZ, what Windows cannot do without, and what
--preserve-env=NAMES lists. SKRET_IDENTITY, which opens the whole store, is not
passed unless --preserve-env=NAMES lists it.

Names by which a command can be made to run other code, such as LD_PRELOAD or
PATH, are refused unless --allow-env names them. The command itself is looked
for in your PATH, never in one from the secrets.

Exit codes:
  125  skret failed before the start: all that is wrong is on stderr
  126  the command was found, and cannot be executed
  127  there is no such command
  else the command's own; 128+n when signal n ended it`,
		Example: `  skret run -- make deploy
  skret run -e prod --only 'DB_*' -- ./migrate up
  skret run --pristine -- env
  skret run -- sh -c 'echo "$GREETING"'`,
		// Whatever is wrong with run's own arguments is 125 too, not 8.
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return notStarted(c.Context(), a.prepare(c)) },
		Args:              cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return notStarted(c.Context(), runRun(c.Context(), a, o, args))
		},
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return notStarted(c.Context(), usageError(c, err))
	})
	o.bind(c.Flags())
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
	case run.Status, *startError:
		return err
	case *run.CommandError:
		return &startError{e.Code, err}
	}
	return &startError{run.CodeFailed, err}
}

// runRun returns only when the command could not be started, or, on Windows,
// when it has ended.
func runRun(ctx context.Context, a *app, o runOptions, args []string) error {
	if len(args) == 0 {
		return errs.New(errs.Invalid, "no command to run").WithHint("name one: skret run -- COMMAND [ARG ...]")
	}
	policy, err := o.policy()
	if err != nil {
		return err
	}
	ambient := environ() // before a keyring's library, which sets a variable for itself
	set, setErr := a.variables(ctx, o)
	if a.global.chdir != "" {
		dir, err := a.dir()
		if err != nil {
			return err
		}
		if err := os.Chdir(dir); err != nil && setErr == nil { // else it says so
			return err
		}
		ambient = slices.Insert(ambient, 0, "PWD="+dir)
	}
	path, lookErr := run.Look(args[0], getenv("PATH"))
	env, replaced, envErr := run.Environ(set, ambient, policy)
	problems := slices.DeleteFunc([]error{setErr, envErr, lookErr, run.CheckSize(path, args, env)},
		func(err error) bool { return err == nil })
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
	a.log.Debug("start", "program", path, "secrets", len(set), "variables", len(env))
	if err := a.streams.Flush(); err != nil {
		return err
	}
	// From here on a signal is the command's.
	if err := a.signals.release(); err != nil {
		return err
	}
	return run.Exec(path, args, env)
}

func (a *app) variables(ctx context.Context, o runOptions) (secret.Set, error) {
	client, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return client.Variables(ctx, o.only, o.except, o.allow)
}

func (o *runOptions) policy() (run.Policy, error) {
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
