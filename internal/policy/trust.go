package policy

import (
	"cmp"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// The issuer of the tokens that GitHub gives to workflows, and the audience that
// AWS's tools ask them for. An account must know the issuer, with this audience.
const (
	GitHubIssuer   = "https://token.actions.githubusercontent.com"
	GitHubAudience = "sts.amazonaws.com"
)

// TrustGitHub lets workflows of one repository take a role: those jobs that name
// the environment, or those that run for the branch without naming one. Exactly
// one of the two must be given.
//
// repo is "owner/name", or "owner@ID/name@ID" with GitHub's numbers of both: which
// of them is in the tokens is a setting of the repository. Those that were made,
// renamed or moved since 15 July 2026 have the numbers, so that nobody can take
// over a name that became free. The other form never matches.
//
// GitHub's names are compared letter by letter; upper and lower case differ.
func TrustGitHub(accountID, partition, repo, environment, branch string) (Policy, error) {
	bad := func(hint, format string, args ...any) (Policy, error) {
		return Policy{}, errs.New(errs.Invalid, "trust in GitHub: "+format, args...).WithHint("%s", hint)
	}
	var sub string
	switch {
	case accountID != "" && !isAccount(accountID):
		return bad("it has 12 digits", "%q is not an account", accountID)
	case partition != "" && !isPartition(partition):
		return bad("it is aws, aws-cn, aws-us-gov ...", "%q is not a partition", partition)
	case !isRepository(repo):
		return bad("it is OWNER/NAME, or OWNER@ID/NAME@ID; gh api repos/OWNER/NAME shows both ids", "%q is not a repository", repo)
	case environment == "" && branch == "":
		return bad("name an environment of the repository, or a branch", "every workflow of %s would be trusted, those of pull requests too", repo)
	case environment != "" && branch != "":
		return bad("name one; which branches may use an environment is set in GitHub", "a job's token names its environment or its branch, never both")
	case environment != "":
		if !only(environment, letters+digits+"_.-/ ") {
			return bad("letters, digits, spaces and _.-/ can be used", "%q cannot be used as an environment", environment)
		}
		sub = "environment:" + environment
	default:
		if !only(branch, letters+digits+"_.-/+@#") {
			return bad("letters, digits and _.-/+@# can be used", "%q cannot be used as a branch", branch)
		}
		sub = "ref:refs/heads/" + strings.TrimPrefix(branch, "refs/heads/")
	}
	host := strings.TrimPrefix(GitHubIssuer, "https://")
	return document(Statement{
		Sid: "GitHub", Effect: "Allow",
		Principal: map[string]string{"Federated": "arn:" + cmp.Or(partition, "aws") + ":iam::" + account(accountID) + ":oidc-provider/" + host},
		Action:    []string{"sts:AssumeRoleWithWebIdentity"},
		Condition: Condition{"StringEquals": {
			host + ":aud": {GitHubAudience},
			host + ":sub": {"repo:" + repo + ":" + sub},
		}},
	}), nil
}

func isPartition(s string) bool {
	return s == "aws" || strings.HasPrefix(s, "aws-") && only(s, lower+"-")
}

// isRepository tells whether s is OWNER/NAME or OWNER@ID/NAME@ID.
func isRepository(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	owner, ownerID, numbered := strings.Cut(owner, "@")
	name, nameID, both := strings.Cut(name, "@")
	if !ok || numbered != both || both && (!only(ownerID, digits) || !only(nameID, digits)) {
		return false
	}
	return only(owner, letters+digits+"-") && len(owner) <= 39 &&
		only(name, letters+digits+"._-") && len(name) <= 100 && name != "." && name != ".."
}

// TrustRolesAnywhere lets the holders of certificates take a role: those that the
// authority of the trust anchor issued, or with cn of them the one whose subject
// has this common name. account may be empty, or must be the trust anchor's.
func TrustRolesAnywhere(trustAnchorARN, account, cn string) (Policy, error) {
	bad := func(hint, format string, args ...any) (Policy, error) {
		return Policy{}, errs.New(errs.Invalid, "trust in Roles Anywhere: "+format, args...).WithHint("%s", hint)
	}
	// partition, "rolesanywhere", region, account and "trust-anchor/ID"
	rest, isARN := strings.CutPrefix(trustAnchorARN, "arn:")
	f := strings.Split(rest, ":")
	if !isARN || len(f) != 5 || !isPartition(f[0]) || f[1] != "rolesanywhere" || !only(f[2], lower+digits+"-") || !isAccount(f[3]) ||
		!strings.HasPrefix(f[4], "trust-anchor/") || !only(f[4], lower+digits+"-/") {
		return bad("it is like arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/ID; see aws rolesanywhere list-trust-anchors", "%q is not the ARN of a trust anchor", trustAnchorARN)
	}
	if account != "" && account != f[3] {
		return bad("a role and its trust anchor are in one account", "the trust anchor is in account %s, and the role in %s", f[3], account)
	}
	condition := Condition{"ArnEquals": {"aws:SourceArn": {trustAnchorARN}}}
	if cn != "" {
		if !only(cn, letters+digits+" _.:/=+-@") {
			return bad("letters, digits, spaces and _.:/=+-@ can be in a session's tag", "%q cannot be used as a common name", cn)
		}
		condition["StringEquals"] = map[string][]string{"aws:PrincipalTag/x509Subject/CN": {cn}}
	}
	return document(Statement{
		Sid: "RolesAnywhere", Effect: "Allow",
		Principal: map[string]string{"Service": "rolesanywhere.amazonaws.com"},
		Action:    []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"},
		Condition: condition,
	}), nil
}
