//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guide about layers tells a reader to type works, with the files that it
// shows.
func TestGuideOfLayers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "layers.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t, "provider: local")
	parts := strings.Split(string(text), "```yaml\n")[1:]
	lines := commandLines(string(text))
	if len(parts) != 2 || len(lines) < 8 {
		t.Fatalf("%d files, %q", len(parts), lines)
	}
	for i, name := range []string{".skret.yaml", ".skret.local.yaml"} {
		yaml, _, _ := strings.Cut(parts[i], "```")
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines("```yaml\n" + parts[i]) {
			p.typed(t, line)
		}
		if name == ".skret.yaml" {
			if out := p.skret(t, "env", "--only", "DATABASE_URL"); !strings.Contains(string(out), "postgres://app@localhost/shop") {
				t.Errorf("%s", out)
			}
		}
	}
}
