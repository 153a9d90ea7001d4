package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/scan"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/ui"
)

type scanOptions struct {
	staged, history, all, installHook bool
	since                             string
	sinceGiven                        bool
}

func (o *scanOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.staged, "staged", false, "look into what the next commit adds, as git's index has it")
	f.StringVar(&o.since, "since", "", "look into what the commits after this `revision` added")
	f.BoolVar(&o.history, "history", false, "look into what any commit of any branch or tag added")
	f.BoolVar(&o.all, "all", false, "look for the secrets of all environments")
	f.BoolVar(&o.installHook, "install-hook", false, "have git run scan --staged before each commit")
}

func newScan(a *app) *cobra.Command {
	var o scanOptions
	c := formats(&cobra.Command{
		Use:   "scan [PATH ...] or scan -",
		Short: "Find values of secrets where none may be",
		Long: `Find the values that the environment's secrets have now, as they are and encoded
(base64, URL, JSON, hex, the lines of a longer one), in files of the repository.
From any folder in it, all files are looked into that git has or would take, and
where there is no repository all below the folder; PATH limits that, and leads to
what git ignores too. Values are never shown: findings name the secret, the file,
the line and the character in it.

  --staged     in what the next commit adds, as git's index has it
  --since REV  in what the commits from REV to HEAD added
  --history    in what any commit of any branch or tag added
  -            in standard input

Not looked for are values of fewer than 8 bytes (scan.min_length in .skret.yaml),
and words such as production; they are named. scan.skip has globs of files that
are left out; scan.allow has findings that are meant to be there, each by the
fingerprint that --format json gives, ENVIRONMENT:KEY:FILE, and keys that are not
looked for at all. --format sarif is for code hosts.

--install-hook writes git's hook pre-commit, which runs scan --staged for the
environment that -e names, or for --all. A hook that is there already is left
as it is.

Exit codes:
   0  nothing was found, and all was looked into
   1  nothing was found, and something could not be looked into
  10  something was found`,
		Example: `  skret scan
  skret scan --staged
  skret scan --since origin/main --format sarif > skret.sarif
  skret scan dist/
  docker logs app 2>&1 | skret scan -
  skret scan --install-hook`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			o.sinceGiven = c.Flags().Changed("since")
			return runScan(c.Context(), a, o, args)
		},
	}, "table", "json", "sarif")
	o.bind(c.Flags())
	return c
}

// check refuses what is in conflict.
func (o *scanOptions) check(a *app, args []string) error {
	var where []string
	for flag, given := range map[string]bool{
		"--staged": o.staged, "--since": o.sinceGiven, "--history": o.history, "--install-hook": o.installHook, "-": slices.Contains(args, "-"),
	} {
		if given {
			where = append(where, flag)
		}
	}
	slices.Sort(where)
	switch {
	case len(where) > 1:
		return errs.New(errs.Invalid, "%s exclude each other", strings.Join(where, " and ")).WithHint("scan once for each")
	case o.sinceGiven && o.since == "":
		return errs.New(errs.Invalid, "--since: the revision is empty").WithHint("name a commit, or use --history")
	case slices.Contains(args, "") || slices.Contains(args, "-") && len(args) > 1:
		return errs.New(errs.Invalid, "- goes alone, and a PATH is not empty").WithHint("scan once for each")
	case o.installHook && len(args) > 0:
		return errs.New(errs.Invalid, "--install-hook takes no PATH")
	case o.installHook && a.global.format == "sarif":
		return errs.New(errs.Invalid, "--install-hook has no findings to show as sarif")
	case o.all && a.global.Env != "":
		return errs.New(errs.Invalid, "--all and --env exclude each other")
	}
	return nil
}

func runScan(ctx context.Context, a *app, o scanOptions, args []string) error {
	if err := o.check(a, args); err != nil {
		return err
	}
	dir, err := a.dir()
	if err != nil {
		return err
	}
	if o.installHook {
		return a.installScanHook(ctx, o, dir)
	}
	projects, err := a.projects(o.all)
	if err != nil {
		return err
	}
	secrets, unread, err := a.scannedSecrets(ctx, projects)
	if err != nil {
		return err
	}
	conf := projects[0].Scan
	s, err := scan.New(scan.Options{
		Secrets: secrets, MinLength: conf.MinLength, Allow: conf.Allow, Skip: conf.Skip, Dir: dir, Environ: environ(),
	})
	if err != nil {
		return err
	}
	var r *scan.Result
	switch {
	case o.staged:
		r, err = s.Staged(ctx, args)
	case o.since != "" || o.history:
		r, err = s.History(ctx, o.since, args)
	case len(args) == 1 && args[0] == "-":
		r, err = s.Reader(ctx, a.streams.In)
	default:
		r, err = s.Tree(ctx, args)
	}
	if err != nil {
		return err
	}
	if err := a.printScan(r, append(s.Skipped, unread...)); err != nil {
		return err
	}
	return scanError(r, projects, unread)
}

