package run

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Files are those in which a command gets secrets: the values that are not to be
// in its environment, in a folder of their own, and one with all of them where
// the user wants it. They are there as long as the command.
//
// The folder is locked as long as we live. One that is not was left by a skret
// that was killed: [Sweep] removes it, and what its record says to be of it.
type Files struct {
	dir    string
	memory bool
	unlock func()
	mount  *mount
}

// mount is a file outside of the folder.
type mount struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"` // zero while it is being made
}

const (
	dirPrefix  = "skret-run-"
	recordName = "record.json" // no variable has such a name
	maxRecord  = 64 << 10
)

// Parents are the folders in which files for a command may be, the best first:
// what the system gives the user for such, memory that looks like a folder, and
// the folder for temporary files, which is on a disk.
func Parents(runtimeDir, temp string) []string {
	parents := []string{"/dev/shm", temp}
	if filepath.IsAbs(runtimeDir) {
		parents = slices.Insert(parents, 0, runtimeDir)
	}
	return parents
}

// NewFiles makes the folder in the first of parents that takes it; the last of
// them is the one on a disk.
func NewFiles(ctx context.Context, parents []string) (*Files, error) {
	var dir string
	var err error
	for _, parent := range parents {
		if dir, err = durable.TempDir(parent, dirPrefix); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	f := &Files{dir: dir, memory: filepath.Dir(dir) != filepath.Clean(parents[len(parents)-1])}
	if f.unlock, err = durable.Lock(ctx, f.path(recordName)); err != nil {
		return nil, errors.Join(err, durable.RemoveDir(dir))
	}
	if err := f.record(); err != nil {
		return nil, errors.Join(err, f.Remove())
	}
	return f, nil
}

// Dir returns the folder.
func (f *Files) Dir() string { return f.dir }

// InMemory tells whether what is in the folder is on no disk.
func (f *Files) InMemory() bool { return f.memory }

func (f *Files) path(name string) string { return filepath.Join(f.dir, name) }

// Write writes the variables that are to be files, in place of those of before,
// and returns the set in which their values are paths.
func (f *Files) Write(set secret.Set) (secret.Set, error) {
	set = slices.Clone(set)
	now := map[string]bool{recordName: true}
	for i, v := range set {
		if !v.File {
			continue
		}
		now[v.Name] = true
		if err := durable.WriteFile(f.path(v.Name), []byte(v.Value.Reveal()), 0o600); err != nil {
			return nil, err
		}
		set[i].Value, set[i].File = secret.NewValue(f.path(v.Name)), false
	}
	entries, err := os.ReadDir(f.dir)
	for _, e := range entries {
		if !now[e.Name()] && e.Name()[0] != '.' { // a lock, where folders have none
			err = errors.Join(err, durable.Remove(f.path(e.Name())))
		}
	}
	return set, err
}

// Mount puts text into the file at path, which must not exist unless an earlier
// call has made it.
func (f *Files) Mount(path string, text []byte) error {
	if f.mount != nil {
		if !f.mount.there() {
			return errs.New(errs.Conflict, "%s was changed by another program", path).WithHint("skret leaves it as it is")
		}
		if err := durable.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		return f.made()
	}
	if _, err := os.Lstat(path); err == nil {
		return taken(path)
	}
	f.mount = &mount{Path: path}
	if err := f.record(); err != nil {
		return err
	}
	if err := durable.CreateFile(path, text); err != nil {
		f.mount = nil
		if errors.Is(err, fs.ErrExist) {
			return taken(path)
		}
		return err
	}
	return f.made()
}

func taken(path string) error {
	return errs.New(errs.Conflict, "--mount: %s exists, and would be lost", path).WithHint("remove it, or name another")
}

// made records what the file is that was written.
func (f *Files) made() error {
	info, err := os.Lstat(f.mount.Path)
	if err != nil {
		return err
	}
	f.mount.Size, f.mount.Modified = info.Size(), info.ModTime()
	return f.record()
}

// there tells whether the file is still the one that we made, as far as can be
// told.
func (m *mount) there() bool {
	info, err := os.Lstat(m.Path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	return m.Modified.IsZero() && info.Mode().Perm() == 0o600 || info.Size() == m.Size && info.ModTime().Equal(m.Modified)
}

// record writes down what Sweep is to know.
func (f *Files) record() error {
	text, err := json.Marshal(f.mount)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(recordName), text, 0o600)
}

// Remove removes the files, whatever the command has made of them.
func (f *Files) Remove() error {
	var err error
	if f.mount != nil {
		err = durable.Remove(f.mount.Path)
	}
	f.unlock()
	return errors.Join(err, durable.RemoveDir(f.dir))
}

// Sweep removes what a skret that was killed has left in these folders; in the
// last, which may be large, only where there is no other. What a living one has
// there stays. Of a file outside it removes what nobody has changed since.
func Sweep(parents []string) {
	memory := false
	for i, parent := range parents {
		if _, err := os.Stat(parent); err != nil || memory && i == len(parents)-1 {
			continue
		}
		memory = true
		for _, dir := range durable.TempDirs(parent, dirPrefix) {
			sweep(dir)
		}
	}
}

func sweep(dir string) {
	record := filepath.Join(dir, recordName)
	unlock, _, err := durable.TryLock(record)
	if err != nil || unlock == nil {
		return
	}
	defer unlock()
	text, err := durable.ReadFile(record, maxRecord)
	if err != nil {
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute {
			return // it is being made
		}
	}
	var left *mount
	if json.Unmarshal(text, &left) == nil && left != nil && left.there() {
		_ = durable.Remove(left.Path) // what cannot be removed now, can the next time
	}
	unlock()
	_ = durable.RemoveDir(dir)
}
