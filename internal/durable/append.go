package durable

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Append adds data to the end of the file, or makes the file, and returns nil
// when that is on the disk. Unlike a write in place of the file, it may leave a
// part of data at a crash: readers must be able to tell a whole entry from half
// of one. So may an error. A symbolic link is refused, and what is no regular
// file.
func Append(name string, data []byte, perm fs.FileMode) (err error) {
	_, serr := os.Lstat(name)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|noFollow|nonBlock, perm)
	if err != nil {
		return fmt.Errorf("append to %s: %w", name, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			err = fmt.Errorf("append to %s: %w", name, err)
		}
	}()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return cmp.Or(err, notRegular(name))
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if serr != nil { // it is new
		return syncDir(filepath.Dir(name))
	}
	return nil
}
