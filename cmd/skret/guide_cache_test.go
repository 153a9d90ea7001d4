//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// What the guides about the cache and the doctor tell a reader to type works, with
// the configuration that the guide shows.
func TestGuidesOfCacheAndDoctor(t *testing.T) {
	var yaml string
	for _, name := range []string{"cache", "doctor"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		if _, after, ok := strings.Cut(string(text), "```yaml\n"); ok {
			yaml, _, _ = strings.Cut(after, "```")
		}
		t.Run(name, func(t *testing.T) {
			c := fake.NewCloud()
			t.Cleanup(c.Close)
			c.SSM.AnyRegion = true
			for _, env := range []string{"prod", "dev"} {
				c.SSM.Put("/shop/"+env+"/DATABASE_URL", "postgres://"+env)
			}
			p := newProject(t, "provider: local", append(c.Env(), c.User("dev").Env()...)...)
			for name, text := range map[string]string{".skret.yaml": yaml, "make": "#!/bin/sh\n"} { // not every machine has make
				if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			p.env = append(p.env, "PATH="+p.dir+":"+os.Getenv("PATH"))
			lines := commandLines(string(text))
			if len(lines) < 4 {
				t.Fatalf("only %q", lines)
			}
			for _, line := range lines {
				p.typed(t, line)
			}
		})
	}
}
