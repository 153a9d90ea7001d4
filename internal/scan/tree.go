package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Tree looks into files as they are on the disk. Within a repository, from
// wherever in it: into all that git has or would take. Elsewhere: into all below
// the folder. Paths limit that; one that git ignores is looked into when it is
// named, and so is one outside of the repository.
//
// Links are not followed, unless they are named: as for git, what is in them is where
// they lead to. Other repositories within this one are left alone, which a note says.
func (s *Scanner) Tree(ctx context.Context, paths []string) (*Result, error) {
	repo, err := openRepository(ctx, s.o.Dir, s.o.Environ)
	if err != nil {
		return nil, err
	}
	if repo != nil && repo.root == "" {
		return nil, noTree()
	}
	return s.pass(ctx, func(p *pass) error {
		if repo == nil && len(paths) == 0 {
			paths = []string{"."}
		}
		if repo == nil {
			return p.walkAll(paths, "", "")
		}
		return p.tree(repo, paths)
	})
}

func noTree() error {
	return errs.New(errs.Invalid, "there is no working tree here").WithHint("look into the history: skret scan --history")
}

// tree looks into the files of a repository.
func (p *pass) tree(repo *repository, paths []string) error {
	names, probs, err := repo.files(p.ctx)
	if err != nil {
		return err
	}
	for _, x := range probs {
		p.problem(p.name(place{file: x.File}).file, x.Why)
	}
	prefix := ""
	if len(paths) > 0 {
		if prefix, err = repo.prefix(p.ctx, p.o.Dir); err != nil {
			return err
		}
		names, paths = choose(names, prefix, p.o.Dir, paths)
	}
	root, err := os.OpenRoot(repo.root)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	folders := folders{root, map[string]bool{".": true}}
	for _, name := range names {
		if p.ctx.Err() != nil {
			break
		}
		name = strings.TrimSuffix(name, "/") // it has one when it is a repository of its own
		if folders.is(path.Dir(name)) {
			p.spread(func() { p.file(root, name, name) })
		}
	}
	p.pending.Wait() // they need the root
	return p.walkAll(paths, repo.root, prefix)
}

// choose returns those of the names, which are sorted, that the paths mean; and the
// paths that mean none of them, or are links.
func choose(names []string, prefix, dir string, paths []string) (chosen, others []string) {
	for _, given := range paths {
		rel, inside := within(prefix, dir, given)
		before := len(chosen)
		switch {
		case !inside:
		case rel == ".":
			chosen = append(chosen, names...)
		default:
			if i, is := slices.BinarySearch(names, rel); is {
				chosen = append(chosen, names[i])
			}
			for i, _ := slices.BinarySearch(names, rel+"/"); i < len(names) && strings.HasPrefix(names[i], rel+"/"); i++ {
				chosen = append(chosen, names[i])
			}
		}
		if len(chosen) == before || isLink(absolute(dir, given)) {
			others = append(others, given)
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), others
}

// absolute is a path from dir. It is not cleaned: what . and .. mean, where dir is a
// link, the system knows.
func absolute(dir, given string) string {
	if filepath.IsAbs(given) {
		return given
	}
	return dir + string(filepath.Separator) + given
}

func isLink(name string) bool {
	info, err := os.Lstat(strings.TrimRight(filepath.ToSlash(name), "/"))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// within returns what a path from dir is from the root of the repository, where dir
// is prefix, and whether it is inside of that.
func within(prefix, dir, given string) (string, bool) {
	if filepath.IsAbs(given) {
		rel, err := filepath.Rel(dir, given)
		if err != nil {
			return "", false
		}
		given = rel
	}
	rel := path.Join(prefix, filepath.ToSlash(given))
	return rel, rel != ".." && !strings.HasPrefix(rel, "../")
}

// folders knows which folders git would look into: those that are no links. What
// it lists below others, or where a file has taken a folder's place, is no longer
// there.
type folders struct {
	root  *os.Root
	known map[string]bool
}

func (f folders) is(dir string) bool {
	is, known := f.known[dir]
	if !known {
		info, err := f.root.Lstat(dir)
		is = f.is(path.Dir(dir)) && (err == nil && info.IsDir() || err != nil && !errors.Is(err, fs.ErrNotExist))
		f.known[dir] = is
	}
	return is
}

// file looks into a file, which findings call shown.
func (p *pass) file(root *os.Root, name, shown string) {
	if p.skips(shown) {
		return
	}
	at := p.name(place{file: shown})
	err := func() error {
		info, err := root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // git has it, and the tree no longer
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			text, err := root.Readlink(name)
			if err == nil {
				p.read([]place{at}, strings.NewReader(filepath.ToSlash(text)))
			}
			return err
		case info.IsDir():
			if _, err := root.Lstat(path.Join(name, ".git")); err == nil {
				p.ownRepository(at.file)
			}
			return nil // what is in it is listed by itself
		case !info.Mode().IsRegular():
			return errors.New("it is no regular file")
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		p.read([]place{at}, f)
		return nil
	}()
	if err != nil {
		p.problem(at.file, why(err))
	}
}

func (p *pass) ownRepository(file string) {
	p.note(fmt.Sprintf("%s is a repository of its own, and not looked into: run skret scan there", file))
}

// walkAll looks into what is on the disk at these paths. All that are not there are
// in one error.
func (p *pass) walkAll(paths []string, root, prefix string) error {
	var probs []error
	var walks []func() error
	for _, given := range paths {
		name := absolute(p.o.Dir, given)
		info, err := os.Lstat(name)
		if at, eerr := filepath.EvalSymlinks(name); eerr == nil { // else it leads nowhere, and is what it says
			name = at
			info, err = os.Lstat(name)
		}
		if err != nil {
			probs = append(probs, errs.New(errs.NotFound, "%s: %s", given, why(err)))
			continue
		}
		shown := filepath.ToSlash(filepath.Clean(given))
		if rel, inside := within(prefix, p.o.Dir, given); inside && root != "" {
			shown = rel
		}
		walks = append(walks, func() error { return p.walk(name, shown, info.IsDir()) })
	}
	if len(probs) > 0 {
		return errors.Join(probs...)
	}
	for _, walk := range walks {
		if err := walk(); err != nil {
			return err
		}
	}
	return nil
}

// walk looks into a file, or into all that is in a folder.
func (p *pass) walk(name, shown string, folder bool) error {
	dir, file := filepath.Split(name)
	if folder {
		dir = name
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if folder {
		p.folder(root, ".", shown)
	} else {
		p.file(root, file, shown)
	}
	p.pending.Wait() // they need the root
	return nil
}

// folder looks into all that is in a folder but for what is git's own. Unlike
// fs.WalkDir it takes names that are no UTF-8.
func (p *pass) folder(root *os.Root, name, shown string) {
	var entries []fs.DirEntry
	f, err := root.Open(name)
	if err == nil {
		entries, err = f.ReadDir(-1)
		_ = f.Close()
	}
	if err != nil {
		p.problem(p.name(place{file: shown}).file, why(err))
	}
	for _, e := range entries {
		name, shown := path.Join(name, e.Name()), path.Join(shown, e.Name())
		switch {
		case p.ctx.Err() != nil:
			return
		case e.Name() == ".git":
		case !e.IsDir():
			p.spread(func() { p.file(root, name, shown) })
		case !p.skips(shown):
			p.folder(root, name, shown)
		}
	}
}
