package scan

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// hookHead is how a hook begins that we wrote.
const hookHead = `#!/bin/sh
# Written by skret scan --install-hook: what is about to be committed may hold no
# value of a secret. To go without, delete this file.
exec `

// maxHook bounds the hook of somebody else that is read, in bytes.
const maxHook = 1 << 20

// InstallHook has git run `skret scan --staged`, with these flags and this
// configuration, before each commit of the repository that dir is in: by the hook
// pre-commit. A hook that is there and not ours stays as it is, and gives an error of
// kind Conflict unless it has the command already.
func InstallHook(ctx context.Context, dir string, environ []string, config string, flags ...string) (file string, changed bool, err error) {
	s := &Scanner{o: Options{Dir: dir, Environ: environ}}
	repo, err := s.repository(ctx)
	if err != nil {
		return "", false, err
	}
	if config = repo.fromRoot(config); strings.Contains(config, "/") { // else it is found
		flags = append(flags, "--config", config)
	}
	words := []string{"skret", "scan", "--staged"}
	for _, f := range flags {
		words = append(words, errs.Word(f))
	}
	command := strings.Join(words, " ")
	if file, err = repo.hook(ctx, command); err != nil {
		return "", false, err
	}
	want := []byte(hookHead + command + "\n")
	have, err := durable.ReadFile(file, maxHook)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return file, false, err
	case runnable(file) && (bytes.Equal(have, want) || hasLine(have, command)):
		return file, false, nil
	case !bytes.HasPrefix(have, []byte(hookHead)):
		return file, false, errs.New(errs.Conflict, "there is a hook already, and it is not skret's: %s", file).
			WithHint("add this line to it: %s", command)
	}
	if err := durable.Remove(file); err != nil { // a file that is replaced keeps its mode
		return file, false, err
	}
	return file, true, durable.WriteFile(file, want, 0o755)
}

// hook returns the name of the file that git runs before a commit.
func (r *repository) hook(ctx context.Context, command string) (string, error) {
	if r.root == "" {
		return "", errs.New(errs.Invalid, "there is no working tree here: nothing is committed in a bare repository")
	}
	file, err := r.ask(ctx, "rev-parse", "--git-path", "hooks/pre-commit")
	if err != nil {
		return "", err
	}
	common, err := r.ask(ctx, "rev-parse", "--git-common-dir")
	if err != nil {
		return "", err
	}
	file, common = r.abs(file), r.abs(common)
	// A folder of hooks that others use too is not changed for this one.
	if !below(file, r.dir) && !below(file, common) {
		return "", errs.New(errs.Conflict, "core.hooksPath leads out of the repository, to %s", filepath.Dir(file)).
			WithHint("if that is for all your repositories, add this line to its pre-commit: %s", command)
	}
	return file, nil
}

// fromRoot returns the name of a file as it is from the root, where a hook is run,
// or, if it is outside of that, as it is.
func (r *repository) fromRoot(file string) string {
	rel, err := filepath.Rel(resolved(r.root), filepath.Join(resolved(filepath.Dir(file)), filepath.Base(file)))
	if err != nil || !filepath.IsLocal(rel) {
		rel = file
	}
	return filepath.ToSlash(rel)
}

// resolved returns where links lead from dir; dir itself if nowhere.
func resolved(dir string) string {
	if at, err := filepath.EvalSymlinks(dir); err == nil {
		return at
	}
	return dir
}

func (r *repository) abs(name string) string {
	name = filepath.FromSlash(name)
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

// below tells whether the file is somewhere below dir, also where links lead.
func below(file, dir string) bool {
	rel, err := filepath.Rel(resolved(dir), resolved(filepath.Dir(file)))
	return err == nil && filepath.IsLocal(rel)
}

func hasLine(text []byte, line string) bool {
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); l == line || l == "exec "+line {
			return true
		}
	}
	return false
}

// runnable tells whether git would run the file.
func runnable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && (info.Mode().Perm()&0o100 != 0 || filepath.Separator == '\\')
}
