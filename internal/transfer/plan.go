package transfer

import (
	"cmp"
	"errors"
	"fmt"
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

// Actions are all actions in their order.
func Actions() []Action {
	return []Action{Blocked, Conflict, Create, Update, Delete, Unknown, Skip, Orphan, Unchanged}
}

// Item is what a plan says of one secret.
type Item struct {
	Action Action
	Key    secret.Key // at the source; "" if only the target has it
	Name   secret.Key // at the target; "" if it can have no name there
	Why    string     // the reason, for what is not plain from the action

	From secret.Entry  // the source's; without a value if only the target has it
	To   *secret.Entry // the target's, as List returned it; nil if it is not there

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
	// Wrote returns what was written under a name, and whether anything was.
	Wrote(name secret.Key) (Written, bool)
	// Same tells whether what was written is what the source has now.
	Same(w Written, name secret.Key, from secret.Entry) bool
}

// Written is what is remembered of one secret that was written.
type Written struct {
	Name     secret.Key `json:"name"`
	Revision string     `json:"revision,omitempty"` // the source's version, where it has versions
	MAC      string     `json:"mac,omitempty"`      // of the value, where a source has no versions
	At       time.Time  `json:"at"`                 // when it was written, by this machine's clock
	There    time.Time  `json:"there,omitzero"`     // when the target says that it was written; zero if it does not say
}

// Make compares and decides. It is pure: two plans of the same input are equal.
func Make(in Input) Plan {
	m := maker{in: in, there: map[string]*secret.Entry{}, wanted: map[string][]int{}}
	for i := range in.Target {
		e := &in.Target[i]
		m.there[in.Rules.same(e.Key)] = e
	}
	for _, e := range in.Source {
		m.place(e)
	}
	m.collide()
	for i := range m.plan.Items {
		if it := &m.plan.Items[i]; it.Action == "" {
			m.decide(it)
		}
	}
	m.leftovers()
	m.room()
	sortItems(m.plan.Items)
	return m.plan
}

// maker is a plan that is being made.
type maker struct {
	in     Input
	plan   Plan
	there  map[string]*secret.Entry // what the target has, by what names have in common
	wanted map[string][]int         // the items for it
}

// place finds the name that a secret has at the target, and whether its value is
// taken.
func (m *maker) place(e secret.Entry) {
	it := Item{Key: e.Key, From: e}
	var why string
	it.Name, why = m.in.Rules.Name(e.Key)
	switch {
	case e.Hidden != "" && m.in.Policy.OnExists != Compare:
		it.Action, it.Why = Blocked, e.Hidden
	case why != "":
		it.Action, it.Why, it.Name = Blocked, why, ""
	case e.Value.Present() && m.in.Rules.Value != nil:
		if why = m.in.Rules.Value(it.Name, e.Value); why != "" {
			it.Action, it.Why = Blocked, why
			if e.Value.Len() == 0 && m.in.Policy.Empty == EmptySkips {
				it.Action = Skip
			}
		}
	}
	if it.Name != "" {
		same := m.in.Rules.same(it.Name)
		it.To = m.there[same]
		m.wanted[same] = append(m.wanted[same], len(m.plan.Items))
	}
	m.plan.Items = append(m.plan.Items, it)
}

// collide blocks the secrets that would be one at the target.
func (m *maker) collide() {
	for _, all := range m.wanted {
		if len(all) < 2 {
			continue
		}
		for _, i := range all {
			var others []secret.Key
			for _, j := range all {
				if j != i {
					others = append(others, m.plan.Items[j].Key)
				}
			}
			it := &m.plan.Items[i]
			it.Action, it.Why = Blocked, fmt.Sprintf("it would be one with %s there: %s", secret.Join(others), it.Name)
		}
	}
}

// decide compares a secret with what the target has of it.
func (m *maker) decide(it *Item) {
	if it.To == nil {
		it.Action = Create
		return
	}
	readable := it.To.Value.Present()
	if readable && it.To.Value.Equal(it.From.Value) {
		it.Action = Unchanged
		return
	}
	// A target that gives values back, and withholds this one without a word, wants
	// it written again.
	if !readable && (!m.in.Rules.Readable || it.To.Hidden != "") && m.remembered(it) {
		return
	}
	how, asked := m.in.Policy.Each[it.Name]
	if !asked {
		how = m.in.Policy.OnExists
	}
	switch how {
	case Compare:
		it.Action = Update
		if !readable || !it.From.Value.Present() {
			it.Action, it.Why = Unknown, "its value cannot be read there"
		}
	case Overwrite:
		it.Action = Update
		if !readable && it.Why == "" {
			it.Why = "what is there is not known"
		}
	case Keep:
		it.Action, it.Why = Skip, "it exists there"
	default:
		it.Action, it.Why = Conflict, "it exists there"
		if readable {
			it.Why = "it exists there with another value"
		}
	}
}

// remembered decides by what was written before, if anything was, about a secret
// that the target does not show.
func (m *maker) remembered(it *Item) bool {
	w, ok := m.wrote(it.To.Key)
	if !ok {
		return false
	}
	same, moved := m.in.Known.Same(w, it.To.Key, it.From), w.moved(it.To)
	switch {
	case moved && m.in.Policy.Heal:
		it.Action, it.Why = Update, "somebody else changed it there"
	case moved:
		it.Action, it.Why, it.drift = Conflict, "somebody else changed it there since; --heal writes it again", true
	case same:
		it.Action = Unchanged
	default:
		// It is ours: that it exists is no news.
		it.Action = Update
		if m.in.Policy.OnExists == Keep {
			it.Action, it.Why = Skip, "it exists there"
		}
	}
	return true
}

func (m *maker) wrote(name secret.Key) (Written, bool) {
	if m.in.Known == nil {
		return Written{}, false
	}
	return m.in.Known.Wrote(name)
}

// moved tells whether the target says that it was written after us.
func (w Written) moved(e *secret.Entry) bool {
	return !w.There.IsZero() && e.Modified.After(w.There)
}

// leftovers are what the target alone has: deleted if skret wrote it and may,
// else left.
func (m *maker) leftovers() {
	doomed := 0
	for i := range m.in.Target {
		e := &m.in.Target[i]
		if len(m.wanted[m.in.Rules.same(e.Key)]) > 0 {
			continue
		}
		it := Item{Action: Orphan, Name: e.Key, To: e}
		if w, ours := m.wrote(e.Key); ours {
			switch {
			case !m.in.Policy.Prune:
				it.Why = "skret wrote it; --prune deletes it"
			case w.moved(e) && !m.in.Policy.Heal:
				it.Why = "skret wrote it, and somebody else changed it since; with --heal it is deleted"
			default:
				it.Action = Delete
				doomed++
			}
		}
		m.plan.Items = append(m.plan.Items, it)
	}
	if why := m.unsafe(doomed); why != nil {
		m.plan.Problem = why
	}
}

// standardPruneMax is how many secrets are deleted without a word about the number.
const standardPruneMax = 10

// unsafe says why so many may not be deleted, or nil. A source that suddenly has
// nothing, or little, is more often a mistake than a wish.
func (m *maker) unsafe(n int) error {
	most := m.in.Policy.PruneMax
	switch {
	case n == 0:
		return nil
	case len(m.in.Source) == 0:
		return errs.New(errs.Conflict, "prune: the source has no secrets at all, and %s would be deleted", count(n, "secret")).
			WithHint("is that the right environment? What is left over can be deleted by hand")
	case n > cmp.Or(most, standardPruneMax):
		return errs.New(errs.Conflict, "prune: %s would be deleted, and %d are the limit", count(n, "secret"), cmp.Or(most, standardPruneMax)).
			WithHint("see them with --dry-run, and allow that many with --prune-max %d", n)
	}
	return nil
}

// room blocks what would be too many, or too much, for the target.
func (m *maker) room() {
	r := m.in.Rules
	names, size, deleted := len(m.in.Target), 0, 0
	for _, it := range m.plan.Items {
		switch it.Action {
		case Create:
			names++
		case Delete:
			deleted++
		}
		if it.Action == Create || it.Action == Update || it.Action == Unchanged {
			size += len(it.Name) + it.From.Value.Len()
		} else if it.To != nil && it.Action != Delete {
			size += len(it.Name) + it.To.Value.Len()
		}
	}
	var why string
	switch {
	// What is deleted goes last, so its room is not free before.
	case r.MaxNames > 0 && names > r.MaxNames:
		why = fmt.Sprintf("there would be %d secrets, and the target holds %d", names, r.MaxNames)
		if deleted > 0 && names-deleted <= r.MaxNames {
			why += "; delete what is pruned by hand first"
		}
	case r.MaxBytes > 0 && size > r.MaxBytes:
		why = fmt.Sprintf("there would be %d bytes, and the target holds %d", size, r.MaxBytes)
	default:
		return
	}
	for i := range m.plan.Items {
		it := &m.plan.Items[i]
		if it.Action == Create || r.MaxBytes > 0 && it.Action == Update {
			it.Action, it.Why = Blocked, why
		}
	}
}

func sortItems(items []Item) {
	order := Actions()
	slices.SortStableFunc(items, func(a, b Item) int {
		if c := slices.Index(order, a.Action) - slices.Index(order, b.Action); c != 0 {
			return c
		}
		if c := strings.Compare(string(a.Shown()), string(b.Shown())); c != 0 {
			return c
		}
		return strings.Compare(string(a.Key), string(b.Key))
	})
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

// Changes tells whether the target would change.
func (p Plan) Changes() bool { return len(p.Of(Create, Update, Delete)) > 0 }

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
	for _, it := range p.Of(Conflict) {
		if !it.drift {
			there = append(there, it.Shown())
		}
	}
	if len(there) > 0 {
		probs = append(probs, errs.New(errs.Conflict, "the target has %s already, with another value: %s", count(len(there), "secret"), secret.Join(there)).
			WithHint("choose what happens to them: --on-conflict skip, overwrite or prompt"))
	}
	return errors.Join(probs...)
}

// blocked returns an error for each reason, with all secrets that it blocks.
func (p Plan) blocked() []error {
	var probs []error
	byWhy := map[string][]secret.Key{}
	var order []string
	for _, it := range p.Of(Blocked) {
		if byWhy[it.Why] == nil {
			order = append(order, it.Why)
		}
		byWhy[it.Why] = append(byWhy[it.Why], it.Key)
	}
	for i, why := range order {
		e := errs.New(errs.Invalid, "%s cannot be written: %s", secret.Join(byWhy[why]), why)
		if i == len(order)-1 {
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
