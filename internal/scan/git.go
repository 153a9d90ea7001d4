package scan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/skret/skret/internal/errs"
)

// repository is a git repository, as the program git sees it from a folder.
type repository struct {
	dir     string
	environ []string
	root    string // of the working tree; "" where there is none
	shallow bool
}

// openRepository returns the repository that dir is in, or nil when it is in none.
func openRepository(ctx context.Context, dir string, environ []string) (*repository, error) {
	r := &repository{dir: dir, environ: gitEnviron(environ)}
	out, err := r.ask(ctx, "rev-parse", "--is-inside-work-tree", "--is-shallow-repository")
	if err != nil {
		if !r.meant() && ctx.Err() == nil {
			return nil, nil
		}
		return nil, err
	}
	inside, shallow, _ := strings.Cut(out, "\n")
	r.shallow = shallow == "true"
	if inside == "true" {
		if r.root, err = r.ask(ctx, "rev-parse", "--show-toplevel"); err != nil {
			return nil, err
		}
		r.dir = filepath.FromSlash(r.root)
	}
	return r, nil
}

// gitEnviron is the environment of git, which hooks use to say which index is
// meant: that stays. git gets no identity of ours, and is kept from writing, from
// asking, from telling what it does, and from fetching what a partial clone lacks.
func gitEnviron(environ []string) []string {
	out := slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		return strings.HasPrefix(v, "SKRET_IDENTITY=") || strings.HasPrefix(v, "GIT_TRACE")
	})
	return append(out, "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C")
}

// meant tells whether something says that there is a repository, so that git's
// refusal is no answer that there is none.
func (r *repository) meant() bool {
	for _, v := range r.environ {
		if strings.HasPrefix(v, "GIT_DIR=") {
			return true
		}
	}
	for dir := r.dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// program is a git that runs.
type program struct {
	*exec.Cmd
	words bytes.Buffer // what it says on stderr
}

// git makes a command of the parts of git that take no settings of how to show
// things. A repository's configuration cannot make it run a program. Paths are
// taken literally, and objects as they are and not as they are replaced.
func (r *repository) git(ctx context.Context, args ...string) *program {
	all := append([]string{"--no-pager", "--literal-pathspecs", "--no-replace-objects", "-c", "core.fsmonitor=false"}, args...)
	p := &program{Cmd: exec.CommandContext(ctx, "git", all...)}
	p.Dir, p.Env, p.Stderr = r.dir, r.environ, &p.words
	return p
}

// wrong makes an error of how the program ended, with git's own words.
func (p *program) wrong(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return errs.New(errs.Config, "there is a git repository, and git is not found").WithHint("install git, or put it into PATH")
	}
	words, _, _ := strings.Cut(p.words.String(), "\n")
	words = strings.TrimPrefix(words, "fatal: ")
	if words == "" {
		words = err.Error()
	}
	e := errs.New(errs.Unclassified, "git: %.300s", words)
	if strings.Contains(words, "dubious ownership") {
		return e.WithHint("the repository belongs to somebody else; if you trust it: git config --global --add safe.directory FOLDER")
	}
	return e
}

// finish waits for a program whose output could be used, or not for the reason err.
func (p *program) finish(ctx context.Context, err error) error {
	if err != nil {
		_ = p.Process.Kill() // it may have more to say
	}
	ended := p.Wait()
	if ended != nil && (err == nil || p.words.Len() > 0) || ctx.Err() != nil {
		return p.wrong(ctx, ended)
	}
	return err
}

