package local

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// coding is that of all bytes in the file. Strict: one text for one content.
var coding = base64.RawStdEncoding.Strict()

const dataKeySize = 32

// keys is what an opened store is worked with.
type keys struct {
	data   []byte
	values cipher.AEAD
	mac    []byte
}

// newDataKey returns a random data key.
func newDataKey() []byte {
	k := make([]byte, dataKeySize)
	_, _ = rand.Read(k) // never fails: it ends the process instead
	return k
}

// deriveKeys makes the keys of the store with this id from its data key. Each
// use has a key of its own.
func deriveKeys(data []byte, id string) (*keys, error) {
	if len(data) != dataKeySize {
		return nil, errors.New("the data key has a wrong size")
	}
	sealing, err := hkdf.Key(sha256.New, data, []byte(id), "skret local store 1: values", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(sealing)
	if err != nil {
		return nil, err
	}
	mac, err := hkdf.Key(sha256.New, data, []byte(id), "skret local store 1: mac", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &keys{data: data, values: aead, mac: mac}, nil
}

// seal returns l with the value sealed in it.
func (ks *keys) seal(id string, l line, value string) line {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(value)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce)
	l.sealed = coding.EncodeToString(ks.values.Seal(nonce, nonce, []byte(value), associated(id, l)))
	return l
}

// open returns the value that is sealed in l. Its error never holds a value.
func (ks *keys) open(id string, l line) (string, error) {
	box, err := coding.DecodeString(l.sealed)
	if err == nil && len(box) < chacha20poly1305.NonceSizeX {
		err = errors.New("too short")
	}
	var value []byte
	if err == nil {
		nonce, sealed := box[:chacha20poly1305.NonceSizeX], box[chacha20poly1305.NonceSizeX:]
		value, err = ks.values.Open(sealed[:0], nonce, sealed, associated(id, l))
	}
	if err != nil {
		return "", fmt.Errorf("version %d of %s does not open", l.version, l.key)
	}
	return string(value), nil
}

// associated is what a sealed value is bound to. Each part stands behind its
// length, so that no two lists of parts give the same bytes.
func associated(id string, l line) []byte {
	b := make([]byte, 0, 64+len(id)+len(l.key)+len(l.time)+len(l.description))
	for _, part := range [...]string{"skret local value 1", id, string(l.key), l.time, l.description} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(l.version))
}

// sum returns the mac of a document's body.
func (ks *keys) sum(body string) string {
	h := hmac.New(sha256.New, ks.mac)
	_, _ = h.Write([]byte(body))
	return coding.EncodeToString(h.Sum(nil))
}

// verify tells whether the document is as its last writer left it.
func (ks *keys) verify(d *document) bool {
	return hmac.Equal([]byte(ks.sum(d.body)), []byte(d.mac))
}
