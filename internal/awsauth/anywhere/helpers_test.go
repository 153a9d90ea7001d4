package anywhere

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/httpx"
)

const (
	anchorARN  = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/11111111-2222-3333-4444-555555555555"
	profileARN = "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/66666666-7777-8888-9999-000000000000"
	roleARN    = "arn:aws:iam::123456789012:role/ci/Deploy+x=y,z@w"
)

// today is when the tests happen.
func today() time.Time { return time.Date(2026, 3, 1, 12, 30, 45, 0, time.UTC) }

var (
	rsaKey = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// authority is a certificate that signs others.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes one below parent, or a root.
func newAuthority(name string, parent *authority) *authority {
	a := &authority{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: today().AddDate(-1, 0, 0), NotAfter: today().AddDate(5, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	by := &authority{cert: template, key: a.key}
	if parent != nil {
		by = parent
	}
	a.cert = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, by.cert, a.key.Public(), by.key))))
	return a
}

// issue makes a certificate that AWS would take, unless change spoils it.
func (a *authority) issue(key crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte{0x7f, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 1, 2, 3, 4, 5}), Subject: pkix.Name{CommonName: "runner"},
		BasicConstraintsValid: true, NotBefore: today().Add(-time.Hour), NotAfter: today().AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))))
}

func certPEM(cs ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range cs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.String()
}

// keyPEM writes a key in the form that the type of block names.
func keyPEM(kind string, key crypto.Signer) string {
	var der []byte
	switch kind {
	case "PRIVATE KEY":
		der = must(x509.MarshalPKCS8PrivateKey(key))
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	case "EC PRIVATE KEY":
		der = must(x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey)))
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// files are the certificate's and the key's in a folder of their own.
func files(t *testing.T, cert, key string) Options {
	t.Helper()
	dir := t.TempDir()
	o := Options{
		TrustAnchorARN: anchorARN, ProfileARN: profileARN, RoleARN: roleARN,
		Certificate: filepath.Join(dir, "tls.crt"), PrivateKey: filepath.Join(dir, "tls.key"),
		HTTP: httpx.Client(httpx.Options{}), UserAgent: "skret/test", Now: today,
	}
	write(t, o.Certificate, cert, 0o644)
	write(t, o.PrivateKey, key, 0o600)
	return o
}

// usual is a certificate and key that nothing is wrong with.
func usual(t *testing.T) Options {
	t.Helper()
	key := ecKey()
	return files(t, certPEM(newAuthority("root", nil).issue(key, nil)), keyPEM("PRIVATE KEY", key))
}

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// serve starts a service, which o asks from then on.
func serve(t *testing.T, o *Options, h http.HandlerFunc) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Cleanup(o.HTTP.CloseIdleConnections)
	o.Getenv = func(name string) string {
		if name == "AWS_ENDPOINT_URL_ROLESANYWHERE" {
			return s.URL
		}
		return ""
	}
}

// provider makes one that never really waits.
func provider(t *testing.T, o Options) *Provider {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return p
}

const (
	secretMarker = "wJalrSECRETMARKER"
	answer       = `{"credentialSet":[{"assumedRoleUser":{"arn":"arn:aws:sts::123456789012:assumed-role/Deploy/x","assumedRoleId":"AROA:x"},` +
		`"credentials":{"accessKeyId":"ASIAEXAMPLE","secretAccessKey":"` + secretMarker + `","sessionToken":"TOKENMARKER","expiration":"2026-03-01T13:30:45Z"},` +
		`"packedPolicySize":10,"roleArn":"x","sourceIdentity":"CN=runner"}],"subjectArn":"y"}`
)

func grant(w http.ResponseWriter) {
	w.Header().Set("Date", today().Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(answer))
}
