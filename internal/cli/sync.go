package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/transfer"
)

type syncOptions struct {
	planOptions
	selection
	to          string
	place       placeFlags
	signIn      string
	noOverwrite bool
	empty       string
	heal        bool
	prune       bool
	pruneMax    int
	trusted     string
}

// syncFields are the settings of targets.
var syncFields = []placeFlag{
	{"repo", "repository", "github", "repository `owner/name`"},
	{"org", "organization", "github", "organization, in place of a repository"},
	{"environment", "environment", "github cloudflare-pages", "environment at GitHub; production or preview at Cloudflare Pages"},
	{"app", "app", "github", "for actions (the default), dependabot or codespaces"},
	{"visibility", "visibility", "github", "who sees a secret of an organization: all, private or selected"},
	{"project", "project", "gitlab cloudflare-pages", "project"},
	{"group", "group", "gitlab", "group, in place of a project"},
	{"scope", "scope", "gitlab", "environment scope (default *)"},
	{"account-id", "account_id", "cloudflare-workers cloudflare-pages", "account at Cloudflare"},
	{"script", "script", "cloudflare-workers", "name of the Worker"},
	{"name", "name", "kubernetes manifest", "name of the Kubernetes Secret"},
	{"namespace", "namespace", "kubernetes manifest", "its namespace"},
	{"context", "context", "kubernetes", "context of kubectl's configuration"},
	{"file", "file", "local manifest files", "`file` to write; - is standard output"},
	{"to-path", "path", "aws", "path in SSM Parameter Store"},
	{"to-region", "region", "aws", "its AWS region"},
	{"to-profile", "profile", "aws", "AWS profile to write it with"},
	{"to-auth", "auth", "aws", "sign-in of skret's to write it with"},
	{"base-url", "base_url", "github gitlab cloudflare-workers cloudflare-pages", "`address` of a server of your own"},
}

var syncLists = []placeFlag{
	{"variables", "variables", "github", "`names` that are written as variables, which anyone there can read"},
	{"repositories", "repositories", "github", "repositories that see a secret with --visibility selected"},
}

var syncSwitches = []placeFlag{
	{"masked", "masked", "gitlab", "masked in logs; what cannot be is refused"},
	{"protected", "protected", "gitlab", "for protected branches and tags alone"},
	{"hidden", "hidden", "gitlab", "never shown again"},
	{"allow-empty", "allow_empty", "github", "empty values, too"},
}

func (o *syncOptions) bind(f *pflag.FlagSet) {
	o.planOptions.bind(f)
	f.StringVar(&o.to, "to", "", "one target, in place of those of .skret.yaml: "+strings.Join(engine.TargetTypes(), ", "))
	o.place = placeFlags{texts: syncFields, lists: syncLists, switches: syncSwitches}
	o.place.bind(f)
	f.StringVar(&o.signIn, "sign-in", "", "`name` of the sign-in to use")
	o.selection.bind(f)
	f.BoolVar(&o.noOverwrite, "no-overwrite", false, "leave what the target has as it is")
	f.StringVar(&o.empty, "empty", "fail", "what happens to empty values that a target does not take: fail or skip")
	f.BoolVar(&o.heal, "heal", false, "write again what somebody else changed at the target")
	f.BoolVar(&o.prune, "prune", false, "delete what skret wrote there and the environment no longer has")
	f.IntVar(&o.pruneMax, "prune-max", 0, "the most that may be deleted (default 10)")
	f.StringVar(&o.trusted, "trust", "", "`hash` of what .skret.yaml may do beyond the project, as skret trust --dry-run prints it")
}

func newSync(a *app) *cobra.Command {
	var o syncOptions
	c := &cobra.Command{
		Use:   "sync [--to TARGET] [flags]",
		Short: "Bring the secrets to GitHub, GitLab, Cloudflare, Kubernetes or a file",
		Long: `Write the environment's secrets to where others read them: to every target that
.skret.yaml declares under sync.targets, or to the one that --to names.

Everything is read and judged first: names that the target does not allow, values
that are too large, too many, or empty are told all at once, and then nothing is
written there. A secret that is refused later does not keep the others back.

Most targets give no values back. What skret wrote there is remembered in
~/.skret/sync: the version of each secret, or a keyed hash of its value. A second
run without a change writes nothing. What somebody else changed at a target since
is told, stays as it is, and is written again with --heal.

--prune deletes, last of all, what skret wrote there and the environment no longer
has: never what others put there, never when the environment is empty, and no more
than --prune-max.

Targets of --to, and what they need:
  github              --repo or --org, perhaps --environment, --app, --variables
  gitlab              --project or --group, perhaps --scope, --masked, --protected
  cloudflare-workers  --script     cloudflare-pages  --project
  kubernetes          --name       (kubectl apply --server-side)
  manifest            --name, --file: a Kubernetes Secret as YAML
  aws                 --to-path    local  --file
  dotenv, json, yaml, toml, tfvars, properties, csv, docker   --file

A target of .skret.yaml whose address is not the service's own, or whose file is
outside of the project, is used only after skret trust. Tokens are read from
GH_TOKEN or GITHUB_TOKEN, GITLAB_TOKEN, CLOUDFLARE_API_TOKEN, else from skret auth
login, else, for GitHub, from gh.

On a terminal a bar shows how far it is; elsewhere there is a line for each
secret, and with --format json an event in JSON on stderr.

Exit codes:
  0  done          6  somebody else changed something at a target
  9  with --dry-run --exit-code: a target would change
  8  a name or a value that a target does not take, or wrong usage
  1, 2, 3, 4, 5, 7  as for every command: see skret --help`,
		Example: `  skret sync
  skret sync --dry-run --exit-code
  skret sync --to github --repo acme/app --environment production -e prod
  skret sync --to gitlab --project acme/app --masked
  skret sync --to manifest --name app --file - | kubectl apply --server-side -f -
  skret sync --to dotenv --file .env`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return runSync(c.Context(), a, o) },
	}
	o.bind(c.Flags())
	return c
}

