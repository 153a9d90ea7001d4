package run

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// content returns the names of what is in a folder, and what they hold, but no
// lock.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		if e.Name()[0] == '.' {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

// newFiles makes files whose folder is in a place of the test's own.
func newFiles(t *testing.T) (f *Files, place string) {
	t.Helper()
	place = "/dev/shm/skret-test-" + rand.Text()
	err := os.Mkdir(place, 0o700)
	if err != nil { // no memory here: it is among the temporary files
		place = t.TempDir()
		t.Setenv("TMPDIR", place)
		t.Setenv("TMP", place)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place) })
	if f, err = NewFiles(place); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Remove() })
	return f, place
}

func TestFilesFollowTheSet(t *testing.T) {
	f, place := newFiles(t)
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
	if c := content(t, f.Dir()); len(c) != 1 || c["B"] != "new" {
		t.Errorf("%q", c)
	}
	if filepath.Dir(f.Dir()) != place {
		t.Errorf("the folder is %s", f.Dir())
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if c := content(t, place); len(c) > 0 {
		t.Errorf("%q", c)
	}
}

func TestMountKeepsOff(t *testing.T) {
	dir := t.TempDir()
	f, _ := newFiles(t)
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
	dir := t.TempDir()
	f, place := newFiles(t)
	if err := f.Mount(filepath.Join(dir, "file"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	Sweep(place, true)
	if len(content(t, dir)) != 1 || len(content(t, f.Dir())) != 1 {
		t.Error("a living one's files were removed")
	}
	dead := f.Dir() + "DEAD" // with the same record, and nobody who holds it
	if err := os.Mkdir(dead, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead, recordName), []byte(content(t, f.Dir())[recordName]), 0o600); err != nil {
		t.Fatal(err)
	}
	Sweep(place, true)
	if len(content(t, dir)) != 0 {
		t.Error("the file is still there")
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if len(content(t, f.Dir())) != 1 {
		t.Error("the living one's folder was removed")
	}
}

// Where a file cannot be written, its place is named.
func TestFilesSayWhereTheyCannotBe(t *testing.T) {
	f, place := newFiles(t)
	if err := os.Mkdir(filepath.Join(f.Dir(), "KEY"), 0o700); err != nil { // which is in the way
		t.Fatal(err)
	}
	_, err := f.Write(secret.Set{{Key: "KEY", Name: "KEY", Value: secret.NewValue("hunter2"), File: true}})
	if !strings.Contains(errs.HintOf(err), "room in "+place) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v, hint %q", err, errs.HintOf(err))
	}
}
