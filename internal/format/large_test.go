package format_test

import (
	"strings"
	"testing"

	"github.com/skret/skret/internal/format"
)

// What real files hold comes through whole: a key of many lines, the mark of a
// Windows editor, a line of 200 KB.
func TestRealFilesComeThroughWhole(t *testing.T) {
	pem := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", 30) + "-----END PRIVATE KEY-----"
	long := strings.Repeat("0123456789", 20<<10)
	for name, c := range map[string]struct{ dialect, text, want string }{
		"a PEM":          {"", "KEY=\"" + pem + "\"\nB=1\n", pem},
		"a line 200 KB":  {"", "KEY='" + long + "'\n", long},
		"a BOM":          {"", "\ufeffKEY=x\n", "x"},
		"CRLF, as node":  {"node", "KEY=x\r\nB=1\r\n", "x"},
		"CRLF, a dotenv": {"dotenv", "KEY='x'\r\nB=1\r\n", "x"},
	} {
		r, _ := format.LookupReader("dotenv")
		es, err := r.Read([]byte(c.text), format.ReadOptions{Dialect: c.dialect})
		if err != nil || len(es) == 0 || es[0].Key != "KEY" || es[0].Value.Reveal() != c.want {
			t.Errorf("%s: %d entries, %v", name, len(es), err)
		}
	}
}
