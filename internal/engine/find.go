package engine

import (
	glob "path" // the package has a path of its own
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Finder returns what tells whether a secret's key, or the name of its variable,
// matches one of the patterns. In a pattern * stands for anything, / included, ?
// for one character, [a-z] for one of several; a pattern without any of them is
// looked for anywhere in the name. fold: capitals and small letters are alike.
func Finder(patterns []string, fold bool) (func(secret.Entry) bool, error) {
	// To path.Match only / is no character like others.
	form := func(s string) string {
		if fold {
			s = strings.ToLower(s)
		}
		return strings.ReplaceAll(s, "/", "\x00")
	}
	globs := make([]string, len(patterns))
	for i, p := range patterns {
		if _, err := glob.Match(form(p), ""); err != nil || p == "" {
			return nil, errs.New(errs.Invalid, "invalid pattern %q", p).WithHint("* is anything, ? one character, [abc] one of these")
		}
		if globs[i] = form(p); !strings.ContainsAny(p, `*?[\`) {
			globs[i] = "*" + globs[i] + "*"
		}
	}
	return func(e secret.Entry) bool {
		for _, g := range globs {
			for _, name := range []string{string(e.Key), e.Key.EnvName()} {
				if ok, _ := glob.Match(g, form(name)); ok {
					return true
				}
			}
		}
		return false
	}, nil
}
