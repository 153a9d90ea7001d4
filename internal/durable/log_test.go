package durable

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func logLines(t *testing.T, name string, keep int) []string {
	t.Helper()
	var all []string
	for _, f := range LogFiles(name, keep) {
		b, err := os.ReadFile(f)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all = append(all, strings.Fields(string(b))...)
	}
	return all
}

func TestLogTearsAndLosesNoLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.jsonl")
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := Log(name, fmt.Appendf(nil, "%d-%d-%s\n", w, i, strings.Repeat("x", 200)), 4<<10, 100); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, l := range logLines(t, name, 100) {
		if !strings.HasSuffix(l, strings.Repeat("x", 200)) || seen[l] {
			t.Errorf("torn or twice: %q", l)
		}
		seen[l] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d lines, want %d", len(seen), writers*each)
	}
}

func TestLogKeepsTheNewest(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.jsonl")
	for i := range 100 {
		if err := Log(name, fmt.Appendf(nil, "%02d\n", i), 29, 2); err != nil {
			t.Fatal(err)
		}
	}
	got := logLines(t, name, 2)
	if len(got) < 20 || got[len(got)-1] != "99" || !slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
	files, _ := filepath.Glob(name[:len(name)-len("x.jsonl")] + "*")
	if len(files) > 3 {
		t.Errorf("%v", files)
	}
}

func TestLogEndsAHalfLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(name, []byte("whole\nhal"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Log(name, []byte("next\n"), 1<<20, 1); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(name); !bytes.Equal(b, []byte("whole\nhal\nnext\n")) {
		t.Errorf("%q", b)
	}
}

func BenchmarkLog(b *testing.B) {
	name := filepath.Join(b.TempDir(), "x.jsonl")
	line := []byte(strings.Repeat("x", 300) + "\n")
	for b.Loop() {
		if err := Log(name, line, 1<<20, 4); err != nil {
			b.Fatal(err)
		}
	}
}
