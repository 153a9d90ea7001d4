package durable_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

func wantContent(t *testing.T, name, want string) {
	t.Helper()
	got, err := durable.ReadFile(name, 1<<20)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, want %q: %v", filepath.Base(name), got, want, err)
	}
}

// wantFiles fails unless the folder holds exactly these files.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder holds %q, want %q: %v", got, want, err)
	}
}

func TestWriteFileReplacesTheWholeContentAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	for _, content := range []string{"long content", "short", ""} {
		if err := durable.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		wantContent(t, name, content)
		wantFiles(t, dir, "f")
	}
}

func TestWriteFileMakesMissingFolders(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a", "b", "f")
	if err := durable.WriteFile(name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantContent(t, name, "x")
}

func TestWriteFileRefusesAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := durable.WriteFile(dir, []byte("x"), 0o600); err == nil {
		t.Error("no error")
	}
	wantFiles(t, dir)
}

func TestReadFileIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := durable.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.ReadFile(name, 5); err != nil {
		t.Error(err)
	}
	if _, err := durable.ReadFile(name, 4); errs.KindOf(err) != errs.Invalid {
		t.Errorf("too large: %v", err)
	}
	if _, err := durable.ReadFile(filepath.Dir(name), 100); err == nil {
		t.Error("a folder was read")
	}
	if _, err := durable.ReadFile(name+"x", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestUpdateLosesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	const n = 50
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := durable.Update(t.Context(), name, 0o600, 1<<10, func(old []byte) ([]byte, error) {
				return append(old, 'x'), nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantContent(t, name, strings.Repeat("x", n))
}

func TestUpdateThatFailsChangesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	update := func(change func([]byte) ([]byte, error)) error {
		return durable.Update(t.Context(), name, 0o600, 8, change)
	}
	if err := update(func(old []byte) ([]byte, error) {
		if old != nil {
			t.Errorf("content of no file: %q", old)
		}
		return []byte("old"), nil
	}); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := update(func([]byte) ([]byte, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("the error of change is lost: %v", err)
	}
	if err := update(func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		t.Error(err)
	}
	if err := update(func([]byte) ([]byte, error) { return []byte("too large"), nil }); errs.KindOf(err) != errs.Invalid {
		t.Errorf("too large: %v", err)
	}
	wantContent(t, name, "old")
	wantFiles(t, dir, "f")
}

func TestUpdateNoticesAProgramThatDoesNotLock(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	for _, before := range []string{"", "old"} { // no file, and a file
		if before != "" {
			if err := durable.WriteFile(name, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := durable.Update(t.Context(), name, 0o600, 100, func([]byte) ([]byte, error) {
			if err := os.WriteFile(name, []byte("the editor's"), 0o600); err != nil {
				t.Fatal(err)
			}
			return []byte("ours"), nil
		})
		if errs.KindOf(err) != errs.Conflict {
			t.Errorf("error %v", err)
		}
		wantContent(t, name, "the editor's")
		wantFiles(t, dir, "f")
	}
}

func TestUpdateRemovesWhatAKilledWriterLeft(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	for _, stale := range []string{".f.ABC.skret-tmp", ".f.g.ABC.skret-tmp", ".f.txt", "f.skret-tmp"} {
		if err := os.WriteFile(filepath.Join(dir, stale), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Update(t.Context(), name, 0o600, 100, func([]byte) ([]byte, error) { return []byte("x"), nil }); err != nil {
		t.Fatal(err)
	}
	// Only what is certainly ours goes: .f.g.ABC is f.g's.
	wantFiles(t, dir, ".f.g.ABC.skret-tmp", ".f.txt", "f", "f.skret-tmp")
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestLockWaitsNoLongerThanTheContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	unlock, err := durable.Lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lock(canceled(t), name); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "held by") {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	// The attempt that was given up gives back what it may get yet.
	for range 3 {
		unlock, err := durable.Lock(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	}
}

func TestPrivateDirRefusesARelativeName(t *testing.T) {
	for _, name := range []string{"", ".", "skret"} {
		if err := durable.PrivateDir(name); errs.KindOf(err) != errs.Config {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTryLockDoesNotWait(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	unlock, by, err := durable.TryLock(name)
	if unlock == nil || by != "" || err != nil {
		t.Fatalf("%q, %v", by, err)
	}
	if got, by, err := durable.TryLock(name); got != nil || by == "" || err != nil {
		t.Errorf("while it is locked: %v, %q, %v", got != nil, by, err)
	}
	unlock()
	wait, err := durable.Lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer wait()
	if got, _, err := durable.TryLock(name); got != nil || err != nil {
		t.Errorf("while Lock has it: %v, %v", got != nil, err)
	}
	if _, _, err := durable.TryLock(filepath.Join(name, "no", "folder")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is no folder: %v", err)
	}
}

func TestRemoveOfNothingIsNoError(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := durable.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := durable.Remove(name); err != nil {
			t.Error(err)
		}
		wantFiles(t, dir)
	}
}
