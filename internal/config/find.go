package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// Name is the name of a configuration file, and OverlayName that of the file
// beside it with what is the user's own.
const (
	Name        = ".skret.yaml"
	OverlayName = ".skret.local.yaml"
)

// find returns the nearest configuration from dir upward, or "". It looks last
// in the root of the repository that dir is in, which is where a .git is, or in
// the user's home, and in none above those.
func find(dir, home string) (string, error) {
	var homeInfo fs.FileInfo
	if filepath.IsAbs(home) {
		homeInfo, _ = os.Stat(home)
	}
	for {
		name := filepath.Join(dir, Name)
		if found, err := exists(name); found || err != nil {
			return name, err
		}
		if repo, err := exists(filepath.Join(dir, ".git")); repo || err != nil {
			return "", err
		}
		if info, err := os.Stat(dir); err == nil && homeInfo != nil && os.SameFile(info, homeInfo) {
			return "", nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

func exists(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, errs.New(errs.Config, "look for %s: %w", Name, err)
	}
	return true, nil
}

// read returns the content of a configuration. One that was found, and not
// named by the user, must be the user's or root's: in a folder that others may
// write to, theirs could send secrets elsewhere.
func read(name string, found bool) ([]byte, error) {
	load := durable.ReadFile
	if found {
		load = durable.ReadOwn
	}
	data, err := load(name, maxSize)
	switch {
	case errors.Is(err, durable.ErrForeign):
		return nil, errs.New(errs.Config, "configuration %w", err).
			WithHint("if you trust what is in it, name it: --config %s", name)
	case errors.Is(err, fs.ErrNotExist):
		return nil, errs.New(errs.Config, "configuration %s: there is no such file", name)
	case err != nil:
		return nil, errs.New(errs.Config, "read the configuration: %w", err)
	}
	return data, nil
}

// inside checks that rel, a path within root, does not lead out of it by a
// symbolic link. What is not there yet leads nowhere.
func inside(root, rel string) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	_, err = dir.Stat(rel)
	if pe, ok := errors.AsType[*fs.PathError](err); ok && !isErrno(pe.Err) {
		return pe.Err
	}
	return nil // what the system says of the file, who opens it will hear
}

func isErrno(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}
