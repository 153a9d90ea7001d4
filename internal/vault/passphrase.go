package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// maxWork bounds what a file can make us spend on its passphrase: 2^20 takes some
// seconds and a gigabyte.
const maxWork = 20

// wrap encrypts the key with a passphrase that is new.
func (v *Vault) wrap(ctx context.Context, raw []byte) (string, error) {
	pass, err := v.newPassphrase(ctx)
	if err != nil {
		return "", err
	}
	to, err := age.NewScryptRecipient(pass)
	if err != nil {
		return "", err
	}
	if v.workFactor > 0 {
		to.SetWorkFactor(v.workFactor)
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, to)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(raw); err != nil {
		return "", err
	}
	if err := errors.Join(w.Close(), armored.Close()); err != nil {
		return "", err
	}
	return out.String(), nil
}

// unwrap decrypts the key.
func (v *Vault) unwrap(ctx context.Context, wrapped string) ([]byte, error) {
	pass, err := v.passphrase(ctx, "passphrase of skret's sign-ins: ")
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, errs.New(errs.Auth, "open the sign-ins: the passphrase is empty")
	}
	id.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(wrapped)), id)
	var raw []byte
	if err == nil {
		raw, err = io.ReadAll(io.LimitReader(r, keySize+1))
	}
	if err != nil || len(raw) != keySize {
		return nil, errs.New(errs.Auth, "open the sign-ins: the passphrase is wrong, or the file is damaged")
	}
	return raw, nil
}

// newPassphrase gets a passphrase that is to be used from now on: from the file,
// or by asking twice.
func (v *Vault) newPassphrase(ctx context.Context) (string, error) {
	pass, err := v.passphrase(ctx, "new passphrase for skret's sign-ins: ")
	if err != nil {
		return "", err
	}
	if pass == "" {
		return "", errs.New(errs.Invalid, "the passphrase is empty; nothing was changed")
	}
	if v.o.PassphraseFile != "" {
		return pass, nil
	}
	again, err := v.passphrase(ctx, "once more: ")
	if err != nil {
		return "", err
	}
	if again != pass {
		return "", errs.New(errs.Invalid, "the two passphrases differ; nothing was changed")
	}
	return pass, nil
}

// passphrase reads the passphrase from the file, or asks for it.
func (v *Vault) passphrase(ctx context.Context, prompt string) (string, error) {
	if name := v.o.PassphraseFile; name != "" {
		data, _, err := durable.ReadGiven(name, maxKeyFile, func([]byte) bool { return false })
		if err != nil {
			return "", errs.New(errs.Auth, "open the sign-ins: SKRET_PASSPHRASE_FILE: %w", err)
		}
		line, _, _ := strings.Cut(string(data), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	}
	if v.o.AskPassphrase == nil {
		return "", errs.New(errs.Auth, "the sign-ins are locked by a passphrase, and nobody can be asked here").
			WithHint("name a file that holds it by SKRET_PASSPHRASE_FILE, or run this on a terminal")
	}
	pass, err := v.o.AskPassphrase(ctx, prompt)
	if err != nil {
		return "", errs.New(errs.Auth, "the sign-ins are locked by a passphrase: %w", err).
			WithHint("run this on a terminal, or name a file that holds it by SKRET_PASSPHRASE_FILE")
	}
	defer clear(pass)
	return string(pass), nil
}
