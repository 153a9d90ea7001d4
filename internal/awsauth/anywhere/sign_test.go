package anywhere

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// verify judges a request as the service's documentation says, from what came
// over the wire alone. It returns the body.
func verify(r *http.Request, roots *x509.CertPool, now time.Time) (map[string]any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	leaf, chain, err := presented(r.Header)
	if err != nil {
		return nil, err
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: chain, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, err
	}
	serial, algorithm, toSign, signature, err := rebuild(r, body, now)
	if err != nil {
		return nil, err
	}
	if serial != leaf.SerialNumber.Text(10) {
		return nil, fmt.Errorf("serial number %q", serial)
	}
	if err := verified(algorithm, leaf.PublicKey, toSign, signature); err != nil {
		return nil, err
	}
	var sent map[string]any
	return sent, json.Unmarshal(body, &sent)
}

// rebuild makes the string to sign again from the request, and takes the
// signature out of it.
func rebuild(r *http.Request, body []byte, now time.Time) (serial, algorithm, toSign string, signature []byte, err error) {
	algorithm, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	auth := map[string]string{}
	for part := range strings.SplitSeq(rest, ", ") {
		k, v, _ := strings.Cut(part, "=")
		auth[k] = v
	}
	serial, scope, _ := strings.Cut(auth["Credential"], "/")
	if scope != now.UTC().Format("20060102")+"/eu-west-1/rolesanywhere/aws4_request" {
		return "", "", "", nil, fmt.Errorf("credential %q", auth["Credential"])
	}
	names := strings.Split(auth["SignedHeaders"], ";")
	want := []string{"content-type", "host", "x-amz-date", "x-amz-x509"}
	if r.Header.Get("X-Amz-X509-Chain") != "" {
		want = append(want, "x-amz-x509-chain")
	}
	if !slices.Equal(names, want) {
		return "", "", "", nil, fmt.Errorf("signed headers %q", names)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, "/sessions", canonicalQuery(r.URL.Query()))
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		fmt.Fprintf(&b, "%s:%s\n", n, strings.TrimSpace(v))
	}
	fmt.Fprintf(&b, "\n%s\n%x", auth["SignedHeaders"], sha256.Sum256(body))
	toSign = fmt.Sprintf("%s\n%s\n%s\n%x", algorithm, r.Header.Get("X-Amz-Date"), scope, sha256.Sum256(b.Bytes()))
	signature, err = hex.DecodeString(auth["Signature"])
	return serial, algorithm, toSign, signature, err
}

func presented(h http.Header) (leaf *x509.Certificate, chain *x509.CertPool, err error) {
	der, err := base64.StdEncoding.DecodeString(h.Get("X-Amz-X509"))
	if err != nil {
		return nil, nil, err
	}
	if leaf, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, err
	}
	chain = x509.NewCertPool()
	for s := range strings.SplitSeq(h.Get("X-Amz-X509-Chain"), ",") {
		if s == "" {
			continue
		}
		der, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, nil, err
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, err
		}
		chain.AddCert(c)
	}
	return leaf, chain, nil
}

func verified(algorithm string, public crypto.PublicKey, toSign string, signature []byte) error {
	digest := sha256.Sum256([]byte(toSign))
	switch k := public.(type) {
	case *rsa.PublicKey:
		if algorithm != "AWS4-X509-RSA-SHA256" {
			return errors.New(algorithm)
		}
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature)
	case *ecdsa.PublicKey:
		if algorithm != "AWS4-X509-ECDSA-SHA256" || !ecdsa.VerifyASN1(k, digest[:], signature) {
			return errors.New("ECDSA: " + algorithm)
		}
		return nil
	}
	return errors.New("no such key")
}

