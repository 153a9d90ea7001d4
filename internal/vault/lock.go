package vault

import (
	"context"
	"path/filepath"

	"github.com/skret/skret/internal/durable"
)

// Lock takes the lock of a sign-in, so that one process alone renews it. Each has
// one of its own: it excludes no reader and no writer of the file. It is given
// back by unlock, or by the kernel when the process ends. It waits until ctx
// ends, and [durable.LockWait] at most.
func (v *Vault) Lock(ctx context.Context, service, name string) (unlock func(), err error) {
	file, err := v.lockFile(service, name)
	if err != nil {
		return nil, err
	}
	return durable.Lock(ctx, file)
}

// TryLock is Lock without waiting: when another process has the lock, unlock is
// nil, and holder names that process, as in "process 4711".
func (v *Vault) TryLock(service, name string) (unlock func(), holder string, err error) {
	file, err := v.lockFile(service, name)
	if err != nil {
		return nil, "", err
	}
	return durable.TryLock(file)
}

// lockFile returns a file name in the sign-in's folder, which is what is locked.
// The folder stays: to remove it would let two processes lock two of them.
func (v *Vault) lockFile(service, name string) (string, error) {
	if err := checkNames(service, name); err != nil {
		return "", err
	}
	file, err := v.file()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(file), "locks", service+"+"+name)
	for _, d := range []string{filepath.Dir(file), dir} {
		if err := durable.PrivateDir(d); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "lock"), nil
}
