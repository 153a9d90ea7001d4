package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guide about masking tells a reader to type works, and hides the values.
func TestGuideOfMask(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "mask.md"))
	if err != nil {
		t.Fatal(err)
	}
	const token = "tok-3f9a8b7c6d5e"
	p := newProject(t, "provider: local")
	p.skret(t, "set", "TOKEN="+token, "PUBLIC_URL=https://example.com", "PORT=8080")
	for name, text := range map[string]string{"old.log": "token " + token + "\n", "deploy.sh": "#!/bin/sh\necho deploy " + token + "\n"} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lines := commandLines(string(text))
	if len(lines) < 4 {
		t.Fatalf("only %q", lines)
	}
	for _, line := range lines {
		if out := p.typed(t, line); strings.Contains(out, token) {
			t.Errorf("%s: %s", line, out)
		}
	}
	if clean, err := os.ReadFile(filepath.Join(p.dir, "clean.log")); err != nil || string(clean) != "token ***\n" {
		t.Errorf("%q %v", clean, err)
	}
}