// scannedSecrets reads all secrets of the projects. unread are those that could
// not be read, where others could.
func (a *app) scannedSecrets(ctx context.Context, projects []*config.Project) (secrets []scan.Secret, unread []scan.Skipped, err error) {
	var probs []error
	for _, p := range projects {
		var es []secret.Entry
		client, err := a.openProject(p)
		if err == nil {
			es, err = client.List(ctx, "")
		}
		if some, partial := errors.AsType[*store.Unreadable](err); partial {
			for _, k := range some.Keys {
				unread = append(unread, scan.Skipped{Env: p.Env, Key: k, Why: "it cannot be read"})
			}
		} else if err != nil {
			probs = append(probs, errs.Each(p.Describe(), err))
		} else if len(es) == 0 {
			a.streams.Notice("%s has no secrets to look for", p.Describe())
		}
		for _, e := range es {
			secrets = append(secrets, scan.Secret{Env: p.Env, Key: e.Key, Value: e.Value})
		}
	}
	return secrets, unread, errors.Join(probs...)
}

// printScan writes the findings to stdout, and to stderr what else is to be known.
func (a *app) printScan(r *scan.Result, skipped []scan.Skipped) error {
	var reasons []string
	names := map[string][]string{}
	for _, s := range skipped {
		if names[s.Why] == nil {
			reasons = append(reasons, s.Why)
		}
		names[s.Why] = append(names[s.Why], label(s.Env, s.Key))
	}
	const most = 10
	for _, why := range reasons {
		all := names[why]
		if more := len(all) - most; more > 0 {
			all = append(all[:most], fmt.Sprintf("and %d more (--format json has all)", more))
		}
		a.streams.Notice("not looked for, since %s: %s", why, strings.Join(all, ", "))
	}
	for _, n := range r.Notes {
		a.streams.Notice("%s", n)
	}
	for _, p := range r.Problems {
		a.streams.Notice("not looked into: %s: %s", p.File, p.Why)
	}
	switch {
	case a.json():
		return a.streams.JSON(newScanJSON(r, skipped))
	case a.global.format == "sarif":
		return a.streams.JSON(r.SARIF(version()))
	}
	if len(r.Findings) == 0 {
		if len(r.Problems) == 0 {
			a.streams.Notice("no value of a secret in %s", count(r.Files, "file"))
		}
		return nil
	}
	if r.More > 0 {
		a.streams.Notice("%d more are not listed, being close to others", r.More)
	}
	headers := []string{"PLACE", "KEY", "ENVIRONMENT", "FORM"}
	if r.Findings[0].Commit != "" {
		headers = append(headers, "COMMIT")
	}
	rows := make([][]string, len(r.Findings))
	for i, f := range r.Findings {
		rows[i] = []string{placeOf(f), string(f.Key), f.Env, f.Form, f.Commit}[:len(headers)]
	}
	return a.streams.Table(headers, rows)
}

// label names a secret and its environment.
func label(env string, k secret.Key) string {
	if env == "" {
		return string(k)
	}
	return string(k) + " (" + env + ")"
}

// ofEnv is the flag that has a command be about an environment.
func ofEnv(env string) string {
	if env == "" {
		return ""
	}
	return " -e " + env
}