// canonicalQuery encodes byte by byte, as AWS's documentation spells it out.
func canonicalQuery(q url.Values) string {
	encode := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	var pairs []string
	for k, vs := range q {
		for _, v := range vs {
			pairs = append(pairs, encode(k)+"="+encode(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func TestRetrieveSignsWithEveryKindOfKey(t *testing.T) {
	curve := func(c elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	for _, c := range []struct {
		name, form string
		key        crypto.Signer
	}{
		{"RSA, PKCS 8", "PRIVATE KEY", rsaKey()},
		{"RSA, PKCS 1", "RSA PRIVATE KEY", rsaKey()},
		{"P-256, PKCS 8", "PRIVATE KEY", ecKey()},
		{"P-256, SEC 1", "EC PRIVATE KEY", ecKey()},
		{"P-384, PKCS 8", "PRIVATE KEY", curve(elliptic.P384())},
		{"P-521, SEC 1", "EC PRIVATE KEY", curve(elliptic.P521())},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newAuthority("root", nil)
			o := files(t, certPEM(root.issue(c.key, nil)), keyPEM(c.form, c.key))
			o.SessionName, o.Duration = "build-7", 15*time.Minute
			got := retrieve(t, o, root, func(sent map[string]any) {
				if fmt.Sprint(sent) != "map[durationSeconds:900 roleSessionName:build-7]" {
					t.Errorf("sent %v", sent)
				}
			})
			want := aws.Credentials{
				AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secretMarker, SessionToken: "TOKENMARKER", Source: "skret roles-anywhere",
				CanExpire: true, Expires: today().Add(time.Hour), AccountID: "123456789012",
			}
			if got != want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// retrieve gets credentials from a service that verifies the request.
func retrieve(t *testing.T, o Options, root *authority, see func(sent map[string]any)) aws.Credentials {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	serve(t, &o, func(w http.ResponseWriter, r *http.Request) {
		sent, err := verify(r, roots, today())
		if err != nil {
			t.Error(err)
		}
		q := r.URL.Query()
		if q.Get("trustAnchorArn") != anchorARN || q.Get("profileArn") != profileARN || q.Get("roleArn") != roleARN || len(q) != 3 {
			t.Errorf("query %q", r.URL.RawQuery)
		}
		if r.Header.Get("User-Agent") != "skret/test" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		see(sent)
		grant(w)
	})
	creds, err := provider(t, o).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// However the certificates and the key are spread over files, and in whatever
// order, the certificate is the key's and the rest its chain.
func TestFilesMayHoldSeveralThings(t *testing.T) {
	root := newAuthority("root", nil)
	middle := newAuthority("middle", root)
	key := ecKey()
	leaf := middle.issue(key, nil)
	pem := keyPEM("EC PRIVATE KEY", key)
	const params = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	for name, layout := range map[string]struct{ cert, key, chain string }{
		"chain in a file of its own":            {certPEM(leaf), pem, certPEM(middle.cert)},
		"chain behind the certificate":          {certPEM(leaf, middle.cert), pem, ""},
		"chain in both, with the root":          {certPEM(leaf, middle.cert), pem, certPEM(leaf, middle.cert, root.cert)},
		"chain before the certificate":          {certPEM(middle.cert, leaf), pem, ""},
		"all in one":                            {pem + certPEM(leaf, middle.cert), "", ""},
		"the key behind its parameters":         {certPEM(leaf, middle.cert), params + pem, ""},
		"text around, as openssl x509 -text":    {"Certificate:\n    Data:\n" + certPEM(leaf) + "\nissuer=middle\n" + certPEM(middle.cert), "a key\n" + pem, ""},
		"lines that end in CRLF, as on Windows": {strings.ReplaceAll(certPEM(leaf, middle.cert), "\n", "\r\n"), strings.ReplaceAll(pem, "\n", "\r\n"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := files(t, layout.cert, layout.key)
			if layout.key == "" {
				o.PrivateKey = ""
				write(t, o.Certificate, layout.cert, 0o600)
			}
			if layout.chain != "" {
				o.Chain = o.Certificate + ".chain"
				write(t, o.Chain, layout.chain, 0o644)
			}
			retrieve(t, o, root, func(sent map[string]any) {
				if fmt.Sprint(sent) != "map[durationSeconds:3600]" {
					t.Errorf("sent %v", sent)
				}
			})
		})
	}
}

// The text is written out by hand from AWS's description of the process.
func TestCanonicalRequestIsByteExact(t *testing.T) {
	r := must(http.NewRequest(http.MethodPost, "https://rolesanywhere.eu-west-1.amazonaws.com/sessions?profileArn=a%3Ab&roleArn=c%2Fd", nil))
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Amz-Date": {"20260301T123045Z"}, "X-Amz-X509": {"MIIB"}, "User-Agent": {"x"}}
	const want = `POST
/sessions
profileArn=a%3Ab&roleArn=c%2Fd
content-type:application/json
host:rolesanywhere.eu-west-1.amazonaws.com
x-amz-date:20260301T123045Z
x-amz-x509:MIIB

content-type;host;x-amz-date;x-amz-x509
44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a`
	got, signed := canonicalRequest(r, []byte("{}"))
	if got != want || signed != "content-type;host;x-amz-date;x-amz-x509" {
		t.Errorf("got\n%s\n%s", got, signed)
	}
	r.Header.Set("X-Amz-X509-Chain", "MIIC,MIID")
	got, signed = canonicalRequest(r, []byte("{}"))
	if !strings.Contains(got, "\nx-amz-x509:MIIB\nx-amz-x509-chain:MIIC,MIID\n\n") || !strings.HasSuffix(signed, ";x-amz-x509-chain") {
		t.Errorf("got\n%s\n%s", got, signed)
	}
}
