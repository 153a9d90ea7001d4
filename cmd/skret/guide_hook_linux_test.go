package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guides about the shell hook and about agents tell a reader to type works,
// and so does the server that an agent's configuration starts.
func TestGuidesOfHookAndAgents(t *testing.T) {
	for _, name := range []string{"hook", "agents"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			p := newProject(t, "provider: local")
			lines := commandLines(string(text))
			if len(lines) == 0 {
				t.Fatal("no commands")
			}
			for _, line := range lines {
				p.typed(t, line)
			}
			if name == "hook" {
				return
			}
			_, after, _ := strings.Cut(string(text), "```json\n")
			block, _, _ := strings.Cut(after, "```")
			var settings struct {
				MCPServers map[string]struct {
					Command string
					Args    []string
				}
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(block, "/home/me/app", p.dir)), &settings); err != nil {
				t.Fatal(err)
			}
			args := settings.MCPServers["skret"].Args
			r := p.do(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`+"\n", args...)
			if r.code != 0 || !strings.Contains(r.stdout, `"name":"run"`) || !strings.Contains(r.stdout, "go test ./...") {
				t.Errorf("skret %q: %d %s%s", args, r.code, r.stdout, r.stderr)
			}
		})
	}
}
