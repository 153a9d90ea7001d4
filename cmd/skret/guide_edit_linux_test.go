package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What the guides about editing and the audit log tell a reader to type works,
// typed line by line on a terminal.
func TestGuidesOfEditing(t *testing.T) {
	for _, name := range []string{"edit", "audit"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			p, _ := editProject(t, "sed -i s/postgres/mysql/ $1\n")
			yaml := "version: \"1\"\ndefault_env: dev\nenvironments:\n  dev:\n    provider: local\n  prod:\n    provider: local\n    file: prod.yaml\n"
			if err := os.WriteFile(filepath.Join(p.dir, ".skret.yaml"), []byte(yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			p.skret(t, "set", "DB_URL=postgres://db", "API_KEY=old", "db/url=x", "token=t", "OLD_TOKEN=t")
			lines := commandLines(string(text))
			if len(lines) < 5 {
				t.Fatalf("only %q", lines)
			}
			for _, line := range lines {
				p.typed(t, line)
			}
		})
	}
}
