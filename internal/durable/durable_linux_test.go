package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/durable"
)

// unprivileged runs f as somebody whom file modes bind: in a thread that is not
// root's to the file system when we are root. It must not use the network or
// start processes.
func unprivileged(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	for d := dir; d != "/"; d = filepath.Dir(d) { // test folders are closed to others
		info, err := os.Stat(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, info.Mode().Perm()|0o555); err != nil {
			t.Fatal(err)
		}
		if d == filepath.Clean(os.TempDir()) {
			break
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	unprivileged(t, dir, func() {
		if err := durable.WriteFile(name, []byte("new"), 0o644); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("write: %v", err)
		}
		if err := durable.Update(t.Context(), name, 0o644, 100, func([]byte) ([]byte, error) { return []byte("new"), nil }); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("update: %v", err)
		}
		if err := durable.WriteFile(filepath.Join(dir, "sub", "f"), []byte("new"), 0o644); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("write below: %v", err)
		}
	})
	wantContent(t, name, "old")
	wantFiles(t, dir, "f")
}

// A full disk is played by the limit on the size of files, whose answer is an
// error of write as well, in the middle of the data.
func TestAWriteThatIsCutShortIsAnErrorAndLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := durable.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	werr := durable.WriteFile(name, make([]byte, 2<<20), 0o600)
	uerr := durable.Update(t.Context(), name, 0o600, 2<<20, func([]byte) ([]byte, error) { return make([]byte, 2<<20), nil })
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(werr, unix.EFBIG) || !errors.Is(uerr, unix.EFBIG) {
		t.Errorf("%v, %v", werr, uerr)
	}
	wantContent(t, name, "old")
	wantFiles(t, dir, "f")
}
