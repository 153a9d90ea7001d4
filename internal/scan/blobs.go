package scan

import (
	"context"
	"io"

	"github.com/skret/skret/internal/errs"
)

// Staged looks into what a commit of the index would add: contents that the index
// has and HEAD has not, as git has them. Moved files are looked into at their new
// place. It goes by the index that GIT_INDEX_FILE names, as in a hook.
//
// What HEAD has already is not judged again: that would stop every commit until it
// is gone, and a hook that does so is switched off. [Scanner.Tree] finds it.
func (s *Scanner) Staged(ctx context.Context, paths []string) (*Result, error) {
	repo, err := s.repository(ctx)
	if err != nil {
		return nil, err
	}
	if repo.root == "" {
		return nil, noTree()
	}
	return s.changed(ctx, repo, paths, repo.staged)
}

// History looks into what commits added, those that HEAD has and since has not; or
// all that a branch or a tag has when since is "". What several commits added in one
// place is found in the oldest.
func (s *Scanner) History(ctx context.Context, since string, paths []string) (*Result, error) {
	repo, err := s.repository(ctx)
	if err != nil {
		return nil, err
	}
	result, err := s.changed(ctx, repo, paths, func(ctx context.Context, paths []string) ([]change, error) {
		return repo.history(ctx, since, paths)
	})
	if err == nil && repo.shallow {
		result.Notes = append(result.Notes, "the clone is shallow: what is older than its first commit is not looked into (git fetch --unshallow)")
	}
	return result, err
}

// repository is [openRepository] where there must be one.
func (s *Scanner) repository(ctx context.Context) (*repository, error) {
	repo, err := openRepository(ctx, s.o.Dir, s.o.Environ)
	if err == nil && repo == nil {
		err = errs.New(errs.Invalid, "%s is not in a git repository", s.o.Dir).WithHint("without --staged, --since and --history files are looked into as they are")
	}
	return repo, err
}

// changed looks into the contents of the changes that list gives.
func (s *Scanner) changed(ctx context.Context, repo *repository, paths []string, list func(context.Context, []string) ([]change, error)) (*Result, error) {
	specs, err := repo.pathspecs(ctx, s.o.Dir, paths)
	if err != nil {
		return nil, err
	}
	changes, err := list(ctx, specs)
	if err != nil {
		return nil, err
	}
	return s.pass(ctx, func(p *pass) error {
		blobs, at := p.contents(changes)
		return repo.blobs(ctx, blobs, func(i int, content io.Reader) {
			if content == nil {
				p.problem(at[i][0].file, "git does not have its content here")
				return
			}
			p.read(at[i], content)
		})
	})
}

// contents returns the blobs that are to be looked into, each once, and where each
// is.
func (p *pass) contents(changes []change) (blobs []string, at [][]place) {
	index := map[string]int{}
	type key struct{ blob, file string }
	seen := map[key]bool{}
	commits := map[string]int{"": 0}
	for _, c := range changes {
		k := key{c.blob, c.file}
		if c.mode == modeGitlink {
			k.blob = "" // one note, whatever its commit
		}
		if seen[k] || p.skips(c.file) {
			continue
		}
		seen[k] = true
		if _, known := commits[c.commit]; !known {
			commits[c.commit] = len(commits)
		}
		x := p.name(place{c.file, c.commit, commits[c.commit]})
		switch c.mode {
		case modeGitlink:
			p.ownRepository(x.file)
			continue
		case modeUnmerged:
			p.problem(x.file, "it is in conflict, so that nothing of it would be committed")
			continue
		}
		i, known := index[c.blob]
		if !known {
			i = len(blobs)
			index[c.blob] = i
			blobs, at = append(blobs, c.blob), append(at, nil)
		}
		at[i] = append(at[i], x)
	}
	return blobs, at
}
