//go:build real && linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// The SARIF of scan is judged by the tool of those who wrote the format, by its own
// rules and those of GitHub's code scanning. Notes are left out: they ask for the
// text of the line, which is the one thing that must not be there.
func TestRealScanWritesSARIF(t *testing.T) {
	judge := realtest.Need(t, "sarif-multitool-linux", "npm install @microsoft/sarif-multitool-linux@5.7.0")
	p := repository(t, map[string]string{
		"a b:ü#?%.txt": "x\nÄ " + token + " " + token + "\n", "bin": "\x00" + token, token + "/f": token, "fine": "x", "new\nline": token,
	})
	p.git(t, "add", ".")
	p.git(t, "commit", "-q", "-m", "x")
	// Whether addresses in it can be reached is not asked: that needs a network.
	config := filepath.Join(t.TempDir(), "config.xml")
	offline := `<?xml version="1.0" encoding="utf-8"?>
<Properties><Properties Key="SARIF2006.UrisShouldBeReachable.Options"><Property Key="RuleEnabled" Value="Disabled" /></Properties></Properties>`
	if err := os.WriteFile(config, []byte(offline), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string]string{"none": "fine", "tree": "", "history": "--history", "problem": "bin /proc/self/mem"} {
		file := filepath.Join(t.TempDir(), name+".sarif")
		_, out, errOut := p.scan(t, "skret", nil, append([]string{"--format", "sarif"}, strings.Fields(args)...)...)
		if strings.Contains(out, token) || out == "" {
			t.Errorf("%s: %s", args, errOut)
		}
		if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(judge, "validate", file, "--config", config, "--rule-kind", "'Sarif;Ghas'", "--level", "'Error;Warning'") // it asks a shell
		c.Env = append(os.Environ(), "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1")
		said, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(said), "Analysis completed successfully") {
			t.Fatalf("%v\n%s", err, said)
		}
		for line := range strings.Lines(string(said)) {
			// A version that is no release is not numeric.
			if (strings.Contains(line, ": error ") || strings.Contains(line, ": warning ")) && !strings.Contains(line, "SARIF2006") && !strings.Contains(line, "SARIF2005") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
