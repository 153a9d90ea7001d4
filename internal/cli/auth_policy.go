package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/policy"
)

type policyOptions struct {
	write                   bool
	trustGitHub, githubEnv  string
	branch, trustAnchor, cn string
	name                    string
}

func (o *policyOptions) bind(f *pflag.FlagSet) {
	f.BoolVar(&o.write, "write", false, "allow writing, too")
	f.StringVar(&o.name, "name", "", "name of the policy or the role, in Terraform and CloudFormation")
	f.StringVar(&o.trustGitHub, "trust-github", "", "instead, who may take the role: workflows of this repository, OWNER/NAME")
	f.StringVar(&o.githubEnv, "github-environment", "", "with --trust-github: jobs of this environment")
	f.StringVar(&o.branch, "branch", "", "with --trust-github: jobs of this branch")
	f.StringVar(&o.trustAnchor, "trust-anchor", "", "instead, who may take the role: certificates of this trust anchor, by its ARN")
	f.StringVar(&o.cn, "cn", "", "with --trust-anchor: the one with this common name")
}

func newAuthPolicy(a *app) *cobra.Command {
	var o policyOptions
	c := formats(&cobra.Command{
		Use:   "policy",
		Short: "Print the least IAM policy that the environments need",
		Long: `Print the IAM policy that an identity needs to read the project's environments in
AWS, or with --write to change them: exactly the calls that skret makes, on their
paths alone, and their KMS keys through Parameter Store alone. -e limits it to one
environment.

--trust-github and --trust-anchor print the other half of a role instead: who may
take it. The account is --account, account: of the environment, or ACCOUNT_ID, which
is to be filled in; Terraform and CloudFormation fill it in by themselves.

Nothing is asked, and nothing is changed.`,
		Example: `  skret auth policy -e prod > read.json
  skret auth policy --write --format terraform --name shop-secrets
  skret auth policy --trust-github acme/shop --github-environment production --account 123456789012`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runAuthPolicy(a, o) },
	}, "json", "terraform", "cloudformation")
	o.bind(c.Flags())
	return c
}

func runAuthPolicy(a *app, o policyOptions) error {
	if o.trustGitHub != "" && o.trustAnchor != "" {
		return errs.New(errs.Invalid, "--trust-github and --trust-anchor exclude each other")
	}
	p, name, err := a.policy(o)
	if err != nil {
		return err
	}
	text := ""
	switch a.global.format {
	case "terraform":
		text = p.Terraform(cmp.Or(o.name, name))
	case "cloudformation":
		text = p.CloudFormation(cmp.Or(o.name, name))
	default:
		text = p.JSON()
	}
	_, err = a.streams.Out.WriteString(strings.TrimRight(text, "\n") + "\n")
	return err
}

// policy makes the document that is asked for, and a name for it.
func (a *app) policy(o policyOptions) (policy.Policy, string, error) {
	if o.trustAnchor != "" {
		p, err := policy.TrustRolesAnywhere(o.trustAnchor, a.global.Account, o.cn)
		return p, "skret", err
	}
	in, err := a.input()
	if err != nil {
		return policy.Policy{}, "", err
	}
	if o.trustGitHub != "" {
		user, err := config.User(in)
		if err != nil {
			return policy.Policy{}, "", err
		}
		region := cmp.Or(user.Place.Region, "us-east-1")
		p, err := policy.TrustGitHub(user.Place.Account, endpoint.PartitionOf(region).ID, o.trustGitHub, o.githubEnv, o.branch)
		return p, "skret", err
	}
	if in.Flags.Env != "" || getenv("SKRET_ENV") != "" { // one that is chosen is meant alone
		p, err := config.Load(in)
		if err != nil {
			return policy.Policy{}, "", err
		}
		return a.document([]*config.Project{p}, o.write)
	}
	all, err := config.All(in)
	if err != nil {
		return policy.Policy{}, "", err
	}
	return a.document(all, o.write)
}

// document is the policy of the environments that are in AWS.
func (a *app) document(all []*config.Project, write bool) (policy.Policy, string, error) {
	access, name := policy.Read, "read"
	if write {
		access, name = policy.Write, "write"
	}
	var envs, below []policy.Environment
	for _, p := range all {
		for i, l := range p.Layers {
			place := l.Place
			if place.Provider != config.ProviderAWS {
				continue
			}
			if place.Region == "" {
				return policy.Policy{}, "", errs.New(errs.Config, "environment %s has no region, and a policy names it", p.Of(l).Describe()).
					WithHint("add region: to it, or pass --region")
			}
			e := policy.Environment{
				Name: l.Env, Path: place.Path, Region: place.Region, Account: place.Account, KMSKeyID: place.KMSKeyID, Keys: place.Keys,
			}
			if i == len(p.Layers)-1 {
				envs = append(envs, e)
			} else { // what is below the nearest layer is never written
				e.ReadOnly = true
				below = append(below, e)
			}
		}
	}
	for _, e := range below {
		if !slices.ContainsFunc(envs, e.Covered) {
			envs = append(envs, e)
		}
	}
	if len(envs) == 0 {
		return policy.Policy{}, "", errs.New(errs.Invalid, "no environment is in AWS, and others need no policy").WithHint("choose one with -e")
	}
	parts := []string{cmp.Or(all[0].Name, "skret")}
	if (len(envs) == 1 || len(all) == 1) && envs[0].Name != "" {
		parts = append(parts, envs[0].Name)
	}
	p, err := policy.Document(envs, access)
	return p, strings.Join(append(parts, name), "-"), err
}
