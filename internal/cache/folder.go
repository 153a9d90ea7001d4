package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/durable"
)

// Folder is where sets are kept, by its absolute name: a folder of the user's
// alone, that nothing else is in.
type Folder string

const (
	suffix = ".sealed"
	maxSet = 64 << 20

	// Another text is in this file after each write through a store. Whoever reads
	// a list remembers what it was before.
	writesName = "writes"
)

func (f Folder) file(name string) string { return filepath.Join(string(f), name) }

// there tells whether the folder exists. Where it does not, nothing was ever kept.
func (f Folder) there() bool {
	_, err := os.Stat(string(f))
	return err == nil
}

// lock takes the lock of the folder.
func (f Folder) lock(ctx context.Context) (unlock func(), err error) {
	return durable.Lock(ctx, f.file(writesName))
}

// begin makes the folder and returns what put is to be told of it.
func (f Folder) begin() (before string, err error) {
	if err := durable.PrivateDir(string(f)); err != nil {
		return "", err
	}
	if _, err := durable.HideDir(string(f)); err != nil {
		return "", err
	}
	return f.written()
}

// written tells which write was the last.
func (f Folder) written() (string, error) {
	data, err := durable.ReadFile(f.file(writesName), 1<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// put keeps a set, unless there was a write since before was returned, and removes
// those whose time is over.
func (f Folder) put(ctx context.Context, name string, data []byte, before string, now time.Time) error {
	return durable.Update(ctx, f.file(name+suffix), 0o600, maxSet, func([]byte) ([]byte, error) {
		if written, err := f.written(); err != nil || written != before {
			return nil, err
		}
		_, err := f.remove(func(i Info) bool { return !i.Damaged && i.Until.Before(now) })
		return data, err
	})
}

// get returns a file; errNone says that there is none.
func (f Folder) get(name string) (data []byte, repaired bool, err error) {
	data, repaired, err = durable.ReadPrivate(f.file(name+suffix), maxSet, isSet)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, errNone
	}
	if err == nil {
		hidden, herr := durable.HideDir(string(f))
		repaired, err = repaired || hidden, herr
	}
	return data, repaired, err
}

// List returns what is known of all sets without their key, the newest first.
func (f Folder) List() ([]Info, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Info
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		data, err := durable.ReadFile(f.file(e.Name()), maxSet)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was dropped meanwhile
		}
		info, _, _, perr := parseInfo(data)
		info.Damaged = cmp.Or(err, perr) != nil
		info.File, info.Bytes = f.file(e.Name()), int64(len(data))
		all = append(all, info)
	}
	slices.SortStableFunc(all, func(a, b Info) int { return b.Kept.Compare(a.Kept) })
	return all, nil
}

// Drop removes the sets that which chooses, and tells how many. What is being read
// just now is not kept.
func (f Folder) Drop(ctx context.Context, which func(Info) bool) (n int, err error) {
	if !f.there() {
		return 0, nil
	}
	err = durable.Update(ctx, f.file(writesName), 0o600, 1<<10, func([]byte) ([]byte, error) {
		n, err = f.remove(which)
		return []byte(rand.Text()), err
	})
	return n, err
}

// remove removes sets. The caller has the lock.
func (f Folder) remove(which func(Info) bool) (n int, err error) {
	all, err := f.List()
	if err != nil {
		return 0, err
	}
	for _, i := range all {
		if !which(i) {
			continue
		}
		if err := durable.Remove(i.File); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
