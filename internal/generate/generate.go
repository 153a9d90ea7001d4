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
	"slices"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Kind is one way of making a value.
type Kind struct {
	Name string
	Doc  string
	size sizes
	make func(size int) (string, error)
}

// sizes are those that a kind can have; usual is 0 for a kind that has none.
type sizes struct {
	usual, least, most int
	only               []int // of these alone
}

// Kinds are all there are.
func Kinds() []Kind {
	return []Kind{
		{"password", "letters and digits; password:LENGTH, 32 without", sizes{usual: 32, least: 8, most: 1024}, password},
		{"hex", "random bytes in hexadecimal; hex:BYTES, 32 without", sizes{usual: 32, least: 8, most: 1024}, func(n int) (string, error) { return hex.EncodeToString(random(n)), nil }},
		{"base64", "random bytes in base64; base64:BYTES, 32 without", sizes{usual: 32, least: 8, most: 1024}, func(n int) (string, error) { return base64.StdEncoding.EncodeToString(random(n)), nil }},
		{"uuid", "a random UUID, of version 4", sizes{}, uuid},
		{"ed25519", "a private key of Ed25519, as PEM (PKCS #8)", sizes{}, ed25519Key},
		{"rsa", "a private key of RSA, as PEM (PKCS #8); rsa:BITS, 3072 without", sizes{usual: 3072, only: []int{2048, 3072, 4096}}, rsaKey},
	}
}

// Value makes a value by a spec, KIND or KIND:SIZE.
func Value(spec string) (secret.Value, error) {
	k, size, err := parse(spec)
	if err != nil {
		return secret.Value{}, err
	}
	text, err := k.make(size)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate %s: %w", spec, err)
	}
	return secret.NewValue(text), nil
}

// Check tells what is wrong with a spec, or nil.
func Check(spec string) error {
	_, _, err := parse(spec)
	return err
}

func parse(spec string) (Kind, int, error) {
	name, text, sized := strings.Cut(spec, ":")
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = k.Name
		}
		return Kind{}, 0, errs.New(errs.Invalid, "%q is no kind of value that can be generated", spec).WithHint("use one of %s", strings.Join(names, ", "))
	}
	k := kinds[i]
	if !sized {
		return k, k.size.usual, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(size) != text || !k.size.allow(size) {
		return k, 0, errs.New(errs.Invalid, "%q: the size is not one that %s can have", spec, name).WithHint("%s", k.size.hint(name))
	}
	return k, size, nil
}

func (s sizes) allow(n int) bool {
	if s.only != nil {
		return slices.Contains(s.only, n)
	}
	return s.usual > 0 && s.least <= n && n <= s.most
}

func (s sizes) hint(name string) string {
	switch {
	case s.only != nil:
		return fmt.Sprintf("use one of %s:%v", name, strings.Trim(strings.ReplaceAll(fmt.Sprint(s.only), " ", ", "+name+":"), "[]"))
	case s.usual == 0:
		return name + " has no size: leave it out"
	}
	return fmt.Sprintf("from %s:%d to %s:%d", name, s.least, name, s.most)
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

func password(n int) (string, error) {
	text := make([]byte, 0, n)
	for len(text) < n {
		for _, b := range random(2 * (n - len(text))) {
			// The bytes above would make the first letters more likely.
			if whole := 256 / len(letters) * len(letters); int(b) < whole && len(text) < n {
				text = append(text, letters[int(b)%len(letters)])
			}
		}
	}
	return string(text), nil
}

func uuid(int) (string, error) {
	b := random(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func ed25519Key(int) (string, error) {
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
