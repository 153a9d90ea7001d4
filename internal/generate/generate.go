// Package generate makes new values for secrets, from the system's random numbers
// alone.
package generate

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	"github.com/skret/skret/internal/secret"
)

// Value makes a value by a spec: see [secret.ParseGenerator].
func Value(spec string) (secret.Value, error) {
	name, size, err := secret.ParseGenerator(spec)
	if err != nil {
		return secret.Value{}, fmt.Errorf("%q: %w", spec, err)
	}
	made, err := text(name, size)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate %s: %w", spec, err)
	}
	return secret.NewValue(made), nil
}

// text makes a value of one of [secret.Generators].
func text(name string, size int) (string, error) {
	switch name {
	case "password":
		return password(size), nil
	case "hex":
		return hex.EncodeToString(random(size)), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(random(size)), nil
	case "uuid":
		return uuid(), nil
	case "ed25519":
		return ed25519Key()
	default:
		return rsaKey(size)
	}
}

// random returns n random bytes. The system's source does not fail: rather the
// process ends.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// letters are those of a password: none means something to a shell, a URL or a
// format, and a double click selects all of it.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func password(n int) string {
	text := make([]byte, 0, n)
	for len(text) < n {
		for _, b := range random(2 * (n - len(text))) {
			// The bytes above would make the first letters more likely.
			if whole := 256 / len(letters) * len(letters); int(b) < whole && len(text) < n {
				text = append(text, letters[int(b)%len(letters)])
			}
		}
	}
	return string(text)
}

func uuid() string {
	b := random(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func ed25519Key() (string, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", err
	}
	return privatePEM(key)
}

func rsaKey(bits int) (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return "", err
	}
	return privatePEM(key)
}

func privatePEM(key any) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Public returns the public key of a private one that [Value] made, as PEM (PKIX),
// or "" for every other value.
func Public(v secret.Value) string {
	block, _ := pem.Decode([]byte(v.Reveal()))
	if block == nil {
		return ""
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
