package anywhere

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// judge says what AWS would refuse about the certificate.
func (p *Provider) judge(c *x509.Certificate) error {
	now := p.o.Now()
	var wrong []string
	hint := "have a certificate issued that AWS takes: version 3, not an authority's, key usage digitalSignature, signed with SHA-256 or better"
	switch {
	case now.Before(c.NotBefore):
		wrong = append(wrong, fmt.Sprintf("it begins on %s, and this machine's clock says %s", clock(c.NotBefore), clock(now)))
		hint = "set this machine's clock, or wait"
	case now.After(c.NotAfter):
		wrong = append(wrong, fmt.Sprintf("it ended on %s, and this machine's clock says %s", clock(c.NotAfter), clock(now)))
		hint = "renew it where it came from, unless the clock is wrong"
	}
	if c.Version != 3 {
		wrong = append(wrong, fmt.Sprintf("it is of version %d, and must be of version 3", c.Version))
	}
	if c.IsCA {
		wrong = append(wrong, "it is an authority's")
	}
	if c.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		wrong = append(wrong, "its key usage does not have digitalSignature")
	}
	if weak := []x509.SignatureAlgorithm{
		x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
	}; slices.Contains(weak, c.SignatureAlgorithm) {
		wrong = append(wrong, "its signature is weak ("+c.SignatureAlgorithm.String()+")")
	}
	if len(wrong) == 0 {
		return nil
	}
	return errs.New(errs.Auth, "roles anywhere: the certificate %s cannot be used: %s", p.o.Certificate, strings.Join(wrong, "; ")).WithHint("%s", hint)
}

// keyType names the type of a key, or says why AWS would not take it.
func keyType(public crypto.PublicKey) (string, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 {
			return "", fmt.Errorf("it is an RSA key of %d bits, and 2048 are needed", n)
		}
		return fmt.Sprintf("RSA %d", k.N.BitLen()), nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P224() {
			return "", errors.New("it is an ECDSA key on the curve P-224")
		}
		return "ECDSA " + k.Curve.Params().Name, nil
	}
	return "", errors.New("it is neither an RSA key nor an ECDSA one")
}
