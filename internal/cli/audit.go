package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/audit"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// auditing is what the audit log gets of a command.
type auditing struct {
	trail   *audit.Trail
	home    string         // skret's own folder, once the configuration is read
	command *cobra.Command // that runs
	done    bool
}

// The commands that are recorded although they open no environment: they change
// who may do what.
var signIns = []string{
	"auth login", "auth logout", "auth rotate", "auth bootstrap", "auth token", "auth use",
	"trust", "local encrypt", "local identity", "local recipients add", "local recipients remove",
}

// maxReason bounds what --reason says, in bytes.
const maxReason = 1000

// began records that run starts a program, which takes skret's place.
func (a *app) began(program string) { a.record(audit.Record{Outcome: "started", Program: program}) }

// ended records what came of a command.
func (a *app) ended(err error) {
	r := audit.Record{Outcome: "ok", Code: exitCode(err)}
	if err != nil {
		r.Outcome = errs.KindOf(err).String()
	}
	a.record(r)
}

// record writes what the command did into the audit log, once: a line for each
// place. It never fails the command.
func (a *app) record(r audit.Record) {
	if a.audit.done || a.audit.home == "" || a.audit.command == nil || getenv("SKRET_AUDIT") == "off" {
		return
	}
	a.audit.done = true
	_, r.Command, _ = strings.Cut(a.audit.command.CommandPath(), " ")
	r.Time, r.PID = time.Now().UTC(), os.Getpid()
	r.Reason = cmp.Or(a.global.reason, getenv("SKRET_REASON"))
	r.Reason = strings.ToValidUTF8(r.Reason[:min(len(r.Reason), maxReason)], "")
	all := a.audit.trail.Records()
	if len(all) == 0 && slices.Contains(signIns, r.Command) {
		all = []audit.Record{{}}
		if args := a.audit.command.Flags().Args(); len(args) > 0 && slices.Contains(serviceNames(), args[0]) {
			all[0].Place = args[0]
		}
	}
	log := audit.In(a.audit.home)
	for _, one := range all {
		one.Time, one.Command, one.Outcome, one.Code = r.Time, r.Command, r.Outcome, r.Code
		one.PID, one.Program, one.Reason = r.PID, r.Program, r.Reason
		if err := log.Add(one); err != nil {
			a.unrecorded(err)
			return
		}
	}
}

// unrecorded tells that the log could not be written. Where there is no folder of
// skret's and none can be made, as in a container, that is no news to anybody.
func (a *app) unrecorded(err error) {
	if _, none := os.Stat(a.audit.home); none != nil {
		a.log.Info("no audit log", "error", err)
		return
	}
	a.streams.Notice("the audit log has no record of this: %v (SKRET_AUDIT=off switches it off)", err)
}

type auditOptions struct {
	since   string
	env     string
	key     string
	command string
	count   int
}

func (o *auditOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.since, "since", "", "only what is not older: 24h, 7d, 2026-11-01 or 2026-11-01T15:04")
	f.StringVar(&o.key, "key", "", "only what touched a secret that matches this `pattern`")
	f.StringVar(&o.command, "command", "", "only this command, such as \"set\" or \"auth login\"")
	f.IntVarP(&o.count, "count", "n", 50, "at most this many, the newest; 0 is all")
}

func newAudit(a *app) *cobra.Command {
	var o auditOptions
	c := formats(&cobra.Command{
		Use:   "audit",
		Short: "Show what skret did on this machine",
		Long: `Show what skret did on this machine, the newest last: when, which command, in which
environment, as whom, with which secrets, and what came of it. Never a value. -e
shows one environment's.

The log is ~/.skret/audit/audit.jsonl: lines of JSON that only you may read, put
aside at 1 MB; five files stay. It is a memory, and no proof: you can change it,
and a command that is killed has no line. SKRET_AUDIT=off switches it off, and
--reason or SKRET_REASON puts a reason into it.`,
		Example: `  skret audit
  skret audit --since 24h -e prod
  skret audit --key 'DB_*' --command set --format json
  skret set API_KEY --reason "rotated after INC-7" < key`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runAudit(c.Context(), a, o) },
	}, "table", "json")
	o.bind(c.Flags())
	return c
}

