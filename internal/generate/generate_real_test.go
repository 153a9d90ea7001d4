//go:build real

package generate_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/skret/skret/internal/generate"
	"github.com/skret/skret/internal/realtest"
)

// OpenSSL reads the keys, finds them sound, and makes the same public key of them.
func TestRealKeysAreReadByOthers(t *testing.T) {
	openssl := realtest.Need(t, "openssl", "apt-get install openssl")
	for _, kind := range []string{"ed25519", "rsa:2048"} {
		v, err := generate.Value(kind)
		if err != nil {
			t.Fatal(err)
		}
		run := func(name string, args ...string) string {
			t.Helper()
			c := exec.Command(name, args...)
			c.Stdin = strings.NewReader(v.Reveal())
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%s %v: %v\n%s", kind, args, err, out)
			}
			return string(out)
		}
		if got := run(openssl, "pkey", "-check", "-noout"); !strings.Contains(got, "valid") {
			t.Errorf("%s: %s", kind, got)
		}
		if got := run(openssl, "pkey", "-pubout"); got != generate.Public(v) {
			t.Errorf("%s: openssl's public key is another:\n%s", kind, got)
		}
	}
}
