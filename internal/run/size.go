package run

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// limits are what the system takes at the start of a program, in bytes; 0 means
// not known beforehand.
type limits struct {
	one   int // one argument or variable, with its final NUL
	total int // all of them, their pointers and the program's path
}

// CheckSize tells beforehand, where the system's limits are known, whether it
// will take a command with these arguments and this environment. The joined
// error names each one that is too long, or the largest variables when all
// together are too much.
func CheckSize(path string, args, env []string) error {
	return checkSize(path, args, env, systemLimits())
}

func checkSize(path string, args, env []string, l limits) error {
	var probs []error
	if l.one > 0 {
		for i, a := range args {
			if len(a)+1 > l.one {
				probs = append(probs, errs.New(errs.Invalid, "argument %d is too long: %d bytes, and the system takes %d", i, len(a), l.one-1))
			}
		}
		for _, e := range env {
			if len(e)+1 > l.one {
				n := nameOf(e)
				probs = append(probs, errs.New(errs.Invalid, "variable %s is too long: %d bytes with its name, and the system takes %d for one", n, len(e), l.one-1).
					WithHint("leave it out with --except %s, and let the command read it with skret get", n))
			}
		}
	}
	if size := startSize(path, args, env); l.total > 0 && size > l.total {
		probs = append(probs, tooMuch(size, l.total, env))
	}
	return errors.Join(probs...)
}

// startSize returns what a start takes of the system's limit: the strings, each
// with its final NUL, and a pointer to each.
func startSize(path string, args, env []string) int {
	const pointer = strconv.IntSize / 8
	size := len(path) + 1
	for _, s := range args {
		size += len(s) + 1 + pointer
	}
	for _, s := range env {
		size += len(s) + 1 + pointer
	}
	return size
}

// tooMuch is the error of a start that is too large as a whole; limit is 0 when
// it is not known.
func tooMuch(size, limit int, env []string) error {
	byLen := slices.Clone(env)
	slices.SortStableFunc(byLen, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var largest []string
	for _, e := range byLen[:min(5, len(byLen))] {
		largest = append(largest, fmt.Sprintf("%s (%d)", nameOf(e), len(e)))
	}
	takes := "more than the system takes"
	if limit > 0 {
		takes = fmt.Sprintf("and the system takes %d", limit)
	}
	return errs.New(errs.Invalid, "arguments and environment are too large together: %d bytes, %s; the largest variables are %s",
		size, takes, strings.Join(largest, ", ")).
		WithHint("leave some out with --except, choose with --only, or drop the rest of the environment with --pristine")
}
