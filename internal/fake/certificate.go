package fake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newKey(kind string) crypto.Signer {
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		panic(err)
	}
	return key
}

// sign signs a certificate; an authority that is nil has it sign itself.
func (a *authority) sign(t *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.SerialNumber, _ = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	parent, with := t, key
	if a != nil {
		parent, with = a.certificate, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), with)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

func template(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(90 * 24 * time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func newAuthority(name string, now time.Time, above *authority) *authority {
	t := template(name, now)
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign
	t.NotAfter = now.Add(10 * 365 * 24 * time.Hour)
	key := newKey("ecdsa")
	return &authority{above.sign(t, key), key}
}

// root is the authority that the trust anchor holds. The lock is held.
func (c *Cloud) root() *authority {
	if c.authority == nil {
		c.authority = newAuthority("Fake Root CA", c.Now(), nil)
	}
	return c.authority
}

// Certificate makes a certificate, in PEM, and its key, in PKCS#8; algorithm is
// "rsa" or "ecdsa". what is wrong with it: "" nothing, "expired", "early", "ca"
// it is an authority, "stranger" by another authority, "usage" it is not for
// signatures. With "chain" nothing is wrong, but another authority comes between;
// its certificate follows.
func (c *Cloud) Certificate(algorithm, name, what string) (certificate, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by, t := c.root(), template(name, c.Now())
	var between []byte
	switch what {
	case "":
	case "expired":
		t.NotBefore, t.NotAfter = c.Now().Add(-48*time.Hour), c.Now().Add(-24*time.Hour)
	case "early":
		t.NotBefore = c.Now().Add(24 * time.Hour)
	case "ca":
		t.IsCA, t.KeyUsage = true, t.KeyUsage|x509.KeyUsageCertSign
	case "stranger":
		by = newAuthority("Another CA", c.Now(), nil)
	case "usage":
		t.KeyUsage = x509.KeyUsageKeyEncipherment
	case "chain":
		by = newAuthority("Fake Intermediate CA", c.Now(), by)
		between = asPEM("CERTIFICATE", by.certificate.Raw)
	default:
		panic("fake: no certificate " + what)
	}
	private := newKey(algorithm)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return append(asPEM("CERTIFICATE", by.sign(t, private).Raw), between...), asPEM("PRIVATE KEY", der)
}

// Authority returns the certificate of the trust anchor, in PEM.
func (c *Cloud) Authority() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return asPEM("CERTIFICATE", c.root().certificate.Raw)
}

func asPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
