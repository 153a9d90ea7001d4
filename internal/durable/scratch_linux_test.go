package durable

import (
	"os"
	"path/filepath"
	"testing"
)

// The user's own folder may be on a disk: then it is not taken for memory.
func TestScratchIsWhereMemoryIs(t *testing.T) {
	temp := scratchBase(t)
	if !inMemory(sharedMemory) || inMemory("/proc") {
		t.Fatalf("in memory: %s %v, /proc %v", sharedMemory, inMemory(sharedMemory), inMemory("/proc"))
	}
	memory, err := os.MkdirTemp(sharedMemory, "skret-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	t.Chdir(memory)
	for runtime, want := range map[string]string{memory: memory, "/proc": sharedMemory, "": sharedMemory, ".": sharedMemory} {
		s, err := NewScratch("test", runtime)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(s.Dir) != want || !s.InMemory {
			t.Errorf("%q: %s, in memory %v; want it in %s", runtime, s.Dir, s.InMemory, want)
		}
		if err := s.Wipe(); err != nil {
			t.Error(err)
		}
	}
	if s, err := scratchIn(temp, "test"); err != nil || s.InMemory != inMemory(temp) || s.Wipe() != nil {
		t.Errorf("%+v, %v", s, err)
	}
}
