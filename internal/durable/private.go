package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skret/skret/internal/errs"
)

// HideDir takes a folder from others who may read it: hidden is true then. It
// refuses the folders that [PrivateDir] refuses.
func HideDir(name string) (hidden bool, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return false, err
	}
	if err := checkDir(name, info); err != nil || private(info) {
		return false, err
	}
	if err := os.Chmod(name, info.Mode().Perm()&0o700); err != nil {
		return false, err
	}
	return true, nil
}

// checkDir refuses a folder that is another user's, or that others may put files
// in.
func checkDir(name string, info fs.FileInfo) error {
	if !ours(info) {
		return errs.New(errs.Unclassified, "folder %s belongs to another user", name)
	}
	if othersWrite(info) {
		return errs.New(errs.Unclassified, "others may put files into the folder %s", name).
			WithHint("end that with chmod go-w %s, or choose another folder by SKRET_HOME", name)
	}
	return nil
}

// ReadGiven is [ReadPrivate] for a file that was named by the user. One that is
// open to others and is not taken from them, since secret does not know its
// content, is refused. One that root gives is taken if nobody may write to it
// and those who are neither its owner nor in its group may not read it: systemd
// hands out credentials so, with an access list that shows as the group's rights.
func ReadGiven(name string, limit int64, secret func([]byte) bool) (data []byte, repaired bool, err error) {
	if info, err := os.Lstat(name); err == nil && !ours(info) && givenByRoot(byRoot(info), info.Mode()) {
		f, info, err := open(name, noFollow)
		if err != nil {
			return nil, false, err
		}
		defer func() { _ = f.Close() }()
		if !givenByRoot(byRoot(info), info.Mode()) {
			return nil, false, errs.New(errs.Unclassified, "%s changes while it is read", name)
		}
		data, err = readAll(f, info, limit)
		return data, false, err
	}
	exposed := false
	data, repaired, err = ReadPrivate(name, limit, func(b []byte) bool {
		exposed = true
		return secret(b)
	})
	if err == nil && exposed && !repaired {
		return nil, false, errs.New(errs.Unclassified, "%s may be read by others", name).WithHint("chmod 600 %s", name)
	}
	return data, repaired, err
}

// givenByRoot tells whether a file with this owner and mode is one that root
// made for us alone.
func givenByRoot(root bool, m fs.FileMode) bool { return root && m.IsRegular() && m.Perm()&0o027 == 0 }

// Remove removes the file, and returns nil when that is on the disk. That there
// is none is no error.
func Remove(name string) error {
	if err := os.Remove(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("remove: %w", err)
	}
	return syncDir(filepath.Dir(name))
}
