package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// maxIdentity bounds an identity's text in bytes.
const maxIdentity = 64 << 10

// identity is who opens the store: one or more private keys, and the public keys
// that belong to them.
type identity struct {
	keys       []age.Identity
	recipients []string
	locked     bool
	text       []byte // unlocked, unless it is a key of ssh
}

// Identity is the public side of the user's identity.
type Identity struct {
	Recipients []string // public keys, for the list of recipients of a store
	File       string   // "" when the identity came as text
	Locked     bool     // by a passphrase
	Made       bool     // now
}

// Identity returns the user's identity. It makes the identity file when there
// is none.
func (s *Store) Identity(ctx context.Context) (Identity, error) {
	made, err := s.ensureIdentity(ctx)
	if err != nil {
		return Identity{}, err
	}
	me, err := s.identify(ctx)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Recipients: me.recipients, Locked: me.locked, Made: made}
	if s.o.Identity == "" {
		id.File = s.o.IdentityFile
	}
	return id, nil
}

// LockIdentity encrypts the identity file with a passphrase, or changes the
// passphrase.
func (s *Store) LockIdentity(ctx context.Context) (Identity, error) {
	if s.o.Identity != "" {
		return Identity{}, errs.New(errs.Invalid, "the identity comes from SKRET_IDENTITY, and there is no file to lock").
			WithHint("unset SKRET_IDENTITY to lock the identity file")
	}
	if s.o.AskPassphrase == nil {
		return Identity{}, errs.New(errs.Invalid, "a passphrase is needed, and nobody can be asked here").
			WithHint("run this on a terminal")
	}
	id, err := s.Identity(ctx)
	if err != nil {
		return Identity{}, err
	}
	me, err := s.identify(ctx)
	if err != nil {
		return Identity{}, err
	}
	if me.text == nil {
		return Identity{}, errs.New(errs.Invalid, "%s is a key of ssh, which skret does not change", id.File).
			WithHint("ssh-keygen -p -f %s locks it", id.File)
	}
	pass, err := s.o.AskPassphrase(ctx, "new passphrase of "+id.File+": ")
	if err != nil {
		return Identity{}, err
	}
	again, err := s.o.AskPassphrase(ctx, "once more: ")
	switch {
	case err != nil:
		return Identity{}, err
	case !bytes.Equal(pass, again):
		return Identity{}, errs.New(errs.Invalid, "the two passphrases differ; nothing was changed")
	case len(pass) == 0:
		return Identity{}, errs.New(errs.Invalid, "the passphrase is empty; nothing was changed")
	}
	lockedText, err := lockText(me.text, string(pass))
	if err != nil {
		return Identity{}, fmt.Errorf("lock %s: %w", id.File, err)
	}
	if err := durable.WriteFile(id.File, lockedText, 0o600); err != nil {
		return Identity{}, err
	}
	id.Locked = true
	return id, nil
}

// lockText encrypts the text of an identity as age does with -p -a.
func lockText(text []byte, pass string) ([]byte, error) {
	rcpt, err := age.NewScryptRecipient(pass)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, rcpt)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// ensureIdentity makes the identity file when there is no identity at all. It
// asks nothing.
func (s *Store) ensureIdentity(ctx context.Context) (made bool, err error) {
	if s.o.Identity != "" {
		return false, nil
	}
	name := s.o.IdentityFile
	if name == "" {
		return false, errNoPlace()
	}
	if s.o.Home != "" && filepath.Dir(name) == filepath.Clean(s.o.Home) {
		if err := durable.PrivateDir(s.o.Home); err != nil {
			return false, err
		}
	}
	err = durable.Update(ctx, name, 0o600, maxIdentity, func(old []byte) ([]byte, error) {
		if old != nil {
			return nil, nil
		}
		key, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		made = true
		return fmt.Appendf(nil, "# created: %s\n# public key: %s\n%s\n", formatTime(s.o.Now()), key.Recipient(), key), nil
	})
	if err != nil {
		return false, fmt.Errorf("make an identity: %w", err)
	}
	if made {
		s.o.Notice("made your identity, " + name + ": it opens what is sealed for you; keep a copy in a safe place")
	}
	return made, nil
}

func errNoPlace() error {
	return errs.New(errs.Config, "there is no place for an identity: no home folder is known").
		WithHint("set HOME, SKRET_HOME, SKRET_IDENTITY_FILE or SKRET_IDENTITY")
}

// identify returns the user's identity, read once. It makes none.
func (s *Store) identify(ctx context.Context) (*identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.me != nil {
		return s.me, nil
	}
	text, from, locked, err := s.readIdentity(ctx)
	if err != nil {
		return nil, err
	}
	me, err := s.parseIdentity(ctx, text, from)
	if err != nil {
		return nil, err
	}
	me.locked = me.locked || locked
	s.me = me
	return me, nil
}

