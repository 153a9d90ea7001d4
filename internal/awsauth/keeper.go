package awsauth

import (
	"context"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// keeper keeps a sign-in: the vault does, and memory while a sign-in is being
// made. Its methods are those of [vault.Vault].
type keeper interface {
	Find(service, name string) (vault.Credential, error)
	Open(ctx context.Context, c vault.Credential) (vault.Material, error)
	OpenSession(ctx context.Context, c vault.Credential, key string) (vault.Material, error)
	Renew(ctx context.Context, c vault.Credential, m vault.Material) (vault.Credential, error)
	PutSession(ctx context.Context, c vault.Credential, s vault.Session, m vault.Material) error
	TryLock(service, name string) (unlock func(), holder string, err error)
}

// memory keeps one sign-in until it is known to work, so that nothing is written
// of one that does not.
type memory struct {
	cred     vault.Credential
	material vault.Material
	sessions map[string]vault.Material
}

func (m *memory) Find(string, string) (vault.Credential, error) { return m.cred, nil }

func (m *memory) Open(context.Context, vault.Credential) (vault.Material, error) {
	return m.material, nil
}

func (m *memory) OpenSession(_ context.Context, _ vault.Credential, key string) (vault.Material, error) {
	s, ok := m.sessions[key]
	if !ok {
		return s, errs.New(errs.NotFound, "no session %q", key)
	}
	return s, nil
}

func (m *memory) Renew(_ context.Context, c vault.Credential, material vault.Material) (vault.Credential, error) {
	c.Sessions, m.material = m.cred.Sessions, material
	m.cred = c
	return c, nil
}

func (m *memory) PutSession(_ context.Context, _ vault.Credential, s vault.Session, material vault.Material) error {
	if m.sessions == nil {
		m.sessions = map[string]vault.Material{}
	}
	m.cred.Sessions, m.sessions[s.Key] = append(m.cred.Sessions, s), material
	return nil
}

func (m *memory) TryLock(string, string) (unlock func(), holder string, err error) {
	return func() {}, "", nil
}

// moveTo keeps all of it in the vault, the credentials that were minted for the
// check included: the first command need not mint its own.
func (m *memory) moveTo(ctx context.Context, v *vault.Vault) (vault.Credential, error) {
	kept, err := v.Put(ctx, m.cred, m.material)
	if err != nil {
		return kept, err
	}
	for _, s := range m.cred.Sessions {
		if err := v.PutSession(ctx, kept, s, m.sessions[s.Key]); err != nil {
			return kept, err
		}
	}
	return kept, nil
}
