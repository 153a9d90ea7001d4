//go:build real

package policy

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// moto checks documents as IAM does: their grammar, Sids, ARNs and operators.
func TestRealMotoTakesTheDocuments(t *testing.T) {
	m := realtest.Moto(t)
	anywhere, err := TrustRolesAnywhere("arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/8e6a6d6c-0000-4000-8000-0123456789ab", "", "web-1")
	if err != nil {
		t.Fatal(err)
	}
	all := documents(t)
	all["anywhere"] = anywhere
	for name, p := range all {
		document := strings.ReplaceAll(p.JSON(), Placeholder, "123456789012")
		var arn string
		if p.trusts() {
			arn = m.AWS(t, "iam", "create-role", "--role-name", name, "--assume-role-policy-document", document, "--query", "Role.Arn", "--output", "text")
		} else {
			arn = m.AWS(t, "iam", "create-policy", "--policy-name", name, "--policy-document", document, "--query", "Policy.Arn", "--output", "text")
		}
		if !strings.HasSuffix(arn, "/"+name) {
			t.Errorf("%s: %s", name, arn)
		}
	}
}

func TestRealMotoDeploysTheTemplates(t *testing.T) {
	m := realtest.Moto(t)
	for name, p := range documents(t) {
		m.AWS(t, "cloudformation", "create-stack", "--stack-name", name, "--capabilities", "CAPABILITY_NAMED_IAM", "--template-body", p.CloudFormation("skret-"+name))
	}
	got := m.AWS(t, "iam", "list-policies", "--scope", "Local", "--query", "Policies[].PolicyName", "--output", "text") + " " +
		m.AWS(t, "iam", "get-role", "--role-name", "skret-trust", "--query", "Role.AssumeRolePolicyDocument.Statement[0].Principal.Federated", "--output", "text")
	for _, want := range []string{"skret-account", "skret-open", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}
