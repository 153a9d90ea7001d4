package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

type importOptions struct {
	planOptions
	from       string
	place      placeFlags
	signIn     string
	toPath     string
	onConflict string
	empty      string
	filter     []string
	except     []string
	prefix     string
	rename     []string
	yes        string
}

// importFields are the settings of sources: the flag, the setting, what it is.
// file and config have another meaning here than everywhere else: what they
// usually say is said by variables.
var importFields = []placeFlag{
	{"file", "file", "local files", "`file` to read; - is standard input"},
	{"dialect", "dialect", "dotenv", "whose reading of a .env file counts"},
	{"project", "project", "doppler gitlab", "project in Doppler, or its path or number in GitLab"},
	{"config", "config", "doppler", "config in Doppler"},
	{"project-id", "project_id", "infisical", "project in Infisical"},
	{"infisical-env", "environment", "infisical", "slug of the environment in Infisical"},
	{"infisical-path", "path", "infisical", "folder in Infisical (default /)"},
	{"group", "group", "gitlab", "group in GitLab"},
	{"scope", "scope", "gitlab", "environment scope in GitLab (default *)"},
	{"service", "service", "chamber", "service of chamber"},
	{"from-path", "path", "aws", "path in SSM Parameter Store to read from"},
	{"from-region", "region", "aws chamber", "its AWS region"},
	{"from-profile", "profile", "aws chamber", "AWS profile to read it with"},
	{"from-auth", "auth", "aws chamber", "sign-in of skret's to read it with"},
	{"base-url", "base_url", "doppler infisical gitlab", "`address` of a server of your own"},
}

// importSwitches are those that are on or off.
var importSwitches = []placeFlag{
	{"raw", "raw", "doppler infisical", "values with their references, not with what these stand for"},
	{"recursive", "recursive", "infisical", "folders below, too"},
	{"no-imports", "no_imports", "infisical", "without what is imported from other folders"},
	{"include-managed", "include_managed", "doppler", "the three names that Doppler itself sets, too"},
}

func (o *importOptions) bind(f *pflag.FlagSet) {
	o.planOptions.bind(f)
	f.StringVar(&o.from, "from", "", "where the secrets come from: "+strings.Join(engine.SourceTypes(), ", "))
	o.place = placeFlags{texts: importFields, switches: importSwitches}
	o.place.bind(f)
	f.StringVar(&o.signIn, "sign-in", "", "`name` of the sign-in to use")
	f.StringVar(&o.toPath, "to-path", "", "path in SSM Parameter Store to write to, in place of the environment's")
	f.StringVar(&o.onConflict, "on-conflict", "fail", "what happens to names that exist with another value: fail, skip, overwrite or prompt")
	f.StringVar(&o.empty, "empty", "fail", "what happens to empty values that the store does not take: fail or skip")
	f.StringArrayVar(&o.filter, "filter", nil, "only names that match this `pattern`; may be repeated")
	f.StringArrayVar(&o.except, "except", nil, "no names that match this `pattern`; may be repeated")
	f.StringVar(&o.prefix, "prefix", "", "`text` that goes before every key, such as db/")
	f.StringArrayVar(&o.rename, "rename", nil, "`OLD=NEW`: another key for one secret; may be repeated")
	f.StringVar(&o.yes, "yes", "", "`name` of the protected environment that is meant to be written to")
}