// looksPrivate tells whether the text is an identity, be it a damaged one.
func looksPrivate(text []byte) bool {
	for _, sign := range []string{"AGE-SECRET-KEY-", "AGE-PLUGIN-", "age-encryption.org/", "BEGIN AGE ENCRYPTED FILE", "PRIVATE KEY-----"} {
		if bytes.Contains(text, []byte(sign)) {
			return true
		}
	}
	return false
}

// readIdentity returns the text of the identity, unlocked, and where it is from.
func (s *Store) readIdentity(ctx context.Context) (text []byte, from string, locked bool, err error) {
	if s.o.Identity != "" {
		text, from = []byte(s.o.Identity), "SKRET_IDENTITY"
	} else {
		from = s.o.IdentityFile
		if from == "" {
			return nil, "", false, errNoPlace()
		}
		var repaired bool
		text, repaired, err = durable.ReadPrivate(from, maxIdentity, looksPrivate)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "", false, errs.New(errs.Auth, "there is no identity: %w", err).
				WithHint("skret local identity makes one and shows its public key; who can open the store adds it with skret local recipients add. In CI, set SKRET_IDENTITY or SKRET_IDENTITY_FILE")
		}
		if err != nil {
			return nil, "", false, errs.New(errs.Auth, "identity: %w", err).
				WithHint("it must be a file of yours alone; SKRET_IDENTITY takes the text instead")
		}
		if repaired {
			s.o.Notice(from + " could be read by others, and no longer can")
		}
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) && !bytes.HasPrefix(text, []byte("age-encryption.org/")) {
		return text, from, false, nil
	}
	text, err = s.unlockText(ctx, text, from)
	return text, from, true, err
}

// unlockText decrypts an identity that a passphrase locks.
func (s *Store) unlockText(ctx context.Context, text []byte, from string) ([]byte, error) {
	pass, err := s.ask(ctx, from)
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(string(pass))
	if err != nil {
		return nil, errs.New(errs.Auth, "unlock %s: %w", from, err)
	}
	var in io.Reader = bytes.NewReader(text)
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte(armor.Header)) {
		in = armor.NewReader(bytes.NewReader(trimmed))
	}
	r, err := age.Decrypt(in, id)
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(r, maxIdentity))
	}
	if err != nil {
		return nil, errs.New(errs.Auth, "unlock %s: the passphrase is wrong, or the file is damaged", from)
	}
	return text, nil
}

// ask asks for the passphrase of what is at from.
func (s *Store) ask(ctx context.Context, from string) ([]byte, error) {
	if s.o.AskPassphrase == nil {
		return nil, errs.New(errs.Auth, "%s is locked by a passphrase, and nobody can be asked here", from).
			WithHint("run this on a terminal, or give an identity that is not locked by SKRET_IDENTITY")
	}
	pass, err := s.o.AskPassphrase(ctx, "passphrase of "+from+": ")
	if err != nil {
		return nil, errs.New(errs.Auth, "%s is locked: %w", from, err)
	}
	return pass, nil
}

// parseIdentity reads the keys: lines as age-keygen writes them, or one private
// key of ssh.
func (s *Store) parseIdentity(ctx context.Context, text []byte, from string) (*identity, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return s.parseSSH(ctx, append(bytes.TrimSpace(text), '\n'), from)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		// The cause may hold a part of the text.
		return nil, errs.New(errs.Auth, "identity %s: this is neither an age identity nor a private key of ssh", from).
			WithHint("one has a line that begins with AGE-SECRET-KEY-1; bring back a copy of yours, or name it by SKRET_IDENTITY_FILE")
	}
	me := &identity{keys: ids, text: text}
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			me.recipients = append(me.recipients, id.Recipient().String())
		case *age.HybridIdentity:
			me.recipients = append(me.recipients, id.Recipient().String())
		}
	}
	return me, nil
}

func (s *Store) parseSSH(ctx context.Context, pem []byte, from string) (*identity, error) {
	unusable := func() error {
		return errs.New(errs.Auth, "identity %s: this private key cannot be used", from).
			WithHint("ssh keys of type ed25519 and rsa can be used")
	}
	raw, err := ssh.ParseRawPrivateKey(pem)
	locked := false
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		pass, aerr := s.ask(ctx, from)
		if aerr != nil {
			return nil, aerr
		}
		locked = true
		if raw, err = ssh.ParseRawPrivateKeyWithPassphrase(pem, pass); err != nil {
			return nil, errs.New(errs.Auth, "unlock %s: the passphrase is wrong, or the file is damaged", from)
		}
	}
	if err != nil {
		return nil, unusable()
	}
	id, err := sshIdentity(raw)
	if err != nil {
		return nil, unusable()
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, unusable()
	}
	pub := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return &identity{keys: []age.Identity{id}, recipients: []string{pub}, locked: locked}, nil
}
