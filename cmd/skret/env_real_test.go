//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// The lines that the help of env gives its readers, run by those: the values come
// back exactly, and none is run.
func TestRealEnvLines(t *testing.T) {
	p := newProject(t, "provider: local\n    file: .skret.secrets.yaml")
	canary := filepath.Join(p.dir, "canary")
	values := map[string]string{
		"A": "plain", "B": "it's \"quoted\" \\n \\\\", "C": "'; touch " + canary + "; '", "D": "$(touch " + canary + ") `touch " + canary + "`",
		"E": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", "F": "a\r\nb\r", "G": " \t#x ", "H": "", "I": "é日本🔑\xff\xfe", "J": "--help", "K": "\n\n",
	}
	set := []string{"set", "--allow-empty", "--"}
	for k, v := range values {
		set = append(set, k+"="+v)
	}
	p.skret(t, set...)
	const dotenvToo = "A,C,D,E,G,H,J,K"
	for _, c := range []struct{ shell, install, load, only string }{
		{"sh", "install a POSIX shell", `eval "$(skret env --format shell)"`, ""},
		{"dash", "apt-get install dash", `eval "$(skret env --format shell)"`, ""},
		{"bash", "apt-get install bash", `eval "$(skret env --format shell)"`, ""},
		{"bash", "apt-get install bash", `source <(skret export --format shell)`, ""},
		{"zsh", "apt-get install zsh", `eval "$(skret env --format shell)"`, ""},
		{"fish", "apt-get install fish", `skret env --format fish | source`, ""},
		{"sh", "install a POSIX shell", `skret env --only ` + dotenvToo + ` > .env; set -a; . ./.env; set +a`, dotenvToo},
		{"bash", "apt-get install bash", `skret env --only ` + dotenvToo + ` -o .env; set -a; . ./.env; set +a`, dotenvToo},
	} {
		shell := realtest.Need(t, c.shell, c.install)
		cmd := exec.Command(shell, "-c", c.load+"\ndumpenv")
		cmd.Dir, cmd.Env = p.dir, p.env
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s, %s: %v", c.shell, c.load, err)
			continue
		}
		got := map[string]string{}
		for kv := range strings.SplitSeq(string(out), "\x00") {
			k, v, _ := strings.Cut(kv, "=")
			got[k] = v
		}
		for k, want := range values {
			if c.only != "" && !strings.Contains(c.only, k) {
				continue
			}
			if v, ok := got[k]; !ok || v != want {
				t.Errorf("%s, %s: %s is %q, want %q", c.shell, c.load, k, v, want)
			}
		}
		if os.Remove(canary) == nil {
			t.Errorf("%s, %s: a value was run", c.shell, c.load)
		}
	}
}
