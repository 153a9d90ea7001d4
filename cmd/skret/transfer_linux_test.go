package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// On a terminal a bar says how far a sync is, and is gone at the end; what there is
// to say stands above it.
func TestTerminalShowsHowFarASyncIs(t *testing.T) {
	p, g := onGitHub(t, 12, nil)
	g.Fault(fake.Fault{Op: "put secret:K03", Status: 422, Times: 1})
	c := p.onTerminal(t, nil, "skret", syncs...)
	status, out := c.end()
	if status.ExitStatus() != 3 {
		t.Errorf("exit %d", status.ExitStatus())
	}
	for _, want := range []string{"[########################] 12/12", "1 failed", "\r\x1b[K", "11 created, 1 failed"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%q", want, out)
		}
	}
	last := out[strings.LastIndex(out, "\x1b[K"):]
	if strings.Contains(last, "#]") || strings.Contains(last, "#-") {
		t.Errorf("the bar stays: %q", last)
	}
}

// Each conflict of an import is asked about, and values are shown on request.
func TestTerminalDecidesConflicts(t *testing.T) {
	p := newProject(t, "provider: local")
	p.skret(t, "set", "A=old-a", "B=old-b")
	if err := os.WriteFile(filepath.Join(p.dir, "in.env"), []byte("A=new-a\nB=new-b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := p.onTerminal(t, nil, "skret", "import", "--from", "dotenv", "--file", "in.env", "--on-conflict", "prompt")
	c.wait("A exists with another value; overwrite it? [y/N] ")
	c.send("y\n")
	c.wait("B exists with another value; overwrite it? [y/N] ")
	c.send("n\n")
	if status, out := c.end(); status.ExitStatus() != 0 || !strings.Contains(out, "1 updated, 1 skipped") {
		t.Errorf("exit %d: %s", status.ExitStatus(), out)
	}
	if a, b := string(p.skret(t, "get", "A")), string(p.skret(t, "get", "B")); a != "new-a" || b != "old-b" {
		t.Errorf("%q, %q", a, b)
	}
	c = p.onTerminal(t, nil, "skret", "diff", "dev", "in.env", "--values")
	if _, out := c.end(); !strings.Contains(out, "old-b") || !strings.Contains(out, "new-b") || strings.Contains(out, "new-a") {
		t.Errorf("values: %s", out)
	}
}

// A protected environment is written to when its name is typed.
func TestTerminalAsksForAProtectedName(t *testing.T) {
	p := newProject(t, "provider: local\n  prod:\n    provider: local\n    file: prod.yaml\n    protected: true")
	p.skret(t, "set", "A=1", "-e", "dev")
	for answer, code := range map[string]int{"dev\n": 8, "prod\n": 0} {
		c := p.onTerminal(t, nil, "skret", "copy", "dev", "prod")
		c.wait("is protected; type its name to go on: ")
		c.send(answer)
		if status, out := c.end(); status.ExitStatus() != code {
			t.Errorf("%q: exit %d: %s", answer, status.ExitStatus(), out)
		}
	}
}
