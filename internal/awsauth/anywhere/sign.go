package anywhere

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// sign signs a request as Signature Version 4 does, with three differences: the
// certificate and its chain are headers, the credential is the certificate's
// serial number in decimal, and the signature is one of the certificate's key.
// What has been signed must not be changed.
func (id *identity) sign(r *http.Request, body []byte, region string, now time.Time) error {
	now = now.UTC()
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("X-Amz-X509", base64.StdEncoding.EncodeToString(id.leaf.Raw))
	if len(id.chain) > 0 {
		encoded := make([]string, len(id.chain))
		for i, c := range id.chain {
			encoded[i] = base64.StdEncoding.EncodeToString(c.Raw)
		}
		r.Header.Set("X-Amz-X509-Chain", strings.Join(encoded, ","))
	}
	scope := now.Format("20060102") + "/" + region + "/rolesanywhere/aws4_request"
	canonical, signed := canonicalRequest(r, body)
	toSign := strings.Join([]string{id.algorithm(), r.Header.Get("X-Amz-Date"), scope, hexSum([]byte(canonical))}, "\n")
	digest := sha256.Sum256([]byte(toSign))
	signature, err := id.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return fmt.Errorf("sign with the certificate's key: %w", err)
	}
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		id.algorithm(), id.leaf.SerialNumber, scope, signed, hex.EncodeToString(signature)))
	return nil
}

// algorithm is AWS's name of the way in which the key signs.
func (id *identity) algorithm() string {
	if _, ok := id.key.Public().(*rsa.PublicKey); ok {
		return "AWS4-X509-RSA-SHA256"
	}
	return "AWS4-X509-ECDSA-SHA256"
}

// canonicalRequest is the request in the form in which both sides hash it, and
// the names of the headers that are in it. The query of r must be sorted and
// encoded already.
func canonicalRequest(r *http.Request, body []byte) (canonical, signed string) {
	var headers strings.Builder
	var names []string
	for _, name := range []string{"content-type", "host", "x-amz-date", "x-amz-x509", "x-amz-x509-chain"} { // in order
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		if value != "" {
			names = append(names, name)
			headers.WriteString(name + ":" + value + "\n")
		}
	}
	signed = strings.Join(names, ";")
	return strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers.String(), signed, hexSum(body)}, "\n"), signed
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
