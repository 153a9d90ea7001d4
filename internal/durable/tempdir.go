package durable

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// TempDir makes a new folder in parent, for the user alone, whose name begins
// with prefix.
func TempDir(parent, prefix string) (string, error) {
	name := filepath.Join(parent, prefix+rand.Text())
	if err := os.Mkdir(name, 0o700); err != nil {
		return "", fmt.Errorf("make a private folder: %w", err)
	}
	return name, nil
}

// TempDirs returns the folders in parent that [TempDir] made for this user with
// prefix, and which are still there.
func TempDirs(parent, prefix string) (names []string) {
	entries, _ := os.ReadDir(parent) // none, if it cannot be read
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.IsDir() && ours(info) && private(info) {
			names = append(names, filepath.Join(parent, e.Name()))
		}
	}
	return names
}

// RemoveDir removes the folder and all that is in it. That there is none is no
// error.
func RemoveDir(name string) error {
	if err := os.RemoveAll(name); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}

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
