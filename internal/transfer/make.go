package transfer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Make compares and decides. It is pure: two plans of the same input are equal.
func Make(in Input) Plan {
	in.Source, in.Target = sorted(in.Source), sorted(in.Target)
	m := maker{in: in, there: map[secret.Key][]*secret.Entry{}, wanted: map[secret.Key][]int{}}
	for i := range in.Target {
		e := &in.Target[i]
		same := in.Rules.same(e.Key)
		m.there[same] = append(m.there[same], e)
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
	there  map[secret.Key][]*secret.Entry // what the target has, by what names have in common
	wanted map[secret.Key][]int           // the items for it
}

// sorted returns the entries in an order that does not depend on theirs.
func sorted(es []secret.Entry) []secret.Entry {
	es = slices.Clone(es)
	slices.SortStableFunc(es, func(a, b secret.Entry) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return es
}

// place finds the name that a secret has at the target, and whether its value is
// taken.
func (m *maker) place(e secret.Entry) {
	it := Item{Key: e.Key, From: e}
	name, why := m.in.Rules.Name(e.Key)
	if why != "" {
		it.block(why)
	} else {
		it.Name = name
	}
	switch {
	case m.in.Policy.OnExists == Compare: // nothing is written
	case e.Hidden != "":
		it.block(e.Hidden)
	case !e.Value.Present():
		it.block("the source does not show its value")
	case it.Name != "" && m.in.Rules.Value != nil:
		if why = m.in.Rules.Value(it.Name, e.Value); why == "" {
			break
		}
		if it.block(why); e.Value.Len() == 0 && m.in.Policy.Empty == EmptySkips {
			it.Action = Skip
		}
	}
	if it.Name != "" {
		it.To = m.match(it.Name)
		same := m.in.Rules.same(it.Name)
		m.wanted[same] = append(m.wanted[same], len(m.plan.Items))
	}
	m.plan.Items = append(m.plan.Items, it)
}

// block notes why an item cannot be written, beside what is known already.
func (it *Item) block(why string) {
	if it.Action == Blocked {
		why = it.Why + "; " + why
	}
	it.Action, it.Why = Blocked, why
}

// match returns what the target has under a name; nil if it has nothing. Should
// it list several that are one, that is the one that is written so.
func (m *maker) match(name secret.Key) *secret.Entry {
	all := m.there[m.in.Rules.same(name)]
	for _, e := range all {
		if e.Key == name {
			return e
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
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
			it.To = nil
			it.block(fmt.Sprintf("it would be one with %s there: %s", secret.Join(others), it.Name))
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
	switch m.how(it) {
	case Compare:
		it.Action = Update
		if !readable {
			it.Action, it.Why = Unknown, "its value cannot be read there"
		} else if !it.From.Value.Present() {
			it.Action, it.Why = Unknown, "its value cannot be read at the source"
		}
	case Overwrite:
		it.Action = Update
		if !readable {
			it.Why = notKnown
		}
	case Keep:
		it.Action, it.Why = Skip, exists
	default:
		it.Action, it.Why = Conflict, exists
		if readable {
			it.Why = "it exists there with another value"
		}
	}
}

// The reasons that several decisions have.
const (
	exists   = "it exists there"
	notKnown = "what is there is not known"
)

// how returns what happens to a secret that exists.
func (m *maker) how(it *Item) OnExists {
	if how, asked := m.in.Policy.Each[it.Name]; asked {
		return how
	}
	return m.in.Policy.OnExists
}

// remembered decides by what was written before, if anything was, about a secret
// that the target does not show.
func (m *maker) remembered(it *Item) bool {
	w, ok := m.wrote(it.Name)
	if !ok {
		return false
	}
	moved := w.moved(it.To)
	switch {
	case moved && m.in.Policy.Heal:
		it.Action, it.Why = Update, "somebody else changed it there"
	case moved:
		it.Action, it.Why, it.drift = Conflict, "somebody else changed it there since; --heal writes it again", true
	case m.in.Known.Same(w, m.in.Rules.same(it.Name), it.From):
		it.Action = Unchanged
	case m.how(it) == Keep:
		it.Action, it.Why = Skip, exists
	default:
		it.Action = Update // it is ours: that it exists is no news
		if w.Revision == "" && w.MAC == "" {
			it.Why = notKnown
		}
	}
	return true
}

func (m *maker) wrote(name secret.Key) (Written, bool) {
	if m.in.Known == nil {
		return Written{}, false
	}
	return m.in.Known.Wrote(m.in.Rules.same(name))
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
		same := m.in.Rules.same(e.Key)
		wanted, alike := m.wanted[same], m.there[same]
		if len(wanted) > 1 || len(wanted) == 1 && m.plan.Items[wanted[0]].To == e {
			continue
		}
		it := Item{Action: Orphan, Name: e.Key, To: e}
		if w, wrote := m.wrote(e.Key); len(alike) > 1 {
			it.Why = fmt.Sprintf("the target lists %d that are one there", len(alike)) // which of them is ours is not known
		} else if wrote && !w.At.IsZero() {
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
	var names, size, namesFreed, sizeFreed int
	for _, it := range m.plan.Items {
		bytes := len(it.Name) + it.From.Value.Len()
		switch {
		case it.Action == Create || it.Action == Update || it.Action == Unchanged:
		case it.To == nil:
			continue
		default:
			bytes = len(it.To.Key) + it.To.Value.Len()
		}
		names++
		size += bytes
		if it.Action == Delete {
			namesFreed++
			sizeFreed += bytes
		}
	}
	tooMany := over(names, namesFreed, m.in.Rules.MaxNames, "secrets")
	tooMuch := over(size, sizeFreed, m.in.Rules.MaxBytes, "bytes")
	for i := range m.plan.Items {
		it := &m.plan.Items[i]
		act := it.Action
		if act == Create && tooMany != "" {
			it.block(tooMany)
		}
		if (act == Create || act == Update) && tooMuch != "" {
			it.block(tooMuch)
		}
	}
}

// over says that n are more than the limit, if they are. What is deleted goes
// last: the room that it frees is not there before.
func over(n, freed, limit int, what string) string {
	if limit == 0 || n <= limit {
		return ""
	}
	why := fmt.Sprintf("there would be %d %s, and the target holds %d", n, what, limit)
	if n-freed <= limit {
		why += "; delete what is pruned by hand first"
	}
	return why
}
