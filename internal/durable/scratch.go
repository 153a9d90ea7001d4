package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Scratch is a folder of ours alone, for text that must not stay: while a
// program of the user's works on it, it is in a file. It is in memory where the
// system has such a place. Its lock ends with the process, which is how the next
// one knows what was left by one that was killed.
type Scratch struct {
	Dir      string
	InMemory bool // not on a disk; it may still be swapped out

	held *os.File
}

// How the names of folders begin: of those that are in use, and of those that
// the user has been told of.
const (
	scratchPrefix = "skret-scratch-"
	keptPrefix    = "skret-kept-"
)

// NewScratch makes a folder, in runtime (the user's own folder in memory, "" if
// there is none), else in the one that the system has for all, else among the
// temporary files. Before that it wipes what processes left there that were
// killed.
func NewScratch(runtime string) (*Scratch, error) {
	temp, err := filepath.Abs(os.TempDir())
	if err != nil {
		return nil, err
	}
	bases := []string{runtime, sharedMemory, temp}
	for _, base := range bases {
		sweepScratch(base)
	}
	var probs []error
	for _, base := range bases {
		memory := inMemory(base)
		if !filepath.IsAbs(base) || !memory && base != temp {
			continue
		}
		s, err := scratchIn(base)
		if err == nil {
			s.InMemory = memory
			return s, nil
		}
		probs = append(probs, err)
	}
	return nil, fmt.Errorf("make a folder for a temporary file: %w", errors.Join(probs...))
}

func scratchIn(base string) (*Scratch, error) {
	for {
		dir := filepath.Join(base, scratchPrefix+rand.Text())
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		f, err := hold(dir)
		switch {
		case err == nil:
			return &Scratch{Dir: dir, held: f}, nil
		case !errors.Is(err, errLocked) && !errors.Is(err, fs.ErrNotExist): // else it was taken for a leftover, just now
			_ = os.Remove(dir)
			return nil, err
		}
	}
}

// hold takes the lock of a folder that is there.
func hold(dir string) (*os.File, error) {
	f, err := openLock(filepath.Join(dir, "x"))
	if err != nil {
		return nil, err
	}
	if err = lock(f, false); err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Write makes the file, for the user alone, or overwrites it.
func (s *Scratch) Write(name string, data []byte) (path string, err error) {
	path = filepath.Join(s.Dir, name)
	if err := wipeFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return path, err
	}
	_, err = f.Write(data)
	return path, errors.Join(err, f.Close())
}

// Read returns what is in the file now, which another program may have put in
// the place of ours.
func (s *Scratch) Read(name string, limit int64) ([]byte, error) {
	data, _, err := ReadPrivate(filepath.Join(s.Dir, name), limit, func([]byte) bool { return true })
	return data, err
}

// Wipe overwrites every file in the folder, whoever made it, and removes all of
// it. On a disk, what was overwritten may be there still.
func (s *Scratch) Wipe() error {
	_ = filepath.WalkDir(s.Dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_ = wipeFile(path) // what cannot be overwritten is removed all the same
		}
		return nil
	})
	_ = s.held.Close()
	if err := os.RemoveAll(s.Dir); err != nil {
		return errs.New(errs.Unclassified, "remove what was edited: %w", err).WithHint("remove it by hand: %s", s.Dir)
	}
	return nil
}

// Keep leaves the folder to the user and returns where it is: nothing removes it
// any more.
func (s *Scratch) Keep() (dir string, err error) {
	_ = s.held.Close()
	dir = filepath.Join(filepath.Dir(s.Dir), keptPrefix+strings.TrimPrefix(filepath.Base(s.Dir), scratchPrefix))
	if err := os.Rename(s.Dir, dir); err != nil {
		return s.Dir, fmt.Errorf("keep %s: %w", s.Dir, err)
	}
	return dir, nil
}

// sweepScratch wipes the folders in base that no process holds any more.
func sweepScratch(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return // it is no more than housekeeping
	}
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		info, err := os.Lstat(dir)
		if !strings.HasPrefix(e.Name(), scratchPrefix) || err != nil || !info.IsDir() || !ours(info) {
			continue
		}
		f, err := hold(dir)
		if err != nil {
			continue // somebody's, or gone
		}
		_ = (&Scratch{Dir: dir, held: f}).Wipe()
	}
}

// wipeFile puts zeros in the place of a file's bytes.
func wipeFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|noFollow|nonBlock, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	zeros := make([]byte, 64<<10)
	for left := info.Size(); left > 0; left -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	return f.Sync()
}