// placeOf says where a finding is, as editors and terminals understand it.
func placeOf(f scan.Finding) string {
	switch {
	case f.Name:
		return f.File + " (its name)"
	case f.Binary:
		return fmt.Sprintf("%s (byte %d)", f.File, f.Offset)
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// count writes a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// scanError says that something was found, or else that not all was looked into.
func scanError(r *scan.Result, projects []*config.Project, unread []scan.Skipped) error {
	switch {
	case len(r.Findings) > 0:
	case len(r.Problems) > 0:
		return errs.New(errs.Unclassified, "scan: %s could not be looked into; nothing was found elsewhere", count(len(r.Problems), "file")).
			WithHint("make them readable, or leave them out by scan.skip in .skret.yaml")
	case len(unread) > 0:
		return errs.New(errs.Unclassified, "scan: %s could not be read, and could not be looked for; of the others nothing was found", count(len(unread), "secret")).
			WithHint("see why: skret get %s%s", errs.Word(string(unread[0].Key)), ofEnv(unread[0].Env))
	default:
		return nil
	}
	secrets := map[string]bool{}
	files := map[string]bool{}
	inStores := true
	for _, f := range r.Findings {
		secrets[f.Env+":"+string(f.Key)], files[f.File] = true, true
		inStores = inStores && slices.ContainsFunc(projects, func(p *config.Project) bool {
			return p.Place.Provider == config.ProviderLocal && strings.HasSuffix(filepath.ToSlash(p.Place.File), "/"+f.File)
		})
	}
	err := errs.New(errs.Leak, "scan: %s, of %s, in %s", count(len(r.Findings)+r.More, "finding"), count(len(secrets), "secret"), count(len(files), "file"))
	if inStores {
		return err.WithHint("the store itself is in clear: skret local encrypt; and set new values if others could read it")
	}
	return err.WithHint("set a new value for what others could read, and take it out of the file; what is meant to be there goes into scan.allow in .skret.yaml, such as %q", r.Findings[0].Fingerprint())
}

// scanJSON is what came of a scan.
type scanJSON struct {
	Files    int           `json:"files"`
	Bytes    int64         `json:"bytes"`
	Findings []leakJSON    `json:"findings"`
	More     int           `json:"more"` // findings that are not listed
	Problems []problemJSON `json:"problems"`
	Notes    []string      `json:"notes"`
	Skipped  []skippedJSON `json:"not_looked_for"`
}

type leakJSON struct {
	Key         secret.Key `json:"key"`
	Env         string     `json:"environment"`
	Form        string     `json:"form"`
	File        string     `json:"file"`
	InName      bool       `json:"in_name,omitempty"`
	Line        int        `json:"line,omitempty"`
	Column      int        `json:"column,omitempty"`
	Offset      *int64     `json:"offset,omitempty"`
	Commit      string     `json:"commit,omitempty"`
	Fingerprint string     `json:"fingerprint"`
}

type problemJSON struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

type skippedJSON struct {
	Key secret.Key `json:"key"`
	Env string     `json:"environment"`
	Why string     `json:"why"`
}

func newScanJSON(r *scan.Result, skipped []scan.Skipped) scanJSON {
	doc := scanJSON{
		Files: r.Files, Bytes: r.Bytes, Findings: make([]leakJSON, len(r.Findings)), More: r.More,
		Problems: make([]problemJSON, len(r.Problems)), Notes: append([]string{}, r.Notes...), Skipped: make([]skippedJSON, len(skipped)),
	}
	for i, f := range r.Findings {
		doc.Findings[i] = leakJSON{
			Key: f.Key, Env: f.Env, Form: f.Form, File: inJSON(f.File), InName: f.Name, Line: f.Line, Column: f.Column,
			Commit: f.Commit, Fingerprint: f.Fingerprint(),
		}
		if !f.Name {
			doc.Findings[i].Offset = &f.Offset
		}
	}
	for i, p := range r.Problems {
		doc.Problems[i] = problemJSON{inJSON(p.File), p.Why}
	}
	for i, s := range skipped {
		doc.Skipped[i] = skippedJSON{s.Key, s.Env, s.Why}
	}
	return doc
}

// inJSON returns the name of a file as it is, if JSON can hold it.
func inJSON(file string) string {
	if utf8.ValidString(file) {
		return file
	}
	return ui.Safe(file)
}

func (a *app) installScanHook(ctx context.Context, o scanOptions, dir string) error {
	projects, err := a.projects(o.all)
	if err != nil {
		return err
	}
	if projects[0].File == "" {
		return errs.New(errs.Config, "there is no .skret.yaml that says which secrets a hook is to look for").WithHint("start with skret init")
	}
	var flags []string
	switch {
	case o.all:
		flags = []string{"--all"}
	case a.global.Env != "":
		flags = []string{"--env", a.global.Env}
	}
	file, changed, err := scan.InstallHook(ctx, dir, environ(), projects[0].File, flags...)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]any{"file": file, "changed": changed})
	}
	if !changed {
		a.streams.Notice("%s runs skret scan already", file)
		return nil
	}
	a.streams.Notice("wrote %s: git runs skret scan --staged before each commit", file)
	return nil
}
