package transfer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

func entry(key, value string) secret.Entry {
	return secret.Entry{Key: secret.Key(key), Value: secret.NewValue(value)}
}

// rules are those of a target that folds names, refuses some and some values.
func rules(readable bool) transfer.Rules {
	return transfer.Rules{
		Name: func(k secret.Key) (secret.Key, string) {
			if strings.HasPrefix(string(k), "bad") {
				return "", "the name is reserved"
			}
			return secret.Key(strings.ReplaceAll(string(k), "/", "_")), ""
		},
		Same: func(n secret.Key) string { return strings.ToUpper(string(n)) },
		Value: func(_ secret.Key, v secret.Value) string {
			switch {
			case v.Len() == 0:
				return "it is empty"
			case v.Len() > 10:
				return "it is too large"
			}
			return ""
		},
		Readable: readable,
	}
}

func shown(p transfer.Plan) string {
	var words []string
	for _, it := range p.Items {
		words = append(words, fmt.Sprintf("%s %s", it.Action, it.Shown()))
	}
	return strings.Join(words, ", ")
}

func TestPlanSaysWhatIsToBeDone(t *testing.T) {
	target := []secret.Entry{entry("SAME", "s"), entry("OTHER", "old"), entry("ALONE", "a")}
	for name, c := range map[string]struct {
		source []secret.Entry
		policy transfer.Policy
		want   string
		err    string
	}{
		"all sorts":         {[]secret.Entry{entry("same", "s"), entry("other", "new"), entry("new", "n")}, transfer.Policy{}, "create new, update other, orphan ALONE, unchanged same", ""},
		"conflict":          {[]secret.Entry{entry("other", "new"), entry("new", "n")}, transfer.Policy{OnExists: transfer.Fail}, "conflict other, create new, orphan ALONE, orphan SAME", "already, with another value: other"},
		"equal is none":     {[]secret.Entry{entry("same", "s")}, transfer.Policy{OnExists: transfer.Fail}, "orphan ALONE, orphan OTHER, unchanged same", ""},
		"skip":              {[]secret.Entry{entry("other", "new")}, transfer.Policy{OnExists: transfer.Keep}, "skip other, orphan ALONE, orphan SAME", ""},
		"chosen one by one": {[]secret.Entry{entry("other", "new")}, transfer.Policy{OnExists: transfer.Fail, Each: map[secret.Key]transfer.OnExists{"other": transfer.Overwrite}}, "update other, orphan ALONE, orphan SAME", ""},
		"collision":         {[]secret.Entry{entry("a/b", "1"), entry("A_B", "2"), entry("x", "1")}, transfer.Policy{}, "blocked A_B, blocked a_b, create x, orphan ALONE, orphan OTHER, orphan SAME", "it would be one with"},
		"every reason at once": {
			[]secret.Entry{entry("bad1", "1"), entry("empty", ""), entry("large", "12345678901"), {Key: "hid", Hidden: "it is restricted"}},
			transfer.Policy{}, "blocked bad1, blocked empty, blocked hid, blocked large, orphan ALONE, orphan OTHER, orphan SAME",
			"the name is reserved|it is empty|it is too large|it is restricted",
		},
		"empty is left out": {[]secret.Entry{entry("empty", "")}, transfer.Policy{Empty: transfer.EmptySkips}, "skip empty, orphan ALONE, orphan OTHER, orphan SAME", ""},
	} {
		p := transfer.Make(transfer.Input{Source: c.source, Target: target, Rules: rules(true), Policy: c.policy})
		if got := shown(p); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
		err := p.Err()
		if (err != nil) != (c.err != "") {
			t.Errorf("%s: %v", name, err)
		}
		for part := range strings.SplitSeq(c.err, "|") {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", name, err, part)
			}
		}
	}
}

