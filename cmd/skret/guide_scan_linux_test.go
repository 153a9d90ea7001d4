package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guide about scan tells a reader to type works, and so does the setting
// that it shows.
func TestGuideOfScan(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "scan.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := repository(t, map[string]string{
		"dist/app.js": "x", ".gitignore": "/home\n/bin\n/dist\n", "bin/docker": "#!/bin/sh\necho started\n",
		"compose.yaml": "a", "docs/a/b.md": "https://api.example.com/v1", "testdata/x": token,
	})
	for i, v := range p.env {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			p.env[i] = "PATH=" + filepath.Join(p.dir, "bin") + ":" + path
		}
	}
	p.skret(t, "set", "API_URL=https://api.example.com/v1", "LOG_FORMAT=production-json", "POSTGRES_PASSWORD=postgres-postgres")
	var setting string
	for block := range strings.SplitSeq(string(text), "```yaml\n") {
		if yaml, _, _ := strings.Cut(block, "```"); strings.HasPrefix(yaml, "scan:") {
			setting = yaml
		}
	}
	config, err := os.ReadFile(filepath.Join(p.dir, ".skret.yaml"))
	if err != nil || setting == "" {
		t.Fatal("no setting", err)
	}
	p.write(t, map[string]string{".skret.yaml": string(config) + setting})
	p.git(t, "checkout", "-q", "-b", "main")
	p.git(t, "add", "-A")
	p.git(t, "commit", "-q", "-m", "x")
	lines := commandLines(string(text))
	if len(lines) < 6 {
		t.Fatalf("only %q", lines)
	}
	for _, line := range lines {
		p.typed(t, line)
	}
}
