package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/errs"
)

// unprivileged runs f as somebody whom file modes bind: when we are root, in a
// thread that is not root's to the file system. It must not start processes.
func unprivileged(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	for d := filepath.Dir(dir); d != filepath.Dir(os.TempDir()); d = filepath.Dir(d) { // test folders are closed to others
		if info, err := os.Stat(d); err != nil || os.Chmod(d, info.Mode().Perm()|0o555) != nil {
			t.Fatal(d, err)
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

func TestAFolderThatCannotBeWrittenIsSaidToBe(t *testing.T) {
	h := newHome(t)
	if err := os.Mkdir(h.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(h.Dir, 0o700) })
	unprivileged(t, h.Dir, func() {
		v := h.vault()
		if list, err := v.List(); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
		if _, err := v.Put(t.Context(), another, token1("x")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("put: %v", err)
		}
		if _, _, err := v.TryLock("aws", "work"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("lock: %v", err)
		}
	})
	h.wantNotices(t)
}

func TestAFileThatCannotBeReadIsNotReadAsNotSignedIn(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	chmod(t, h.file(), 0)
	unprivileged(t, h.Dir, func() {
		_, err := h.vault().Find("aws", "work")
		if wantError(t, err, errs.Unclassified, h.file()); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	})
}