func TestPlanCountsTheTargetsRoom(t *testing.T) {
	r := rules(false)
	r.MaxNames = 3
	in := transfer.Input{Source: []secret.Entry{entry("a", "1"), entry("b", "1")}, Target: []secret.Entry{{Key: "X"}, {Key: "Y"}}, Rules: r}
	p := transfer.Make(in)
	if got := shown(p); got != "blocked a, blocked b, orphan X, orphan Y" || !strings.Contains(p.Items[0].Why, "there would be 4 secrets, and the target holds 3") {
		t.Errorf("%s: %s", got, p.Items[0].Why)
	}
	r.MaxNames, r.MaxBytes = 0, 3
	in.Rules, in.Target = r, nil
	if got := shown(transfer.Make(in)); got != "blocked a, blocked b" {
		t.Error(got)
	}
}

// TestPlanKeepsItsPromises makes plans of anything and looks at what holds for
// all of them.
func TestPlanKeepsItsPromises(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	names := []string{"a", "A", "b", "a/b", "A_B", "bad1", "c", "C", "d"}
	values := []string{"", "1", "2", "12345678901"}
	some := func(readable, folded bool) []secret.Entry {
		var es []secret.Entry
		seen := map[string]bool{}
		for _, n := range names {
			if folded {
				n = strings.ToUpper(strings.ReplaceAll(n, "/", "_"))
			}
			if r.IntN(2) == 0 || seen[n] {
				continue
			}
			seen[n] = true
			e := secret.Entry{Key: secret.Key(n)}
			if readable {
				e.Value = secret.NewValue(values[r.IntN(len(values))])
			}
			es = append(es, e)
		}
		return es
	}
	for range 3000 {
		readable := r.IntN(2) == 0
		in := transfer.Input{
			Source: some(true, false), Target: some(readable, true), Rules: rules(readable),
			Policy: transfer.Policy{OnExists: transfer.OnExists(r.IntN(3)), Empty: transfer.OnEmpty(r.IntN(2))},
		}
		p := transfer.Make(in)
		writes, of, at := map[string]bool{}, map[secret.Key]int{}, map[secret.Key]int{}
		for _, it := range p.Items {
			if it.Key != "" {
				of[it.Key]++
			}
			if it.To != nil && it.Action != transfer.Blocked {
				at[it.To.Key]++
			}
			if it.Action != transfer.Create && it.Action != transfer.Update {
				continue
			}
			same := in.Rules.Same(it.Name)
			if writes[same] {
				t.Fatalf("two writes of %s: %s", it.Name, shown(p))
			}
			writes[same] = true
			if it.To != nil && it.To.Value.Present() && it.To.Value.Equal(it.From.Value) {
				t.Fatalf("%s is written although it is the same", it.Name)
			}
			if in.Rules.Value(it.Name, it.From.Value) != "" {
				t.Fatalf("%s is written although it is refused", it.Name)
			}
		}
		for _, e := range in.Source {
			if of[e.Key] != 1 {
				t.Fatalf("%s of the source is in %d items", e.Key, of[e.Key])
			}
		}
		for _, e := range in.Target {
			if at[e.Key] > 1 {
				t.Fatalf("%s of the target is in %d items", e.Key, at[e.Key])
			}
		}
		r.Shuffle(len(in.Source), func(i, j int) { in.Source[i], in.Source[j] = in.Source[j], in.Source[i] })
		r.Shuffle(len(in.Target), func(i, j int) { in.Target[i], in.Target[j] = in.Target[j], in.Target[i] })
		if again := transfer.Make(in); shown(again) != shown(p) {
			t.Fatalf("the order makes a difference:\n%s\n%s", shown(p), shown(again))
		}
	}
}

// remembered is a Known of a few names.
type remembered map[secret.Key]transfer.Written

func (k remembered) Wrote(n secret.Key) (transfer.Written, bool) { w, ok := k[n]; return w, ok }
func (k remembered) Same(w transfer.Written, _ secret.Key, from secret.Entry) bool {
	return w.Revision == from.Value.Reveal()
}