func newImport(a *app) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import --from SOURCE [flags]",
		Short: "Bring secrets here from Doppler, Infisical, GitLab, AWS or a file",
		Long: `Read the secrets of another place and write them into the environment.

Everything is read and judged first. Names that cannot be kept, values that are
too large, hidden or empty, and names that exist here with another value are told
all at once, and then nothing is written: see --on-conflict, --empty, --except.
What has the same value here is left as it is. Values are kept byte by byte.

Sources, and what they need:
  doppler     --project and --config; a service token knows both
  infisical   --project-id and --infisical-env
  gitlab      --project or --group
  aws         --from-path, perhaps --from-region, --from-profile, --from-auth
  chamber     --service
  local       --file: another local store
  dotenv, docker, json, yaml, toml, tfvars, properties, csv, kubernetes
              --file, - being standard input

A token is read from DOPPLER_TOKEN, INFISICAL_TOKEN, INFISICAL_CLIENT_ID with
INFISICAL_CLIENT_SECRET, or GITLAB_TOKEN, else it is that of skret auth login.
GitHub and Cloudflare give no values of secrets back, to nobody.

Programs disagree about what a .env file means. A line that they read differently
is an error with its number, unless --dialect says whose way counts:
` + strings.Join(engine.Dialects(), ", ") + `.

--file and --config name what is imported here; the store's file and the
configuration are named by SKRET_FILE and SKRET_CONFIG.

Exit codes:
  0  done          6  names exist with another value, or two become one
  9  with --dry-run --exit-code: something would change
  8  a name or a value that cannot be kept, or wrong usage
  1, 2, 3, 4, 5, 7  as for every command: see skret --help`,
		Example: `  skret import --from dotenv --file .env
  skret import --from doppler --project app --config prd --dry-run
  skret import --from infisical --project-id 8f3c --infisical-env prod -e prod
  skret import --from json --file - --prefix api/ < secrets.json
  skret import --from aws --from-path /old/app --from-region us-east-1`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runImport(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

// policy reads the words that decide.
func (o *importOptions) policy() (transfer.Policy, error) {
	if err := enum("--on-conflict", o.onConflict, "fail", "skip", "overwrite", "prompt"); err != nil {
		return transfer.Policy{}, err
	}
	empty, err := emptyPolicy(o.empty)
	p := transfer.Policy{Empty: empty}
	p.OnExists = map[string]transfer.OnExists{"fail": transfer.Fail, "prompt": transfer.Fail, "skip": transfer.Keep, "overwrite": transfer.Overwrite}[o.onConflict]
	return p, err
}

// spec is the source that the flags name.
func (o *importOptions) spec() (engine.Spec, error) {
	if o.from == "" {
		return engine.Spec{}, errs.New(errs.Invalid, "where the secrets come from is not said").
			WithHint("--from is one of %s", strings.Join(engine.SourceTypes(), ", "))
	}
	if o.from == "github" || strings.HasPrefix(o.from, "cloudflare") {
		return engine.Spec{}, errs.New(errs.Invalid, "%s gives no value of a secret back, so there is nothing to import", o.from).
			WithHint("import from where the values came from; skret sync --to %s writes there", o.from)
	}
	if err := enum("--from", o.from, engine.SourceTypes()...); err != nil {
		return engine.Spec{}, err
	}
	s, err := o.place.spec("--from", o.from)
	if engine.IsFormat(o.from) {
		s = s.AsFile(o.from)
	}
	return s, err
}

// mapping reads what is chosen and renamed.
func (o *importOptions) mapping() (transfer.Mapping, error) {
	to, err := renames(o.rename)
	return transfer.Mapping{Only: o.filter, Except: o.except, Prefix: o.prefix, Rename: to}, err
}

func runImport(ctx context.Context, a *app, o importOptions) error {
	spec, err := o.spec()
	if err != nil {
		return err
	}
	policy, err := o.policy()
	if err != nil {
		return err
	}
	mapping, err := o.mapping()
	if err != nil {
		return err
	}
	if err := o.check(a); err != nil {
		return err
	}
	if d := spec.Fields["dialect"]; d != "" {
		if err := enum("--dialect", d, engine.Dialects()...); err != nil {
			return err
		}
	}
	if o.onConflict == "prompt" && !o.dryRun && (!a.interactive() || !a.streams.InTTY) {
		return errs.New(errs.Invalid, "--on-conflict prompt: nobody can be asked here").WithHint("choose fail, skip or overwrite")
	}
	if err := a.resolveFile(&spec); err != nil {
		return err
	}
	if o.toPath != "" {
		a.global.Path = o.toPath
	}
	project, err := a.project()
	if err != nil {
		return err
	}
	if !o.dryRun {
		if err := a.protect(ctx, project, o.yes); err != nil {
			return err
		}
	}
	p := a.places(project)
	p.SignIn = o.signIn
	from, err := p.Open(ctx, spec)
	if err != nil {
		return err
	}
	defer from.Close(ctx)
	to, err := p.Open(ctx, engine.Spec{Type: "env"})
	if err != nil {
		return err
	}
	t, err := p.Prepare(ctx, from, to, engine.TransferOptions{Mapping: mapping, Policy: policy, Look: o.dryRun})
	if err != nil {
		return err
	}
	if o.onConflict == "prompt" && !o.dryRun {
		if err := a.decide(ctx, t); err != nil {
			return err
		}
	}
	var docs []planJSON
	err = a.carry(ctx, t, o.planOptions, &docs)
	if err == nil && !o.dryRun {
		a.tellKeys(project, t)
	}
	return a.printPlans(docs, err)
}

// decide asks about each conflict.
func (a *app) decide(ctx context.Context, t *engine.Transfer) error {
	each := map[secret.Key]transfer.OnExists{}
	for _, it := range t.Plan.Of(transfer.Conflict) {
		ok, err := a.streams.Confirm(ctx, string(it.Name)+" exists with another value; overwrite it")
		if err != nil {
			return err
		}
		each[it.Name] = transfer.Keep
		if ok {
			each[it.Name] = transfer.Overwrite
		}
	}
	t.Decide(each)
	return nil
}

// tellKeys says what is written and will not be read.
func (a *app) tellKeys(p *config.Project, t *engine.Transfer) {
	if len(p.Place.Keys) == 0 {
		return
	}
	for _, it := range t.Plan.Of(transfer.Create) {
		if !slices.Contains(p.Place.Keys, string(it.Name)) {
			a.streams.Notice("%s is not in keys: of the configuration, and is not read as long as it is not", it.Name)
		}
	}
}
