package anywhere

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// maxFile bounds a file in bytes.
const maxFile = 1 << 20

// identity is a certificate, its key, and the authorities in between. The key
// may be any signer: one in a token would do.
type identity struct {
	leaf  *x509.Certificate
	chain []*x509.Certificate
	key   crypto.Signer
}

// identity reads the files and judges the certificate. What was read comes with
// the error when that is about the certificate.
func (p *Provider) identity() (*identity, error) {
	data, err := readKey(p.o.PrivateKey)
	if err != nil {
		return nil, err
	}
	inKey := parsePEM(data)
	key, err := inKey.privateKey(p.o.PrivateKey)
	if err != nil {
		return nil, err
	}
	certificates, err := p.certificates(inKey)
	if err != nil {
		return nil, err
	}
	id, err := pair(key, certificates)
	if err != nil {
		return nil, errs.New(errs.Auth, "roles anywhere: %w: %s, %s", err, p.o.Certificate, p.o.PrivateKey).
			WithHint("was only one of them renewed? openssl x509 -noout -pubkey -in CERTIFICATE and openssl pkey -pubout -in KEY must print the same")
	}
	return id, p.judge(id.leaf)
}

// certificates returns those of all files, in their order. inKey is what was
// found in the key's.
func (p *Provider) certificates(inKey found) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, name := range []string{p.o.Certificate, p.o.Chain} {
		if name == "" {
			continue
		}
		blocks := inKey
		if name != p.o.PrivateKey {
			data, err := durable.ReadFile(name, maxFile)
			if err != nil {
				return nil, unreadable("certificate", err)
			}
			blocks = parsePEM(data)
		}
		some, err := blocks.certificates(name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// pair finds the certificate that the key belongs to; the others are its chain.
// An authority that signed itself is left out: if it is the trust anchor, the
// service has it.
func pair(key crypto.Signer, certificates []*x509.Certificate) (*identity, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return ok && public.Equal(c.PublicKey) })
	if i < 0 {
		return nil, errors.New("the private key does not belong to the certificate")
	}
	id := &identity{leaf: certificates[i], key: key}
	for _, c := range certificates {
		if !bytes.Equal(c.RawSubject, c.RawIssuer) && !c.Equal(id.leaf) && !slices.ContainsFunc(id.chain, c.Equal) {
			id.chain = append(id.chain, c)
		}
	}
	return id, nil
}

// readKey reads the file of a private key, and refuses one that others than its
// owner could read. See the package's comment for root's.
func readKey(name string) ([]byte, error) {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, unreadable("private key", err)
	}
	open := false
	data, _, err := durable.ReadPrivate(target, maxFile, func([]byte) bool { open = true; return false })
	if err != nil {
		if data, open, err = readRoots(target, err); err != nil {
			return nil, unreadable("private key", err)
		}
	}
	if open {
		return nil, errs.New(errs.Auth, "roles anywhere: others can use the private key %s", name).
			WithHint("chmod go-rwx %s, and think of it as known to others: have a new one certified. In Kubernetes, set defaultMode: 0400 of the secret's volume", target)
	}
	return data, nil
}

// readRoots reads a key that root has made readable to a group that we are in.
// refused is why it could not be read as ours; it stays when it is no such file.
func readRoots(name string, refused error) (data []byte, open bool, err error) {
	data, err = durable.ReadOwn(name, maxFile)
	info, serr := os.Stat(name)
	if err != nil || serr != nil {
		return nil, false, refused
	}
	return data, runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0, nil
}

func unreadable(what string, err error) error {
	return errs.New(errs.Auth, "roles anywhere: %s: %w", what, err).
		WithHint("it must be there, and yours to read; skret auth login aws --method roles-anywhere says anew where it is")
}

// found is what a file in PEM holds.
type found struct {
	blocks []*pem.Block
	binary bool // it looks like DER or PKCS #12
}

func parsePEM(data []byte) found {
	f := found{binary: len(data) > 0 && data[0] == 0x30} // how a SEQUENCE of ASN.1 begins
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return f
		}
		f.blocks, data = append(f.blocks, block), rest
	}
}

// privateKey returns the one key that is among the blocks.
func (f found) privateKey(name string) (crypto.Signer, error) {
	var key crypto.Signer
	for _, b := range f.blocks {
		k, err := parseKey(b)
		switch {
		case err != nil:
			return nil, errs.New(errs.Auth, "roles anywhere: private key %s: %w", name, err)
		case k != nil && key != nil:
			return nil, errs.New(errs.Auth, "roles anywhere: private key %s: there are several in the file", name).WithHint("leave one")
		case k != nil:
			key = k
		}
	}
	if key == nil {
		return nil, f.missing("private key", name)
	}
	return key, nil
}

// parseKey returns the key of a block, or nil when the block is something else.
// The causes are left out of its errors: they could quote the key.
func parseKey(b *pem.Block) (crypto.Signer, error) {
	const plain = "openssl pkey -in KEY -out PLAIN takes the passphrase away, where the folder keeps others out; " +
		"a key that must stay locked, in a TPM or behind PKCS #11, is for aws_signing_helper, as credential_process of a profile"
	var key any
	var err error
	switch b.Type {
	case "ENCRYPTED PRIVATE KEY":
		return nil, errs.New(errs.Auth, "it is encrypted").WithHint(plain)
	case "TSS2 PRIVATE KEY":
		return nil, errs.New(errs.Auth, "it is in a TPM").WithHint("use aws_signing_helper, as credential_process of a profile")
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, errs.New(errs.Auth, "it is encrypted").WithHint(plain)
		}
	default:
		return nil, nil
	}
	switch b.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	default:
		key, err = x509.ParseECPrivateKey(b.Bytes)
	}
	if err != nil {
		return nil, errs.New(errs.Auth, "it is damaged, or of a kind that is not known").WithHint("openssl pkey -noout -check -in KEY tells more")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errs.New(errs.Auth, "it cannot sign").WithHint("RSA and ECDSA keys can be used")
	}
	if _, err := keyType(signer.Public()); err != nil {
		return nil, errs.New(errs.Auth, "%w", err).WithHint("RSA keys of 2048 bits and more and ECDSA keys on P-256, P-384 and P-521 can be used")
	}
	return signer, nil
}

// certificates returns those among the blocks.
func (f found) certificates(name string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, b := range f.blocks {
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, errs.New(errs.Auth, "roles anywhere: certificate %s: number %d in the file is damaged", name, len(all)+1).
				WithHint("openssl x509 -noout -text -in %s tells more", name)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, f.missing("certificate", name)
	}
	return all, nil
}

func (f found) missing(what, name string) error {
	e := errs.New(errs.Auth, "roles anywhere: there is no %s in %s", what, name)
	if f.binary && len(f.blocks) == 0 {
		return e.WithHint("the file is binary, and PEM is needed: openssl pkcs12 -nodes -in FILE -out PEM for a .p12 or .pfx, openssl x509 -inform der or openssl pkey -inform der for others")
	}
	return e.WithHint("it must be in PEM: text that begins with -----BEGIN")
}