func TestPlanTellsWhatOthersChanged(t *testing.T) {
	at := time.Unix(1000, 0)
	known := remembered{"A": {Name: "A", Revision: "1", There: at}, "B": {Name: "B", Revision: "1", There: at}, "C": {Name: "C", Revision: "old", There: at}, "GONE": {Name: "GONE", At: at, There: at}, "MOVED": {Name: "MOVED", At: at, There: at}}
	in := transfer.Input{
		Source: []secret.Entry{entry("A", "1"), entry("B", "1"), entry("C", "1"), entry("D", "1")},
		Target: []secret.Entry{{Key: "A", Modified: at}, {Key: "B", Modified: at.Add(1)}, {Key: "C", Modified: at}, {Key: "D"}, {Key: "GONE", Modified: at}, {Key: "MOVED", Modified: at.Add(1)}, {Key: "THEIRS"}},
		Rules:  rules(false), Known: known,
	}
	for name, c := range map[string]struct {
		policy transfer.Policy
		want   string
	}{
		"as it is":  {transfer.Policy{}, "conflict B, update C, update D, orphan GONE, orphan MOVED, orphan THEIRS, unchanged A"},
		"heal":      {transfer.Policy{Heal: true}, "update B, update C, update D, orphan GONE, orphan MOVED, orphan THEIRS, unchanged A"},
		"prune":     {transfer.Policy{Prune: true}, "conflict B, update C, update D, delete GONE, orphan MOVED, orphan THEIRS, unchanged A"},
		"prune all": {transfer.Policy{Prune: true, Heal: true}, "update B, update C, update D, delete GONE, delete MOVED, orphan THEIRS, unchanged A"},
		"keep":      {transfer.Policy{OnExists: transfer.Keep}, "conflict B, skip C, skip D, orphan GONE, orphan MOVED, orphan THEIRS, unchanged A"},
	} {
		in.Policy = c.policy
		p := transfer.Make(in)
		if got := shown(p); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
		if err := p.Err(); err != nil {
			t.Errorf("%s: what others did forbids the rest: %v", name, err)
		}
		if drift := p.Drift(); (drift != nil) != strings.Contains(c.want, "conflict B") || drift != nil && errs.KindOf(drift) != errs.Conflict {
			t.Errorf("%s: %v", name, drift)
		}
	}
}

func TestPruneIsBounded(t *testing.T) {
	known := remembered{}
	in := transfer.Input{Source: []secret.Entry{entry("A", "1")}, Rules: rules(false), Known: known, Policy: transfer.Policy{Prune: true}}
	for i := range 11 {
		n := secret.Key(fmt.Sprintf("OLD%d", i))
		known[n] = transfer.Written{Name: n, At: time.Unix(1, 0)}
		in.Target = append(in.Target, secret.Entry{Key: n})
	}
	if err := transfer.Make(in).Err(); err == nil || !strings.Contains(err.Error(), "11 secrets would be deleted, and 10 are the limit") {
		t.Errorf("more than ten: %v", err)
	}
	in.Policy.PruneMax = 11
	if err := transfer.Make(in).Err(); err != nil {
		t.Errorf("as many as are allowed: %v", err)
	}
	in.Source = nil
	if err := transfer.Make(in).Err(); err == nil || !strings.Contains(err.Error(), "no secrets at all") {
		t.Errorf("an empty source: %v", err)
	}
}

func TestCompareGuessesNothing(t *testing.T) {
	in := transfer.Input{
		Source: []secret.Entry{entry("A", "1"), entry("B", "1"), {Key: "H", Hidden: "no"}}, Target: []secret.Entry{{Key: "A"}, entry("B", "2"), entry("H", "1")},
		Rules: transfer.Rules{Name: func(k secret.Key) (secret.Key, string) { return k, "" }}, Policy: transfer.Policy{OnExists: transfer.Compare},
	}
	if got := shown(transfer.Make(in)); got != "update B, unknown A, unknown H" {
		t.Error(got)
	}
}

