package durable

import (
	"os"
	"path/filepath"
)

// CreateFile makes a file, for the user alone, that must not exist yet: an error
// that is fs.ErrExist says that it does. It returns nil when the file is on the
// disk; after an error there is none.
func CreateFile(name string, data []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(name)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}