// spec is the target that the flags name.
func (o *syncOptions) spec() (engine.Spec, error) {
	if o.to != "" {
		if err := enum("--to", o.to, engine.TargetTypes()...); err != nil {
			return engine.Spec{}, err
		}
	}
	s, err := o.place.spec("--to", o.to)
	probs := []error{err}
	if o.prune && len(o.only)+len(o.except) > 0 {
		probs = append(probs, errs.New(errs.Invalid, "--prune with --only or --except would delete what these leave out").
			WithHint("leave them out, or write them to the target in .skret.yaml, where they always hold"))
	}
	if o.pruneMax < 0 {
		probs = append(probs, errs.New(errs.Invalid, "--prune-max: %d is not a number of secrets", o.pruneMax))
	}
	_, err = emptyPolicy(o.empty)
	probs = append(probs, err)
	switch {
	case o.to == "manifest":
		s = s.AsFile("kubernetes")
	case o.to != "kubernetes" && engine.IsFormat(o.to):
		s = s.AsFile(o.to)
	}
	return s, errors.Join(probs...)
}

// target is one target of a sync, and how it is written to.
type target struct {
	env  string // "": the chosen environment
	spec engine.Spec
	o    engine.TransferOptions
}

// targets are those of the command line or of the configuration.
func (o *syncOptions) targets(p *config.Project, byFlags engine.Spec, env string) ([]target, error) {
	policy := transfer.Policy{Heal: o.heal, PruneMax: o.pruneMax, Prune: o.prune}
	policy.Empty, _ = emptyPolicy(o.empty) // spec has judged it
	if o.noOverwrite {
		policy.OnExists = transfer.Keep
	}
	all := func(only, except []string, policy transfer.Policy) engine.TransferOptions {
		return engine.TransferOptions{
			Mapping: transfer.Mapping{Only: slices.Concat(only, o.only), Except: slices.Concat(except, o.except)},
			Policy:  policy, Remember: true, Look: o.dryRun,
		}
	}
	if o.to != "" {
		return []target{{spec: byFlags, o: all(nil, nil, policy)}}, nil
	}
	var ts []target
	for _, t := range p.Targets {
		if env != "" && t.Env != "" && t.Env != env {
			continue
		}
		own := policy
		own.Prune = own.Prune || t.Prune
		if t.NoOverwrite {
			own.OnExists = transfer.Keep
		}
		ts = append(ts, target{t.Env, engine.DeclaredSpec(t), all(t.Only, t.Except, own)})
	}
	if len(ts) == 0 {
		what := "declares no targets"
		if len(p.Targets) > 0 {
			what = "declares no target for environment " + env
		}
		return nil, errs.New(errs.Config, "%s %s", describeFile(p), what).
			WithHint("name one with --to, or write it under sync: targets: in .skret.yaml")
	}
	return ts, nil
}

func describeFile(p *config.Project) string {
	if p.File == "" {
		return "there is no " + config.Name + ", which"
	}
	return p.File
}

func runSync(ctx context.Context, a *app, o syncOptions) error {
	spec, err := o.spec()
	if err != nil {
		return err
	}
	o.orphans = true
	if err := o.check(a); err != nil {
		return err
	}
	if spec.Fields["file"] == "-" && (a.json() || o.values) {
		return errs.New(errs.Invalid, "standard output cannot take both the file and what --format json or --values prints").
			WithHint("write to a file: --file FILE")
	}
	if err := a.resolveFile(&spec); err != nil {
		return err
	}
	p, err := a.anyPlaces()
	if err != nil {
		return err
	}
	p.SignIn, p.Trusted = o.signIn, o.trusted
	targets, err := o.targets(p.Project, spec, a.global.Env)
	if err != nil {
		return err
	}
	var docs []planJSON
	var probs []error
	for _, t := range targets {
		err := a.syncOne(ctx, p, t, o, &docs)
		if err != nil && len(targets) > 1 {
			err = errs.Each(fmt.Sprintf("the %s target in line %s", t.spec.Type, t.spec.Line), err)
		}
		probs = append(probs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return a.printPlans(docs, errors.Join(probs...))
}

// syncOne brings the secrets of an environment to one target.
func (a *app) syncOne(ctx context.Context, p *engine.Places, t target, o syncOptions, docs *[]planJSON) (err error) {
	from, err := p.Open(ctx, engine.Spec{Type: "env", Fields: map[string]string{"env": t.env}})
	if err != nil {
		return err
	}
	to, err := p.Open(ctx, t.spec)
	if err != nil {
		return err
	}
	defer to.Close(ctx)
	if from.ID == to.ID {
		return errs.New(errs.Invalid, "%s is where the secrets come from", to.Title)
	}
	t.o.Mapping.Except = slices.Concat(t.o.Mapping.Except, from.Project.Exclude)
	tr, err := p.Prepare(ctx, from, to, t.o)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := tr.Close(); err == nil {
			err = cerr
		}
	}()
	return a.carry(ctx, tr, o.planOptions, docs)
}
