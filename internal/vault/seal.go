package vault

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skret/skret/internal/errs"
)

// coding is that of all bytes in text. Strict: one text for one content.
var coding = base64.RawStdEncoding.Strict()

const keySize = 32

// newKey returns 32 random bytes.
func newKey() []byte {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails: it ends the process instead
	return raw
}

// key seals and opens the material of one file.
type key struct {
	header
	aead cipher.AEAD // nil: in the store Plaintext there is no key
}

// derive makes the key of the file with this id from 32 random bytes. Each use of
// them has bytes of its own; Check tells which key it is, and nothing about it.
func derive(raw []byte, id string) (*key, error) {
	if len(raw) != keySize {
		return nil, errors.New("the key has a wrong size")
	}
	check, err := hkdf.Key(sha256.New, raw, []byte(id), "skret vault 1: check", 12)
	if err != nil {
		return nil, err
	}
	sealing, err := hkdf.Key(sha256.New, raw, []byte(id), "skret vault 1: sealing", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(sealing)
	if err != nil {
		return nil, err
	}
	return &key{header: header{Key: keyInfo{ID: id, Check: coding.EncodeToString(check)}}, aead: aead}, nil
}

func (k *key) sealEntry(e *entry, m Material) (err error) {
	e.box, err = k.seal(m, associated(e, nil))
	return err
}

func (k *key) sealSession(e *entry, s *session, m Material) (err error) {
	s.box, err = k.seal(m, associated(e, s))
	return err
}

func (k *key) openEntry(e *entry) (Material, error) { return k.unseal(e, e.box, associated(e, nil)) }

func (k *key) openSession(e *entry, s *session) (Material, error) {
	return k.unseal(e, s.box, associated(e, s))
}

// openSessions opens e's sessions, in their order, before e changes: they are
// bound to it. One that does not open is left out of what sealSessions keeps.
func (k *key) openSessions(e *entry) []*Material {
	ms := make([]*Material, len(e.Sessions))
	for i := range e.Sessions {
		if m, err := k.openSession(e, &e.Sessions[i]); err == nil {
			ms[i] = &m
		}
	}
	return ms
}

// sealSessions seals what openSessions returned, after e has changed.
func (k *key) sealSessions(e *entry, ms []*Material) error {
	kept := e.Sessions[:0]
	for i, m := range ms {
		s := e.Sessions[i]
		if m == nil {
			continue
		}
		if err := k.sealSession(e, &s, *m); err != nil {
			return err
		}
		kept = append(kept, s)
	}
	e.Sessions = kept
	return nil
}

func (k *key) seal(m Material, bound []byte) (box, error) {
	if k.aead == nil {
		return box{Plain: maps.Clone(m.all())}, nil
	}
	text, err := json.Marshal(m.all())
	if err != nil {
		return box{}, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(text)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce)
	return box{Sealed: coding.EncodeToString(k.aead.Seal(nonce, nonce, text, bound))}, nil
}

func (k *key) unseal(e *entry, b box, bound []byte) (Material, error) {
	if k.aead == nil {
		return NewMaterial(b.Plain), nil
	}
	raw, err := coding.DecodeString(b.Sealed)
	if err == nil && len(raw) < chacha20poly1305.NonceSizeX {
		err = errors.New("too short")
	}
	var fields map[string]string
	if err == nil {
		raw, err = k.aead.Open(nil, raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:], bound)
	}
	if err == nil {
		err = json.Unmarshal(raw, &fields)
	}
	if err != nil {
		return Material{}, errs.New(errs.Auth, "the sign-in %s/%s does not open: something else than skret has changed it", e.Service, e.Name).
			WithHint("sign in again: skret auth login %s --name %s", e.Service, e.Name)
	}
	return hold(fields), nil
}

// associated is what material is bound to: the entry, and within it the session.
// Each part stands behind its length, so that no two lists of parts give the same
// bytes.
func associated(e *entry, s *session) []byte {
	use := "skret vault 1: sign-in"
	if s != nil {
		use = "skret vault 1: session"
	}
	parts := []string{use, e.Service, e.Name, e.Method, stamp(e.LoggedIn), strconv.FormatInt(e.Generation, 10)}
	parts = appendMeta(parts, e.Meta)
	if s != nil {
		parts = appendMeta(append(parts, s.Key, stamp(s.Expires)), s.Meta)
	}
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func appendMeta(parts []string, meta map[string]string) []string {
	parts = append(parts, strconv.Itoa(len(meta)))
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		parts = append(parts, k, meta[k])
	}
	return parts
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
