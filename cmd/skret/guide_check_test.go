//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the guides about templates and the schema tell a reader to type works, with
// the files that they show.
func TestGuidesOfCheckAndTemplate(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	block := func(text, language string) string {
		_, after, ok := strings.Cut(text, "```"+language+"\n")
		if !ok {
			t.Fatalf("no %s", language)
		}
		code, _, _ := strings.Cut(after, "```")
		return code
	}
	for name, files := range map[string]map[string]string{
		"check":    {".skret.yaml": "yaml"},
		"template": {"app.conf.tmpl": "ini", "config.json.tmpl": "gotemplate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := read(name)
			p := newProject(t, "provider: local")
			for file, language := range files {
				if err := os.WriteFile(filepath.Join(p.dir, file), []byte(block(text, language)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if name == "template" {
				p.skret(t, "set", "DATABASE_URL=postgres://db", "app/key=a ${KEY}")
			}
			lines := commandLines(text)
			if len(lines) < 4 {
				t.Fatalf("only %q", lines)
			}
			for _, line := range lines {
				p.typed(t, line)
			}
			if name == "template" {
				conf, err := os.ReadFile(filepath.Join(p.dir, "app.conf"))
				if want := "# app.conf.tmpl\nlisten = $port\ndatabase = postgres://db\nkey = a ${KEY}\n"; err != nil || string(conf) != want {
					t.Errorf("%q %v", conf, err)
				}
				conf, err = os.ReadFile(filepath.Join(p.dir, "config.json"))
				if want := "{\n  \"url\": \"postgres://db\",\n  \n  \"key\": \"a ${KEY}\",\n  \"names\": \"APP_KEY DATABASE_URL \"\n}\n"; err != nil || string(conf) != want {
					t.Errorf("%q %v", conf, err)
				}
			}
		})
	}
}
