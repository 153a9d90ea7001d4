package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// anything makes sources, targets and policies of all sorts.
type anything struct{ *rand.Rand }

func (r anything) yes() bool { return r.IntN(2) == 0 }

func (r anything) policy() transfer.Policy {
	return transfer.Policy{
		OnExists: transfer.OnExists(r.IntN(3)), Empty: transfer.OnEmpty(r.IntN(2)), Heal: r.yes(), Prune: r.yes(), PruneMax: 100,
		Each: map[secret.Key]transfer.OnExists{"a": transfer.OnExists(r.IntN(3)), "b": transfer.OnExists(r.IntN(3))},
	}
}

// entries are some of the names, each perhaps twice, with and without values and
// versions.
func (r anything) entries(names string) []secret.Entry {
	var es []secret.Entry
	for n := range strings.FieldsSeq(names) {
		for range r.IntN(8) / 3 {
			e := entry(n, []string{"", "1", "2", "3", "much too large"}[min(r.IntN(12), 4)%5])
			switch r.IntN(20) {
			case 0:
				e.Hidden = "the token may not read it"
			case 1:
				e.Value = secret.Value{}
			}
			es = append(es, e)
		}
	}
	return es
}

func TestEverySecretIsInOneItemWhateverThereIs(t *testing.T) {
	r := anything{rand.New(rand.NewPCG(1, 2))}
	for range 1200 {
		in := transfer.Input{Source: r.entries("a A b bad c/d c_d e"), Target: r.entries("a A B c_d x X"), Rules: rules(r.yes()), Policy: r.policy()}
		in.Rules.MaxNames, in.Rules.MaxBytes = []int{0, 5}[r.IntN(2)], []int{0, 12}[r.IntN(2)]
		before := fmt.Sprint(in.Source, in.Target)
		p := transfer.Make(in)
		sources, targets := 0, map[*secret.Entry]bool{}
		writes := map[string]bool{}
		for _, it := range p.Items {
			if it.Key != "" {
				sources++
			}
			if it.To != nil && targets[it.To] {
				t.Fatalf("%s of the target is in two items: %s", it.To.Key, shown(p))
			}
			targets[it.To] = true
			if it.Action != transfer.Create && it.Action != transfer.Update {
				continue
			}
			if it.From.Hidden != "" || !it.From.Value.Present() || in.Rules.Value(it.Name, it.From.Value) != "" {
				t.Fatalf("%s is written, and has no value that can be", it.Key)
			}
			if same := in.Rules.Same(it.Name); writes[same] || (it.Action == transfer.Create) != (it.To == nil) {
				t.Fatalf("%s %s is wrong: %s", it.Action, it.Name, shown(p))
			} else {
				writes[same] = true
			}
		}
		if sources != len(in.Source) {
			t.Fatalf("%d of %d: %s", sources, len(in.Source), shown(p))
		}
		if fmt.Sprint(in.Source, in.Target) != before {
			t.Fatal("the plan has changed what it was made from")
		}
		r.Shuffle(len(in.Source), func(i, j int) { in.Source[i], in.Source[j] = in.Source[j], in.Source[i] })
		r.Shuffle(len(in.Target), func(i, j int) { in.Target[i], in.Target[j] = in.Target[j], in.Target[i] })
		if unlike := differing(in); unlike && fmt.Sprint(reasons(transfer.Make(in))) != fmt.Sprint(reasons(p)) {
			t.Fatalf("the order makes a difference:\n%s\n%s", reasons(p), reasons(transfer.Make(in)))
		}
	}
}

// differing tells whether no key is there twice: which of two is meant by one
// key is nowhere said.
func differing(in transfer.Input) bool {
	for _, es := range [][]secret.Entry{in.Source, in.Target} {
		seen := map[secret.Key]bool{}
		for _, e := range es {
			if seen[e.Key] {
				return false
			}
			seen[e.Key] = true
		}
	}
	return true
}

func reasons(p transfer.Plan) (all []string) {
	for _, it := range p.Items {
		all = append(all, fmt.Sprint(it.Action, it.Key, it.Name, it.Why, it.To))
	}
	return all
}

// folded makes a place that takes names of any case for one, and keeps the first
// spelling.
func folded(readable bool) *place {
	p := newPlace(readable)
	p.Same = func(n secret.Key) string { return strings.ToUpper(string(n)) }
	return p
}

func TestAnAppliedPlanLeavesNothingToDo(t *testing.T) {
	r := anything{rand.New(rand.NewPCG(3, 4))}
	applied := 0
	for range 600 {
		p := folded(r.yes())
		if p.Rules.Value = nil; r.yes() {
			p.Rules.Value = rules(true).Value
		}
		for _, e := range r.entries("a B c_d x") {
			p.has[e.Key] = e
		}
		s, err := transfer.OpenState(t.Context(), id, options("", "k1"), []secret.Entry{entry("a", "1")})
		if err != nil {
			t.Fatal(err)
		}
		policy := r.policy()
		for round := range 3 {
			source := r.entries("a b c_d e")
			make := func() transfer.Plan {
				there, _ := p.target().List(t.Context())
				return transfer.Make(transfer.Input{Source: source, Target: there, Rules: p.Rules, Known: s, Policy: policy})
			}
			plan := make()
			p.puts, p.deletes = nil, nil
			res, err := plan.Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s})
			if (err != nil) != (plan.Err() != nil) || err == nil && res.Err() != nil {
				t.Fatal(err, plan.Err(), res.Err())
			}
			if err != nil {
				if len(p.puts)+len(p.deletes) > 0 {
					t.Fatalf("refused, and yet written: %v, %v", p.puts, p.deletes)
				}
				continue
			}
			applied++
			if again := make(); changes(again) {
				t.Fatalf("round %d: after %s\nthere is still %s", round, reasons(plan), reasons(again))
			}
		}
	}
	if applied < 200 {
		t.Errorf("no more than %d plans could be applied", applied)
	}
}

