package awsauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/skret/skret/internal/awsauth/query"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/vault"
)

// Rotated is the result of a rotation.
type Rotated struct {
	Name, User, Old, New string   // access keys by what tells them apart
	Notes                []string // what is left to do
}

// newKeyWait is how long a new access key is given to become known everywhere.
const newKeyWait = time.Minute

// Rotate replaces the access key of a sign-in: a new key is made with the old
// one, verified, and kept; then the old one is deactivated and deleted. A step
// that fails undoes those before it, as far as there is still something to sign
// with: the sign-in works before and after.
func Rotate(ctx context.Context, o Options, name string) (Rotated, error) {
	o.fill()
	c, err := o.Vault.Find(Service, name)
	if err != nil {
		return Rotated{}, err
	}
	if c.Method != "access-key" {
		return Rotated{}, errs.New(errs.Invalid, "the sign-in %q has no access key of its own: its method is %s", c.Name, c.Method).
			WithHint("only those of method access-key are rotated; the others renew themselves")
	}
	unlock, err := o.Vault.Lock(ctx, Service, c.Name)
	if err != nil {
		return Rotated{}, err
	}
	defer unlock()
	s := &signIn{o: o, vault: o.Vault, name: c.Name, cred: c}
	c, m, err := s.open(ctx)
	if err != nil {
		return Rotated{}, err
	}
	if m.Field("session_token") != "" {
		return Rotated{}, errs.New(errs.Invalid, "the sign-in %q has temporary keys, which cannot be rotated", c.Name)
	}
	return s.rotate(ctx, c, m)
}

func (s *signIn) rotate(ctx context.Context, c vault.Credential, m vault.Material) (Rotated, error) {
	old := m.Field("access_key_id")
	who := s.o.query(constantOf(m), "the sign-in "+c.Name, "sign in again with "+loginCommand(c.Name))
	made, err := who.CreateAccessKey(ctx, "")
	if err != nil {
		return Rotated{}, fmt.Errorf("make a new access key: %w", err)
	}
	// From here on an end of the command must not leave a key that nobody knows.
	ctx = context.WithoutCancel(ctx)
	undo := func(err error) error {
		if derr := who.DeleteAccessKey(ctx, "", made.ID); derr != nil {
			return errs.New(errs.KindOf(err), "%w; the new key %s could not be deleted either", err, maskKey(made.ID)).
				WithHint("delete it in IAM; the old key is still in use")
		}
		return err
	}
	fresh := m.With("access_key_id", made.ID).With("secret_access_key", made.Secret)
	now := s.o.query(constantOf(fresh), "the new access key", "try again")
	if err := s.known(ctx, now, c.Meta["account"]); err != nil {
		return Rotated{}, undo(fmt.Errorf("the new access key does not work: %w", err))
	}
	c.Meta = maps.Clone(c.Meta)
	c.Meta["key"], c.Meta["key_created"] = maskKey(made.ID), s.o.Now().UTC().Format(time.RFC3339)
	if _, err := s.vault.Renew(ctx, c, fresh); err != nil {
		return Rotated{}, undo(fmt.Errorf("the new access key cannot be kept: %w", err))
	}
	out := Rotated{Name: c.Name, User: made.User, Old: maskKey(old), New: maskKey(made.ID)}
	if err := now.SetAccessKeyActive(ctx, "", old, false); err != nil {
		out.Notes = append(out.Notes, "the old key "+out.Old+" is still active: "+err.Error())
	} else if err := now.DeleteAccessKey(ctx, "", old); err != nil {
		out.Notes = append(out.Notes, "the old key "+out.Old+" is inactive, and still there: "+err.Error())
	}
	return out, nil
}

// known waits until a new access key is known: IAM tells its other regions
// within seconds.
func (s *signIn) known(ctx context.Context, c *query.Client, account string) error {
	for start, wait := time.Now(), 200*time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		who, err := c.CallerIdentity(ctx)
		if err == nil && account != "" && who.Account != account {
			return errs.New(errs.Auth, "it is of account %s, and the old one of %s", who.Account, account)
		}
		api, refused := errors.AsType[*query.APIError](err)
		if !refused || api.Code != "InvalidClientTokenId" || time.Since(start) > newKeyWait {
			return err
		}
		if err := httpx.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func constantOf(m vault.Material) constant {
	return constant{AccessKeyID: m.Field("access_key_id"), SecretAccessKey: m.Field("secret_access_key"), SessionToken: m.Field("session_token")}
}
