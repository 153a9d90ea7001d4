package run

import (
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
// What a skret that was killed has left of them, [Sweep] removes.
type Files struct {
	scratch *durable.Scratch
	mount   *mount
}

// mount is a file outside of the folder; a record in it tells Sweep of it.
type mount struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"` // zero while it is being made
}

const (
	scratchKind = "run"
	recordName  = "record.json" // no variable has such a name
	maxRecord   = 64 << 10
)

// NewFiles makes the folder: in memory, in runtimeDir (what the system gives the
// user for such, "" if it does not) or where all users may, or else on the disk.
func NewFiles(runtimeDir string) (*Files, error) {
	scratch, err := durable.NewScratch(scratchKind, runtimeDir)
	if err != nil {
		return nil, err
	}
	return &Files{scratch: scratch}, nil
}

// Dir returns the folder.
func (f *Files) Dir() string { return f.scratch.Dir }

// InMemory tells whether what is in the folder is on no disk.
func (f *Files) InMemory() bool { return f.scratch.InMemory }

func (f *Files) path(name string) string { return filepath.Join(f.scratch.Dir, name) }

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
		if err := f.write(v.Name, []byte(v.Value.Reveal())); err != nil {
			return nil, err
		}
		set[i].Value, set[i].File = secret.NewValue(f.path(v.Name)), false
	}
	entries, err := os.ReadDir(f.scratch.Dir)
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
		return errs.New(errs.KindOf(err), "--mount: %w", err).WithHint("name a file in a folder that is there, and yours to write to")
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
	return f.write(recordName, text)
}

// write writes a file in the folder.
func (f *Files) write(name string, data []byte) error {
	if err := durable.WriteFile(f.path(name), data, 0o600); err != nil {
		return errs.New(errs.KindOf(err), "%w", err).
			WithHint("see whether there is room in %s", filepath.Dir(f.scratch.Dir))
	}
	return nil
}

// Remove removes the files, whatever the command has made of them.
func (f *Files) Remove() error {
	var err error
	if f.mount != nil {
		err = durable.Remove(f.mount.Path)
	}
	return errors.Join(err, f.scratch.Wipe())
}

// Sweep removes what a skret that was killed has left: its folder, and of a file
// outside, what nobody has changed since. What a living one has stays. everywhere is
// that of [durable.SweepScratch].
func Sweep(runtimeDir string, everywhere bool) {
	durable.SweepScratch(scratchKind, runtimeDir, everywhere, func(dir string) {
		text, err := durable.ReadFile(filepath.Join(dir, recordName), maxRecord)
		var left mount
		if err == nil && json.Unmarshal(text, &left) == nil && left.there() {
			_ = durable.Remove(left.Path) // what cannot be removed stays
		}
	})
}