func runAudit(_ context.Context, a *app, o auditOptions) error {
	o.env = a.global.Env
	keep, err := o.filter(time.Now())
	if err != nil {
		return err
	}
	in, err := a.input()
	if err != nil {
		return err
	}
	in.Flags.Env = "" // of the log, not of the configuration
	p, err := config.Outline(in)
	if err != nil {
		return err
	}
	if p.Home == "" {
		return errs.New(errs.Config, "there is no audit log: no home folder is known").WithHint("set HOME or SKRET_HOME to a full path")
	}
	rs, odd, err := audit.In(p.Home).Read()
	if err != nil {
		return err
	}
	rs = slices.DeleteFunc(rs, func(r audit.Record) bool { return !keep(r) })
	if over := len(rs) - o.count; o.count > 0 && over > 0 {
		rs = rs[over:]
	}
	if odd > 0 {
		a.streams.Notice("%s of the audit log cannot be read", count(odd, "line"))
	}
	if a.json() {
		if rs == nil {
			rs = []audit.Record{}
		}
		return a.streams.JSON(rs)
	}
	if len(rs) == 0 {
		a.streams.Notice("there is no record of that")
	}
	rows := make([][]string, len(rs))
	for i, r := range rs {
		command := r.Command
		if r.Program != "" {
			command += " " + r.Program
		}
		rows[i] = []string{a.when(r.Time), command, cmp.Or(r.Env, r.Place), touched(r), r.Identity, r.Outcome, r.Reason}
	}
	return a.streams.Table([]string{"TIME", "COMMAND", "WHERE", "SECRETS", "AS", "OUTCOME", "REASON"}, rows)
}

// touched shows the names of a record: what was read as it is, + before what was
// written, - before what was deleted, ? before what was only asked for; of many the
// first.
func touched(r audit.Record) string {
	const most = 5
	var names []string
	for _, k := range r.Written {
		names = append(names, "+"+string(k))
	}
	for _, k := range r.Deleted {
		names = append(names, "-"+string(k))
	}
	for _, k := range r.Read {
		if !slices.Contains(r.Written, k) && !slices.Contains(r.Deleted, k) {
			names = append(names, string(k))
		}
	}
	for _, k := range r.Named {
		names = append(names, "?"+string(k))
	}
	if more := len(names) + r.More - most; more > 0 {
		names = append(names[:min(most, len(names))], "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(names, " ")
}

// filter returns what tells whether a record is to be shown.
func (o *auditOptions) filter(now time.Time) (func(audit.Record) bool, error) {
	var since time.Time
	if o.since != "" {
		var err error
		if since, err = sinceWhen(o.since, now); err != nil {
			return nil, err
		}
	}
	if o.count < 0 {
		return nil, errs.New(errs.Invalid, "-n: %d is negative", o.count)
	}
	match := func(secret.Entry) bool { return true }
	if o.key != "" {
		var err error
		if match, err = engine.Finder([]string{o.key}, false); err != nil {
			return nil, err
		}
	}
	return func(r audit.Record) bool {
		switch {
		case r.Time.Before(since), o.env != "" && r.Env != o.env, o.command != "" && r.Command != o.command:
			return false
		case o.key == "":
			return true
		}
		return slices.ContainsFunc(slices.Concat(r.Read, r.Written, r.Deleted, r.Named), func(k secret.Key) bool { return match(secret.Entry{Key: k}) })
	}, nil
}

// sinceWhen reads a duration back from now, with days, or a time.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errs.New(errs.Invalid, "--since: %q is no time", s).WithHint("write 24h, 7d, 2026-11-01 or 2026-11-01T15:04")
}
