package config

import "strings"

// The types of targets. A target of type aws or local is a place such as an
// environment is, and the words are the same.
const (
	TargetGitHub     = "github"
	TargetGitLab     = "gitlab"
	TargetWorkers    = "cloudflare-workers"
	TargetPages      = "cloudflare-pages"
	TargetKubernetes = "kubernetes"
	TargetFile       = "file"
	TargetAWS        = ProviderAWS
	TargetLocal      = ProviderLocal
)

var (
	forGitHub     = []string{TargetGitHub}
	forGitLab     = []string{TargetGitLab}
	forWorkers    = []string{TargetWorkers}
	forPages      = []string{TargetPages}
	forCloudflare = []string{TargetWorkers, TargetPages}
	forHosts      = []string{TargetGitHub, TargetGitLab, TargetWorkers, TargetPages}
	forKubernetes = []string{TargetKubernetes}
	forFile       = []string{TargetFile}
	forFiles      = []string{TargetFile, TargetLocal}
)

// targetKeys are the keys of one of sync.targets: first those of all types.
var targetKeys = []key{
	{name: "type", must: true, words: []string{TargetGitHub, TargetGitLab, TargetWorkers, TargetPages, TargetKubernetes, TargetFile, TargetAWS, TargetLocal},
		doc: "What the target is. The tokens of services are those of skret auth login, or of the variables that their own tools read."},
	{name: "env", check: checkEnv, pattern: patternEnv, standard: "the chosen one",
		doc: "Environment of this file whose secrets go there."},
	{name: "only", kind: list, check: checkGlob, standard: "all secrets",
		doc: "As --only: patterns such as DB_*. Secrets that match none of them do not go there."},
	{name: "except", kind: list, check: checkGlob,
		doc: "As --except: secrets that match one of these patterns do not go there."},
	{name: "no_overwrite", kind: boolean, standard: "false",
		doc: "What is there already stays as it is."},
	{name: "prune", kind: boolean, standard: "false",
		doc: "Secrets that skret wrote there, and that are no longer in the environment, are deleted."},

	{name: "repository", of: forGitHub, or: "organization", same: strings.ToLower, check: checkRepository, pattern: patternRepository,
		doc: "The repository, OWNER/NAME. Either it or organization must be there."},
	{name: "organization", of: forGitHub, same: strings.ToLower, check: checkOrganization, pattern: patternOrganization,
		doc: "The organization whose repositories share the secrets."},
	{name: "environment", of: forGitHub, same: strings.ToLower, check: checkLine, standard: "the repository itself",
		doc: "Environment of the repository. It must exist."},
	{name: "app", of: forGitHub, same: exact, words: []string{"actions", "dependabot", "codespaces"}, standard: "actions",
		doc: "Who reads the secrets."},
	{name: "visibility", of: forGitHub, words: []string{"all", "private", "selected"}, standard: "what each secret has; private for a new one",
		doc: "Which repositories of the organization see the secrets."},
	{name: "repositories", kind: list, of: forGitHub, check: checkRepositories, pattern: patternRepositories,
		doc: "The repositories of the organization that see the secrets, with visibility selected."},
	{name: "variables", kind: list, of: forGitHub, check: checkGlob,
		doc: "Names or patterns of what is no secret: these are written as variables, which can be read there."},

	{name: "project", of: forGitLab, or: "group", same: strings.ToLower, check: checkProject, pattern: patternProject,
		doc: "The project: its path, such as acme/app, or its number in quotes. Either it or group must be there."},
	{name: "group", of: forGitLab, same: strings.ToLower, check: checkProject, pattern: patternProject,
		doc: "The group whose projects share the variables: its path, or its number in quotes."},
	{name: "scope", of: forGitLab, same: exact, check: checkLine, standard: "*",
		doc: "Environments that see the variables, such as production or review/*."},
	{name: "masked", kind: boolean, of: forGitLab, standard: "false",
		doc: "GitLab masks the values in the logs of jobs. A value that cannot be masked is refused."},
	{name: "protected", kind: boolean, of: forGitLab, standard: "false",
		doc: "Only jobs of protected branches and tags see the variables."},
	{name: "hidden", kind: boolean, of: forGitLab, standard: "false",
		doc: "GitLab never shows the values again. It can be set for new variables alone."},

	{name: "account_id", of: forCloudflare, same: exact, check: checkAccountID, pattern: patternAccountID,
		doc: "The account of Cloudflare, 32 hexadecimal digits in quotes."},
	{name: "script", must: true, of: forWorkers, same: exact, check: checkScript, pattern: patternScript,
		doc: "The name of the Worker."},
	{name: "project", must: true, of: forPages, same: exact, check: checkLabel, pattern: patternLabel,
		doc: "The name of the project."},
	{name: "environment", of: forPages, same: exact, words: []string{"production", "preview"}, standard: "production",
		doc: "Which deployments see the secrets."},

	{name: "base_url", of: forHosts, same: slashless, check: checkAddress, pattern: patternAddress, standard: "the service's own",
		doc: "Address of another server than the service's own. No token is sent there before skret trust allows it."},

	{name: "name", must: true, of: forKubernetes, same: exact, check: checkSubdomain, pattern: patternSubdomain,
		doc: "The name of the Secret."},
	{name: "namespace", of: forKubernetes, same: exact, check: checkLabel, pattern: patternLabel, standard: "the context's",
		doc: "The namespace of the Secret."},
	{name: "context", of: forKubernetes, same: exact, check: checkLine, standard: "the current one",
		doc: "The context of the kubeconfig, which says which cluster."},

	{name: "file", must: true, of: forFiles, same: cleanFile, check: checkAnyFile,
		doc: "The file, relative to this one. Nothing is written outside of this one's folder before skret trust allows it."},
	{name: "format", of: forFile, words: []string{"dotenv", "json", "yaml", "toml", "tfvars", "properties", "csv", "kubernetes"}, standard: "by the file's name",
		doc: "What is written into the file."},

	{name: "path", must: true, of: forAWS, same: cleanPath, check: checkPath, pattern: patternPath,
		doc: "Path of the parameters in SSM Parameter Store, such as /myapp/prod."},
	{name: "region", of: forAWS, same: exact, check: checkRegion, pattern: patternRegion, standard: "AWS_REGION, else what the AWS SDK finds",
		doc: "AWS region, such as eu-west-1."},
	{name: "profile", of: forAWS, same: exact, check: checkLine, standard: "AWS_PROFILE, else what the AWS SDK finds",
		doc: "Profile of the AWS configuration that signs. It does not go with auth."},
	{name: "auth", of: forAWS, same: exact, check: checkAuth, pattern: patternAuth, standard: "as for an environment that names none",
		doc: "Who signs: the name of a sign-in made by skret auth login aws --name NAME, or chain for what the AWS SDK finds."},
	{name: "account", of: forAWS, same: exact, check: checkAccount, pattern: patternAccount, standard: "any",
		doc: "AWS account, 12 digits in quotes. Any other identity is refused before the first request."},
	{name: "role", of: forAWS, check: checkRole, pattern: patternRole, standard: "any",
		doc: "Name of the role, or of the permission set of IAM Identity Center, that the identity must have."},
	{name: "kms_key_id", of: forAWS, check: checkWord, pattern: patternWord, standard: "alias/aws/ssm",
		doc: "KMS key for new values: an id, an ARN, or alias/NAME."},

	{name: "recipients", kind: list, of: forLocal, check: checkRecipient, pattern: patternRecipient, standard: "yourself alone",
		doc: "Public keys, of age or ssh, for a sealed file that is made now."},
}
