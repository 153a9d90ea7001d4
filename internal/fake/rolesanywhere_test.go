package fake_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/fake"
)

// What skret's own client would not even send is sent by hand here.

func sum256(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// certified sends a request for a session that is signed with a certificate,
// and returns its status and its body. change comes after the signature.
func certified(t *testing.T, c *fake.Cloud, certificate, key []byte, now time.Time, change func(*http.Request)) (int, string) {
	t.Helper()
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"durationSeconds":900}`
	q := url.Values{"profileArn": {fake.AnywhereProfile}, "roleArn": {"arn:aws:iam::" + fake.Account + ":role/server"}, "trustAnchorArn": {fake.TrustAnchor}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL("rolesanywhere")+"/sessions?"+q, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	date := now.UTC().Format("20060102T150405Z")
	leaf := base64.StdEncoding.EncodeToString(pair.Certificate[0])
	r.Header.Set("X-Amz-Date", date)
	r.Header.Set("X-Amz-X509", leaf)
	scope := date[:8] + "/" + fake.Region + "/rolesanywhere/aws4_request"
	const signed = "host;x-amz-date;x-amz-x509"
	canonical := "POST\n/sessions\n" + q + "\nhost:" + r.URL.Host + "\nx-amz-date:" + date + "\nx-amz-x509:" + leaf + "\n\n" + signed + "\n" + sum256(body)
	digest := sha256.Sum256([]byte("AWS4-X509-ECDSA-SHA256\n" + date + "\n" + scope + "\n" + sum256(canonical)))
	sig, err := pair.PrivateKey.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-X509-ECDSA-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", pair.Leaf.SerialNumber, scope, signed, sig))
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestRolesAnywhereJudgesCertificateAndSignature(t *testing.T) {
	c := newCloud(t)
	c.Role("arn:aws:iam::"+fake.Account+":role/server", fake.Trust{Anywhere: true})
	for what, want := range map[string]string{
		"": `"credentialSet"`, "expired": "expired", "early": "not yet valid", "ca": "not an authority", "stranger": "Untrusted", "usage": "Key usage",
	} {
		certificate, key := c.Certificate("ecdsa", "server", what)
		status, text := certified(t, c, certificate, key, c.Now(), nil)
		if (status == http.StatusCreated) != (what == "") || !strings.Contains(text, want) {
			t.Errorf("%q: %d %s", what, status, text)
		}
	}
	certificate, key := c.Certificate("ecdsa", "server", "")
	another, _ := c.Certificate("ecdsa", "another", "")
	for what, change := range map[string]func(r *http.Request){
		"another role": func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "server", "admin", 1)
		},
		"another certificate": func(r *http.Request) {
			block, _ := pem.Decode(another)
			r.Header.Set("X-Amz-X509", base64.StdEncoding.EncodeToString(block.Bytes))
		},
		"serial in hex": func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", strings.Replace(a, "Credential=", "Credential=0", 1))
		},
		"no signature": func(r *http.Request) { r.Header.Del("Authorization") },
		"another algorithm": func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", strings.Replace(a, "ECDSA", "RSA", 1))
		},
	} {
		if status, text := certified(t, c, certificate, key, c.Now(), change); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", what, status, text)
		}
	}
	if status, text := certified(t, c, certificate, key, c.Now().Add(-6*time.Minute), nil); status != http.StatusForbidden || !strings.Contains(text, "Signature expired") {
		t.Errorf("%d %s", status, text)
	}
}
