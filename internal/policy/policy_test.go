package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// prod has a key of its own.
func prod() Environment {
	return Environment{Name: "prod", Path: "/app/prod", Region: "eu-west-1", Account: "123456789012", KMSKeyID: "1234abcd-12ab-34cd-56ef-1234567890ab"}
}

func must(t *testing.T, envs []Environment, a Access) Policy {
	t.Helper()
	p, err := Document(envs, a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantError(t *testing.T, err error, kind errs.Kind, text string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind || !strings.Contains(err.Error(), text) || errs.HintOf(err) == "" {
		t.Errorf("error of kind %v: %v, hint %q; want kind %v and %q", errs.KindOf(err), err, errs.HintOf(err), kind, text)
	}
}

func TestDocumentsToRead(t *testing.T) {
	dev := Environment{Name: "dev", Path: "/app/dev", Region: "eu-west-1"}
	const want = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadDev",
      "Effect": "Allow",
      "Action": [
        "ssm:GetParametersByPath",
        "ssm:GetParameters",
        "ssm:GetParameterHistory"
      ],
      "Resource": [
        "arn:aws:ssm:eu-west-1:ACCOUNT_ID:parameter/app/dev",
        "arn:aws:ssm:eu-west-1:ACCOUNT_ID:parameter/app/dev/*"
      ]
    }
  ]
}
`
	if got := must(t, []Environment{dev}, Read).JSON(); got != want {
		t.Error(got)
	}
}

func TestDocumentsToWrite(t *testing.T) {
	const want = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadProd",
      "Effect": "Allow",
      "Action": [
        "ssm:GetParametersByPath",
        "ssm:GetParameters",
        "ssm:GetParameterHistory"
      ],
      "Resource": [
        "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod/*"
      ]
    },
    {
      "Sid": "WriteProd",
      "Effect": "Allow",
      "Action": [
        "ssm:PutParameter",
        "ssm:AddTagsToResource",
        "ssm:ListTagsForResource",
        "ssm:DeleteParameters"
      ],
      "Resource": [
        "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod/*"
      ]
    },
    {
      "Sid": "KeyProd",
      "Effect": "Allow",
      "Action": [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey"
      ],
      "Resource": [
        "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
      ],
      "Condition": {
        "StringEquals": {
          "kms:ViaService": [
            "ssm.eu-west-1.amazonaws.com"
          ]
        },
        "StringLike": {
          "kms:EncryptionContext:PARAMETER_ARN": [
            "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod/*"
          ]
        }
      }
    }
  ]
}
`
	p := must(t, []Environment{prod()}, Write)
	if got := p.JSON(); got != want {
		t.Error(got)
	}
	for range 20 {
		if again := must(t, []Environment{prod()}, Write); again.JSON() != want || again.Terraform("x") != p.Terraform("x") || again.CloudFormation("x") != p.CloudFormation("x") {
			t.Fatal("the same input gives another text")
		}
	}
	var back Policy
	if err := json.Unmarshal([]byte(p.JSON()), &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%v %v", back, err)
	}
}

func TestActionsAreThoseOfTheDocument(t *testing.T) {
	for _, a := range []Access{Read, Write} {
		var got []string
		for _, s := range must(t, []Environment{prod()}, a).Statement {
			for _, action := range s.Action {
				if strings.HasPrefix(action, "ssm:") {
					got = append(got, action)
				}
			}
		}
		if !slices.Equal(got, Actions(a)) {
			t.Errorf("%s: %q, and Actions says %q", a, got, Actions(a))
		}
	}
}

