//go:build unix

package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	nonBlock = unix.O_NONBLOCK
	noFollow = unix.O_NOFOLLOW
)

// ours tells whether the file belongs to the user that we act as.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// byRoot tells whether the file belongs to root.
func byRoot(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0
}

// private tells whether nobody but the owner may do anything.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// othersWrite tells whether others than the owner may write.
func othersWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }

// adopt gives f the mode of the file that it will replace, less what perm does
// not allow, and its owner when root writes another's file.
func adopt(f *os.File, old fs.FileInfo, perm fs.FileMode) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 && st.Uid != 0 {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm() & perm)
}

// syncDir flushes the folder, so that a rename in it outlives a power cut. Some
// file systems cannot, and say so by EINVAL.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return fmt.Errorf("flush the folder: %w", err)
	}
	return nil
}

var (
	errLocked    error = unix.EWOULDBLOCK
	errNoLocks   error = unix.ENOLCK
	errNoDirLock error = unix.EBADF // NFS: an exclusive lock needs a file that is open for writing
)

func openLock(target string) (*os.File, error) { return os.Open(filepath.Dir(target)) }

func openLockFile(target string) (*os.File, error) {
	return os.OpenFile(lockFileName(target), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
}

// lock takes the lock, waiting if block is set; else it returns errLocked when
// another has it. Closing the file gives it back.
func lock(f *os.File, block bool) error {
	how := unix.LOCK_EX
	if !block {
		how |= unix.LOCK_NB
	}
	for {
		// Fd would do, too, but it makes the file a blocking one.
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		if cerr := raw.Control(func(fd uintptr) { err = unix.Flock(int(fd), how) }); cerr != nil {
			return cerr
		}
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
