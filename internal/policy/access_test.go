package policy

import (
	"slices"
	"strings"
	"testing"
)

// request is one that IAM judges.
type request struct {
	action, resource string
	context          map[string][]string
}

// allows judges as IAM does, as far as documents of ours go.
func allows(t *testing.T, p Policy, r request) bool {
	t.Helper()
	return slices.ContainsFunc(p.Statement, func(s Statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, r.action) &&
			(s.Principal != nil || slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, r.resource) })) &&
			holds(t, s.Condition, r.context)
	})
}

func holds(t *testing.T, c Condition, context map[string][]string) bool {
	t.Helper()
	for operator, keys := range c {
		for key, patterns := range keys {
			equal := map[string]func(pattern, s string) bool{
				"StringEquals": func(a, b string) bool { return a == b }, "ForAnyValue:StringEquals": func(a, b string) bool { return a == b },
				"StringLike": like, "ArnEquals": like,
			}[operator]
			if equal == nil {
				t.Fatalf("the operator %s is not known", operator)
			}
			if !slices.ContainsFunc(context[key], func(s string) bool {
				return slices.ContainsFunc(patterns, func(pattern string) bool { return equal(pattern, s) })
			}) {
				return false
			}
		}
	}
	return true
}

// like matches with * and ?.
func like(pattern, s string) bool {
	if pattern == "" || s == "" {
		return strings.Trim(pattern, "*") == "" && s == ""
	}
	if pattern[0] == '*' {
		return like(pattern[1:], s) || like(pattern, s[1:])
	}
	return (pattern[0] == s[0] || pattern[0] == '?') && like(pattern[1:], s[1:])
}

func TestAccessEndsAtTheEnvironment(t *testing.T) {
	const base = "arn:aws:ssm:eu-west-1:123456789012:parameter"
	read, write := must(t, []Environment{prod()}, Read), must(t, []Environment{prod()}, Write)
	for _, c := range []struct {
		action, resource string
		read, write      bool
	}{
		{"ssm:GetParametersByPath", base + "/app/prod", true, true},
		{"ssm:GetParametersByPath", base + "/app/prod/db", true, true},
		{"ssm:GetParameters", base + "/app/prod/db/url", true, true},
		{"ssm:GetParameterHistory", base + "/app/prod/db/url", true, true},
		{"ssm:PutParameter", base + "/app/prod/db/url", false, true},
		{"ssm:AddTagsToResource", base + "/app/prod/db/url", false, true},
		{"ssm:DeleteParameters", base + "/app/prod/db/url", false, true},

		{"ssm:PutParameter", base + "/app/prod", false, false},
		{"ssm:DeleteParameters", base + "/app/prod", false, false},
		{"ssm:GetParametersByPath", base + "/app/prod2", false, false},
		{"ssm:GetParameters", base + "/app/prod2/db", false, false},
		{"ssm:GetParametersByPath", base + "/app", false, false},
		{"ssm:GetParametersByPath", base + "/", false, false},
		{"ssm:GetParameters", base + "/app/dev/x", false, false},
		{"ssm:PutParameter", base + "/other/app/prod/x", false, false},
		{"ssm:GetParameters", "arn:aws:ssm:eu-west-2:123456789012:parameter/app/prod/x", false, false},
		{"ssm:GetParameters", "arn:aws:ssm:eu-west-1:210987654321:parameter/app/prod/x", false, false},
		{"ssm:GetParameters", "arn:aws-cn:ssm:eu-west-1:123456789012:parameter/app/prod/x", false, false},
		{"ssm:GetParameter", base + "/app/prod/x", false, false},
		{"ssm:DescribeParameters", "*", false, false},
		{"ssm:LabelParameterVersion", base + "/app/prod/x", false, false},
	} {
		r := request{action: c.action, resource: c.resource}
		if got := allows(t, read, r); got != c.read {
			t.Errorf("read: %s on %s: %v", c.action, c.resource, got)
		}
		if got := allows(t, write, r); got != c.write {
			t.Errorf("write: %s on %s: %v", c.action, c.resource, got)
		}
	}
}

func TestAKeyIsUsedThroughParameterStoreForTheEnvironmentAlone(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	const parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod/x"
	via := func(service, arn string, aliases ...string) map[string][]string {
		return map[string][]string{"kms:ViaService": {service}, "kms:EncryptionContext:PARAMETER_ARN": {arn}, "kms:ResourceAliases": aliases}
	}
	good := via("ssm.eu-west-1.amazonaws.com", parameter)
	read, write := must(t, []Environment{prod()}, Read), must(t, []Environment{prod()}, Write)
	for _, c := range []struct {
		name        string
		r           request
		read, write bool
	}{
		{"decrypt", request{"kms:Decrypt", key, good}, true, true},
		{"encrypt", request{"kms:Encrypt", key, good}, false, true},
		{"advanced tier", request{"kms:GenerateDataKey", key, good}, false, true},
		{"describe", request{"kms:DescribeKey", key, good}, false, false},
		{"another key", request{"kms:Decrypt", key[:len(key)-1] + "0", good}, false, false},
		{"another environment", request{"kms:Decrypt", key, via("ssm.eu-west-1.amazonaws.com", "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod2/x")}, false, false},
		{"another service", request{"kms:Decrypt", key, via("s3.eu-west-1.amazonaws.com", parameter)}, false, false},
		{"another region", request{"kms:Decrypt", key, via("ssm.eu-west-2.amazonaws.com", parameter)}, false, false},
		{"by itself", request{"kms:Decrypt", key, nil}, false, false},
	} {
		if r, w := allows(t, read, c.r), allows(t, write, c.r); r != c.read || w != c.write {
			t.Errorf("%s: read %v, write %v", c.name, r, w)
		}
	}

	e := prod()
	e.KMSKeyID = "alias/app"
	p := must(t, []Environment{e}, Read)
	for aliases, want := range map[string]bool{"alias/app": true, "alias/app2": false, "alias/other alias/app": true, "": false} {
		r := request{"kms:Decrypt", key, via("ssm.eu-west-1.amazonaws.com", parameter, strings.Fields(aliases)...)}
		if got := allows(t, p, r); got != want {
			t.Errorf("with the aliases %q: %v", aliases, got)
		}
	}
}
