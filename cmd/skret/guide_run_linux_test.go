package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guide about run tells a reader to type works, typed line by line on a
// terminal.
func TestGuideOfRun(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "run.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := emptyProject(t)
	_, yaml, _ := strings.Cut(string(text), "```yaml\n")
	yaml, _, _ = strings.Cut(yaml, "```")
	if err := os.WriteFile(filepath.Join(p.dir, ".skret.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var out string
	lines := commandLines(string(text))
	if len(lines) < 8 {
		t.Fatalf("only %q", lines)
	}
	for _, line := range lines {
		out += p.typed(t, line)
	}
	for _, want := range []string{"migrate postgres://localhost/app", "a key of several lines", "connecting to ***", "DATABASE_URL='postgres://localhost/app'", "started"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
