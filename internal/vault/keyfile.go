package vault

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// A key file is one line: this, a blank, and the key in base64.
const (
	keyMark    = "SKRET-KEY-1"
	maxKeyFile = 4 << 10
)

func isKey(data []byte) bool { return bytes.HasPrefix(data, []byte(keyMark)) }

// ownKeyFile is the key file in our folder.
func (v *Vault) ownKeyFile() string { return filepath.Join(v.o.Dir, "credentials.key") }

// ownKey reads the key from the file in our folder.
func (v *Vault) ownKey() ([]byte, error) {
	name := v.ownKeyFile()
	data, repaired, err := durable.ReadPrivate(name, maxKeyFile, isKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, lost("%w", err)
	}
	return v.parseKey(name, data, repaired, err)
}

// namedKey reads the key from the file that SKRET_KEY_FILE names, which may be
// one that root gives, such as a credential of systemd.
func (v *Vault) namedKey() ([]byte, error) {
	name := v.o.KeyFile
	data, repaired, err := durable.ReadGiven(name, maxKeyFile, isKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return v.parseKey(name, data, repaired, err)
}

// parseKey takes the key from a file that was read with this result.
func (v *Vault) parseKey(name string, data []byte, repaired bool, err error) ([]byte, error) {
	if err != nil {
		return nil, errs.New(errs.Auth, "open the sign-ins: key file: %w", err).WithHint("it must be a file of yours alone: chmod 600 %s", name)
	}
	if repaired {
		v.o.Notice(name + " could be read by others, and no longer can; whoever has read it opens your sign-ins")
	}
	text, ok := bytes.CutPrefix(bytes.TrimSpace(data), []byte(keyMark+" "))
	raw := make([]byte, coding.DecodedLen(len(text)))
	n, err := coding.Decode(raw, text)
	if !ok || err != nil || n != keySize {
		return nil, errs.New(errs.Auth, "open the sign-ins: %s holds no key of skret's", name).
			WithHint("bring back a copy, or move it away and sign in again")
	}
	return raw, nil
}

// ensureKeyFile writes the key into the key file, or returns the one that is
// there: of two processes that make one, both use the first one's.
func (v *Vault) ensureKeyFile(ctx context.Context, raw []byte) ([]byte, error) {
	name, read := v.ownKeyFile(), v.ownKey
	if v.o.KeyFile != "" {
		name, read = v.o.KeyFile, v.namedKey
	} else if err := durable.PrivateDir(v.o.Dir); err != nil {
		return nil, err
	}
	there, err := read()
	if !errors.Is(err, fs.ErrNotExist) {
		return there, err
	}
	err = durable.Update(ctx, name, 0o600, maxKeyFile, func(old []byte) ([]byte, error) {
		if old != nil {
			return nil, nil
		}
		return []byte(keyMark + " " + coding.EncodeToString(raw) + "\n"), nil
	})
	if err != nil {
		return nil, errs.New(errs.KindOf(err), "make a key file: %w", err)
	}
	return read()
}
