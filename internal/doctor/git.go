package doctor

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Git is what is looked for in a project's repository.
type Git struct {
	Dir   string   // the project's folder
	Clear []string // files that hold secrets in clear, absolute
	Local string   // the name of the file of settings that is not to be shared
}

// Look finds what is tracked and must not be: secrets in clear, identities and keys,
// one's own settings. Where there is no git, or no repository, it says so.
func (g Git) Look(ctx context.Context) []Finding {
	tracked, err := g.names(ctx, "ls-files", "-z", "--", ":/")
	if err != nil {
		return []Finding{{Result: Skipped, Detail: err.Error()}}
	}
	var all []Finding
	bad := func(name, detail, mend string) {
		all = append(all, Finding{What: name, Result: Problem, Detail: detail, Mend: mend, Kind: errs.Leak})
	}
	const history = "; what it held is in the history, so change those secrets"
	for _, name := range tracked {
		switch base := path.Base(name); {
		case base == g.Local:
			bad(name, "your own settings are tracked", "git rm --cached "+errs.Word(name)+", and add it to .gitignore")
		case slices.Contains(g.Clear, g.absolute(name)):
			bad(name, "a store in clear is tracked", "skret local encrypt"+history)
		case dotenv(base):
			bad(name, "a .env file is tracked", "skret import --from dotenv --file "+errs.Word(name)+", then git rm --cached "+errs.Word(name)+history)
		}
	}
	keys, err := g.names(ctx, "grep", "--cached", "-z", "-l", "-I", "-e", "AGE-SECRET-KEY-1[0-9A-Z]\\{20\\}", "-e", "^SKRET-KEY-1 [0-9A-Za-z+/]\\{43\\}", "--", ":/")
	if err != nil {
		all = append(all, Finding{What: "identities and keys", Result: Skipped, Detail: err.Error()})
	}
	for _, name := range keys {
		bad(name, "an identity or a key of skret's is tracked: whoever has the repository opens what is sealed for it",
			"git rm --cached "+errs.Word(name)+"; make a new identity, and change the secrets")
	}
	for _, name := range []string{g.Local, ".env"} {
		if name == "" || slices.Contains(tracked, name) || !g.unignored(ctx, name) {
			continue
		}
		all = append(all, Finding{What: name, Result: Warning, Detail: "git does not ignore it", Mend: "echo " + errs.Word(name) + " >> .gitignore"})
	}
	if all == nil {
		all = []Finding{{Result: OK, Detail: "nothing is tracked that must not be"}}
	}
	return all
}

// dotenv tells whether a file has such a name, and is no example.
func dotenv(base string) bool {
	rest, ok := strings.CutPrefix(base, ".env")
	if !ok || rest != "" && rest[0] != '.' {
		return false
	}
	return !slices.ContainsFunc([]string{"example", "sample", "template", "dist", "defaults", "schema", "vault"}, func(word string) bool {
		return strings.HasSuffix(rest, "."+word)
	})
}

// absolute is the name of a file that git names relative to our folder.
func (g Git) absolute(name string) string { return filepath.Join(g.Dir, filepath.FromSlash(name)) }

// unignored tells whether a file of our folder is there and git would take it.
func (g Git) unignored(ctx context.Context, name string) bool {
	others, err := g.names(ctx, "ls-files", "-z", "--others", "--exclude-standard", "--", ":(literal)"+name)
	return err == nil && len(others) > 0
}

var (
	errNoGit  = errors.New("there is no git")
	errNoRepo = errors.New("this is no git repository")
)

// names runs git and returns the names that it prints, relative to our folder. What
// a repository's settings would have git run is not run.
func (g Git) names(ctx context.Context, args ...string) ([]string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-C", g.Dir, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager", "--no-optional-locks"}, args...)...)
	out, err := c.Output()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errNoGit
	case ctx.Err() != nil:
		return nil, errors.New("git did not end in time")
	case ended && exit.ExitCode() == 1: // grep found nothing
		return nil, nil
	case ended && exit.ExitCode() == 128 && bytes.Contains(exit.Stderr, []byte("not a git repository")):
		return nil, errNoRepo
	case err != nil:
		return nil, errors.New("git failed: " + err.Error())
	}
	var names []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
