//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The library works in a module that is not ours: its program is built against
// this checkout, and reads what the command wrote.
func TestRealLibraryInAnotherModule(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t, "provider: local\n    file: .skret.secrets.yaml")
	p.skret(t, "set", "db/url", "postgres://x")
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	theirs := regexp.MustCompile(`(?m)^module .*`).ReplaceAllString(string(mod), "module example.com/other") +
		"\nrequire github.com/skret/skret v0.0.0\nreplace github.com/skret/skret => " + root + "\n"
	for name, text := range map[string]string{"go.mod": theirs, "go.sum": string(sum), "main.go": `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/skret/skret"
)

func main() {
	client, err := skret.Open(context.Background(), skret.Options{Dir: os.Args[1]})
	if err != nil {
		panic(err)
	}
	s, err := client.Get(context.Background(), "db/url")
	fmt.Print(s.Value, " ", err, " ", skret.KindOf(err))
}
`} {
		if err := os.WriteFile(filepath.Join(other, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", "other", ".")
	build.Dir = other
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.Command(filepath.Join(other, "other"), p.dir)
	run.Env = p.env
	out, err := run.CombinedOutput()
	if want := "postgres://x <nil> unclassified"; err != nil || string(out) != want {
		t.Errorf("%q, want %q: %v", out, want, err)
	}
}
