//go:build unix

package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLogIsPrivateAndFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.jsonl")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Log(name, []byte("x\n"), 1<<20, 1); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	link := filepath.Join(dir, "y.jsonl")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	if err := Log(link, []byte("x\n"), 1<<20, 1); err == nil {
		t.Error("a link was followed")
	}
	if err := Log(dir, []byte("x\n"), 1<<20, 1); err == nil {
		t.Error("a folder was written to")
	}
}
