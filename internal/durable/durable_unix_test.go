//go:build unix

package durable_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/durable"
)

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// write makes a file of exactly this mode, whatever the umask.
func write(t *testing.T, name string, m fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, m); err != nil {
		t.Fatal(err)
	}
}

func TestWriteFileKeepsTheModeUnlessItIsToBeStricter(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct{ had, perm, want fs.FileMode }{
		{0o600, 0o666, 0o600}, {0o664, 0o666, 0o664}, {0o644, 0o600, 0o600}, {0o640, 0o644, 0o640}, {0o777, 0o666, 0o666}, {0o444, 0o666, 0o444},
	} {
		_ = os.Remove(name)
		write(t, name, c.had)
		if err := durable.WriteFile(name, []byte("new"), c.perm); err != nil {
			t.Fatal(err)
		}
		if got := mode(t, name); got != c.want {
			t.Errorf("%o written with %o has become %o, want %o", c.had, c.perm, got, c.want)
		}
	}
}

func TestALinkIsFollowedAndStays(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"there", "here"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link, target := filepath.Join(dir, "here", "link"), filepath.Join(dir, "there", "f")
	if err := os.Symlink("../there/f", link); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"made through the link", "changed through the link"} {
		if err := durable.Update(t.Context(), link, 0o600, 100, func([]byte) ([]byte, error) { return []byte(content), nil }); err != nil {
			t.Fatal(err)
		}
		wantContent(t, target, content)
		wantFiles(t, filepath.Dir(link), "link")
		wantFiles(t, filepath.Dir(target), "f")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(loop, nil, 0o600); err == nil {
		t.Error("a link to itself was written")
	}
}

func TestReadsNeverWaitForAPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.ReadFile(name, 100); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	if _, err := durable.ReadFile("/dev/zero", 100); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	if err := durable.Update(t.Context(), name, 0o600, 100, func([]byte) ([]byte, error) { return []byte("x"), nil }); err == nil {
		t.Error("a pipe was replaced")
	}
}

// isOld tells whether a file is one of write's.
func isOld(data []byte) bool { return string(data) == "old" }

func TestReadPrivateLeavesWhatIsNoSecret(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	write(t, name, 0o644)
	data, repaired, err := durable.ReadPrivate(name, 100, func([]byte) bool { return false })
	if err != nil || string(data) != "old" || repaired || mode(t, name) != 0o644 {
		t.Errorf("%q, repaired %v, now %o: %v", data, repaired, mode(t, name), err)
	}
}

func TestReadPrivateTakesAFileFromOthers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for m := range fs.FileMode(0o1000) {
		if m&0o400 == 0 {
			continue // not readable for us: another story
		}
		write(t, name, m|0o200)
		data, repaired, err := durable.ReadPrivate(name, 100, isOld)
		if err != nil || string(data) != "old" || repaired != (m&0o077 != 0) || mode(t, name) != (m|0o200)&0o700 {
			t.Errorf("%o: %q, repaired %v, now %o: %v", m, data, repaired, mode(t, name), err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadPrivateRefusesLinksAndOthersFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), 0o600)
	if err := os.Symlink("f", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := durable.ReadPrivate(filepath.Join(dir, "link"), 100, isOld); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("link: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(filepath.Join(dir, "f"), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if _, _, err := durable.ReadPrivate(filepath.Join(dir, "f"), 100, isOld); err == nil || !strings.Contains(err.Error(), "another user") {
			t.Errorf("another's: %v", err)
		}
	} else if _, _, err := durable.ReadPrivate("/etc/passwd", 1<<20, isOld); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("another's: %v", err)
	}
}

func TestPrivateDirIsForTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := durable.PrivateDir(dir); err != nil || mode(t, dir) != 0o700 || mode(t, filepath.Dir(dir)) != 0o700 {
		t.Errorf("made with %o: %v", mode(t, dir), err)
	}
	for m, refused := range map[os.FileMode]bool{0o755: false, 0o775: true, 0o777 | os.ModeSticky: true} {
		if err := os.Chmod(dir, m); err != nil {
			t.Fatal(err)
		}
		if err := durable.PrivateDir(dir); (err != nil) != refused || mode(t, dir) != m.Perm() {
			t.Errorf("%o is now %o: %v", m, mode(t, dir), err)
		}
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("this system does not tell who holds a lock")
	}
	name := filepath.Join(t.TempDir(), "f")
	unlock, err := durable.Lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := durable.Lock(canceled(t), name); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("held by process %d", os.Getpid())) {
		t.Errorf("%v", err)
	}
}

func TestTryLockNamesTheHolder(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("this system does not tell who holds a lock")
	}
	name := filepath.Join(t.TempDir(), "f")
	unlock, err := durable.Lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, by, err := durable.TryLock(name); by != fmt.Sprintf("process %d", os.Getpid()) || err != nil {
		t.Errorf("%q, %v", by, err)
	}
}

func TestHideDirTakesAFolderFromItsReaders(t *testing.T) {
	dir := t.TempDir()
	for m := range fs.FileMode(0o1000) {
		if m&0o700 != 0o700 {
			continue // not ours to work in: another story
		}
		if err := os.Chmod(dir, m); err != nil {
			t.Fatal(err)
		}
		hidden, err := durable.HideDir(dir)
		if refused := m&0o022 != 0; refused != (err != nil) || hidden != (!refused && m != 0o700) || !refused && mode(t, dir) != 0o700 || refused && mode(t, dir) != m {
			t.Errorf("%o is now %o: %v, %v", m, mode(t, dir), hidden, err)
		}
	}
}

func TestReadGivenRefusesWhatOthersMayReadUnlessItMayTakeItFromThem(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for m := range fs.FileMode(0o1000) {
		if m&0o600 != 0o600 {
			continue
		}
		write(t, name, m)
		data, repaired, err := durable.ReadGiven(name, 100, func([]byte) bool { return false })
		if open := m&0o077 != 0; open != (err != nil) || repaired || mode(t, name) != m || !open && string(data) != "old" {
			t.Errorf("%o: %q, %v", m, data, err)
		}
		data, repaired, err = durable.ReadGiven(name, 100, isOld)
		if err != nil || string(data) != "old" || repaired != (m&0o077 != 0) || mode(t, name) != m&0o700 {
			t.Errorf("%o: %q, repaired %v, now %o: %v", m, data, repaired, mode(t, name), err)
		}
		_ = os.Remove(name)
	}
	if err := os.Symlink("f", name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := durable.ReadGiven(name, 100, isOld); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("link: %v", err)
	}
}
