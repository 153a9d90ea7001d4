package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

func open(t *testing.T, id transfer.ID, dir string, source []secret.Entry) *transfer.State {
	t.Helper()
	s, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAHashIsBoundToItsTargetAndName(t *testing.T) {
	es, seen := []secret.Entry{entry("A", "1"), entry("B", "1")}, map[string]bool{}
	ids := []transfer.ID{id, {Type: "gitlab", Host: "h", Target: "github:acme/app"}, {Type: "github", Host: "x", Target: "github:acme/app"}, {Type: "github", Host: "h", Target: "github:acme/other"}}
	var states []*transfer.State
	for _, id := range ids {
		p := newPlace(false)
		s := open(t, id, t.TempDir(), es)
		if _, err := transfer.Make(transfer.Input{Source: es, Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s}); err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			w, ok := s.Wrote(e.Key)
			if !ok || w.MAC == "" || seen[w.MAC] || !s.Same(w, e.Key, e) {
				t.Errorf("%v %s: %+v", id, e.Key, w)
			}
			seen[w.MAC] = true
		}
		states = append(states, s)
	}
	a, _ := states[0].Wrote("A")
	if states[0].Same(a, "B", es[1]) || states[1].Same(a, "A", es[0]) || states[0].Same(a, "A", entry("A", "2")) {
		t.Error("a hash holds for another name, target or value")
	}
}

func TestHashesOutliveARunThatNeedsNone(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1")}
	carry(t, t.Context(), dir, es, p, transfer.Policy{})
	_, journal := stateFiles(t, dir)
	if err := os.WriteFile(journal, []byte(`{"name":"X","deleted":true}`+"\n"), 0o600); err != nil { // so that Close writes
		t.Fatal(err)
	}
	if err := open(t, id, dir, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if plan, _, _ := carry(t, t.Context(), dir, es, p, transfer.Policy{}); shown(plan) != "unchanged A" {
		t.Error(shown(plan))
	}
}

// A write whose end was never heard of may have been made: what is there is
// neither somebody else's nor what it was.
func TestAWriteOfWhichNothingWasHeardIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct{ first, second, third string }{"onward": {"1", "2", "2"}, "back again": {"1", "2", "1"}} {
		p, dir := newPlace(false), t.TempDir()
		run := func(value string, policy transfer.Policy) string {
			plan, _, _ := carry(t, t.Context(), dir, []secret.Entry{entry("A", value), entry("B", value)}, p, policy)
			return shown(plan)
		}
		run(c.first, transfer.Policy{})
		p.fail["A"] = errs.New(errs.Network, "no answer")
		p.lost = true // it was made, all the same
		run(c.second, transfer.Policy{})
		p.fail, p.lost = nil, false
		if got := run(c.third, transfer.Policy{OnExists: transfer.Fail}); !strings.Contains(got, "update A") || p.has["A"].Value.Reveal() != c.third {
			t.Errorf("%s: %s, and there is %q", name, got, p.has["A"].Value.Reveal())
		}
		if got := run(c.third, transfer.Policy{}); got != "unchanged A, unchanged B" {
			t.Errorf("%s, once more: %s", name, got)
		}
	}
}

func TestWhatWasBegunIsOursOnlyOnceItIsAcknowledged(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	p.fail["A"] = errs.New(errs.Backend, "refused")
	carry(t, t.Context(), dir, []secret.Entry{entry("A", "1"), entry("B", "1")}, p, transfer.Policy{})
	p.has["A"] = entry("A", "somebody else's")
	carry(t, t.Context(), dir, []secret.Entry{entry("B", "1")}, p, transfer.Policy{Prune: true})
	if len(p.deletes) != 0 {
		t.Errorf("%v is pruned, which skret never wrote", p.deletes)
	}
}

func TestWhatIsGoneThereIsNoLongerOurs(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	p.silent = true // no times
	rest := []secret.Entry{entry("B", "1")}
	carry(t, t.Context(), dir, append(rest, entry("A", "1")), p, transfer.Policy{})
	delete(p.has, "A")
	carry(t, t.Context(), dir, rest, p, transfer.Policy{})
	p.has["A"] = entry("A", "somebody else's")
	if plan, _, _ := carry(t, t.Context(), dir, rest, p, transfer.Policy{Prune: true}); shown(plan) != "orphan A, unchanged B" {
		t.Error(shown(plan))
	}
}

func TestWhatOthersChangedIsLeftUnlessItIsToBeHealed(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1"), entry("B", "1")}
	carry(t, t.Context(), dir, es, p, transfer.Policy{})
	p.clock = p.clock.Add(time.Second)
	p.has["A"] = secret.Entry{Key: "A", Value: secret.NewValue("theirs"), Modified: p.clock}
	p.puts = nil
	plan, r, err := carry(t, t.Context(), dir, append(es, entry("C", "1")), p, transfer.Policy{})
	if err != nil || r.Err() != nil || shown(plan) != "conflict A, create C, unchanged B" || !same(p.puts, []secret.Key{"C"}) || errs.KindOf(plan.Drift()) != errs.Conflict {
		t.Errorf("%s, %v, %v", shown(plan), p.puts, plan.Drift())
	}
	if plan, _, _ = carry(t, t.Context(), dir, es, p, transfer.Policy{Heal: true}); shown(plan) != "update A, orphan C, unchanged B" || p.has["A"].Value.Reveal() != "1" {
		t.Error(shown(plan))
	}
	if plan, _, _ = carry(t, t.Context(), dir, es, p, transfer.Policy{}); changes(plan) || plan.Drift() != nil {
		t.Error(shown(plan))
	}
}

func TestTheHolderOfTheLockIsNamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who has a lock")
	}
	dir, me := t.TempDir(), fmt.Sprintf("process %d", os.Getpid())
	first := open(t, id, dir, nil)
	o, told := options(dir, "k1"), ""
	ctx, cancel := context.WithCancel(t.Context())
	o.Waiting = func(by string) { told = by; cancel() }
	_, err := transfer.OpenState(ctx, id, o, nil)
	if told != me || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "held by "+me) {
		t.Errorf("told %q, and at the end: %v", told, err)
	}
	first.Close()
}

func TestOneWhoOnlyLooksWaitsForNobody(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{versioned("A", 1, 1)}
	s := open(t, id, dir, es)
	if _, err := transfer.Make(transfer.Input{Source: es, Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s}); err != nil {
		t.Fatal(err)
	}
	look, err := transfer.ReadState(t.Context(), id, options(dir, "k1"), es)
	if err != nil {
		t.Fatal(err)
	}
	if w, ok := look.Wrote("A"); !ok || !look.Same(w, "A", es[0]) {
		t.Errorf("what is in the journal alone is not seen: %+v", w)
	}
	if err := look.Close(); err != nil {
		t.Error(err)
	}
	if _, journal := stateFiles(t, dir); !exists(journal) {
		t.Error("it has tidied up")
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func TestDamageIsToldWithWhatToDo(t *testing.T) {
	for name, spoil := range map[string]func(state, journal string) error{
		"no JSON":                 func(s, _ string) error { return os.WriteFile(s, []byte("{"), 0o600) },
		"nothing":                 func(s, _ string) error { return os.WriteFile(s, nil, 0o600) },
		"a later version":         func(s, _ string) error { return os.WriteFile(s, []byte(`{"version":2}`), 0o600) },
		"of another target":       func(s, _ string) error { return os.WriteFile(s, []byte(`{"version":1,"id":{"type":"x"}}`), 0o600) },
		"the journal is a folder": func(_, j string) error { return os.Mkdir(j, 0o700) },
	} {
		p, dir := newPlace(false), t.TempDir()
		carry(t, t.Context(), dir, hundred()[:1], p, transfer.Policy{})
		state, journal := stateFiles(t, dir)
		if err := spoil(state, journal); err != nil {
			t.Fatal(err)
		}
		_, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), nil)
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.HasPrefix(errs.HintOf(err), "delete it") {
			t.Errorf("%s: %v (%s)", name, err, errs.HintOf(err))
		}
		if _, err := transfer.ReadState(t.Context(), id, options(dir, "k1"), nil); err == nil {
			t.Errorf("%s: a look takes it", name)
		}
	}
}

// Close may end between its two steps: the journal is then older than the file.
func TestAJournalThatWasLeftOverChangesNothing(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1"), entry("B", "1")}
	s := open(t, id, dir, es)
	if _, err := transfer.Make(transfer.Input{Source: es, Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s}); err != nil {
		t.Fatal(err)
	}
	_, journal := stateFiles(t, dir)
	left, err := os.ReadFile(journal)
	if err != nil || s.Close() != nil || exists(journal) {
		t.Fatal("the state cannot be closed")
	}
	if err := os.WriteFile(journal, left, 0o600); err != nil {
		t.Fatal(err)
	}
	if plan, _, _ := carry(t, t.Context(), dir, es, p, transfer.Policy{}); shown(plan) != "unchanged A, unchanged B" || exists(journal) {
		t.Error(shown(plan))
	}
}

func TestWhatIsAppendedAfterHalfALineIsNotLost(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1"), entry("B", "1"), entry("C", "1")}
	carry(t, t.Context(), dir, es[:1], p, transfer.Policy{})
	_, journal := stateFiles(t, dir)
	if err := os.WriteFile(journal, []byte(`{"name":"B","mac":"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, id, dir, es)
	there, _ := p.target().List(t.Context())
	p.Workers = 1
	if _, err := transfer.Make(transfer.Input{Source: es, Target: there, Rules: p.Rules, Known: s}).Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s}); err != nil {
		t.Fatal(err)
	}
	// It is not closed: a kill would leave it so.
	look, err := transfer.ReadState(t.Context(), id, options(dir, "k1"), es)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if w, ok := look.Wrote(e.Key); !ok || !look.Same(w, e.Key, e) {
			t.Errorf("%s is forgotten", e.Key)
		}
	}
	if data, err := os.ReadFile(journal); err != nil || !strings.HasPrefix(string(data), `{"name":"B","mac":"half`+"\n"+`{"begun":"B"}`+"\n") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestTheKeyIsToldByItsID(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1")}
	carry(t, t.Context(), dir, es, p, transfer.Policy{})
	o := options(dir, "k1")
	o.Key = func(context.Context) (transfer.Key, error) {
		return transfer.Key{ID: "k2", Bytes: []byte(strings.Repeat("k1", 16))}, nil
	}
	look, err := transfer.ReadState(t.Context(), id, o, es)
	if err != nil {
		t.Fatal(err)
	}
	if w, ok := look.Wrote("A"); !ok || look.Same(w, "A", es[0]) {
		t.Errorf("a hash by the key %q is taken for one by k2", w.KeyID)
	}
}
