package transfer

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Action is what is done about one secret.
type Action string

// The actions, in the order in which a plan shows them.
const (
	Blocked   Action = "blocked"   // it cannot be written, for a reason
	Conflict  Action = "conflict"  // the target has something else under that name
	Create    Action = "create"    // the target does not have it
	Update    Action = "update"    // the target has another value, or it is not known which
	Delete    Action = "delete"    // skret wrote it there, and the source has it no more
	Unknown   Action = "unknown"   // both have it, and one does not show its value
	Skip      Action = "skip"      // left as it is at the target, by the user's choice
	Orphan    Action = "orphan"    // the target alone has it; it stays
	Unchanged Action = "unchanged" // the target has this value
)

var order = [...]Action{Blocked, Conflict, Create, Update, Delete, Unknown, Skip, Orphan, Unchanged}

// Actions are all actions in their order.
func Actions() []Action { return slices.Clone(order[:]) }

// Item is what a plan says of one secret.
type Item struct {
	Action Action
	Key    secret.Key // at the source; "" if only the target has it
	Name   secret.Key // at the target; "" if it can have no name there
	Why    string     // the reason, for what is not plain from the action

	From secret.Entry  // the source's; without a value if only the target has it
	To   *secret.Entry // the target's, as List returned it; nil if it is not there, or would be that of several

	drift bool // a conflict with what somebody else did at the target
}

// Plan is what there is to do: the items sorted by action, then by name.
type Plan struct {
	Items []Item

	// Problem is why the plan as a whole must not be applied; nil if it may.
	// What is wrong with single secrets is in their items.
	Problem error
}

// OnExists is what happens to a secret that the target has with another value.
type OnExists uint8

// What happens to what exists.
const (
	Overwrite OnExists = iota // it is updated
	Fail                      // it is a conflict, and nothing at all is written
	Keep                      // it is skipped
	Compare                   // it is an update, or unknown where a value is not to be had: nothing is to be written
)

// Policy is how a plan decides.
type Policy struct {
	OnExists OnExists
	Empty    OnEmpty
	Heal     bool // what was changed at the target by others is written again
	Prune    bool // what skret wrote there and the source no longer has is deleted
	PruneMax int  // the most that may be deleted; 0 is 10

	// Each says it for single secrets, by their names at the target, in place of
	// OnExists.
	Each map[secret.Key]OnExists
}

// OnEmpty is what happens to an empty value that the target does not take.
type OnEmpty uint8

// What happens to empty values.
const (
	EmptyBlocks OnEmpty = iota
	EmptySkips
)

// Input is what a plan is made from.
type Input struct {
	Source []secret.Entry // what is to be there, after filters and renaming
	Target []secret.Entry // what is there
	Rules  Rules
	Known  Known // what was written there before; nil if nothing is remembered
	Policy Policy
}

// Known tells what is remembered of a target.
type Known interface {
	// Wrote returns what was written under a name, and whether anything was. Names
	// are given as [Rules.Same] has them.
	Wrote(name secret.Key) (Written, bool)
	// Same tells whether what was written is what the source has now.
	Same(w Written, name secret.Key, from secret.Entry) bool
}

// Written is what is remembered of one secret that was written. Without Revision
// and MAC a write was begun, and what came of it is not known.
type Written struct {
	Name     secret.Key `json:"name,omitempty"`
	Revision string     `json:"revision,omitempty"` // the source's version, where it has versions
	MAC      string     `json:"mac,omitempty"`      // of the value, where a source has no versions
	KeyID    string     `json:"key,omitempty"`      // of the key that MAC is made with
	At       time.Time  `json:"at,omitzero"`        // when it was last written, by this machine's clock; zero if it never was for sure
	There    time.Time  `json:"there,omitzero"`     // when the target says that it was written; zero if it does not say
}

func sortItems(items []Item) { slices.SortStableFunc(items, compareItems) }

// compareItems puts items in the order of a plan.
func compareItems(a, b Item) int {
	return cmp.Or(
		slices.Index(order[:], a.Action)-slices.Index(order[:], b.Action),
		strings.Compare(string(a.Shown()), string(b.Shown())),
		strings.Compare(string(a.Key), string(b.Key)),
	)
}

// Shown is the name by which a person knows the item.
func (it Item) Shown() secret.Key {
	if it.Name == "" {
		return it.Key
	}
	return it.Name
}

// Of returns the items with one of these actions.
func (p Plan) Of(actions ...Action) []Item {
	var some []Item
	for _, it := range p.Items {
		if slices.Contains(actions, it.Action) {
			some = append(some, it)
		}
	}
	return some
}

// Differs tells whether the places differ in any way that a plan can see.
func (p Plan) Differs() bool { return len(p.Of(Blocked, Conflict, Create, Update, Delete)) > 0 }

// Err says why the plan must not be applied, all reasons at once; nil if it may
// be. Changes that others made at the target are no such reason: the rest is
// written, and they are told of at the end.
func (p Plan) Err() error {
	var probs []error
	if p.Problem != nil {
		probs = append(probs, p.Problem)
	}
	probs = append(probs, p.blocked()...)
	var there []secret.Key
	what := "with another value"
	for _, it := range p.Of(Conflict) {
		if it.drift {
			continue
		}
		there = append(there, it.Shown())
		if !it.To.Value.Present() {
			what = "with another value, or with one that it does not show"
		}
	}
	if len(there) > 0 {
		probs = append(probs, errs.New(errs.Conflict, "the target has %s already, %s: %s", count(len(there), "secret"), what, secret.Join(there)).
			WithHint("choose what happens to them: --on-conflict skip, overwrite or prompt"))
	}
	return errors.Join(probs...)
}

// blocked returns an error for each reason, with all secrets that it blocks.
func (p Plan) blocked() []error {
	var probs []error
	byWhy := map[string][]secret.Key{}
	var reasons []string
	for _, it := range p.Of(Blocked) {
		if byWhy[it.Why] == nil {
			reasons = append(reasons, it.Why)
		}
		byWhy[it.Why] = append(byWhy[it.Why], it.Key)
	}
	for i, why := range reasons {
		e := errs.New(errs.Invalid, "%s cannot be written: %s", secret.Join(byWhy[why]), why)
		if i == len(reasons)-1 {
			e = e.WithHint("leave it out with --except, or mend it at the source; nothing was written")
		}
		probs = append(probs, e)
	}
	return probs
}

// Drift is the error that tells of what others changed at the target and was
// left so; nil if there is none.
func (p Plan) Drift() error {
	var names []secret.Key
	for _, it := range p.Of(Conflict) {
		if it.drift {
			names = append(names, it.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "somebody else changed %s at the target, which stays so: %s", count(len(names), "secret"), secret.Join(names)).
		WithHint("--heal writes them again")
}
