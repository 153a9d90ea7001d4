package run

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// content returns the names of what is in a folder, and what they hold.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func newFiles(t *testing.T, parents ...string) *Files {
	t.Helper()
	f, err := NewFiles(t.Context(), parents)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Remove() })
	return f
}

func TestFilesFollowTheSet(t *testing.T) {
	parent := t.TempDir()
	f := newFiles(t, parent, t.TempDir())
	set := secrets("A=plain", "B=in a file", "C=another")
	set[1].File, set[2].File = true, true
	got, err := f.Write(set)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Value.Reveal() != "plain" || got[1].Value.Reveal() != filepath.Join(f.Dir(), "B") || got[1].File || !set[1].File {
		t.Errorf("%q %q", got[0].Value.Reveal(), got[1].Value.Reveal())
	}
	now := secrets("B=new")
	now[0].File = true
	if _, err := f.Write(now); err != nil {
		t.Fatal(err)
	}
	if c := content(t, f.Dir()); len(c) != 2 || c["B"] != "new" {
		t.Errorf("%q", c)
	}
	if !f.InMemory() {
		t.Error("the first of two parents is taken for the one on the disk")
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if c := content(t, parent); len(c) > 0 {
		t.Errorf("%q", c)
	}
}

func TestFilesTakeTheNextParent(t *testing.T) {
	last := t.TempDir()
	f := newFiles(t, filepath.Join(t.TempDir(), "none"), last)
	if filepath.Dir(f.Dir()) != last || f.InMemory() {
		t.Errorf("%s, in memory %v", f.Dir(), f.InMemory())
	}
	if _, err := NewFiles(t.Context(), []string{filepath.Join(last, "none")}); err == nil {
		t.Error("made in a folder that is not there")
	}
}

func TestMountKeepsOff(t *testing.T) {
	dir := t.TempDir()
	f := newFiles(t, t.TempDir())
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Mount(there, []byte("x")); errs.KindOf(err) != errs.Conflict {
		t.Errorf("%v", err)
	}
	file := filepath.Join(dir, "new")
	for _, text := range []string{"one", "two"} {
		if err := f.Mount(file, []byte(text)); err != nil || content(t, dir)["new"] != text {
			t.Errorf("%v, %q", err, content(t, dir))
		}
	}
	if err := os.WriteFile(file, []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Mount(file, []byte("three")); errs.KindOf(err) != errs.Conflict {
		t.Errorf("%v", err)
	}
	if c := content(t, dir); c["new"] != "somebody else's" || c["there"] != "mine" {
		t.Errorf("%q", c)
	}
}

func TestSweepLeavesTheLiving(t *testing.T) {
	parent, dir := t.TempDir(), t.TempDir()
	f := newFiles(t, parent)
	if err := f.Mount(filepath.Join(dir, "file"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	Sweep([]string{parent, filepath.Join(parent, "none")})
	if len(content(t, dir)) != 1 || len(content(t, f.Dir())) != 1 {
		t.Error("a living one's files were removed")
	}
	f.unlock() // as its death does
	Sweep([]string{parent})
	if len(content(t, dir)) != 0 {
		t.Error("the file is still there")
	}
	if _, err := os.Stat(f.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}
