package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/skret/skret/internal/errs"
)

// Name is the name of a configuration file.
const Name = ".skret.yaml"

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
// named by the user, must belong to the user or to root, as its folder's other
// users could put one there that redirects secrets. For root, run by sudo, the
// user is the one who ran sudo.
func (r *resolver) read(name string, found bool) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, notThere(name, err)
	}
	if !info.Mode().IsRegular() { // a pipe would let us wait when it is opened
		return nil, errs.New(errs.Config, "configuration %s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, notThere(name, err)
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return nil, notThere(name, err)
	}
	if found {
		if err := r.trusted(name, info); err != nil {
			return nil, err
		}
	}
	if info.Size() > maxSize {
		return nil, tooLarge(name)
	}
	data := make([]byte, 0, info.Size()+1) // one more, to meet the end in the same buffer
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, notThere(name, err)
		case len(data) > maxSize:
			return nil, tooLarge(name)
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

func tooLarge(name string) error {
	return errs.New(errs.Config, "configuration %s is larger than 1 MiB", name)
}

func notThere(name string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return errs.New(errs.Config, "configuration %s: %w", name, err)
}

// trusted refuses a file, or a link to it, that belongs to another user.
func (r *resolver) trusted(name string, info fs.FileInfo) error {
	link, err := os.Lstat(name)
	if err != nil {
		return notThere(name, err)
	}
	sudo := -1
	if id, err := strconv.Atoi(r.getenv("SUDO_UID")); err == nil {
		sudo = id
	}
	for _, i := range []fs.FileInfo{info, link} {
		if !ownedByUs(i, sudo) {
			return errs.New(errs.Config, "configuration %s belongs to another user", name).
				WithHint("if you trust what is in it, name it: --config %s", name)
		}
	}
	return nil
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
