package durable

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// Windows has no such flags, owners or modes: what a profile folder lets others
// do is left to its access control list.
const (
	nonBlock = 0
	noFollow = 0
)

func ours(fs.FileInfo) bool    { return true }
func byRoot(fs.FileInfo) bool  { return false }
func private(fs.FileInfo) bool { return true }

func othersWrite(fs.FileInfo) bool { return false }

func adopt(*os.File, fs.FileInfo, fs.FileMode) error { return nil }

// syncDir does nothing: NTFS logs a rename, and a folder cannot be flushed.
func syncDir(string) error { return nil }

var (
	errLocked    error = windows.ERROR_LOCK_VIOLATION
	errNoLocks   error = windows.ERROR_NOT_SUPPORTED
	errNoDirLock       = errors.New("never: files are locked here")
)

func openLock(target string) (*os.File, error) { return openLockFile(target) }

func openLockFile(target string) (*os.File, error) {
	return os.OpenFile(lockFileName(target), os.O_RDWR|os.O_CREATE, 0o600)
}

// lock takes the lock, waiting if block is set; else it returns errLocked when
// another has it. Closing the file gives it back.
func lock(f *os.File, block bool) error {
	var flags uint32 = windows.LOCKFILE_EXCLUSIVE_LOCK
	if !block {
		flags |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
