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
	"slices"

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
	l.sealed = coding.EncodeToString(ks.values.Seal(nonce, nonce, []byte(value), appendAssociated(nil, id, l)))
	return l
}

// opener opens the values of one document. It keeps its buffers, since a page of
// fresh memory costs a short process more than the decryption of a value.
type opener struct {
	keys *keys
	id   string
	box  []byte
	ad   []byte
}

// open returns the value that is sealed in l. Its error never holds a value.
func (o *opener) open(l line) (string, error) {
	size := coding.DecodedLen(len(l.sealed))
	o.box = slices.Grow(o.box[:0], size)[:size]
	n, err := coding.Decode(o.box, []byte(l.sealed))
	if err == nil && n < chacha20poly1305.NonceSizeX {
		err = errors.New("too short")
	}
	var value []byte
	if err == nil {
		nonce, sealed := o.box[:chacha20poly1305.NonceSizeX], o.box[chacha20poly1305.NonceSizeX:n]
		o.ad = appendAssociated(o.ad[:0], o.id, l)
		value, err = o.keys.values.Open(sealed[:0], nonce, sealed, o.ad)
	}
	if err != nil {
		return "", fmt.Errorf("version %d of %s does not open", l.version, l.key)
	}
	return string(value), nil
}

// appendAssociated appends what a sealed value is bound to. Each part stands
// behind its length, so that no two lists of parts give the same bytes.
func appendAssociated(b []byte, id string, l line) []byte {
	for _, part := range [...]string{"skret local value 1", id, string(l.key), l.time, l.description} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(l.version))
}

// sum returns the mac of a document's body.
func (ks *keys) sum(body string) string {
	h := hmac.New(sha256.New, ks.mac)
	buf := make([]byte, 8<<10) // a copy of all of it would double the memory
	for len(body) > 0 {
		n := copy(buf, body)
		_, _ = h.Write(buf[:n])
		body = body[n:]
	}
	return coding.EncodeToString(h.Sum(nil))
}

// verify tells whether the document is as its last writer left it.
func (ks *keys) verify(d *document) bool {
	return hmac.Equal([]byte(ks.sum(d.body)), []byte(d.mac))
}
