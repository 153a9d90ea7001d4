package policy

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// documents are one with an account and an alias, one without, and one for a role.
func documents(t *testing.T) map[string]Policy {
	t.Helper()
	here := prod()
	here.KMSKeyID = "alias/app"
	open := here
	open.Account = ""
	trust, err := TrustGitHub("", "", "acme/shop", "prod", "")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Policy{"account": must(t, []Environment{here}, Write), "open": must(t, []Environment{open}, Write), "trust": trust}
}

func TestTerraform(t *testing.T) {
	got := documents(t)["trust"].Terraform("skret-app-prod")
	const want = `data "aws_caller_identity" "current" {}

resource "aws_iam_role" "skret_app_prod" {
  name = "skret-app-prod"
  assume_role_policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "GitHub",
        "Effect" : "Allow",
        "Principal" : {
          "Federated" : "arn:aws:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/token.actions.githubusercontent.com"
        },
        "Action" : [
          "sts:AssumeRoleWithWebIdentity"
        ],
        "Condition" : {
          "StringEquals" : {
            "token.actions.githubusercontent.com:aud" : [
              "sts.amazonaws.com"
            ],
            "token.actions.githubusercontent.com:sub" : [
              "repo:acme/shop:environment:prod"
            ]
          }
        }
      }
    ]
  })
}
`
	if got != want {
		t.Error(got)
	}
}

func TestTerraformHoldsTheSameDocument(t *testing.T) {
	for name, p := range documents(t) {
		text := p.Terraform("x")
		_, rest, _ := strings.Cut(text, "jsonencode(")
		body, _, ok := strings.Cut(rest, "\n  })")
		var got Policy
		if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "${data.aws_caller_identity.current.account_id}", Placeholder)+"}"), &got); err != nil || !ok || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		if open := strings.Contains(p.JSON(), Placeholder); strings.Contains(text, Placeholder) || strings.Contains(text, `data "aws_caller_identity" "current" {}`) != open {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// template is one of CloudFormation, as far as ours go.
type template struct {
	AWSTemplateFormatVersion string
	Resources                map[string]struct {
		Type       string
		Properties map[string]any
	}
}

// substitute does what Fn::Sub does.
func substitute(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if s, ok := v["Fn::Sub"].(string); ok && len(v) == 1 {
			return strings.ReplaceAll(s, "${AWS::AccountId}", Placeholder)
		}
		for k := range v {
			v[k] = substitute(v[k])
		}
	case []any:
		for i := range v {
			v[i] = substitute(v[i])
		}
	}
	return v
}

func TestCloudFormationHoldsTheSameDocument(t *testing.T) {
	for name, p := range documents(t) {
		text := p.CloudFormation("skret-app-prod")
		var got template
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		r := got.Resources["SkretAppProd"]
		kind, naming, attribute := "AWS::IAM::ManagedPolicy", "ManagedPolicyName", "PolicyDocument"
		if name == "trust" {
			kind, naming, attribute = "AWS::IAM::Role", "RoleName", "AssumeRolePolicyDocument"
		}
		if got.AWSTemplateFormatVersion != "2010-09-09" || len(got.Resources) != 1 || r.Type != kind || r.Properties[naming] != "skret-app-prod" || len(r.Properties) != 2 {
			t.Errorf("%s: %s", name, text)
		}
		b, err := json.Marshal(substitute(r.Properties[attribute]))
		var back Policy
		if err != nil || json.Unmarshal(b, &back) != nil || !reflect.DeepEqual(back, p) || strings.Contains(text, Placeholder) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func TestNamesAreMadeFit(t *testing.T) {
	p := documents(t)["account"]
	for name, want := range map[string][2]string{
		"skret-app-prod":           {`"aws_iam_policy" "skret_app_prod"`, `"SkretAppProd"`},
		"1st app, \"${x}\"\n":      {`"aws_iam_policy" "skret_1st_app_____x___"`, `"Skret1stAppX"`},
		"":                         {`"aws_iam_policy" "skret"`, `"Skret"`},
		strings.Repeat("a.é", 100): {`"` + strings.Repeat("a__", 42) + `a_"`, `"SkretA`},
	} {
		tf, cf := p.Terraform(name), p.CloudFormation(name)
		if !strings.Contains(tf, want[0]) || !strings.Contains(cf, want[1]) || !json.Valid([]byte(cf)) {
			t.Errorf("%q: %s\n%s", name, tf[:120], cf[:200])
		}
	}
}