// ask runs git and returns what it prints, without the last newline.
func (r *repository) ask(ctx context.Context, args ...string) (string, error) {
	p := r.git(ctx, args...)
	var out bytes.Buffer
	p.Stdout = &out
	if err := p.Run(); err != nil {
		return "", p.wrong(ctx, err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// files returns the names of the files that git has, or would take if it were
// asked to: sorted, relative to the root. The problems are of folders that git
// could not look into.
func (r *repository) files(ctx context.Context) (names []string, probs []Problem, err error) {
	p := r.git(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := p.Output()
	if err != nil {
		return nil, nil, p.wrong(ctx, err)
	}
	for w := range strings.Lines(p.words.String()) {
		if w, ok := strings.CutPrefix(w, "warning: could not open directory '"); ok {
			name, why, _ := strings.Cut(strings.TrimSuffix(w, "\n"), "/': ")
			probs = append(probs, Problem{name, strings.ToLower(why)})
		}
	}
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), probs, nil // a file in conflict is there three times
}

// prefix returns where dir is in the working tree: "" or a path with a slash at its
// end.
func (r *repository) prefix(ctx context.Context, dir string) (string, error) {
	if r.root == "" {
		return "", nil
	}
	there := &repository{dir: dir, environ: r.environ}
	return there.ask(ctx, "rev-parse", "--show-prefix")
}

// pathspecs returns the paths from the root.
func (r *repository) pathspecs(ctx context.Context, dir string, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	prefix, err := r.prefix(ctx, dir)
	if err != nil {
		return nil, err
	}
	var specs []string
	var probs []error
	for _, given := range paths {
		rel, inside := within(prefix, dir, given)
		if !inside {
			probs = append(probs, errs.New(errs.Invalid, "%s is outside of the repository", given))
		}
		specs = append(specs, rel)
	}
	return specs, errors.Join(probs...)
}

// change is a content that the index or a commit has and what was before has not.
type change struct{ commit, mode, blob, file string }

const (
	modeGitlink  = "160000" // a submodule
	modeUnmerged = "U"      // no mode of git's: there is a conflict
)

// staged returns what a commit of the index would add.
func (r *repository) staged(ctx context.Context, paths []string) ([]change, error) {
	before := "HEAD"
	if _, err := r.ask(ctx, "rev-parse", "--verify", "--quiet", "HEAD"); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		// No commit yet: all is new.
		if before, err = r.ask(ctx, "hash-object", "-t", "tree", "--stdin"); err != nil {
			return nil, err
		}
	}
	p := r.git(ctx, append([]string{"diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", before, "--"}, paths...)...)
	return p.changes(ctx)
}

// history returns what commits added, the oldest first: of those that HEAD has and
// since has not, or of all that any branch or tag has. A merge added what is in
// none of its parents.
func (r *repository) history(ctx context.Context, since string, paths []string) ([]change, error) {
	revs := "--all"
	if since != "" {
		base, err := r.commit(ctx, since)
		if err != nil {
			return nil, err
		}
		head, err := r.commit(ctx, "HEAD")
		if err != nil {
			return nil, err
		}
		revs = base + ".." + head
	}
	list := r.git(ctx, "rev-list", "--reverse", "--topo-order", revs, "--")
	p := r.git(ctx, append([]string{"diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--"}, paths...)...)
	var err error
	if p.Stdin, err = list.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := list.Start(); err != nil {
		return nil, list.wrong(ctx, err)
	}
	all, err := p.changes(ctx)
	if ended := list.finish(ctx, err); err == nil {
		err = ended
	}
	return all, err
}

// commit returns the full name of a commit.
func (r *repository) commit(ctx context.Context, rev string) (string, error) {
	if !strings.HasPrefix(rev, "-") {
		out, err := r.ask(ctx, "rev-parse", "--verify", "--quiet", rev+"^{commit}")
		if err == nil || ctx.Err() != nil {
			return out, err
		}
	}
	e := errs.New(errs.NotFound, "git knows no commit %q", rev)
	if r.shallow {
		return "", e.WithHint("the clone is shallow: git fetch --unshallow")
	}
	return "", e.WithHint("name a commit, a branch or a tag")
}

// changes runs a program that prints changes.
func (p *program) changes(ctx context.Context) ([]change, error) {
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return nil, p.wrong(ctx, err)
	}
	all, err := parseChanges(bufio.NewReader(out))
	return all, p.finish(ctx, err)
}

// parseChanges reads what git prints with --raw -z: for each change
//
//	:OLD-MODE NEW-MODE OLD-BLOB NEW-BLOB STATUS\0FILE\0
//
// with as many colons, old modes and old blobs as the commit has parents; and before
// those of a commit COMMIT\0. Of deletions there is nothing to look into.
func parseChanges(r *bufio.Reader) ([]change, error) {
	var all []change
	commit := ""
	for {
		head, err := r.ReadString(0)
		if errors.Is(err, io.EOF) && head == "" {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("git: its output ends in the middle: %w", err)
		}
		head = strings.TrimSuffix(head, "\x00")
		fields := strings.Fields(strings.TrimLeft(head, ":"))
		parents := len(head) - len(strings.TrimLeft(head, ":"))
		if parents == 0 {
			commit = head
			continue
		}
		file, err := r.ReadString(0)
		if err != nil || len(fields) != 2*parents+3 {
			return nil, errors.New("git: its output is not understood")
		}
		c := change{commit: commit, mode: fields[parents], blob: fields[2*parents+1], file: strings.TrimSuffix(file, "\x00")}
		switch {
		case fields[2*parents+2] == modeUnmerged:
			c.mode = modeUnmerged
		case strings.Trim(c.mode, "0") == "":
			continue
		}
		all = append(all, c)
	}
}

// blobs calls each with the content of every blob; with nil for one that is not
// here. Several processes take them out of git's packs, which is what takes longest.
func (r *repository) blobs(ctx context.Context, names []string, each func(i int, content io.Reader)) error {
	share := max(len(names)/runtime.GOMAXPROCS(0)+1, 64)
	probs := make([]error, len(names)/share+1)
	var all sync.WaitGroup
	for k := range probs {
		from := k * share
		part := names[from:min(from+share, len(names))]
		if len(part) > 0 {
			all.Go(func() {
				probs[k] = r.blobsInTurn(ctx, part, func(i int, content io.Reader) { each(from+i, content) })
			})
		}
	}
	all.Wait()
	return errors.Join(probs...)
}

func (r *repository) blobsInTurn(ctx context.Context, names []string, each func(i int, content io.Reader)) error {
	p := r.git(ctx, "cat-file", "--batch", "--buffer")
	p.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return p.wrong(ctx, err)
	}
	return p.finish(ctx, batch(bufio.NewReaderSize(out, 64<<10), len(names), each))
}

// batch reads what cat-file --batch prints for n objects: NAME blob SIZE\n and the
// content and \n, or NAME missing\n.
func batch(r *bufio.Reader, n int, each func(i int, content io.Reader)) error {
	for i := range n {
		head, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		fields := strings.Fields(head)
		if len(fields) == 2 {
			each(i, nil)
			continue
		}
		if len(fields) != 3 {
			return errors.New("git: its output is not understood")
		}
		size, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return errors.New("git: its output is not understood")
		}
		content := &io.LimitedReader{R: r, N: size}
		each(i, content)
		if _, err := r.Discard(int(content.N) + 1); err != nil {
			return err
		}
	}
	return nil
}
