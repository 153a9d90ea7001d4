// Package cli is the command line: one file a command, each with a constructor
// that holds its help, an options struct, and a run function that never sees
// the framework. Commands read flags, ask the engine and print; no rule about
// secrets lives here.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/ui"
)

// Main runs one command line and returns the process's exit code.
func Main(ctx context.Context, args []string, s *ui.Streams) int {
	if len(args) > 0 && args[0] == run.MonitorArg {
		return run.Monitor(args[1:], environ())
	}
	sigs := newSignals(ctx)
	a := &app{streams: s, signals: sigs}
	root := newRoot(a, args)
	root.SetArgs(args)
	err := root.ExecuteContext(sigs.ctx)
	if a.deadline != nil {
		defer a.stopTimer()
	}
	if err != nil {
		err = endedBy(err, sigs.ctx, a.deadline)
	}
	if ferr := s.Flush(); err == nil && ferr != nil {
		err = ferr
	}
	a.ended(err)
	if err != nil {
		report(s, err, asksJSON(args))
	}
	return end(err)
}

// asksJSON tells whether args ask for JSON, for when a mistake before that kept
// the framework from reading so far.
func asksJSON(args []string) bool {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "--format=json" || arg == "--json" || arg == "json" && i > 0 && args[i-1] == "--format" {
			return true
		}
	}
	return false
}

// endedBy returns why one of the contexts ended, if one did, in place of an
// error that is only its consequence; of that it keeps what was being done.
func endedBy(err error, ctxs ...context.Context) error {
	if _, ok := errors.AsType[exitCoder](err); ok {
		return err
	}
	for _, ctx := range ctxs {
		if ctx == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
			continue
		}
		cause := context.Cause(ctx)
		doing, ok := strings.CutSuffix(err.Error(), ": "+ctx.Err().Error())
		if _, coded := errors.AsType[exitCoder](cause); coded || !ok {
			return cause
		}
		return fmt.Errorf("%s: %w", doing, cause)
	}
	return err
}

// newRoot makes the command tree: of the commands only the one that args name,
// or all where they name none.
func newRoot(a *app, args []string) *cobra.Command {
	showVersion := false
	root := &cobra.Command{
		Use:   "skret",
		Short: "Run commands with their secrets, without a server",
		Long: `skret keeps a project's secrets in AWS SSM Parameter Store or in an encrypted
file beside the code, and starts commands with them.

Settings come from flags, then SKRET_* variables, then AWS_* variables, then
.skret.local.yaml, then .skret.yaml, which is looked for from the current folder
upward. skret config shows them, and where each came from.

Exit codes:
  0  done: written, flushed, complete     6  conflict
  1  anything else, local files           7  network, time-out, throttled
  2  configuration                        8  wrong input or usage
  3  the store refused or failed          9  a difference was found
  4  not signed in, or as somebody else   10 a leak was found
  5  not found
  run: 124 --timeout ended the command, 125 skret failed before the start, 126
  not executable, 127 no such command; otherwise the command's own.
  128+n: ended by signal n.`,
		Example: `  skret init --provider local
  skret set DATABASE_URL
  skret run -- make deploy`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if showVersion {
				return runVersion(a)
			}
			return c.Help()
		},
	}
	root.SetOut(a.streams.Out)
	root.SetErr(a.streams.Err)
	root.SetIn(a.streams.In)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError(c, err) })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return a.prepare(c) }
	a.global.bind(root.PersistentFlags())
	// Not the framework's, whose template would link text/template, and with it
	// every method that could be named in one: 3 MB.
	root.Flags().BoolVar(&showVersion, "version", false, "print the version of skret")
	cobra.EnableCommandSorting = false // help shows them in our order
	root.AddGroup(groups...)
	one := wanted(root.PersistentFlags(), args)
	for _, c := range commands {
		if one == "" || c.is(one) {
			root.AddCommand(c.make(a))
		}
	}
	a.helpInJSON(root)
	root.SetHelpCommand(newHelp(a, root))
	root.SetHelpCommandGroupID("machine")
	a.completeFlags(root)
	wrapArgs(root)
	return root
}

// usageError makes an error of the framework one of ours.
func usageError(c *cobra.Command, err error, args ...string) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	e := errs.New(errs.Invalid, "%s", first)
	if len(args) > 0 && c.HasSubCommands() {
		c.SuggestionsMinimumDistance = 2
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return e.WithHint("did you mean %s?", strings.Join(near, " or "))
		}
	}
	return e.WithHint("see %s --help", c.CommandPath())
}

// wrapArgs gives the framework's complaints about arguments a kind and a hint.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			takes := func(n int) bool { return check(c, make([]string, n)) == nil }
			err := check(c, args)
			switch {
			case err == nil:
				return nil
			case c.HasSubCommands() && !takes(1):
				return usageError(c, err, args...)
			case takes(len(args)+1) || takes(len(args)+2):
				err = fmt.Errorf("%s: an argument is missing", c.CommandPath())
			case len(args) == 1:
				err = fmt.Errorf("%s takes no arguments", c.CommandPath())
			default:
				err = fmt.Errorf("%s: %d arguments are too many", c.CommandPath(), len(args))
			}
			return errs.New(errs.Invalid, "%w", err).WithHint("see %s --help; in short: %s", c.CommandPath(), c.UseLine())
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}
