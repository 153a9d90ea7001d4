package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/skret/skret/internal/errs"
)

// ReadFile returns the content of a regular file of at most limit bytes. It
// never waits: a pipe, a device and a folder are refused. A file that is not
// there gives an error that is fs.ErrNotExist.
func ReadFile(name string, limit int64) ([]byte, error) {
	data, _, err := read(name, limit)
	return data, err
}

// ReadPrivate is ReadFile for a file that only its owner may use: it refuses a
// symbolic link and a file of another user. When others may use the file, and
// secret says that its content is what nobody else may see, it takes that from
// them and says so: repaired is true. What was readable before may have been
// read. Any other file is left as it is: it was named by mistake.
func ReadPrivate(name string, limit int64, secret func([]byte) bool) (data []byte, repaired bool, err error) {
	if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, false, errs.New(errs.Unclassified, "%s is a symbolic link, and a private file may not be one", name)
	}
	f, info, err := open(name, noFollow)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	if !ours(info) {
		return nil, false, errs.New(errs.Unclassified, "%s belongs to another user", name)
	}
	data, err = readAll(f, info, limit)
	if err != nil || private(info) || !secret(data) {
		return data, false, err
	}
	if err := f.Chmod(info.Mode().Perm() & 0o700); err != nil {
		return nil, false, fmt.Errorf("%s is open to others: %w", name, err)
	}
	return data, true, nil
}

// read returns the file's content and what is known of it.
func read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, info, err := open(name, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := readAll(f, info, limit)
	return data, info, err
}

// open opens a regular file without waiting. It judges the file that it has
// opened, not the one that the name may mean a moment later.
func open(name string, flags int) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|nonBlock|flags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(name)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// readAll reads f to its end, also when that moves while we read.
func readAll(f *os.File, info fs.FileInfo, limit int64) ([]byte, error) {
	if info.Size() > limit {
		return nil, tooLarge(f.Name(), limit)
	}
	data := make([]byte, 0, info.Size()+1) // one more, to meet the end in the same buffer
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case int64(len(data)) > limit:
			return nil, tooLarge(f.Name(), limit)
		}
		data = slices.Grow(data, 1)
	}
}

func tooLarge(name string, limit int64) error {
	return errs.New(errs.Invalid, "%s is larger than %d bytes", name, limit)
}

func notRegular(name string) error {
	return errs.New(errs.Unclassified, "%s is not a regular file", name)
}

// ReadOwn is ReadFile for a file whose content we act on because of where it
// lies: one that belongs to somebody else, neither us nor root, is refused with
// an error that is [ErrForeign], and so is somebody else's link to ours.
func ReadOwn(name string, limit int64) ([]byte, error) {
	link, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	f, info, err := open(name, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for _, i := range []fs.FileInfo{link, info} {
		if !ours(i) && !byRoot(i) {
			return nil, fmt.Errorf("%s: %w", name, ErrForeign)
		}
	}
	return readAll(f, info, limit)
}

// ErrForeign is the error of [ReadOwn] for another user's file.
var ErrForeign = errors.New("it belongs to another user")
