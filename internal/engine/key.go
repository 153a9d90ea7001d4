package engine

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

const keySize = 32

// ownKey is a random key for skret's own use, which the vault keeps as it keeps
// sign-ins.
type ownKey struct {
	vault   *vault.Vault
	service string // what it is for: its name in the vault
	method  string
}

// find returns the key and its id, nothing where there is none yet.
func (k ownKey) find(ctx context.Context) (id string, raw []byte, err error) {
	c, err := k.vault.Find(k.service, "")
	if errs.KindOf(err) == errs.NotFound {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	m, err := k.vault.Open(ctx, c)
	if err != nil {
		return "", nil, err
	}
	raw, err = base64.StdEncoding.DecodeString(m.Field("key"))
	if err != nil || len(raw) != keySize || c.Meta["id"] == "" {
		return "", nil, nil // it is made anew, and what it was for done once more
	}
	return c.Meta["id"], raw, nil
}

// make makes the key, in place of one that there may be.
func (k ownKey) make(ctx context.Context) (id string, raw []byte, err error) {
	id, raw = rand.Text(), make([]byte, keySize)
	_, _ = rand.Read(raw) // it never fails
	_, err = k.vault.Put(ctx, vault.Credential{Service: k.service, Name: "default", Method: k.method, Meta: map[string]string{"id": id}},
		vault.NewMaterial(map[string]string{"key": base64.StdEncoding.EncodeToString(raw)}))
	return id, raw, err
}
