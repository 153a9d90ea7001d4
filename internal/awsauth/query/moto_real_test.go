//go:build real

package query

import (
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/realtest"
)

func TestRealMotoTakesEveryCall(t *testing.T) {
	m := realtest.Moto(t)
	c, ctx := dial(t, m.URL, "eu-west-1"), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:GetParameters"],"Resource":["arn:aws:ssm:eu-west-1:123456789012:parameter/a/*"]}]}`
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["sts:AssumeRole"]}]}`

	who, err := c.CallerIdentity(ctx)
	must(err)
	if who.Account != "123456789012" || who.ARN == "" || who.UserID == "" {
		t.Errorf("%+v", who)
	}
	if _, ok := c.ClockAhead(); !ok {
		t.Error("no date")
	}

	arn, err := c.CreateUser(ctx, "skret-app-prod")
	must(err)
	if arn != "arn:aws:iam::123456789012:user/skret-app-prod" {
		t.Error(arn)
	}
	_, err = c.CreateUser(ctx, "skret-app-prod")
	wantError(t, err, errs.Conflict, "there is one of that name already", "")
	must(c.PutUserPolicy(ctx, "skret-app-prod", "skret", policy))
	if got := m.AWS(t, "iam", "get-user-policy", "--user-name", "skret-app-prod", "--policy-name", "skret", "--query", "PolicyDocument.Statement[0].Action[0]", "--output", "text"); got != "ssm:GetParameters" {
		t.Error(got)
	}
	wantError(t, c.PutUserPolicy(ctx, "skret-app-prod", "skret", "{"), errs.Invalid, "IAM does not take the policy", "")

	key, err := c.CreateAccessKey(ctx, "skret-app-prod")
	must(err)
	if !key.Active || key.Secret == "" || key.User != "skret-app-prod" || key.Created.IsZero() {
		t.Errorf("%v", key)
	}
	must(c.SetAccessKeyActive(ctx, "skret-app-prod", key.ID, false))
	keys, err := c.AccessKeys(ctx, "skret-app-prod")
	must(err)
	if len(keys) != 1 || keys[0].ID != key.ID || keys[0].Active || keys[0].Secret != "" || !keys[0].Created.Equal(key.Created) {
		t.Errorf("%v", keys)
	}
	if _, err := c.AccessKeyLastUsed(ctx, key.ID); err != nil {
		t.Error(err)
	}
	wantError(t, c.DeleteUser(ctx, "skret-app-prod"), errs.Conflict, "something is still attached to it", "")
	must(c.DeleteAccessKey(ctx, "skret-app-prod", key.ID))
	must(c.DeleteUserPolicy(ctx, "skret-app-prod", "skret"))
	must(c.DeleteUser(ctx, "skret-app-prod"))
	wantError(t, c.DeleteUser(ctx, "skret-app-prod"), errs.NotFound, "there is none of that name", "")

	arn, err = c.CreateRole(ctx, "skret-app-ci", trust, "made by a test", 2*3600e9)
	must(err)
	if !strings.HasSuffix(arn, ":role/skret-app-ci") {
		t.Error(arn)
	}
	must(c.PutRolePolicy(ctx, "skret-app-ci", "skret", policy))
	must(c.DeleteRolePolicy(ctx, "skret-app-ci", "skret"))
	must(c.DeleteRole(ctx, "skret-app-ci"))

	arn, err = c.CreateOIDCProvider(ctx, "https://token.actions.githubusercontent.com", "sts.amazonaws.com")
	must(err)
	arns, err := c.OIDCProviders(ctx)
	must(err)
	if !slices.Contains(arns, arn) || !strings.HasSuffix(arn, "/token.actions.githubusercontent.com") {
		t.Errorf("%s in %s", arn, arns)
	}
	must(c.DeleteOIDCProvider(ctx, arn))
}
