package durable

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A link is followed as the system follows it: .. goes up from where another link
// has led, and not in the text.
func TestALinkIsFollowedAsTheSystemDoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	top := t.TempDir()
	project := filepath.Join(top, "a", "b", "project")
	if err := os.MkdirAll(filepath.Join(project, "d1", "d2", "d3"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"l": "d1/d2/d3", "out": "l/../../../target"} {
		if err := os.Symlink(to, filepath.Join(project, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteFile(filepath.Join(project, "out"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(project, "target")); err != nil {
		t.Errorf("the file is not where the link leads: %v", err)
	}
	if _, err := os.Stat(filepath.Join(top, "a", "target")); err == nil {
		t.Error("a file was written outside of the project")
	}
}
