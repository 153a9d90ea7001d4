package generate_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/secret"
)

func value(t *testing.T, spec string) string {
	t.Helper()
	v, err := generate.Value(spec)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return v.Reveal()
}

func TestValuesAreOfTheirKind(t *testing.T) {
	for spec, want := range map[string]string{
		"password":      `^[A-Za-z0-9]{32}$`,
		"password:8":    `^[A-Za-z0-9]{8}$`,
		"password:1024": `^[A-Za-z0-9]*$`,
		"hex":           `^[0-9a-f]{64}$`,
		"hex:16":        `^[0-9a-f]{32}$`,
		"uuid":          `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
	} {
		a, b := value(t, spec), value(t, spec)
		if !regexp.MustCompile(want).MatchString(a) || a == b {
			t.Errorf("%s: %q and %q", spec, a, b)
		}
	}
	if n := len(value(t, "password:1024")); n != 1024 {
		t.Error(n)
	}
	for spec, n := range map[string]int{"base64": 32, "base64:33": 33} {
		if b, err := base64.StdEncoding.DecodeString(value(t, spec)); err != nil || len(b) != n {
			t.Errorf("%s: %d %v", spec, len(b), err)
		}
	}
}

func TestKeysAreThoseThatOthersRead(t *testing.T) {
	parse := func(spec string) any {
		text := value(t, spec)
		block, rest := pem.Decode([]byte(text))
		if block == nil || len(rest) > 0 || !strings.HasSuffix(text, "-----END PRIVATE KEY-----\n") {
			t.Fatalf("%s: not one block", spec)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	if _, ok := parse("ed25519").(ed25519.PrivateKey); !ok {
		t.Error("ed25519 is another key")
	}
	if k, ok := parse("rsa:2048").(*rsa.PrivateKey); !ok || k.N.BitLen() != 2048 || k.Validate() != nil {
		t.Error("rsa is another key")
	}
}

func TestPublicIsTheOtherHalf(t *testing.T) {
	v, err := generate.Value("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(generate.Public(v)))
	if block == nil || block.Type != "PUBLIC KEY" {
		t.Fatal("no PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := pem.Decode([]byte(v.Reveal()))
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !key.(ed25519.PrivateKey).Public().(ed25519.PublicKey).Equal(public) {
		t.Error("of another key")
	}
	if v, err = generate.Value("hex"); err != nil || generate.Public(v) != "" {
		t.Error("a hex value has a public key")
	}
}

// TestEveryGeneratorMakesAnotherValueEachTime: none is without its maker.
func TestEveryGeneratorMakesAnotherValueEachTime(t *testing.T) {
	for _, name := range secret.GeneratorNames() {
		if a, b := value(t, name), value(t, name); a == b || a == "" {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
	if v, err := generate.Value("hex:7"); errs.KindOf(err) != errs.Invalid || err.Error() != `"hex:7": hex has no such size` || v.Present() {
		t.Errorf("%v", err)
	}
}

// A chi-squared test of each place of a password and of all together: a sound
// generator fails it less than once in 10^9 times, one that takes bytes modulo 62
// always.
func TestLettersOfPasswordsAreEquallyLikely(t *testing.T) {
	const length, rounds = 1024, 400
	counts := map[rune]float64{}
	for range rounds {
		for _, r := range value(t, "password:1024") {
			counts[r]++
		}
	}
	if len(counts) != 62 {
		t.Fatalf("%d letters", len(counts))
	}
	mean := float64(length*rounds) / 62
	chi := 0.0
	for _, n := range counts {
		chi += (n - mean) * (n - mean) / mean
	}
	// 61 degrees of freedom: by Laurent and Massart, P(chi > k + 2 sqrt(k x) + 2 x) <= exp(-x).
	const k, x = 61, 22
	if limit := k + 2*math.Sqrt(k*x) + 2*x; chi > limit {
		t.Errorf("chi squared is %.0f, above %.0f", chi, limit)
	}
	// The bias of modulo: eight letters 5/4 as likely as the others.
	biased := 0.0
	for i := range 62 {
		p := 4.0 / 256
		if i < 256%62 {
			p = 5.0 / 256
		}
		n := p * length * rounds
		biased += (n - mean) * (n - mean) / mean
	}
	if limit := k + 2*math.Sqrt(k*x) + 2*x; biased < 2*limit {
		t.Errorf("the test would not see a bias: %.0f", biased)
	}
}

func TestBitsOfRandomBytesAreEquallyLikely(t *testing.T) {
	const rounds = 400
	var ones [8]float64
	n := 0.0
	for range rounds {
		b, err := hex.DecodeString(value(t, "hex:1024"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b {
			for bit := range ones {
				ones[bit] += float64(c >> bit & 1)
			}
		}
		n += float64(len(b))
	}
	for bit, got := range ones {
		// Hoeffding: P(|got - n/2| > d) <= 2 exp(-2 d^2 / n), here below 10^-9.
		if d := math.Sqrt(n * 11.5); math.Abs(got-n/2) > d {
			t.Errorf("bit %d: %.0f of %.0f", bit, got, n)
		}
	}
}
