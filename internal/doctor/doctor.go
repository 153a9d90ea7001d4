// Package doctor looks at what skret depends on, and says what is wrong and how it
// is mended.
//
// A [Check] looks at one thing and gives findings. [Run] makes the checks one after
// the other, each within its time, whatever becomes of the others. What is looked at
// here needs nothing else of skret: files and who may read them, and git. The checks
// of stores and identities are engine's.
//
// Checks change nothing, ask nobody a question, and their findings hold no value and
// no token.
package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Result is how a check ended.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning"     // it works, and could do so better
	Problem Result = "problem"     // it does not work
	Skipped Result = "not checked" // and Detail says why
)

// Finding is one line of a diagnosis.
type Finding struct {
	Area   string // what it belongs to: "git"
	What   string // that was looked at
	Result Result
	Detail string
	Mend   string    // the command or the step that mends it; "" when nothing is to do
	Kind   errs.Kind // of a problem
}

// Check looks at one thing.
type Check struct {
	Area    string
	What    string // for when nothing came of it
	Network bool   // it asks somebody
	Do      func(ctx context.Context) []Finding
}

// Run makes the checks in their order, each within limit, and returns what they
// found. offline leaves out those that ask somebody.
func Run(ctx context.Context, checks []Check, limit time.Duration, offline bool) []Finding {
	var all []Finding
	for _, c := range checks {
		if c.Network && offline {
			all = append(all, Finding{Area: c.Area, What: c.What, Result: Skipped, Detail: "--offline"})
			continue
		}
		for _, f := range bounded(ctx, c, limit) {
			f.Area = c.Area
			if f.What == "" {
				f.What = c.What
			}
			all = append(all, f)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return all
}

// grace is what a check is given to end when its time is over.
const grace = time.Second

// bounded makes a check. One that does not end is left to itself.
func bounded(ctx context.Context, c Check, limit time.Duration) []Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() { done <- c.Do(ctx) }()
	timer := time.NewTimer(limit + grace)
	defer timer.Stop()
	select {
	case found := <-done:
		return found
	case <-timer.C:
		return []Finding{{Result: Problem, Detail: "no answer within " + limit.String(), Kind: errs.Network}}
	}
}

// Of makes a problem of an error.
func Of(what string, err error) Finding {
	f := Finding{What: what, Result: Problem, Detail: err.Error(), Mend: errs.HintOf(err), Kind: errs.KindOf(err)}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Mend = "is this machine online, and is a proxy in between?"
	}
	return f
}

// First returns the first problem as an error, nil if there is none.
func First(all []Finding) error {
	for _, f := range all {
		if f.Result == Problem {
			return errs.New(f.Kind, "%s: %s: %s", f.Area, f.What, f.Detail).WithHint("%s", f.Mend)
		}
	}
	return nil
}

// Suggest returns the one thing to do next; "" when all is well.
func Suggest(all []Finding) string {
	for _, r := range []Result{Problem, Warning} {
		for _, f := range all {
			if f.Result == r && f.Mend != "" {
				return f.Mend
			}
		}
	}
	return ""
}
