//go:build unix

package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/durable"
)

func TestAppendMakesAFileForItsOwnerAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	if err := durable.Append(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mode(t, name); got != 0o600 {
		t.Errorf("it has the mode %o", got)
	}
}

func TestAppendTakesNoLinkAndNoPipe(t *testing.T) {
	dir := t.TempDir()
	target, link, pipe := filepath.Join(dir, "f"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	write(t, target, 0o600)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|unix.O_NONBLOCK, 0) // so that it could be written to
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, name := range []string{link, pipe} {
		if err := durable.Append(name, []byte("new"), 0o600); err == nil {
			t.Errorf("%s was written to", name)
		}
	}
	wantContent(t, target, "old")
}