func TestKeysAreNamedInEveryForm(t *testing.T) {
	for _, c := range []struct{ id, resource, alias string }{
		{"", "", ""},
		{"alias/aws/ssm", "", ""},
		{"arn:aws:kms:eu-west-1:123456789012:alias/aws/ssm", "", ""},
		{"mrk-1234", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234", ""},
		{"arn:aws:kms:eu-west-1:210987654321:key/12-ab", "arn:aws:kms:eu-west-1:210987654321:key/12-ab", ""},
		{"alias/team/app_1", "arn:aws:kms:eu-west-1:123456789012:key/*", "alias/team/app_1"},
		{"arn:aws:kms:eu-west-1:210987654321:alias/app", "arn:aws:kms:eu-west-1:210987654321:key/*", "alias/app"},
	} {
		e := prod()
		e.KMSKeyID = c.id
		p := must(t, []Environment{e}, Read)
		if c.resource == "" {
			if len(p.Statement) != 1 {
				t.Errorf("%q: %s", c.id, p.JSON())
			}
			continue
		}
		s := p.Statement[1]
		var aliases []string
		if c.alias != "" {
			aliases = []string{c.alias}
		}
		if !slices.Equal(s.Resource, []string{c.resource}) || !slices.Equal(s.Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"], aliases) {
			t.Errorf("%q: %s", c.id, p.JSON())
		}
	}
}

func TestPartitionsHaveTheirOwnARNs(t *testing.T) {
	for region, want := range map[string][2]string{
		"cn-north-1":     {"aws-cn", "ssm.cn-north-1.amazonaws.com ssm.cn-north-1.amazonaws.com.cn"},
		"us-gov-west-1":  {"aws-us-gov", "ssm.us-gov-west-1.amazonaws.com"},
		"eusc-de-east-1": {"aws-eusc", "ssm.eusc-de-east-1.amazonaws.com ssm.eusc-de-east-1.amazonaws.eu"},
	} {
		e := prod()
		e.Region = region
		for _, s := range must(t, []Environment{e}, Write).Statement {
			for _, arn := range s.Resource {
				if !strings.HasPrefix(arn, "arn:"+want[0]+":") || !strings.Contains(arn, ":"+region+":123456789012:") {
					t.Error(arn)
				}
			}
			if via := s.Condition["StringEquals"]["kms:ViaService"]; via != nil && strings.Join(via, " ") != want[1] {
				t.Errorf("%s: %q", region, via)
			}
		}
	}
}

func TestAListOfKeysIsReadByNameAlone(t *testing.T) {
	e := prod()
	e.Keys = []string{"db/url", "api_key", "db/url"}
	p := must(t, []Environment{e}, Write)
	const base = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod"
	want := []string{base + "/api_key", base + "/db/url"}
	for _, s := range p.Statement[:2] {
		if !slices.Equal(s.Resource, want) {
			t.Errorf("%s: %q", s.Sid, s.Resource)
		}
	}
	if got := p.Statement[2].Condition["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"]; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if allows(t, p, request{action: "ssm:GetParametersByPath", resource: base}) || allows(t, p, request{action: "ssm:GetParameters", resource: base + "/other"}) ||
		!allows(t, p, request{action: "ssm:GetParameterHistory", resource: base + "/db/url"}) {
		t.Error(p.JSON())
	}
}

func TestTheRootIsTheWholeRegion(t *testing.T) {
	p := must(t, []Environment{{Name: "all", Path: "/", Region: "eu-west-1", Account: "123456789012"}}, Read)
	for _, name := range []string{"/", "/a", "/a/b/c"} {
		if !allows(t, p, request{action: "ssm:GetParametersByPath", resource: "arn:aws:ssm:eu-west-1:123456789012:parameter" + name}) {
			t.Errorf("%s is not allowed", name)
		}
	}
	if n := len(p.Statement[0].Resource); n != 1 {
		t.Error(p.JSON())
	}
}

func TestSidsAreTheirOwn(t *testing.T) {
	var envs []Environment
	for _, name := range []string{"eu-prod", "eu.prod", "euProd", "EuProdX2", "1", "_"} {
		e := prod()
		e.Name = name
		envs = append(envs, e)
	}
	seen := map[string]bool{}
	for _, s := range must(t, envs, Write).Statement {
		if seen[s.Sid] || !only(s.Sid, letters+digits) {
			t.Errorf("%q", s.Sid)
		}
		seen[s.Sid] = true
	}
	if !seen["ReadEuProd"] || !seen["WriteEuProdX2"] || !seen["Key1"] {
		t.Error(seen)
	}
}

func TestNothingWidensADocument(t *testing.T) {
	for _, c := range []struct {
		change func(*Environment)
		text   string
	}{
		{func(e *Environment) { e.Path = "/app/*" }, `"/app/*" is not a path`},
		{func(e *Environment) { e.Path = "/app/pro?" }, "is not a path"},
		{func(e *Environment) { e.Path = "/${aws:username}" }, "is not a path"},
		{func(e *Environment) { e.Path = "" }, "is not a path"},
		{func(e *Environment) { e.Path = "app/prod" }, "is not a path"},
		{func(e *Environment) { e.Path = "/app/prod/" }, "is not a path"},
		{func(e *Environment) { e.Path = "/app//prod" }, "is not a path"},
		{func(e *Environment) { e.Path = "/app\"prod" }, "is not a path"},
		{func(e *Environment) { e.Region = "" }, "is not a region"},
		{func(e *Environment) { e.Region = "*" }, `"*" is not a region`},
		{func(e *Environment) { e.Account = "*" }, "is not an account"},
		{func(e *Environment) { e.Account = "12345" }, "is not an account"},
		{func(e *Environment) { e.Keys = []string{"*"} }, `"*" is not a key`},
		{func(e *Environment) { e.Keys = []string{""} }, "is not a key"},
		{func(e *Environment) { e.KMSKeyID = "*" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "alias/*" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "arn:aws:kms:eu-west-1:123456789012:key/*" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "arn:aws:kms:eu-west-1:*:key/1" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "arn:aws:s3:eu-west-1:123456789012:key/1" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "arn:aws:kms:eu-west-1:123456789012:other/1" }, "does not name a KMS key"},
		{func(e *Environment) { e.KMSKeyID = "arn:aws:kms:us-east-1:123456789012:key/1" }, "the KMS key is in us-east-1, and the parameters are in eu-west-1"},
	} {
		e := prod()
		c.change(&e)
		_, err := Document([]Environment{prod(), e}, Read)
		wantError(t, err, errs.Config, "environment prod: ")
		wantError(t, err, errs.Config, c.text)
	}
	_, err := Document([]Environment{{Name: "a", Path: "x", Region: "y!"}, {Name: "b", Path: "z", Region: "eu-west-1"}}, Read)
	for _, all := range []string{`environment a: "x" is not a path`, `environment a: "y!" is not a region`, `environment b: "z" is not a path`} {
		wantError(t, err, errs.Config, all)
	}
}

func TestTooMuchForAPolicyIsRefused(t *testing.T) {
	var envs []Environment
	for i := range 30 {
		e := prod()
		e.Name = fmt.Sprintf("env-%d", i)
		envs = append(envs, e)
	}
	_, err := Document(envs, Write)
	wantError(t, err, errs.Invalid, "with 30 environments it has ")
	if p := must(t, envs[:5], Write); p.size() > maxManaged || strings.ContainsAny(p.text("", ""), " \n\t") {
		t.Errorf("%d characters", p.size())
	}
	if _, err := Document(nil, Read); errs.KindOf(err) != errs.Invalid {
		t.Error(err)
	}
	if _, err := Document(envs[:1], "all"); errs.KindOf(err) != errs.Invalid {
		t.Error(err)
	}
}
