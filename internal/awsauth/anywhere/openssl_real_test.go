//go:build real

package anywhere

import (
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/realtest"
)

// workshop is a folder in which openssl works.
type workshop struct {
	t    *testing.T
	dir  string
	path string // of openssl
}

func newWorkshop(t *testing.T) *workshop {
	return &workshop{t: t, dir: t.TempDir(), path: realtest.Need(t, "openssl", "apt-get install openssl")}
}

func (w *workshop) file(name string) string { return filepath.Join(w.dir, name) }

// run runs openssl with these words, and returns what it printed.
func (w *workshop) run(command string) string {
	w.t.Helper()
	c := exec.Command(w.path, strings.Fields(command)...)
	c.Dir = w.dir
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("openssl %s: %v\n%s", command, err, out)
	}
	return string(out)
}

// authorities makes a root and an authority below it.
func (w *workshop) authorities() {
	w.t.Helper()
	write(w.t, w.file("ca.ext"), "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n", 0o600)
	write(w.t, w.file("leaf.ext"), "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n", 0o600)
	w.run("req -x509 -newkey rsa:2048 -noenc -keyout root.key -out root.crt -subj /CN=root -days 30 -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign")
	w.run("req -newkey rsa:2048 -noenc -keyout middle.key -out middle.csr -subj /CN=middle")
	w.run("x509 -req -in middle.csr -CA root.crt -CAkey root.key -out middle.crt -days 30 -extfile ca.ext")
}

// certify issues a certificate for the key NAME.key.
func (w *workshop) certify(name, more string) {
	w.t.Helper()
	w.run("req -new -key " + name + ".key -out " + name + ".csr -subj /O=Skret/CN=" + name)
	w.run("x509 -req -in " + name + ".csr -CA middle.crt -CAkey middle.key -out " + name + ".crt -days 30 " + more)
	if err := os.Chmod(w.file(name+".key"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workshop) options(name string) Options {
	return Options{
		TrustAnchorARN: anchorARN, ProfileARN: profileARN, RoleARN: roleARN, HTTP: httpx.Client(httpx.Options{}),
		UserAgent: "skret/test", Certificate: w.file(name + ".crt"), PrivateKey: w.file(name + ".key"), Chain: w.file("middle.crt"),
	}
}

// openssl makes the keys and certificates in all their forms, and judges the
// chain that we send and the signature over the string to sign.
func TestRealOpenSSLVerifiesWhatWeSign(t *testing.T) {
	w := newWorkshop(t)
	w.authorities()
	for name, makeKey := range map[string]string{
		"rsa-pkcs8":  "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa-pkcs8.key",
		"rsa-pkcs1":  "genrsa -traditional -out rsa-pkcs1.key 3072",
		"p256-pkcs8": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256-pkcs8.key",
		"p256-sec1":  "ecparam -name prime256v1 -genkey -out p256-sec1.key",
		"p384-sec1":  "ecparam -name secp384r1 -genkey -noout -out p384-sec1.key",
		"p521-pkcs8": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521-pkcs8.key",
	} {
		t.Run(name, func(t *testing.T) {
			w := &workshop{t: t, dir: w.dir, path: w.path}
			w.run(makeKey)
			w.certify(name, "-extfile leaf.ext")
			o := w.options(name)
			var request *http.Request
			var body []byte
			serve(t, &o, func(rw http.ResponseWriter, r *http.Request) {
				request = r
				body, _ = io.ReadAll(r.Body)
				grant(rw)
			})
			p := provider(t, o)
			if _, err := p.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.judge(request, body)
			known, err := p.Check()
			serial := strings.TrimSpace(strings.TrimPrefix(w.run("x509 -noout -serial -in "+name+".crt"), "serial="))
			if err != nil || strings.TrimLeft(serial, "0") != known.Serial || known.Issuer != "CN=middle" {
				t.Errorf("openssl says %s, Check %+v: %v", serial, known, err)
			}
		})
	}
}

// judge has openssl verify the chain and the signature of a request.
func (w *workshop) judge(r *http.Request, body []byte) {
	w.t.Helper()
	_, _, toSign, signature, err := rebuild(r, body, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	var sent strings.Builder
	for s := range strings.SplitSeq(r.Header.Get("X-Amz-X509")+","+r.Header.Get("X-Amz-X509-Chain"), ",") {
		der, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			w.t.Fatal(err)
		}
		sent.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	write(w.t, w.file("sent.crt"), sent.String(), 0o600)
	write(w.t, w.file("to-sign"), toSign, 0o600)
	write(w.t, w.file("signature"), string(signature), 0o600)
	w.run("verify -CAfile root.crt -untrusted sent.crt sent.crt")
	w.run("x509 -noout -pubkey -in sent.crt -out sent.pub")
	w.run("dgst -sha256 -verify sent.pub -signature signature to-sign")
}

// What openssl makes by default is often not what AWS takes; the errors name it.
func TestRealOpenSSLMakesWhatIsRefused(t *testing.T) {
	w := newWorkshop(t)
	w.authorities()
	w.run("genrsa -out plain.key 2048")
	for name, c := range map[string]struct{ before, certify, after, want string }{
		"no-extensions": {"rsa -in plain.key -out no-extensions.key", "", "", "version 1"},
		"sha1":          {"rsa -in plain.key -out sha1.key", "-sha1 -extfile leaf.ext", "", "SHA1-RSA"},
		"authority":     {"rsa -in plain.key -out authority.key", "-extfile ca.ext", "", "an authority's"},
		"locked8": {"rsa -in plain.key -out locked8.key", "-extfile leaf.ext",
			"pkcs8 -topk8 -in plain.key -out locked8.key -passout pass:hunter2", "encrypted"},
		"locked1": {"rsa -in plain.key -out locked1.key", "-extfile leaf.ext",
			"rsa -traditional -aes256 -in plain.key -out locked1.key -passout pass:hunter2", "encrypted"},
		"der": {"rsa -in plain.key -out der.key", "-extfile leaf.ext", "pkey -in plain.key -outform DER -out der.key", "no private key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &workshop{t: t, dir: w.dir, path: w.path}
			w.run(c.before)
			w.certify(name, c.certify)
			if c.after != "" {
				w.run(c.after)
				if err := os.Chmod(w.file(name+".key"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := w.options(name)
			_, err := provider(t, o).Check()
			wantRefused(t, err, c.want)
		})
	}
}
