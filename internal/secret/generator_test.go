package secret_test

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

func TestGeneratorsAndTheirSizes(t *testing.T) {
	for spec, want := range map[string]int{
		"password": 32, "password:8": 8, "hex": 32, "hex:1024": 1024, "base64:33": 33, "uuid": 0, "ed25519": 0, "rsa": 3072, "rsa:4096": 4096,
	} {
		name, size, err := secret.ParseGenerator(spec)
		if kind, _, _ := strings.Cut(spec, ":"); err != nil || name != kind || size != want {
			t.Errorf("%s: %s %d %v", spec, name, size, err)
		}
	}
	for _, spec := range []string{
		"", "pass", "PASSWORD", " hex", "hex ", "hex:", "hex:x", "hex:-1", "hex:0", "hex:7", "hex:1025", "hex:99999999999999999999", "hex:+16", "hex:016", "hex:8:8",
		"uuid:4", "uuid:", "ed25519:256", "rsa:1024", "rsa:2049", "rsa:", "password:7", "base64:1_0", "hunter2", "hex:hunter2", "uuid:hunter2",
	} {
		_, _, err := secret.ParseGenerator(spec)
		if errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", spec, err)
		}
	}
}
