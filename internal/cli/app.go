package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/audit"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/ui"
)

// app is what every command has: the streams, the global flags, and the way to
// the configuration and the engine. Nothing in it is opened until it is used.
type app struct {
	streams *ui.Streams
	global  globalFlags
	log     *slog.Logger

	deadline  context.Context // of --timeout; nil without one
	stopTimer context.CancelFunc
	signals   *signals
	bar       *ui.Progress // what is shown while secrets are carried; nil when nothing is
	audit     auditing
}

// globalFlags are accepted before and after the verb.
type globalFlags struct {
	config.Flags
	chdir    string
	format   string
	noInput  bool
	timeout  time.Duration
	logLevel string
	offline  bool
	refresh  bool
	reason   string
}

func (g *globalFlags) bind(f *pflag.FlagSet) {
	f.StringVarP(&g.Env, "env", "e", "", "environment of .skret.yaml (SKRET_ENV)")
	f.StringVar(&g.Provider, "provider", "", "where the secrets are: aws or local (SKRET_PROVIDER)")
	f.StringVar(&g.Path, "path", "", "path in SSM Parameter Store (SKRET_PATH)")
	f.StringVar(&g.Region, "region", "", "AWS region (SKRET_REGION)")
	f.StringVar(&g.Profile, "profile", "", "AWS profile (SKRET_PROFILE)")
	f.StringVar(&g.Auth, "auth", "", "sign-in by name, or chain for the AWS SDK's own (SKRET_AUTH)")
	f.StringVar(&g.Account, "account", "", "AWS account that must sign (SKRET_ACCOUNT)")
	f.StringVar(&g.Role, "role", "", "role that must sign (SKRET_ROLE)")
	f.StringVar(&g.File, "file", "", "file of the local store (SKRET_FILE)")
	f.StringVar(&g.Config, "config", "", "use this file, not the .skret.yaml found (SKRET_CONFIG)")
	f.StringVarP(&g.chdir, "chdir", "C", "", "act as if started in this folder")
	f.StringVar(&g.format, "format", "", "shape of the output; every command has json")
	f.BoolVar(&g.noInput, "no-input", false, "never ask; refuse instead (implied by CI)")
	f.DurationVar(&g.timeout, "timeout", 0, "give up after this long, such as 30s; run also ends the command")
	f.BoolVar(&g.offline, "offline", false, "ask no service; use what the cache holds")
	f.BoolVar(&g.refresh, "refresh", false, "ask the service although the cache could serve")
	f.StringVar(&g.reason, "reason", "", "why, for the audit log (SKRET_REASON)")
	f.StringVar(&g.logLevel, "log-level", "", "off, error, warn, info or debug, on stderr (SKRET_LOG)")
}

// formats declares the shapes of a command's output, the default first.
func formats(c *cobra.Command, names ...string) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations["formats"] = strings.Join(names, " ")
	return c
}

// allowedFormats returns the shapes of a command's output, the default first.
func allowedFormats(c *cobra.Command) []string {
	if names := strings.Fields(c.Annotations["formats"]); len(names) > 0 {
		return names
	}
	return []string{"text", "json"}
}

// enum is the one check of words from a list.
func enum(flag, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return errs.New(errs.Invalid, "%s: %q is not known", flag, got).WithHint("use one of %s", strings.Join(allowed, ", "))
}

// prepare checks what all commands have in common before one runs.
func (a *app) prepare(c *cobra.Command) error {
	allowed := allowedFormats(c)
	if a.global.format == "" {
		a.global.format = allowed[0]
	} else if err := enum("--format", a.global.format, allowed...); err != nil {
		return err
	}
	if a.global.timeout < 0 {
		return errs.New(errs.Invalid, "--timeout: %s is negative", a.global.timeout)
	}
	log, err := newLogger(a.streams.Err, a.global.logLevel)
	if err != nil {
		return err
	}
	a.log = log
	a.audit.command, a.audit.trail = c, new(audit.Trail)
	if a.global.timeout > 0 {
		a.deadline, a.stopTimer = context.WithTimeoutCause(c.Context(), a.global.timeout,
			errs.New(errs.Network, "timed out after %s", a.global.timeout).WithHint("raise --timeout"))
		c.SetContext(a.deadline)
	}
	return nil
}

// quiet switches off everything that is not the answer: for completion, which
// runs without prepare and within a line that the user is typing.
func (a *app) quiet() {
	a.log = slog.New(slog.DiscardHandler)
	a.streams.Err = io.Discard
	a.global.noInput = true
	a.audit.done = true
}

// json tells whether the output is to be JSON.
func (a *app) json() bool { return a.global.format == "json" }

// interactive tells whether a question may be asked.
func (a *app) interactive() bool { return !a.global.noInput && !inCI() }

// project loads the configuration.
func (a *app) project() (*config.Project, error) {
	in, err := a.input()
	if err != nil {
		return nil, err
	}
	return config.Load(in)
}

// input is what the configuration is made of.
func (a *app) input() (config.Input, error) {
	dir, err := a.dir()
	return config.Input{Getenv: getenv, Dir: dir, Home: config.Home(), Flags: a.global.Flags}, err
}

// dir returns the folder that the command acts in.
func (a *app) dir() (string, error) {
	wd, err := workDir()
	if err != nil {
		return "", fmt.Errorf("current folder: %w", err)
	}
	if filepath.IsAbs(a.global.chdir) {
		return filepath.Clean(a.global.chdir), nil
	}
	return filepath.Join(wd, a.global.chdir), nil
}

// abs makes a path that the user wrote absolute: relative ones are relative to
// the folder that the command acts in.
func (a *app) abs(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	dir, err := a.dir()
	return filepath.Join(dir, name), err
}

// open loads the configuration and opens its environment.
func (a *app) open() (*engine.Client, error) {
	p, err := a.project()
	if err != nil {
		return nil, err
	}
	return a.openProject(p)
}

// openProject opens the environment of a configuration.
func (a *app) openProject(p *config.Project) (*engine.Client, error) {
	if p.Remote() {
		a.signals.watch()
	}
	return engine.Open(a.options(p))
}

// openFresh is open for what is read to be written again: never from a cache.
func (a *app) openFresh() (*engine.Client, error) {
	p, err := a.project()
	if err != nil {
		return nil, err
	}
	a.signals.watch()
	o := a.options(p)
	o.Refresh = !o.Offline
	return engine.Open(o)
}

// options are what the engine gets besides the configuration.
func (a *app) options(p *config.Project) engine.Options {
	a.audit.home = p.Home
	o := engine.Options{
		Project: p, Log: a.log, UserAgent: "skret/" + version(), Offline: a.global.offline, Refresh: a.global.refresh,
		Notice: func(msg string) { a.streams.Notice("%s", msg) },
		Trail:  a.audit.trail,
	}
	if a.interactive() {
		o.AskPassphrase = func(ctx context.Context, prompt string) ([]byte, error) {
			a.signals.watch()
			return a.streams.ReadPassphrase(ctx, prompt)
		}
		if a.streams.ErrTTY {
			again := o
			o.Relogin = a.relogin(again)
		}
	}
	return o
}
