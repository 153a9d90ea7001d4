package awsauth

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// minted is short-lived credentials that are minted from a sign-in. They are
// kept in the vault, and used again by every command until they near their end.
type minted struct {
	s    *signIn
	key  string // names them within the sign-in
	mint func(ctx context.Context) (aws.Credentials, error)
	asks time.Duration // how long they live, when that is what is asked for; 0: as they say

	mu   sync.Mutex
	now  aws.Credentials
	life time.Duration // of now, in all
}

// Retrieve returns credentials that are good for some minutes.
func (m *minted) Retrieve(ctx context.Context) (aws.Credentials, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fresh(m.now.Expires, m.life) {
		return m.now, nil
	}
	kept := func() (bool, error) { return m.kept(ctx) }
	if ok, err := kept(); ok || err != nil {
		return m.now, err
	}
	err := m.s.once(ctx, kept, func() error { return m.renew(ctx) })
	return m.now, err
}

// fresh tells whether credentials that end then are good for a request: for five
// minutes more, or for a tenth of their life if that is shorter.
func (m *minted) fresh(expires time.Time, life time.Duration) bool {
	return expires.Sub(m.s.o.Now()) > min(5*time.Minute, life/10)
}

// kept takes the credentials that are in the vault, if they are fresh.
func (m *minted) kept(ctx context.Context) (bool, error) {
	c, err := m.s.read()
	if err != nil {
		return false, err
	}
	for _, k := range c.Sessions {
		life, err := time.ParseDuration(k.Meta["life"])
		if k.Key != m.key || err != nil || !m.fresh(k.Expires, life) {
			continue
		}
		mat, err := m.s.vault.OpenSession(ctx, c, m.key)
		if kind := errs.KindOf(err); kind == errs.NotFound || kind == errs.Conflict {
			return false, nil // another process has just changed it
		}
		if err != nil {
			return false, err
		}
		m.life, m.now = life, aws.Credentials{
			AccessKeyID: mat.Field("access_key_id"), SecretAccessKey: mat.Field("secret_access_key"), SessionToken: mat.Field("session_token"),
			AccountID: k.Meta["account"], CanExpire: true, Expires: k.Expires,
		}
		return true, nil
	}
	return false, nil
}

// renew mints new credentials and keeps them. That they cannot be kept costs the
// next command a request, and is no error.
func (m *minted) renew(ctx context.Context) error {
	start := m.s.o.Now()
	creds, err := m.mint(ctx)
	if by := start.Add(m.asks); m.asks > 0 && (creds.Expires.After(by) || creds.Expires.Before(start)) {
		creds.Expires = by // AWS's clock and ours differ
	}
	if err != nil {
		return err
	}
	if !creds.HasKeys() {
		return errs.New(errs.Backend, "the sign-in %q: AWS answered without credentials", m.s.name)
	}
	m.now, m.life = creds, creds.Expires.Sub(m.s.o.Now()).Round(time.Second)
	if !creds.CanExpire {
		return nil
	}
	meta := map[string]string{"life": m.life.String()}
	if creds.AccountID != "" {
		meta["account"] = creds.AccountID
	}
	err = m.s.vault.PutSession(ctx, m.s.last(), vault.Session{Key: m.key, Expires: creds.Expires, Meta: meta}, vault.NewMaterial(map[string]string{
		"access_key_id": creds.AccessKeyID, "secret_access_key": creds.SecretAccessKey, "session_token": creds.SessionToken,
	}))
	if err != nil {
		m.s.o.Log.Warn("the credentials of the sign-in cannot be kept", "name", m.s.name, "error", err)
	}
	return nil
}
