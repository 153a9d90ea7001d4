package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/skret/skret/internal/errs"
)

// LockWait is how long [Lock] waits when the context sets no earlier end.
const LockWait = 10 * time.Second

// Lock takes the lock of the named file and returns the function that gives it
// back. Processes and goroutines that lock exclude each other. The lock ends
// with the process, whatever ends it.
//
// On Unix it is an flock of the folder that the file is in, so that nothing is
// left beside a file that is under version control; all files of one folder
// share it, and it must not be taken twice. Where a folder cannot be locked (NFS
// as Linux has it) and on Windows it is a lock on a file of its own beside the
// file, which stays.
//
// It waits until ctx ends, and [LockWait] at most.
func Lock(ctx context.Context, name string) (unlock func(), err error) {
	target, err := resolve(name)
	if err != nil {
		return nil, err
	}
	f, busy, err := tryLock(target)
	switch {
	case err != nil:
		return nil, err
	case busy:
		return wait(ctx, target, f)
	}
	return release(f), nil
}

// TryLock is [Lock] without waiting: when another has the lock, unlock is nil and
// by names the process that has it, as far as the system tells.
func TryLock(name string) (unlock func(), by string, err error) {
	target, err := resolve(name)
	if err != nil {
		return nil, "", err
	}
	f, busy, err := tryLock(target)
	switch {
	case err != nil:
		return nil, "", err
	case busy:
		defer func() { _ = f.Close() }()
		return nil, holder(f), nil
	}
	return release(f), "", nil
}

// tryLock opens what is locked for target, and locks it unless that is busy.
func tryLock(target string) (f *os.File, busy bool, err error) {
	f, err = openLock(target)
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", target, err)
	}
	err = lock(f, false)
	if err != nil && errors.Is(err, errNoDirLock) {
		_ = f.Close()
		if f, err = openLockFile(target); err != nil {
			return nil, false, fmt.Errorf("lock %s: %w", target, err)
		}
		err = lock(f, false)
	}
	switch {
	case err == nil:
		return f, false, nil
	case errors.Is(err, errLocked):
		return f, true, nil
	}
	_ = f.Close()
	if errors.Is(err, errNoLocks) {
		return nil, false, errs.New(errs.Unclassified, "lock %s: the file system has no locks: %w", target, err).
			WithHint("on NFS, start the lock service, or move the file to a local disk")
	}
	return nil, false, fmt.Errorf("lock %s: %w", target, err)
}

// wait waits for the lock. When it gives up, the lock call itself cannot be
// taken back: it goes on, and what it gets is given back at once.
func wait(ctx context.Context, target string, f *os.File) (unlock func(), err error) {
	got := make(chan error, 1)
	go func() {
		got <- lock(f, true)
		close(got)
	}()
	timer := time.NewTimer(LockWait)
	defer timer.Stop()
	select {
	case err := <-got:
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", target, err)
		}
		return release(f), nil
	case <-ctx.Done():
		err = fmt.Errorf("lock %s: held by %s: %w", target, holder(f), ctx.Err())
	case <-timer.C:
		err = errs.New(errs.Unclassified, "lock %s: held by %s for %s", target, holder(f), LockWait).
			WithHint("wait for that process to end, or end it, and try again")
	}
	go func() {
		for range got { // whatever comes of it
		}
		_ = f.Close()
	}()
	return nil, err
}

// release returns the function that gives the lock back: closing does.
func release(f *os.File) func() { return func() { _ = f.Close() } }

// lockFileName is the file that is locked where a folder cannot be.
func lockFileName(target string) string { return tempPrefix(target) + "skret-lock" }
