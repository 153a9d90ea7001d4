package durable

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The user's own folder may be on a disk: then it is not taken for memory.
func TestScratchIsWhereMemoryIs(t *testing.T) {
	temp := scratchBase(t)
	memory := filepath.Join(sharedMemory, "skret-test-"+rand.Text())
	if err := os.Mkdir(memory, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	t.Chdir(memory)
	for runtime, want := range map[string][]string{
		memory:                        {memory, sharedMemory, temp},
		"/proc":                       {sharedMemory, temp}, // what is surely no memory that holds files
		".":                           {sharedMemory, temp},
		"":                            {sharedMemory, temp},
		filepath.Join(memory, "none"): {sharedMemory, temp},
	} {
		if got := scratchBases(runtime); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", runtime, got, want)
		}
	}
	s, err := NewScratch("test", memory)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(s.Dir) != memory || !s.InMemory {
		t.Errorf("%s, in memory %v", s.Dir, s.InMemory)
	}
	if err := s.Wipe(); err != nil {
		t.Error(err)
	}
}

// What others may have put something in is not taken for ours.
func TestScratchSweepsNothingThatIsOpen(t *testing.T) {
	base := scratchBase(t)
	dir := filepath.Join(base, scratchPrefix("test")+"OPEN")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	SweepScratch("test", "", true, func(dir string) { t.Errorf("shown %s", dir) })
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
