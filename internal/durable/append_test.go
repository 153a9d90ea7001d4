package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skret/skret/internal/durable"
)

func TestAppendMakesTheFileAndThenAddsToIt(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "journal")
	for i, want := range []string{"one\n", "one\ntwo\n", "one\ntwo\n", "one\ntwo\nthree"} {
		if err := durable.Append(name, []byte([]string{"one\n", "two\n", "", "three"}[i]), 0o600); err != nil {
			t.Fatal(err)
		}
		wantContent(t, name, want)
	}
	wantFiles(t, dir, "journal")
}

func TestAppendSaysWhatItCouldNotWrite(t *testing.T) {
	dir := t.TempDir()
	if err := durable.Append(dir, []byte("x"), 0o600); err == nil || !strings.HasPrefix(err.Error(), "append to "+dir) {
		t.Errorf("a folder: %v", err)
	}
	missing := filepath.Join(dir, "none", "journal")
	if err := durable.Append(missing, []byte("x"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	wantFiles(t, dir)
}

func TestAppendKeepsWholeEntriesOfSeveralWriters(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	var wg sync.WaitGroup
	for _, line := range []string{strings.Repeat("a", 99) + "\n", strings.Repeat("b", 99) + "\n"} {
		wg.Go(func() {
			for range 10 {
				if err := durable.Append(name, []byte(line), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	data, err := os.ReadFile(name)
	if err != nil || len(data) != 2000 {
		t.Fatal(len(data), err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.Trim(line, line[:1]) != "\n" || len(line) != 100 {
			t.Fatalf("an entry within another: %q", line)
		}
	}
}
