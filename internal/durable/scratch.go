package durable

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Scratch is a folder of ours alone, for text that must not stay: while a
// program of the user's works on it, it is in a file. It is in memory where the
// system has such a place. What is in it is written by Write, or in one step by
// [WriteFile]. Its lock ends with the process, which is how
// [SweepScratch] knows what was left by one that was killed.
type Scratch struct {
	Dir      string
	InMemory bool // not on a disk; it may still be swapped out

	held *os.File
}

// keptPrefix is how the names of folders begin that the user has been told of.
const keptPrefix = "skret-kept-"

// scratchPrefix is how those begin that are in use.
func scratchPrefix(kind string) string { return "skret-" + kind + "-" }

// scratchBases are the folders that one may be made in, the best first: runtime
// (what the system gives the user for such, "" if it does not) and the one that
// all users have, if they are in memory, and that of temporary files.
func scratchBases(runtime string) []string {
	bases := slices.DeleteFunc([]string{runtime, sharedMemory}, func(dir string) bool { return !filepath.IsAbs(dir) || !inMemory(dir) })
	temp := os.TempDir()
	if abs, err := filepath.Abs(temp); err == nil {
		temp = abs
	}
	return append(bases, temp)
}

// NewScratch makes a folder for one kind of text, a word that names it. See
// [SweepScratch] for what is to be done before.
func NewScratch(kind, runtime string) (*Scratch, error) {
	var probs []error
	for _, base := range scratchBases(runtime) {
		s, err := scratchIn(base, kind)
		if err == nil {
			return s, nil
		}
		probs = append(probs, err)
	}
	return nil, fmt.Errorf("make a folder for a temporary file: %w", errors.Join(probs...))
}

// SweepScratch wipes the folders of that kind that no process holds any more. left is
// shown each before, while we hold it. Where temporary files are it looks only if
// everywhere is set, or there is no other place: that folder may be large.
func SweepScratch(kind, runtime string, everywhere bool, left func(dir string)) {
	bases := scratchBases(runtime)
	if !everywhere && len(bases) > 1 {
		bases = bases[:len(bases)-1]
	}
	for _, base := range bases {
		for _, name := range names(base) {
			if !strings.HasPrefix(name, scratchPrefix(kind)) {
				continue
			}
			dir := filepath.Join(base, name)
			info, err := os.Lstat(dir)
			if err != nil || !info.IsDir() || !ours(info) || !private(info) {
				continue
			}
			f, err := hold(dir)
			if err != nil {
				continue // somebody's, or gone
			}
			left(dir)
			_ = (&Scratch{Dir: dir, held: f}).Wipe()
		}
	}
}

// names are those of what is in a folder, in any order, since one of temporary
// files may be large; none if it cannot be read.
func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = d.Close() }()
	all, _ := d.Readdirnames(-1)
	return all
}

func scratchIn(base, kind string) (*Scratch, error) {
	for {
		dir := filepath.Join(base, scratchPrefix(kind)+rand.Text())
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		f, err := hold(dir)
		switch {
		case err == nil:
			return &Scratch{Dir: dir, InMemory: inMemory(dir), held: f}, nil
		case !errors.Is(err, errLocked) && !errors.Is(err, fs.ErrNotExist): // else it was taken for a leftover, just now
			_ = os.Remove(dir)
			return nil, err
		}
	}
}

// hold takes the lock of a folder that is there.
func hold(dir string) (*os.File, error) {
	f, busy, err := tryLock(filepath.Join(dir, "x"))
	if err != nil {
		return nil, err
	}
	if err = errLocked; !busy {
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
	err := os.RemoveAll(s.Dir) // while it is held: nobody else takes what is going
	_ = s.held.Close()
	if err != nil { // where the lock is a file in it that cannot go while it is open
		err = os.RemoveAll(s.Dir)
	}
	if err != nil {
		return errs.New(errs.Unclassified, "remove a temporary folder: %w", err).WithHint("remove it by hand: %s", s.Dir)
	}
	return nil
}

// Keep leaves the folder to the user and returns where it is: nothing removes it
// any more.
func (s *Scratch) Keep() (dir string, err error) {
	_ = s.held.Close()
	base, name := filepath.Split(s.Dir)
	dir = filepath.Join(base, keptPrefix+name[strings.LastIndexByte(name, '-')+1:])
	if err := os.Rename(s.Dir, dir); err != nil {
		return s.Dir, fmt.Errorf("keep %s: %w", s.Dir, err)
	}
	return dir, nil
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
