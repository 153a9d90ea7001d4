package fake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What Roles Anywhere knows.
const (
	TrustAnchor     = "arn:aws:rolesanywhere:" + Region + ":" + Account + ":trust-anchor/00000000-0000-4000-8000-00000000000a"
	AnywhereProfile = "arn:aws:rolesanywhere:" + Region + ":" + Account + ":profile/00000000-0000-4000-8000-00000000000b"
)

var anywhereOperations = map[string]operation{"CreateSession": (*Cloud).createSession}

func refused(why string) error {
	return &apiError{http.StatusForbidden, "AccessDeniedException", why}
}

// createSession gives the credentials of a role to who signs with a certificate
// that the trust anchor accepts.
func (c *Cloud) createSession(r *request) (any, error) {
	leaf, err := c.certified(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	role := q.Get("roleArn")
	seconds := whole(r.in, "durationSeconds", 3600)
	name := str(r.in, "roleSessionName")
	switch {
	case q.Get("profileArn") == "" || role == "" || q.Get("trustAnchorArn") == "":
		return nil, fail("ValidationException", "profileArn, roleArn and trustAnchorArn are required")
	case q.Get("profileArn") != AnywhereProfile || q.Get("trustAnchorArn") != TrustAnchor:
		return nil, fail("ResourceNotFoundException", "the profile or the trust anchor does not exist")
	case seconds < 900 || seconds > 43200:
		return nil, fail("ValidationException", "durationSeconds must be between 900 and 43200")
	case name != "" && !sessionRule.MatchString(name):
		return nil, fail("ValidationException", "roleSessionName is not valid")
	case !c.roles[role].trusts("Service", []string{"rolesanywhere.amazonaws.com"}, nil, "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"):
		return nil, refused("Unable to assume role for " + role)
	}
	if name == "" {
		name = leaf.SerialNumber.Text(16)
	}
	k := c.issue("arn:aws:sts::"+accountOf(role)+":assumed-role/"+roleOf(role)+"/"+name, time.Duration(seconds)*time.Second)
	r.call.KeyID, r.call.ARN = leaf.SerialNumber.String(), leaf.Subject.String()
	return created{map[string]any{
		"credentialSet": []any{map[string]any{
			"assumedRoleUser":  map[string]string{"arn": k.ARN, "assumedRoleId": k.UserID},
			"credentials":      map[string]string{"accessKeyId": k.ID, "secretAccessKey": k.Secret, "sessionToken": k.Token, "expiration": stamp(k.Expires)},
			"packedPolicySize": 10, "roleArn": role, "sourceIdentity": "CN=" + leaf.Subject.CommonName,
		}},
		"subjectArn": "arn:aws:rolesanywhere:" + Region + ":" + Account + ":subject/00000000-0000-4000-8000-00000000000c",
	}}, nil
}

// certified checks the certificate and the signature of a request and returns
// the certificate.
func (c *Cloud) certified(r *request) (*x509.Certificate, error) {
	a, ok := readAuthorization(r.Request, "AWS4-X509-RSA-SHA256", "AWS4-X509-ECDSA-SHA256")
	if !ok {
		return nil, refused("Missing or malformed authorization")
	}
	certs, err := certificates(r)
	if err != nil {
		return nil, err
	}
	leaf := certs[0]
	must := []string{"host", "x-amz-date", "x-amz-x509"}
	if len(certs) > 1 {
		must = append(must, "x-amz-x509-chain")
	}
	switch age := r.now.Sub(a.at); {
	case a.at.IsZero() || slices.Compare(a.scope, []string{leaf.SerialNumber.String(), a.date[:8], Region, "rolesanywhere", "aws4_request"}) != 0:
		return nil, refused("Credential scope is not valid")
	case slices.ContainsFunc(must, func(h string) bool { return !slices.Contains(a.signed, h) }):
		return nil, refused("a required header is not signed")
	case !slices.IsSorted(a.signed):
		return nil, refused("signed headers are not sorted")
	case !a.by(leaf, a.toSign(r.Request, r.body)):
		return nil, refused("Signature validation failed")
	case age.Abs() > maxAge:
		return nil, refused("Signature expired")
	}
	return leaf, c.trusted(certs, r.now)
}

// by tells whether a certificate's key made the signature.
func (a authorization) by(leaf *x509.Certificate, text string) bool {
	digest := sha256.Sum256([]byte(text))
	sig, err := hex.DecodeString(a.signature)
	if err != nil {
		return false
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return a.algorithm == "AWS4-X509-RSA-SHA256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil
	case *ecdsa.PublicKey:
		return a.algorithm == "AWS4-X509-ECDSA-SHA256" && ecdsa.VerifyASN1(key, digest[:], sig)
	}
	return false
}

// certificates returns those of a request, the signer's first.
func certificates(r *request) ([]*x509.Certificate, error) {
	encoded := []string{r.Header.Get("X-Amz-X509")}
	if chain := r.Header.Get("X-Amz-X509-Chain"); chain != "" {
		encoded = append(encoded, strings.Split(chain, ",")...)
	}
	var all []*x509.Certificate
	for _, e := range encoded {
		der, err := base64.StdEncoding.DecodeString(e)
		if err != nil {
			return nil, refused("a certificate is not in base64")
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refused("a certificate cannot be read")
		}
		all = append(all, c)
	}
	return all, nil
}

// trusted checks a certificate against the trust anchor and the demands that
// Roles Anywhere makes of it.
func (c *Cloud) trusted(certs []*x509.Certificate, now time.Time) error {
	leaf := certs[0]
	switch {
	case leaf.Version != 3 || !leaf.BasicConstraintsValid || leaf.IsCA:
		return refused("Untrusted certificate. Insufficient certificate: it must be of version 3 and not an authority")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return refused("Untrusted certificate. Key usage must include digital signature")
	case now.Before(leaf.NotBefore) || now.After(leaf.NotAfter):
		return refused("Untrusted certificate. Certificate is expired or not yet valid")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(c.root().certificate)
	for _, i := range certs[1:] {
		between.AddCert(i)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return refused("Untrusted certificate. Insufficient certificate")
	}
	return nil
}
