package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// FileName is the name of the configuration file.
const FileName = ".skret.yaml"

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// find returns the .skret.yaml for dir, or "": the first on the way up. The
// folder that holds a repository (.git) and the user's home are the last to be
// looked in.
func find(dir, home string) (string, error) {
	for {
		file := filepath.Join(dir, FileName)
		if _, err := os.Lstat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", errs.New(errs.Config, "look for the configuration: %w", err).WithHint("name it with --config FILE")
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || dir == home {
			return "", nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", nil
		}
		dir = up
	}
}

// read reads and parses the configuration. One that was found by its place
// alone must not belong to another user: whoever may write a folder above ours
// could otherwise choose what our commands get.
func read(file string, explicit bool) (*parsed, error) {
	load := durable.ReadOwn
	if explicit {
		load = durable.ReadFile
	}
	data, err := load(file, maxFile)
	switch {
	case errors.Is(err, durable.ErrForeign):
		return nil, errs.New(errs.Config, "%w", err).WithHint("if you trust it, name it with --config %s", file)
	case explicit && errors.Is(err, fs.ErrNotExist):
		return nil, errs.New(errs.Config, "configuration %s does not exist", file)
	case err != nil:
		return nil, errs.New(errs.Config, "read the configuration: %w", err)
	}
	return parse(file, data)
}

// inside returns the absolute path of name, which a configuration in root
// wrote: it must be relative and stay below root, whatever links are on the
// way, since a repository's configuration may not touch other files.
func inside(root, name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", errors.New("it must be inside the project's folder")
	}
	abs := filepath.Join(root, name)
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	// What does not exist yet has no links; what exists above it may.
	for at := abs; at != root && len(at) > len(root); at = filepath.Dir(at) {
		target, err := filepath.EvalSymlinks(at)
		if errors.Is(err, fs.ErrNotExist) {
			if _, lerr := os.Lstat(at); lerr != nil {
				continue
			}
			return "", errors.New("it is a link to nothing")
		}
		if err != nil {
			return "", err
		}
		if rel, err := filepath.Rel(realRoot, target); err != nil || !filepath.IsLocal(rel) {
			return "", errors.New("a link leads out of the project's folder")
		}
		break
	}
	return abs, nil
}