func TestMappingChoosesAndRenames(t *testing.T) {
	es := []secret.Entry{entry("a", "1"), entry("b", "2"), entry("c", "3")}
	got, err := transfer.Mapping{Only: []string{"a", "b"}, Except: []string{"B"}, Prefix: "p/", Rename: map[secret.Key]secret.Key{"a": "z"}}.Apply(es)
	if err != nil || len(got) != 1 || got[0].Key != "z" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := (transfer.Mapping{Only: []string{"nope"}, Rename: map[secret.Key]secret.Key{"x": "y"}}).Apply(es); err == nil || !strings.Contains(err.Error(), "nope") || !strings.Contains(err.Error(), `"x" to rename`) {
		t.Error(err)
	}
}

// changes tells whether a plan would change the target.
func changes(p transfer.Plan) bool {
	return len(p.Of(transfer.Create, transfer.Update, transfer.Delete)) > 0
}

// place is a target in memory.
type place struct {
	transfer.Rules
	puts, deletes []secret.Key
	has           map[secret.Key]secret.Entry
	fail          map[secret.Key]error
	began         func(n secret.Key)
	wrote         func(n secret.Key) // it is there, and not acknowledged
	mu            sync.Mutex
	clock         time.Time
	silent        bool // it does not say when something was written
	lost          bool // what fails is written, all the same
	now, most     int
}

func newPlace(readable bool) *place {
	p := &place{Rules: transfer.Rules{Name: func(k secret.Key) (secret.Key, string) { return k, "" }, Readable: readable, Workers: 4}, has: map[secret.Key]secret.Entry{}, fail: map[secret.Key]error{}, clock: time.Unix(1, 0)}
	p.began, p.wrote = func(secret.Key) {}, func(secret.Key) {}
	return p
}

func (p *place) locked(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *place) target() transfer.Target { return struct{ *placeTarget }{&placeTarget{p}} }

type placeTarget struct{ p *place }

func (t *placeTarget) Rules() transfer.Rules { return t.p.Rules }
func (t *placeTarget) List(context.Context) (es []secret.Entry, _ error) {
	t.p.locked(func() {
		for n, e := range t.p.has {
			e.Key = n
			if !t.p.Readable {
				e.Value = secret.Value{}
			}
			es = append(es, e)
		}
	})
	secret.SortEntries(es)
	return es, nil
}

func (t *placeTarget) Put(ctx context.Context, e secret.Entry, _ *secret.Entry) (err error) {
	t.p.locked(func() { t.p.now++; t.p.most = max(t.p.most, t.p.now) })
	t.p.began(e.Key)
	t.p.locked(func() {
		t.p.now--
		if err = ctx.Err(); err != nil {
			return
		}
		if err = t.p.fail[e.Key]; err != nil && !t.p.lost {
			return
		}
		t.p.clock = t.p.clock.Add(time.Second)
		if !t.p.silent {
			e.Modified = t.p.clock
		}
		t.p.has[t.p.spelt(e.Key)] = e
		t.p.puts = append(t.p.puts, e.Key)
	})
	t.p.wrote(e.Key)
	return err
}

func (t *placeTarget) Delete(_ context.Context, names ...secret.Key) error {
	t.p.locked(func() {
		for _, n := range names {
			delete(t.p.has, t.p.spelt(n))
			t.p.deletes = append(t.p.deletes, n)
		}
	})
	return nil
}

// spelt returns how a name that is there already is spelt.
func (p *place) spelt(name secret.Key) secret.Key {
	for n := range p.has {
		if p.Same != nil && p.Same(n) == p.Same(name) {
			return n
		}
	}
	return name
}

var now = time.Unix(1000, 0)

func same(a, b any) bool { return reflect.DeepEqual(a, b) }
