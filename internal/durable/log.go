package durable

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Log adds a line to a log of the user's own, by one write, so that the lines of
// processes that write at once stay whole. It is not flushed to the disk: a power
// cut may take the last lines, and a command does not wait for the disk.
//
// A log of more than limit bytes is put aside, as NAME.1.EXT, and those before it
// become older: keep of them stay. A half line that a full disk left is ended
// before the next one. A symbolic link and somebody else's file are refused.
func Log(name string, line []byte, limit int64, keep int) (err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE|noFollow|nonBlock, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular():
		return cmp.Or(err, notRegular(name))
	case !ours(info):
		return fmt.Errorf("%s: %w", name, ErrForeign)
	case !private(info):
		if err := f.Chmod(0o600); err != nil {
			return err
		}
	}
	if last := [1]byte{'\n'}; info.Size() > 0 {
		if _, err := f.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	if _, err := f.Write(line); err != nil {
		return err
	}
	if info.Size()+int64(len(line)) > limit {
		return putAside(name, limit, keep)
	}
	return nil
}

// LogFiles are the names that a log may have files under, the oldest first.
func LogFiles(name string, keep int) []string {
	var names []string
	for i := keep; i > 0; i-- {
		names = append(names, older(name, i))
	}
	return append(names, name)
}

func older(name string, i int) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + strconv.Itoa(i) + ext
}

// putAside makes room for a new log, unless another process does that just now
// or has done it.
func putAside(name string, limit int64, keep int) error {
	unlock, _, err := TryLock(name)
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	if info, err := os.Stat(name); err != nil || info.Size() <= limit {
		return nil //nolint:nilerr // it is not there any more: somebody was faster
	}
	names := LogFiles(name, keep)
	for i, to := range names[:keep] {
		if err := os.Rename(names[i+1], to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
