package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
)

func newCache(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "See and drop the secrets that are kept, sealed, on this machine",
		Long: `See and drop the secrets that are kept, sealed, on this machine. Nothing is kept
unless cache: in .skret.yaml says so, for an environment or for all:

  cache: {mode: fallback, ttl: 10m, max_age: 7d}

  off       nothing is kept
  fallback  the service is asked, and what was read last serves only when the
            network or the service fails, never after a refusal; its age is said
  prefer    what is younger than ttl serves without a request

What is older than max_age serves for nothing. --refresh has the service asked in
any case, --offline nobody. An environment with provider: local needs no cache.`,
		Example: `  skret cache status
  skret cache clear -e prod
  skret run --offline -- make test`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCacheStatus(a), newCacheClear(a))
	return c
}

func newCacheStatus(a *app) *cobra.Command {
	return formats(&cobra.Command{
		Use:   "status",
		Short: "Show what is kept, of which environment, for whom, and how old it is",
		Long: `Show what is kept of all projects on this machine: environment, place, identity,
how many secrets, size and age. No name and no value is shown, nothing is opened
and no request is made.`,
		Example: `  skret cache status
  skret cache status --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runCacheStatus(a) },
	}, "table", "json")
}

// cacheJSON is the answer of cache status.
type cacheJSON struct {
	Environment *cacheModeJSON `json:"environment"` // null without a project
	Folder      string         `json:"folder"`
	Key         string         `json:"key"` // where it is, in words; "" while there is none
	Sets        []cacheSetJSON `json:"sets"`
}

// cacheModeJSON is what the project says of its environment.
type cacheModeJSON struct {
	Name   string `json:"name"`
	Mode   string `json:"mode"`
	TTL    int    `json:"ttl_seconds"`
	MaxAge int    `json:"max_age_seconds"`
}

type cacheSetJSON struct {
	Environment string `json:"environment"`
	Path        string `json:"path"`
	Region      string `json:"region"`
	Endpoint    string `json:"endpoint"`
	Identity    string `json:"identity"`
	Secrets     int    `json:"secrets"`
	Bytes       int64  `json:"bytes"`
	Kept        string `json:"kept"`
	Until       string `json:"until"`
	Age         int    `json:"age_seconds"`
	Expired     bool   `json:"expired"`
	Damaged     bool   `json:"damaged"`
	File        string `json:"file"`
}

func runCacheStatus(a *app) error {
	o, err := a.anyOptions()
	if err != nil {
		return err
	}
	st, err := engine.Cache(o)
	if err != nil {
		return err
	}
	doc := cacheJSON{Folder: st.Folder, Key: st.Key, Sets: []cacheSetJSON{}}
	var rows [][]string
	for _, i := range st.Sets {
		age := time.Since(i.Kept)
		set := cacheSetJSON{
			Environment: i.Environment, Path: i.Path, Region: i.Region, Endpoint: i.Endpoint, Identity: i.Identity, Secrets: i.Names, Bytes: i.Bytes,
			Kept: rfc(i.Kept), Until: rfc(i.Until), Age: int(age.Seconds()), Expired: time.Now().After(i.Until), Damaged: i.Damaged, File: i.File,
		}
		state := engine.Age(age)
		switch {
		case i.Damaged:
			set = cacheSetJSON{Bytes: i.Bytes, Damaged: true, File: i.File}
			state = "damaged"
		case set.Expired:
			state += ", too old"
		}
		doc.Sets = append(doc.Sets, set)
		rows = append(rows, []string{set.Environment, set.Path, set.Region, strconv.Itoa(set.Secrets), strconv.FormatInt(set.Bytes, 10), state, set.Identity})
	}
	p := o.Project
	if p.Place.Provider != "" {
		doc.Environment = &cacheModeJSON{p.Env, p.Cache.Mode, int(p.Cache.TTL.Seconds()), int(p.Cache.MaxAge.Seconds())}
	}
	if a.json() {
		return a.streams.JSON(doc)
	}
	if err := a.streams.Table([]string{"ENVIRONMENT", "PATH", "REGION", "SECRETS", "BYTES", "AGE", "IDENTITY"}, rows); err != nil {
		return err
	}
	if err := a.streams.Flush(); err != nil {
		return err
	}
	switch {
	case p.Place.Provider == config.ProviderLocal:
		a.streams.Notice("%s is a file of this machine, and needs no cache", p.Describe())
	case p.Place.Provider != "":
		a.streams.Notice("cache of %s: %s", p.Describe(), p.Cache.Mode)
	}
	if len(rows) == 0 {
		a.streams.Notice("nothing is cached")
	} else if st.Key != "" {
		a.streams.Notice("sealed in %s, with a key that is kept as those of sign-ins are: %s", st.Folder, st.Key)
	}
	return nil
}

type cacheClearOptions struct{ all bool }

func (o *cacheClearOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.all, "all", false, "of all projects and environments; and the key, so that no copy opens")
}

func newCacheClear(a *app) *cobra.Command {
	var o cacheClearOptions
	c := &cobra.Command{
		Use:   "clear",
		Short: "Drop what is kept of the environment, or everything",
		Long: `Drop what is kept of the environment on this machine, whoever read it; with --all
everything that is kept of any project, and the key that it is sealed with.`,
		Example: `  skret cache clear -e prod
  skret cache clear --all`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runCacheClear(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

func runCacheClear(ctx context.Context, a *app, o cacheClearOptions) error {
	options := a.anyOptions
	if o.all {
		options = a.userOptions
	}
	eo, err := options()
	if err != nil {
		return err
	}
	if !o.all && eo.Project.Place.Provider == "" {
		return errs.New(errs.Config, "there is no project here whose cache could be meant").WithHint("change to a project, or pass --all")
	}
	n, err := engine.ClearCache(ctx, eo, o.all)
	if err != nil {
		return err
	}
	if a.json() {
		return a.streams.JSON(map[string]int{"dropped": n})
	}
	switch {
	case n == 0:
		a.streams.Notice("nothing is cached")
	case o.all:
		a.streams.Notice("dropped all that was cached: %d", n)
	default:
		a.streams.Notice("dropped what was cached of %s", eo.Project.Describe())
	}
	return nil
}

// anyOptions are the engine's options for what concerns the project where there is
// one, and the user alone where there is none.
func (a *app) anyOptions() (engine.Options, error) {
	p, err := a.project()
	if err == nil {
		return a.options(p), nil
	}
	if errs.KindOf(err) != errs.Config || hasConfiguration(err) {
		return engine.Options{}, err
	}
	return a.userOptions()
}
