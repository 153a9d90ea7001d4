package policy

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestGitHubIsTrustedForOneEnvironmentOrBranch(t *testing.T) {
	const want = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "GitHub",
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
      },
      "Action": [
        "sts:AssumeRoleWithWebIdentity"
      ],
      "Condition": {
        "StringEquals": {
          "token.actions.githubusercontent.com:aud": [
            "sts.amazonaws.com"
          ],
          "token.actions.githubusercontent.com:sub": [
            "repo:acme/shop:environment:prod"
          ]
        }
      }
    }
  ]
}
`
	p, err := TrustGitHub("123456789012", "aws", "acme/shop", "prod", "")
	if err != nil || p.JSON() != want {
		t.Errorf("%s %v", p.JSON(), err)
	}
	for _, c := range []struct{ partition, repo, environment, branch, sub string }{
		{"", "acme/shop", "", "main", "repo:acme/shop:ref:refs/heads/main"},
		{"aws", "acme/shop", "", "refs/heads/release/1.2", "repo:acme/shop:ref:refs/heads/release/1.2"},
		{"aws-us-gov", "acme@1234/shop.js@56", "eu prod", "", "repo:acme@1234/shop.js@56:environment:eu prod"},
	} {
		p, err := TrustGitHub("", c.partition, c.repo, c.environment, c.branch)
		if err != nil {
			t.Error(err)
			continue
		}
		claims := func(aud, sub string) request {
			return request{"sts:AssumeRoleWithWebIdentity", "", map[string][]string{
				"token.actions.githubusercontent.com:aud": {aud}, "token.actions.githubusercontent.com:sub": {sub}}}
		}
		if !allows(t, p, claims("sts.amazonaws.com", c.sub)) || allows(t, p, claims("https://github.com/acme", c.sub)) || allows(t, p, claims("sts.amazonaws.com", c.sub+"2")) ||
			allows(t, p, claims("sts.amazonaws.com", strings.Replace(c.sub, "shop", "shop2", 1))) || allows(t, p, claims("sts.amazonaws.com", "repo:acme/shop:pull_request")) {
			t.Error(p.JSON())
		}
		if f := p.Statement[0].Principal["Federated"]; !strings.Contains(f, "::"+Placeholder+":") || c.partition != "" && !strings.HasPrefix(f, "arn:"+c.partition+":") {
			t.Error(f)
		}
	}
}

func TestGitHubIsNotTrustedForMoreThanWasNamed(t *testing.T) {
	long := strings.Repeat("a", 101)
	for _, c := range []struct{ account, partition, repo, environment, branch, text string }{
		{"", "", "acme/shop", "", "", "those of pull requests too"},
		{"", "", "acme/shop", "prod", "main", "never both"},
		{"", "", "acme/*", "prod", "", "is not a repository"},
		{"", "", "acme", "prod", "", "is not a repository"},
		{"", "", "acme/shop/x", "prod", "", "is not a repository"},
		{"", "", "acme/shop:x", "prod", "", "is not a repository"},
		{"", "", "acme/..", "prod", "", "is not a repository"},
		{"", "", "/shop", "prod", "", "is not a repository"},
		{"", "", "acme/" + long, "prod", "", "is not a repository"},
		{"", "", long + "/shop", "prod", "", "is not a repository"},
		{"", "", "acme@1/shop", "prod", "", "is not a repository"},
		{"", "", "acme/shop@1", "prod", "", "is not a repository"},
		{"", "", "acme@*/shop@1", "prod", "", "is not a repository"},
		{"", "", "acme@1/shop@", "prod", "", "is not a repository"},
		{"", "", "acme/shop", "*", "", "cannot be used as an environment"},
		{"", "", "acme/shop", "a:b", "", "cannot be used as an environment"},
		{"", "", "acme/shop", "", "feature/*", "cannot be used as a branch"},
		{"", "", "acme/shop", "", "${aws:username}", "cannot be used as a branch"},
		{"*", "", "acme/shop", "prod", "", "is not an account"},
		{"123456789012", "*", "acme/shop", "prod", "", "is not a partition"},
	} {
		_, err := TrustGitHub(c.account, c.partition, c.repo, c.environment, c.branch)
		wantError(t, err, errs.Invalid, c.text)
	}
}

func TestRolesAnywhereIsTrustedForOneAuthority(t *testing.T) {
	const anchor = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/8e6a6d6c-0000-4000-8000-0123456789ab"
	certificate := func(anchor, cn string) map[string][]string {
		return map[string][]string{"aws:SourceArn": {anchor}, "aws:PrincipalTag/x509Subject/CN": {cn}}
	}
	for _, c := range []struct{ account, cn string }{{"", ""}, {"123456789012", "web-1.example.com"}} {
		p, err := TrustRolesAnywhere(anchor, c.account, c.cn)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"} {
			if !allows(t, p, request{action, "", certificate(anchor, "web-1.example.com")}) ||
				allows(t, p, request{action, "", certificate(anchor[:len(anchor)-1]+"c", "web-1.example.com")}) ||
				allows(t, p, request{action, "", certificate(anchor, "web-2.example.com")}) != (c.cn == "") {
				t.Errorf("%s: %s", action, p.JSON())
			}
		}
		if p.Statement[0].Principal["Service"] != "rolesanywhere.amazonaws.com" || len(p.Statement[0].Action) != 3 {
			t.Error(p.JSON())
		}
	}
	for _, c := range []struct{ anchor, account, cn, text string }{
		{"", "", "", "is not the ARN of a trust anchor"},
		{anchor[4:], "", "", "is not the ARN of a trust anchor"},
		{strings.Replace(anchor, "trust-anchor", "profile", 1), "", "", "is not the ARN of a trust anchor"},
		{anchor[:70] + "*", "", "", "is not the ARN of a trust anchor"},
		{strings.Replace(anchor, "123456789012", "*", 1), "", "", "is not the ARN of a trust anchor"},
		{strings.Replace(anchor, "eu-west-1", "", 1), "", "", "is not the ARN of a trust anchor"},
		{anchor, "210987654321", "", "the trust anchor is in account 123456789012, and the role in 210987654321"},
		{anchor, "", "*", "cannot be used as a common name"},
		{anchor, "", "${aws:x}", "cannot be used as a common name"},
	} {
		_, err := TrustRolesAnywhere(c.anchor, c.account, c.cn)
		wantError(t, err, errs.Invalid, c.text)
	}
}
