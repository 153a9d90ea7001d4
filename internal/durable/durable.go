// Package durable is the only package that creates, writes or renames files.
//
// What it writes is there as a whole or not at all: a new file is written beside
// the old one, flushed to the disk, put in its place in one step, and the
// folder is flushed before the call returns. A crash or a power cut at any
// moment leaves the old content or the new one.
//
// [Update] is the way to change a file that other processes change too: under a
// lock it reads, changes and writes.
//
// What it does not promise: a program that does not take the lock (an editor,
// git) can write between our reading and our writing. Update notices that up to
// the moment of the last step, and then refuses.
package durable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// WriteFile puts data in place of the file's content, or makes the file. It
// returns nil when the data is on the disk. A new file has the mode perm less
// the umask; an existing one keeps its mode, less what perm does not allow. A
// symbolic link is followed, and stays. Folders that are missing are made.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	target, err := resolve(name)
	if err != nil {
		return err
	}
	return replace(target, data, perm, nil)
}

// Update changes the file under its lock (see [Lock]): change gets the content,
// nil when there is no file, and returns the new one, or nil to leave all as it
// is. It writes as [WriteFile] does. A content of more than limit bytes is
// refused. A file that another program changed meanwhile gives an error of kind
// Conflict. Leftovers of writers that were killed are removed.
func Update(ctx context.Context, name string, perm fs.FileMode, limit int64, change func(old []byte) ([]byte, error)) error {
	target, err := resolve(name)
	if err != nil {
		return err
	}
	if err := makeDirs(filepath.Dir(target)); err != nil {
		return err
	}
	unlock, err := Lock(ctx, target)
	if err != nil {
		return err
	}
	defer unlock()
	sweep(target)
	old, before, err := read(target, limit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := change(old)
	if err != nil || data == nil {
		return err
	}
	if int64(len(data)) > limit {
		return errs.New(errs.Invalid, "write %s: it would have %d bytes, and %d are the limit", target, len(data), limit)
	}
	return replace(target, data, perm, func() error {
		now, err := os.Stat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist) && before == nil:
			return nil
		case err == nil && before != nil && os.SameFile(before, now) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime()):
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
		return errs.New(errs.Conflict, "another program changed it in the meantime").
			WithHint("look at the file and try again; nothing was written")
	})
}

// PrivateDir makes the folder, for the user alone. One that exists stays as it
// is, since it may be for more than us; it is refused when it belongs to another
// user, or when others may put files in it. A relative name is refused.
func PrivateDir(name string) error {
	if !filepath.IsAbs(name) {
		return errs.New(errs.Config, "folder %q: the name is not absolute", name).WithHint("set HOME or SKRET_HOME to a full path")
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return fmt.Errorf("make a private folder: %w", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return checkDir(name, info)
}

// maxLinks bounds the chain of symbolic links that is followed.
const maxLinks = 16

// resolve follows the links that name is, so that the file itself is replaced
// and not a link to it.
func resolve(name string) (string, error) {
	target := name
	for range maxLinks {
		info, err := os.Lstat(target)
		if errors.Is(err, fs.ErrNotExist) {
			return target, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return target, nil
		}
		next, err := os.Readlink(target)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(next) {
			// Not Join: it takes .. for the folder in the text above, where the system
			// goes up from where a link has led.
			next = filepath.Dir(target) + string(filepath.Separator) + next
		}
		dir, base := filepath.Split(next)
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			return "", fmt.Errorf("%s is a link to what is not there: %w", name, err)
		}
		target = filepath.Join(dir, base)
	}
	return "", errs.New(errs.Unclassified, "%s: too many symbolic links", name)
}

// makeDirs makes the folder and what is missing above it.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// replace writes data beside target and puts it in its place, unless check,
// asked at the last moment, objects.
func replace(target string, data []byte, perm fs.FileMode, check func() error) (err error) {
	dir := filepath.Dir(target)
	if err := makeDirs(dir); err != nil {
		return err
	}
	temp := tempPrefix(target) + rand.Text() + tempSuffix
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, perm)
	if err != nil {
		return fmt.Errorf("write %s: %w", target, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(temp)
			err = fmt.Errorf("write %s: %w", target, err)
		}
	}()
	if old, serr := os.Stat(target); serr == nil {
		if !old.Mode().IsRegular() {
			return notRegular(target)
		}
		if err := adopt(f, old, perm); err != nil {
			return err
		}
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // on macOS this is F_FULLFSYNC
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, target); err != nil {
		return err
	}
	return syncDir(dir)
}

const tempSuffix = ".skret-tmp"

// tempPrefix is how the names of target's temporary files begin.
func tempPrefix(target string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".")
}

// sweep removes target's temporary files. Whoever holds the lock is the only one
// to have some, so these were left by a process that was killed.
func sweep(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return // it is no more than housekeeping
	}
	prefix := filepath.Base(tempPrefix(target))
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		random, is := strings.CutSuffix(rest, tempSuffix)
		if !ok || !is || strings.Contains(random, ".") { // a dot: of a file whose name begins like ours
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && ours(info) {
			_ = os.Remove(filepath.Join(filepath.Dir(target), e.Name()))
		}
	}
}
