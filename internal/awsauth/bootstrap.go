package awsauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/vault"
)

// BootstrapOptions are one bootstrap.
type BootstrapOptions struct {
	Name    string // of the sign-in that is made
	IAMName string // of the user or the role in IAM
	Role    bool   // a role, instead of a user with an access key
	// Policy returns the document for an account.
	Policy func(account string) (string, error)
	// Confirm is shown the plan and says whether to go on.
	Confirm func(ctx context.Context, plan []string) (bool, error)
}

// Bootstrapped is the result of a bootstrap.
type Bootstrapped struct {
	Name, ARN, Account string
	Steps              []string
}

// policyName is the name of the inline policy that a bootstrap makes.
const policyName = "skret"

// Bootstrap makes an identity with few permissions from one with many, and keeps a
// sign-in as it: an IAM user with an access key, or a role that the present
// identity assumes. The present identity is never kept. A step that fails undoes
// those before it.
func Bootstrap(ctx context.Context, o Options, b BootstrapOptions) (Bootstrapped, error) {
	o.fill()
	if o.Vault == nil {
		return Bootstrapped{}, errs.New(errs.Config, "there is no place for a sign-in: no home folder is known").WithHint("set HOME or SKRET_HOME")
	}
	if _, err := o.Vault.Find(Service, b.Name); err == nil {
		return Bootstrapped{}, errs.New(errs.Conflict, "there is a sign-in named %q already", b.Name).WithHint("choose another --name, or skret auth logout aws --name %s first", b.Name)
	} else if errs.KindOf(err) != errs.NotFound {
		return Bootstrapped{}, err
	}
	id, err := o.quietly()
	if err != nil {
		return Bootstrapped{}, err
	}
	o.Region = id.Region
	admin := o.query(id.Credentials, id.Origin, id.Renew)
	who, err := admin.CallerIdentity(ctx)
	if err != nil {
		return Bootstrapped{}, err
	}
	document, err := b.Policy(who.Account)
	if err != nil {
		return Bootstrapped{}, err
	}
	t := &bootstrap{o: o, b: b, admin: admin, who: who, document: document}
	if yes, err := b.Confirm(ctx, t.plan(id)); err != nil || !yes {
		return Bootstrapped{}, errors.Join(err, errs.New(errs.Invalid, "nothing was made"))
	}
	// From here on an end of the command must not leave half of it behind.
	ctx = context.WithoutCancel(ctx)
	out, err := t.make(ctx)
	if err != nil {
		return Bootstrapped{}, t.undo(ctx, err)
	}
	out.Steps = t.plan(id)
	return out, nil
}

// bootstrap is one under way; undone is what takes back what was done, in order.
type bootstrap struct {
	o        Options
	b        BootstrapOptions
	admin    *query.Client
	who      query.Caller
	document string
	undone   []func(context.Context) error
}

// plan says what will be done, and by whom.
func (t *bootstrap) plan(id *Identity) []string {
	what, last := "user", "make an access key, and keep it"
	if t.b.Role {
		what, last = "role", "keep a sign-in that assumes it by "+id.Origin
	}
	return []string{
		fmt.Sprintf("as %s in account %s", t.who.ARN, t.who.Account),
		fmt.Sprintf("make the IAM %s %s", what, t.b.IAMName),
		fmt.Sprintf("give it the policy %q of its own, %d characters: see skret auth policy", policyName, len(t.document)),
		fmt.Sprintf("%s as the sign-in %q", last, t.b.Name),
	}
}

func (t *bootstrap) make(ctx context.Context) (Bootstrapped, error) {
	if t.b.Role {
		return t.role(ctx)
	}
	return t.user(ctx)
}

func (t *bootstrap) done(undo func(context.Context) error) { t.undone = append(t.undone, undo) }

// undo takes back what was done, the last first.
func (t *bootstrap) undo(ctx context.Context, why error) error {
	for _, undo := range slices.Backward(t.undone) {
		if err := undo(ctx); err != nil && errs.KindOf(err) != errs.NotFound {
			return errs.New(errs.KindOf(why), "%w; and taking back what was made failed: %w", why, err).
				WithHint("look at %s in IAM, and delete it by hand", t.b.IAMName)
		}
	}
	return why
}

func (t *bootstrap) user(ctx context.Context) (Bootstrapped, error) {
	name := t.b.IAMName
	arn, err := t.admin.CreateUser(ctx, name)
	if err != nil {
		return Bootstrapped{}, err
	}
	t.done(func(ctx context.Context) error { return t.admin.DeleteUser(ctx, name) })
	if err := t.soon(ctx, func() error { return t.admin.PutUserPolicy(ctx, name, policyName, t.document) }); err != nil {
		return Bootstrapped{}, err
	}
	t.done(func(ctx context.Context) error { return t.admin.DeleteUserPolicy(ctx, name, policyName) })
	var key query.AccessKey
	if err := t.soon(ctx, func() (err error) { key, err = t.admin.CreateAccessKey(ctx, name); return err }); err != nil {
		return Bootstrapped{}, err
	}
	t.done(func(ctx context.Context) error { return t.admin.DeleteAccessKey(ctx, name, key.ID) })
	s := &signIn{o: t.o}
	k := constant{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	if err := s.known(ctx, t.o.query(k, "the new user", "try again"), t.who.Account); err != nil {
		return Bootstrapped{}, fmt.Errorf("the new access key does not work: %w", err)
	}
	_, err = t.o.Vault.Put(ctx, vault.Credential{
		Service: Service, Name: t.b.Name, Method: "access-key",
		Meta: map[string]string{"key": maskKey(key.ID), "account": t.who.Account, "arn": arn},
	}, vault.NewMaterial(map[string]string{"access_key_id": key.ID, "secret_access_key": key.Secret}))
	return Bootstrapped{Name: t.b.Name, ARN: arn, Account: t.who.Account}, err
}

func (t *bootstrap) role(ctx context.Context) (Bootstrapped, error) {
	name := t.b.IAMName
	partition := strings.Split(t.who.ARN, ":")[1]
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:%s:iam::%s:root"},"Action":"sts:AssumeRole"}]}`, partition, t.who.Account)
	arn, err := t.admin.CreateRole(ctx, name, trust, "made by skret auth bootstrap", 0)
	if err != nil {
		return Bootstrapped{}, err
	}
	t.done(func(ctx context.Context) error { return t.admin.DeleteRole(ctx, name) })
	if err := t.soon(ctx, func() error { return t.admin.PutRolePolicy(ctx, name, policyName, t.document) }); err != nil {
		return Bootstrapped{}, err
	}
	t.done(func(ctx context.Context) error { return t.admin.DeleteRolePolicy(ctx, name, policyName) })
	meta := map[string]string{"role_arn": arn, "source": Chain, "account": t.who.Account}
	switch {
	case t.o.ProfileExplicit:
		meta["source"] = "profile:" + t.o.Profile
	case t.o.Auth != "":
		meta["source"] = t.o.Auth
	}
	_, err = t.o.Vault.Put(ctx, vault.Credential{Service: Service, Name: t.b.Name, Method: "assume-role", Meta: meta}, vault.NewMaterial(nil))
	return Bootstrapped{Name: t.b.Name, ARN: arn, Account: t.who.Account}, err
}

// soon does something with what was made a moment ago, which IAM may not know
// everywhere yet.
func (t *bootstrap) soon(ctx context.Context, do func() error) error {
	for start, wait := time.Now(), 200*time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := do()
		if errs.KindOf(err) != errs.NotFound || time.Since(start) > newKeyWait {
			return err
		}
		if err := httpx.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}
