package scan

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// allowance is an entry of `scan.allow`: findings that are meant to be there. One
// with a key alone says that the secret is not to be looked for.
type allowance struct {
	env, key, file string
	everywhere     bool
}

// parseAllow reads `scan.allow`. All that is wrong is in one error.
func parseAllow(entries []string) ([]allowance, error) {
	var all []allowance
	var probs []error
	for _, entry := range entries {
		a := allowance{key: entry, everywhere: true}
		if parts := strings.SplitN(entry, ":", 3); len(parts) == 3 {
			a = allowance{env: parts[0], key: parts[1], file: parts[2]}
		}
		if a.key == "" || a.everywhere && strings.Contains(entry, ":") || !a.everywhere && a.file == "" {
			probs = append(probs, errs.New(errs.Config, "scan.allow: %q is neither KEY nor ENVIRONMENT:KEY:FILE", entry).
				WithHint("take it from the finding's fingerprint: skret scan --format json"))
			continue
		}
		if err := checkGlobs("scan.allow", []string{a.env, a.key}); err != nil {
			probs = append(probs, err)
		}
		all = append(all, a)
	}
	return all, errors.Join(probs...)
}

// checkGlobs refuses what path.Match does not understand.
func checkGlobs(setting string, globs []string) error {
	var probs []error
	for _, g := range globs {
		if _, err := path.Match(g, ""); err != nil {
			probs = append(probs, errs.New(errs.Config, "%s: %q is not a glob", setting, g).WithHint(`write \[ for a bracket that is meant as such`))
		}
	}
	return errors.Join(probs...)
}

// neverLookedFor tells whether an entry has the key alone.
func (s *Scanner) neverLookedFor(k secret.Key) bool {
	return slices.ContainsFunc(s.allow, func(a allowance) bool { return a.everywhere && a.means(k) })
}

// allowed tells whether the finding is meant to be there.
func (s *Scanner) allowed(f Finding) bool {
	return slices.ContainsFunc(s.allow, func(a allowance) bool {
		return !a.everywhere && matches(a.env, f.Env) && a.means(f.Key) && (a.file == f.File || matchesFile(a.file, f.File))
	})
}

// skips tells whether the file is not to be looked into.
func (s *Scanner) skips(file string) bool {
	return slices.ContainsFunc(s.o.Skip, func(g string) bool { return matchesFile(g, file) })
}

// means tells whether the key, or the variable that it becomes, is the entry's.
func (a allowance) means(k secret.Key) bool {
	return matches(a.key, string(k)) || matches(a.key, k.EnvName())
}

func matches(glob, s string) bool {
	ok, _ := path.Match(glob, s)
	return ok
}

// matchesFile tells whether a glob means a file: one with a slash in it is about
// the path from the root, one without about a name at any depth. ** stands for any
// number of folders, and what means a folder means all that is in it.
func matchesFile(glob, file string) bool {
	glob = strings.TrimSuffix(glob, "/")
	if !strings.Contains(glob, "/") {
		glob = "**/" + glob
	}
	want := append(strings.Split(strings.TrimPrefix(glob, "/"), "/"), "**")
	have := strings.Split(file, "/")
	// Behind the last ** that was met, all is tried with one more folder before it;
	// what stands before it fits already.
	w, star, from := 0, -1, 0
	for h := 0; h < len(have); {
		switch {
		case w < len(want) && want[w] == "**":
			star, from = w, h
			w++
		case w < len(want) && matches(want[w], have[h]):
			w, h = w+1, h+1
		case star >= 0:
			from++
			w, h = star+1, from
		default:
			return false
		}
	}
	for w < len(want) && want[w] == "**" {
		w++
	}
	return w == len(want)
}
