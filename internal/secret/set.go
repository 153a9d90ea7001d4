package secret

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// Variable is a secret under the name by which a command sees it.
type Variable struct {
	Name  string
	Value Value
	Key   Key  // where it came from
	File  bool // a command gets the path of a file that holds the value
}

// Set is variables sorted by name, no two alike.
type Set []Variable

// Policy says which entries become variables.
type Policy struct {
	Only    []string // globs; when there are any, only what one of them matches; a plain name must exist
	Except  []string // globs; what one of them matches is left out
	Exclude []string // as Except, from the configuration
	Allow   []string // names that are taken although they are dangerous
}

// Select applies p to es and maps what is left to variables. A glob is one of
// path.Match and matches the key as stored or the name of the variable. All
// that is wrong is reported at once, in an error of kind Invalid, Conflict (two
// keys for one name) or NotFound (a plain name of Only); the set is then what to
// look for more problems in, and not to be used.
func Select(es []Entry, p Policy) (Set, error) {
	var probs []error
	chosen, err := Filter(es, p.Only, slices.Concat(p.Except, p.Exclude))
	if err != nil {
		probs = append(probs, err)
	}
	set := make(Set, 0, len(chosen))
	for _, e := range chosen {
		set = append(set, Variable{Name: e.Key.EnvName(), Value: e.Value, Key: e.Key})
	}
	slices.SortFunc(set, func(a, b Variable) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Key), string(b.Key)))
	})
	probs = append(probs, collisions(set)...)
	for i, v := range set {
		if i > 0 && set[i-1].Name == v.Name {
			continue
		}
		if err := CheckEnvName(v.Name); err != nil {
			probs = append(probs, &KeyError{v.Key, RuleName, errs.New(errs.Invalid, "key %q: %w", v.Key, err).
				WithHint("rename the key, or leave it out with --except %s", errs.Word(string(v.Key)))})
		} else if why := Dangerous(v.Name); why != "" && !slices.Contains(p.Allow, v.Name) {
			probs = append(probs, &KeyError{v.Key, RuleAllowEnv, errs.New(errs.Invalid, "key %q: the variable %s can %s", v.Key, v.Name, why).
				WithHint("allow it with --allow-env %s, or leave it out with --except %s", v.Name, v.Name)})
		}
	}
	return set, errors.Join(probs...)
}

// Filter returns the entries that only, when there is any, and not except
// match, by key or by the name of the variable. A glob is one of path.Match. A
// plain name in only must exist: else the error is of kind NotFound and comes
// with the others.
func Filter(es []Entry, only, except []string) ([]Entry, error) {
	var probs []error
	for _, g := range slices.Concat(only, except) {
		if _, err := path.Match(g, ""); err != nil {
			probs = append(probs, errs.New(errs.Invalid, "invalid pattern %q", g))
		}
	}
	for _, o := range only {
		if !strings.ContainsAny(o, `*?[\`) && !has(es, o) {
			probs = append(probs, errs.New(errs.NotFound, "there is no secret %q to select", o).
				WithHint("see the names with skret list"))
		}
	}
	var some []Entry
	for _, e := range es {
		if (len(only) == 0 || Match(only, e.Key) != "") && Match(except, e.Key) == "" {
			some = append(some, e)
		}
	}
	return some, errors.Join(probs...)
}

// has tells whether there is an entry with this key or variable.
func has(es []Entry, name string) bool {
	return slices.ContainsFunc(es, func(e Entry) bool { return string(e.Key) == name || e.Key.EnvName() == name })
}

// collisions returns an error for every name that more than one key of the
// sorted set maps to.
func collisions(set Set) []error {
	var probs []error
	for i := 0; i < len(set); {
		j := i + 1
		for j < len(set) && set[j].Name == set[i].Name {
			j++
		}
		if j-i > 1 {
			keys := make([]string, 0, j-i)
			for _, v := range set[i:j] {
				keys = append(keys, fmt.Sprintf("%q", v.Key))
			}
			probs = append(probs, &KeyError{set[i].Key, RuleOneName, errs.New(errs.Conflict, "keys %s map to one variable, %s", strings.Join(keys, " and "), set[i].Name).
				WithHint("rename one of them, or leave one out with --except")})
		}
		i = j
	}
	return probs
}

// Match returns the first of the globs that matches the key, or the name of its
// variable; "" if none does.
func Match(globs []string, k Key) string {
	if len(globs) == 0 {
		return ""
	}
	name := k.EnvName()
	for _, g := range globs {
		byKey, _ := path.Match(g, string(k))
		if byName, _ := path.Match(g, name); byKey || byName {
			return g
		}
	}
	return ""
}
