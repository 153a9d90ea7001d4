package anywhere

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
)

// wantRefused fails unless err is of kind Auth, has a hint, and holds the text.
func wantRefused(t *testing.T, err error, text string) {
	t.Helper()
	if errs.KindOf(err) != errs.Auth || errs.HintOf(err) == "" || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v (%v), hint %q; want %q", err, errs.KindOf(err), errs.HintOf(err), text)
	}
}

func TestCertificateThatAWSWouldRefuseMakesNoRequest(t *testing.T) {
	key := ecKey()
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		want   string
	}{
		"ended": {func(c *x509.Certificate) { c.NotAfter = today().Add(-time.Minute) },
			"it ended on 2026-03-01 12:29 UTC, and this machine's clock says 2026-03-01 12:30 UTC"},
		"not begun": {func(c *x509.Certificate) { c.NotBefore = today().Add(time.Hour) },
			"it begins on 2026-03-01 13:30 UTC, and this machine's clock says 2026-03-01 12:30 UTC"},
		"an authority's": {func(c *x509.Certificate) { c.IsCA = true }, "it is an authority's"},
		"other usage":    {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, "its key usage does not have digitalSignature"},
		"no usage":       {func(c *x509.Certificate) { c.KeyUsage = 0 }, "its key usage does not have digitalSignature"},
		"several": {func(c *x509.Certificate) { c.NotAfter, c.IsCA, c.KeyUsage = today().Add(-time.Minute), true, 0 },
			"clock says 2026-03-01 12:30 UTC; it is an authority's; its key usage"},
	} {
		t.Run(name, func(t *testing.T) {
			o := files(t, certPEM(newAuthority("root", nil).issue(key, c.change)), keyPEM("PRIVATE KEY", key))
			serve(t, &o, func(http.ResponseWriter, *http.Request) { t.Error("there is a request") })
			p := provider(t, o)
			_, err := p.Retrieve(t.Context())
			wantRefused(t, err, c.want)
			known, err := p.Check()
			wantRefused(t, err, c.want)
			if known.Subject != "CN=runner" {
				t.Errorf("nothing is known of the certificate: %+v", known)
			}
		})
	}
}

func TestKeysThatCannotBeUsedAreRefusedWithTheNextStep(t *testing.T) {
	const marker = "TUFSS0VS" // of a damaged key: it may appear nowhere
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	good := keyPEM("PRIVATE KEY", ecKey())
	for name, c := range map[string]struct{ key, want, hint string }{
		"encrypted, PKCS 8": {block("ENCRYPTED PRIVATE KEY", []byte("x")), "it is encrypted", "openssl pkey"},
		"encrypted, PKCS 1": {string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})), "it is encrypted", "aws_signing_helper"},
		"in a TPM":           {block("TSS2 PRIVATE KEY", []byte("x")), "it is in a TPM", "credential_process"},
		"damaged":            {"-----BEGIN PRIVATE KEY-----\n" + marker + "\n-----END PRIVATE KEY-----\n", "it is damaged", "openssl pkey"},
		"of another kind":    {"-----BEGIN OPENSSH PRIVATE KEY-----\n" + marker + "\n-----END OPENSSH PRIVATE KEY-----\n", "there is no private key", "PEM"},
		"short RSA":          {keyPEM("PRIVATE KEY", must(rsa.GenerateKey(rand.Reader, 1024))), "RSA key of 1024 bits", "P-521"},
		"Ed25519":            {keyPEM("PRIVATE KEY", edKey), "neither an RSA key nor an ECDSA", "RSA keys"},
		"P-224":              {keyPEM("PRIVATE KEY", p224), "P-224", "P-256"},
		"another's":          {keyPEM("PRIVATE KEY", rsaKey()), "does not belong to the certificate", "renewed"},
		"several":            {good + good, "several", "leave one"},
		"empty":              {"", "there is no private key", "-----BEGIN"},
		"binary":             {"\x30\x82\x01\x02", "there is no private key", "openssl pkcs12"},
		"only a certificate": {certPEM(newAuthority("root", nil).cert), "there is no private key", "PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t)
			write(t, o.PrivateKey, c.key, 0o600)
			_, err := provider(t, o).Check()
			wantRefused(t, err, c.want)
			if !strings.Contains(errs.HintOf(err), c.hint) || strings.Contains(err.Error(), marker) {
				t.Errorf("error %q, hint %q", err, errs.HintOf(err))
			}
		})
	}
}

func TestFilesThatCannotBeReadAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, o *Options)
		want  string
	}{
		"no key":                {func(_ *testing.T, o *Options) { os.Remove(o.PrivateKey) }, "tls.key"},
		"no certificate":        {func(_ *testing.T, o *Options) { os.Remove(o.Certificate) }, "tls.crt"},
		"no chain":              {func(_ *testing.T, o *Options) { o.Chain = o.Certificate + ".chain" }, "tls.crt.chain"},
		"key is a folder":       {func(t *testing.T, o *Options) { o.PrivateKey = t.TempDir() }, "not a regular file"},
		"key in place of chain": {func(_ *testing.T, o *Options) { o.Chain = o.PrivateKey }, "there is no certificate in"},
		"damaged certificate": {func(t *testing.T, o *Options) {
			write(t, o.Certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644)
		}, "number 1 in the file is damaged"},
		"huge": {func(t *testing.T, o *Options) { write(t, o.PrivateKey, strings.Repeat("x", maxFile+1), 0o600) }, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t)
			c.spoil(t, &o)
			_, err := provider(t, o).Retrieve(t.Context())
			wantRefused(t, err, c.want)
		})
	}
}

func TestKeyThatOthersCouldReadIsRefusedAndLeftAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o604, 0o644, 0o660, 0o777} {
		o := usual(t)
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(o.PrivateKey, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(o.PrivateKey, mode); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{o.PrivateKey, link} {
			o := o
			o.PrivateKey = name
			_, err := provider(t, o).Check()
			if mode&0o077 == 0 {
				if err != nil {
					t.Errorf("%s %v: %v", name, mode, err)
				}
				continue
			}
			wantRefused(t, err, "others can use the private key")
			if !strings.Contains(errs.HintOf(err), "chmod go-rwx ") {
				t.Errorf("hint %q", errs.HintOf(err))
			}
		}
		if info, err := os.Stat(o.PrivateKey); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v became %v: %v", mode, info.Mode(), err)
		}
	}
}

// Root may let a group read, and nobody may write.
func TestRootsKeyMayBeReadableToAGroup(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	refused := errors.New("another user's")
	for mode, wantOpen := range map[os.FileMode]bool{0o400: false, 0o440: false, 0o640: false, 0o660: true, 0o444: true, 0o644: true} {
		name := filepath.Join(t.TempDir(), "key")
		write(t, name, "x", mode|0o400)
		if _, open, err := readRoots(name, refused); err != nil || open != wantOpen {
			t.Errorf("%v: open %v, %v", mode, open, err)
		}
	}
	if _, _, err := readRoots(t.TempDir(), refused); !errors.Is(err, refused) {
		t.Errorf("a folder: %v", err)
	}
}

func TestRenewedFilesAreUsedAtOnce(t *testing.T) {
	o := usual(t)
	p := provider(t, o)
	before, err := p.Check()
	if err != nil {
		t.Fatal(err)
	}
	key := rsaKey()
	cert := newAuthority("root", nil).issue(key, func(c *x509.Certificate) { c.NotAfter = today().AddDate(2, 0, 0) })
	write(t, o.Certificate, certPEM(cert), 0o644)
	_, err = p.Check()
	wantRefused(t, err, "does not belong")
	write(t, o.PrivateKey, keyPEM("RSA PRIVATE KEY", key), 0o600)
	after, err := p.Check()
	if err != nil {
		t.Fatal(err)
	}
	if before.KeyType != "ECDSA P-256" || after.KeyType != "RSA 2048" || !after.NotAfter.After(before.NotAfter) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestCheckTellsWhatTheCertificateIs(t *testing.T) {
	got, err := provider(t, usual(t)).Check()
	want := Certificate{
		Subject: "CN=runner", Issuer: "CN=root", Serial: "7FEEDDCCBBAA0102030405",
		NotBefore: today().Add(-time.Hour), NotAfter: today().AddDate(1, 0, 0), KeyType: "ECDSA P-256",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzPEM(f *testing.F) {
	f.Add([]byte(keyPEM("RSA PRIVATE KEY", rsaKey())))
	f.Add([]byte(keyPEM("EC PRIVATE KEY", ecKey()) + certPEM(newAuthority("root", nil).cert)))
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	f.Add([]byte("0\x82"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := parsePEM(data)
		if key, err := found.privateKey("key"); err == nil {
			if _, err := keyType(key.Public()); err != nil {
				t.Errorf("a key was taken that cannot be used: %v", err)
			}
			if certificates, err := found.certificates("certificate"); err == nil {
				_, _ = pair(key, certificates)
			}
		} else if errs.HintOf(err) == "" {
			t.Errorf("no hint: %v", err)
		}
	})
}
