package durable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scratchBase makes folders go below a folder of the test's own.
func scratchBase(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	t.Setenv("TMP", base)
	return base
}

func TestScratchIsPrivateAndLeavesNothing(t *testing.T) {
	scratchBase(t)
	s, err := NewScratch("test", "")
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.Write("KEY", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !private(info) {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(s.Dir); err != nil || !private(info) {
		t.Errorf("%v, %v", info, err)
	}
	// What an editor leaves: a backup, a swap file, a folder, a link to the outside.
	outside := filepath.Join(t.TempDir(), "outside")
	for _, name := range []string{outside, path + "~", filepath.Join(s.Dir, ".KEY.swp"), filepath.Join(s.Dir, "undo", "x")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("hunter2"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Symlink(outside, filepath.Join(s.Dir, "link"))
	if err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "hunter2" {
		t.Errorf("what a link led to was touched: %q, %v", b, err)
	}
}

func TestScratchReadsWhatAnEditorPutInItsPlace(t *testing.T) {
	scratchBase(t)
	s, err := NewScratch("test", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Wipe()
	path, err := s.Write("KEY", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read("KEY", 100); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := s.Write("KEY", []byte("newer")); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read("KEY", 100); err != nil || string(b) != "newer" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestScratchSweepsWhatTheDeadLeft(t *testing.T) {
	base := scratchBase(t)
	living, err := scratchIn(base, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer living.Wipe()
	dead, err := scratchIn(base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Write("KEY", []byte("hunter2")); err != nil {
		t.Fatal(err)
	}
	_ = dead.held.Close() // as the system does when a process is killed
	kept, err := scratchIn(base, "test")
	if err != nil {
		t.Fatal(err)
	}
	keptDir, err := kept.Keep()
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(base, "others")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	another, err := scratchIn(base, "other")
	if err != nil || another.held.Close() != nil {
		t.Fatal(err)
	}
	var left []string
	SweepScratch("test", "", true, func(dir string) {
		if b, err := os.ReadFile(filepath.Join(dir, "KEY")); err == nil && string(b) == "hunter2" {
			left = append(left, dir)
		}
	})
	if len(left) != 1 || left[0] != dead.Dir {
		t.Errorf("was shown %q", left)
	}
	for dir, want := range map[string]bool{living.Dir: true, dead.Dir: false, keptDir: true, other: true, another.Dir: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: there is %v, want %v", strings.TrimPrefix(dir, base), err == nil, want)
		}
	}
}