func TestATargetThatKeepsItsSpellingIsWrittenOnce(t *testing.T) {
	p, dir := folded(false), t.TempDir()
	p.has["token"] = entry("token", "theirs")
	source := []secret.Entry{entry("TOKEN", "1")}
	if _, r, _ := carry(t, t.Context(), dir, source, p, transfer.Policy{}); r.Err() != nil || len(p.puts) != 1 {
		t.Fatal(p.puts, r.Err())
	}
	if plan, _, _ := carry(t, t.Context(), dir, source, p, transfer.Policy{}); len(p.puts) != 1 {
		t.Errorf("it is written again: %s", shown(plan))
	}
}

func TestWhatTheTargetListsTwiceIsNeverPruned(t *testing.T) {
	known := remembered{"A": {Name: "A", Revision: "1", At: now}}
	in := transfer.Input{
		Source: []secret.Entry{entry("b", "1")}, Target: []secret.Entry{{Key: "A"}, {Key: "a"}}, Known: known,
		Rules: rules(false), Policy: transfer.Policy{Prune: true},
	}
	if got := shown(transfer.Make(in)); got != "create b, orphan A, orphan a" {
		t.Error(got)
	}
	in.Source = []secret.Entry{entry("a", "1")}
	if got := shown(transfer.Make(in)); got != "orphan A, unchanged a" {
		t.Errorf("the one that is written so is meant: %s", got)
	}
}

func TestAChoiceForOneSecretHoldsForWhatIsOurs(t *testing.T) {
	known := remembered{"A": {Name: "A", Revision: "old", At: now}}
	in := transfer.Input{Source: []secret.Entry{entry("A", "1")}, Target: []secret.Entry{{Key: "A"}}, Known: known, Rules: rules(false)}
	for how, want := range map[transfer.OnExists]string{transfer.Keep: "skip A", transfer.Fail: "update A", transfer.Overwrite: "update A"} {
		in.Policy = transfer.Policy{Each: map[secret.Key]transfer.OnExists{"A": how}}
		if got := shown(transfer.Make(in)); got != want {
			t.Errorf("%d: %s, want %s", how, got, want)
		}
	}
}

func TestASecretIsBlockedForAllItsReasons(t *testing.T) {
	in := transfer.Input{Source: []secret.Entry{entry("a/b", ""), {Key: "A_B", Hidden: "it is restricted"}, {Key: "none"}, {Key: "bad", Hidden: "it is sealed"}}, Rules: rules(true)}
	p := transfer.Make(in)
	for _, want := range []string{"it is restricted; it would be one with a/b there", "it is empty; it would be one with A_B there", "the source does not show its value", "the name is reserved; it is sealed"} {
		if err := p.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told: %v", want, err)
		}
	}
}

func TestRoomIsCountedForWhatTakesIt(t *testing.T) {
	full := []secret.Entry{entry("A", "1"), entry("B", "1"), entry("C", "1")}
	known := remembered{"C": {Name: "C", At: now}}
	for name, c := range map[string]struct {
		source       []secret.Entry
		names, bytes int
		prune        bool
		want, why    string
	}{
		"an update takes no name":       {[]secret.Entry{entry("A", "2")}, 2, 100, false, "update A, orphan B, orphan C", ""},
		"a new one does":                {[]secret.Entry{entry("A", "2"), entry("D", "1")}, 3, 100, false, "blocked D, update A, orphan B, orphan C", "4 secrets, and the target holds 3"},
		"what is pruned goes last":      {[]secret.Entry{entry("D", "1")}, 3, 0, true, "blocked D, delete C, orphan A, orphan B", "3; delete what is pruned by hand first"},
		"and its bytes":                 {[]secret.Entry{entry("D", "1")}, 0, 6, true, "blocked D, delete C, orphan A, orphan B", "8 bytes, and the target holds 6; delete what is pruned"},
		"both limits are told":          {[]secret.Entry{entry("D", "1")}, 3, 7, false, "blocked D, orphan A, orphan B, orphan C", "holds 3; there would be 8 bytes"},
		"an update can be too large":    {[]secret.Entry{entry("A", "1234")}, 0, 8, false, "blocked A, orphan B, orphan C", "9 bytes"},
		"one that fits exactly is fine": {[]secret.Entry{entry("A", "123")}, 3, 8, false, "update A, orphan B, orphan C", ""},
	} {
		in := transfer.Input{Source: c.source, Target: full, Rules: rules(true), Known: known, Policy: transfer.Policy{Prune: c.prune}}
		in.Rules.MaxNames, in.Rules.MaxBytes = c.names, c.bytes
		p := transfer.Make(in)
		if got := shown(p); got != c.want || !strings.Contains(p.Items[0].Why, c.why) {
			t.Errorf("%s: %s (%s)\nwant %s (%s)", name, got, p.Items[0].Why, c.want, c.why)
		}
	}
}
