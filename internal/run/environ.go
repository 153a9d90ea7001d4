// Package run starts a command with secrets in its environment.
//
// On Unix the command takes skret's place: same process, same terminal, same
// group, so that signals, job control and the exit status are the command's
// own, with nothing in between that could alter them. No shell is involved.
//
// [Look] finds the program, [Environ] builds its environment, [CheckSize]
// judges whether the system takes it, and [Exec] starts it. The first three
// change nothing and report every problem they find, so that a caller can show
// all of them in one error before anything starts.
//
// What the command does with its environment is beyond skret's reach: its
// children inherit it, and on Linux others of the same user can read it.
package run

import (
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Policy says what the command gets of the environment that skret was started
// in.
type Policy struct {
	// Pristine leaves only the variables that a program needs to find its way:
	// see [kept].
	Pristine bool
	// PreserveAll lets every ambient variable win over a secret of its name.
	PreserveAll bool
	// Preserve lets these ambient variables win, and keeps them although
	// Pristine is set or they are skret's own.
	Preserve []string
}

// kept are the ambient variables that survive Pristine. A trailing * matches
// any rest.
const (
	keptUnix    = "PATH HOME USER LOGNAME SHELL TERM LANG LC_* TMPDIR TZ"
	keptWindows = keptUnix + " SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT TEMP TMP OS USERNAME USERDOMAIN USERPROFILE" +
		" HOMEDRIVE HOMEPATH APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) PROGRAMW6432" +
		" COMMONPROGRAMFILES NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE"
)

// own are skret's variables that hold what opens all secrets. The command does
// not get them unless Policy.Preserve names them.
const own = "SKRET_IDENTITY"

// Environ returns the environment of the command, one "NAME=value" a variable,
// sorted by name, no name twice. A secret wins over the ambient variable of its
// name unless p says otherwise; replaced are the names of those where that made
// a difference. Of an ambient name that is there twice the first counts, as it
// does for getenv.
//
// Values are passed as they are, every byte but NUL, which no environment can
// carry: each value that holds one is an error of kind Invalid in the joined
// error, with its key.
func Environ(set secret.Set, ambient []string, p Policy) (env, replaced []string, err error) {
	return environ(set, ambient, p, runtime.GOOS == "windows")
}

func environ(set secret.Set, ambient []string, p Policy, windows bool) (env, replaced []string, err error) {
	// On Windows names that differ in case alone are one variable.
	id, keep := func(name string) string { return name }, keptUnix
	if windows {
		id, keep = strings.ToUpper, keptWindows
	}
	preserve := map[string]bool{}
	for _, n := range p.Preserve {
		preserve[id(n)] = true
	}

	type variable struct{ name, entry string }
	vars := make(map[string]variable, len(set)+len(ambient))
	for _, e := range ambient {
		name := nameOf(e)
		k := id(name)
		if _, twice := vars[k]; twice {
			continue
		}
		if !preserve[k] && (listed(own, k) || p.Pristine && !listed(keep, k)) {
			continue
		}
		vars[k] = variable{name, e}
	}

	var probs []error
	for _, v := range set {
		if strings.IndexByte(v.Value.Reveal(), 0) >= 0 {
			probs = append(probs, errs.New(errs.Invalid, "key %q: the value holds a NUL byte, which no environment can carry", v.Key).
				WithHint("leave it out with --except %s, and let the command read it with skret get", v.Name))
			continue
		}
		k, entry := id(v.Name), v.Name+"="+v.Value.Reveal()
		old, there := vars[k]
		if there && (p.PreserveAll || preserve[k]) {
			continue
		}
		if there && old.entry[len(old.name):] != entry[len(v.Name):] {
			replaced = append(replaced, v.Name)
		}
		vars[k] = variable{v.Name, entry}
	}
	if err := errors.Join(probs...); err != nil {
		return nil, nil, err
	}

	env = make([]string, 0, len(vars))
	for _, v := range vars {
		env = append(env, v.entry)
	}
	slices.SortFunc(env, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
	slices.Sort(replaced)
	return env, replaced, nil
}

// nameOf returns the name of an entry of an environment. On Windows a name may
// start with "=" ("=C:=C:\dir"); an entry without "=" is all name.
func nameOf(entry string) string {
	if i := strings.IndexByte(entry[min(1, len(entry)):], '='); i >= 0 {
		return entry[:i+1]
	}
	return entry
}

// listed tells whether name is in a list of words, some with a trailing *.
func listed(list, name string) bool {
	for w := range strings.FieldsSeq(list) {
		if p, ok := strings.CutSuffix(w, "*"); ok && strings.HasPrefix(name, p) || w == name {
			return true
		}
	}
	return false
}
