package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

var id = transfer.ID{Type: "github", Host: "h", Target: "github:acme/app", Source: "s"}

func options(dir, key string) transfer.StateOptions {
	return transfer.StateOptions{Dir: dir, Key: func(context.Context) (transfer.Key, error) {
		return transfer.Key{ID: key, Bytes: []byte(strings.Repeat(key, 32)[:32])}, nil
	}}
}

// carry carries the source to the place as a command does.
func carry(t *testing.T, ctx context.Context, dir string, source []secret.Entry, p *place, policy transfer.Policy) (transfer.Plan, transfer.Result, error) {
	t.Helper()
	s, err := transfer.OpenState(ctx, id, options(dir, "k1"), source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	there, _ := p.target().List(ctx)
	plan := transfer.Make(transfer.Input{Source: source, Target: there, Rules: p.Rules, Known: s, Policy: policy})
	r, err := plan.Apply(ctx, p.target(), transfer.ApplyOptions{State: s})
	return plan, r, err
}

func hundred() []secret.Entry {
	var es []secret.Entry
	for i := range 100 {
		es = append(es, entry(fmt.Sprintf("K%02d", i), fmt.Sprintf("value-%d", i)))
	}
	return es
}

func TestNinetyNineOfAHundredSucceed(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	p.fail["K42"] = errs.New(errs.Backend, "refused")
	_, r, err := carry(t, t.Context(), dir, hundred(), p, transfer.Policy{})
	if err != nil || len(r.Done) != 99 || r.Err() == nil || r.Err().Error() != "create K42: refused" {
		t.Fatalf("%d done, %v, %v", len(r.Done), r.Err(), err)
	}
	if p.most > p.Workers {
		t.Errorf("%d at a time, more than %d", p.most, p.Workers)
	}
	p.puts, p.fail = nil, nil
	if _, r, _ = carry(t, t.Context(), dir, hundred(), p, transfer.Policy{}); r.Err() != nil || !same(p.puts, []secret.Key{"K42"}) {
		t.Errorf("the second run writes %v: %v", p.puts, r.Err())
	}
	p.puts = nil
	if _, r, _ = carry(t, t.Context(), dir, hundred(), p, transfer.Policy{}); r.Err() != nil || len(p.puts) != 0 {
		t.Errorf("the third run writes %v: %v", p.puts, r.Err())
	}
}

type quota struct{ error }

func (quota) Quota() bool { return true }

func TestARefusalOfTheUserOrOfMoreRequestsEndsIt(t *testing.T) {
	for name, refusal := range map[string]error{"auth": errs.New(errs.Auth, "no"), "quota": fmt.Errorf("put: %w", quota{errors.New("no more")})} {
		p := newPlace(false)
		p.Workers = 1
		p.fail["K03"] = refusal
		_, r, _ := carry(t, t.Context(), t.TempDir(), hundred(), p, transfer.Policy{})
		if len(r.Done) != 3 || len(r.Failed) != 1 || len(r.Left) < 95 || !strings.Contains(r.Err().Error(), "not tried: ") {
			t.Errorf("%s: %d done, %d failed, %d left, %v", name, len(r.Done), len(r.Failed), len(r.Left), r.Err())
		}
	}
}

func TestAnInterruptionWaitsForWhatIsOnTheWay(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.began = func(n secret.Key) {
		if n == "K00" {
			cancel()
		}
	}
	_, r, _ := carry(t, ctx, dir, hundred(), p, transfer.Policy{})
	if !errors.Is(r.Err(), context.Canceled) || len(r.Done) == 0 || len(r.Done) > 2*p.Workers || len(r.Done)+len(r.Left) != 100 {
		t.Fatalf("%d done, %d left, %v", len(r.Done), len(r.Left), r.Err())
	}
	first := len(p.puts)
	p.began = func(secret.Key) {}
	if _, r, _ = carry(t, t.Context(), dir, hundred(), p, transfer.Policy{}); r.Err() != nil || len(p.puts) != 100 {
		t.Errorf("after %d, %d in all: %v", first, len(p.puts), r.Err())
	}
}

func TestDeletionsComeLastAndOnlyWhenAllIsWritten(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	if _, r, _ := carry(t, t.Context(), dir, []secret.Entry{entry("OLD", "1"), entry("A", "1")}, p, transfer.Policy{}); r.Err() != nil {
		t.Fatal(r.Err())
	}
	p.fail["A"] = errs.New(errs.Backend, "refused")
	next := []secret.Entry{entry("A", "2"), entry("B", "1")}
	_, r, _ := carry(t, t.Context(), dir, next, p, transfer.Policy{Prune: true})
	if len(p.deletes) != 0 || len(r.Left) != 1 || !strings.Contains(r.Err().Error(), "not deleted, since something could not be written: OLD") {
		t.Errorf("deleted %v, left %v: %v", p.deletes, r.Left, r.Err())
	}
	p.fail = nil
	if _, r, _ = carry(t, t.Context(), dir, next, p, transfer.Policy{Prune: true}); r.Err() != nil || !same(p.deletes, []secret.Key{"OLD"}) {
		t.Errorf("deleted %v: %v", p.deletes, r.Err())
	}
}

// batches is a place that takes several at once, all or none.
type batches struct {
	*placeTarget
	size  int
	steps [][]secret.Key
	fail  int // this step is refused

	refusal error
}

func (b *batches) BatchSize() int { return b.size }
func (b *batches) PutAll(_ context.Context, es []secret.Entry) error {
	var names []secret.Key
	for _, e := range es {
		names = append(names, e.Key)
	}
	b.steps = append(b.steps, names)
	if len(b.steps) == b.fail {
		return b.refusal
	}
	for _, e := range es {
		b.p.has[e.Key] = e
	}
	return nil
}

func TestBatchesAreAllOrNone(t *testing.T) {
	b := &batches{placeTarget: &placeTarget{newPlace(true)}, size: 40, fail: 2, refusal: errs.New(errs.Backend, "refused")}
	r, err := transfer.Make(transfer.Input{Source: hundred(), Rules: b.Rules()}).Apply(t.Context(), b, transfer.ApplyOptions{})
	if err != nil || len(b.steps) != 3 || len(b.steps[2]) != 20 || len(r.Done) != 60 || len(r.Failed) != 40 {
		t.Errorf("%d steps, %d done, %d failed, %v", len(b.steps), len(r.Done), len(r.Failed), err)
	}
	if got := r.Err().Error(); strings.Count(got, "refused") != 1 || !strings.HasPrefix(got, "create K40, K41, ") {
		t.Errorf("one step, one reason: %s", got)
	}
}

func TestAPlanThatIsForbiddenDoesNothing(t *testing.T) {
	p := newPlace(true)
	p.Rules.Value = func(secret.Key, secret.Value) string { return "it is too large" }
	_, err := transfer.Make(transfer.Input{Source: hundred(), Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{})
	if err == nil || len(p.puts) != 0 || strings.Count(err.Error(), "too large") != 1 {
		t.Errorf("%v, %v", p.puts, err)
	}
}

func TestWhatIsRememberedTellsNoValue(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	value := "1234"
	carry(t, t.Context(), dir, []secret.Entry{entry("PIN", value), entry("PIN2", value)}, p, transfer.Policy{})
	sum := sha256.Sum256([]byte(value))
	var all []byte
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, _ error) error {
		if d.Type().IsRegular() {
			data, _ := os.ReadFile(name)
			all = append(all, data...)
		}
		return nil
	})
	for _, bad := range []string{value, hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])} {
		if bytes.Contains(all, []byte(bad)) {
			t.Errorf("%s is in %s", bad, all)
		}
	}
	macs := map[string]bool{}
	for line := range strings.SplitSeq(string(all), "\n") {
		if strings.Contains(line, `"mac"`) {
			macs[line] = true
		}
	}
	if len(macs) != 2 {
		t.Errorf("equal values under two names are seen to be equal: %v", macs)
	}
}

func TestAnotherKeyMeansOneRewrite(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{entry("A", "1")}
	carry(t, t.Context(), dir, es, p, transfer.Policy{})
	s, err := transfer.OpenState(t.Context(), id, options(dir, "k2"), es)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there, _ := p.target().List(t.Context())
	if got := shown(transfer.Make(transfer.Input{Source: es, Target: there, Rules: p.Rules, Known: s})); got != "update A" {
		t.Error(got)
	}
}

// versioned is an entry as stores have them.
func versioned(key string, version int64, at int64) secret.Entry {
	e := entry(key, "v")
	e.Version, e.Modified = version, time.Unix(at, 0)
	return e
}

func TestVersionsTellWithoutAnyHash(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	carry(t, t.Context(), dir, []secret.Entry{versioned("A", 3, 100)}, p, transfer.Policy{})
	for name, c := range map[string]struct {
		e    secret.Entry
		want string
	}{
		"the same":               {versioned("A", 3, 100), "unchanged A"},
		"a new version":          {versioned("A", 4, 200), "update A"},
		"deleted and made again": {versioned("A", 3, 300), "update A"},
	} {
		o := options(dir, "k1")
		o.Key = func(context.Context) (transfer.Key, error) { return transfer.Key{}, errors.New("no key is needed") }
		s, err := transfer.ReadState(t.Context(), id, o, []secret.Entry{c.e})
		if err != nil {
			t.Fatal(err)
		}
		there, _ := p.target().List(t.Context())
		if got := shown(transfer.Make(transfer.Input{Source: []secret.Entry{c.e}, Target: there, Rules: p.Rules, Known: s})); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// stateFiles are the names of the files of the only state in dir.
func stateFiles(t *testing.T, dir string) (state, journal string) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	return filepath.Join(dirs[0], "state.json"), filepath.Join(dirs[0], "journal.jsonl")
}

func TestAJournalThatEndsWithinALineLosesNothing(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	es := []secret.Entry{versioned("A", 1, 1), versioned("B", 1, 1)}
	carry(t, t.Context(), dir, es[:1], p, transfer.Policy{})
	_, journal := stateFiles(t, dir)
	if err := os.WriteFile(journal, []byte(`{"name":"B","revision":"B#1@1000","at":"2026-01-01T00:00:00Z"}`+"\n"+`{"name":"C","rev`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.has["B"] = secret.Entry{Key: "B"}
	p.puts = nil
	es = append(es, versioned("C", 1, 1))
	if _, r, _ := carry(t, t.Context(), dir, es, p, transfer.Policy{}); r.Err() != nil || !same(p.puts, []secret.Key{"C"}) {
		t.Errorf("%v is written: %v", p.puts, r.Err())
	}
	p.puts = nil
	if carry(t, t.Context(), dir, es, p, transfer.Policy{}); len(p.puts) != 0 {
		t.Errorf("%v is written again", p.puts)
	}
}

func TestWhatCannotBeRememberedEndsIt(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	carry(t, t.Context(), dir, hundred()[:1], p, transfer.Policy{})
	_, journal := stateFiles(t, dir)
	if err := os.Mkdir(journal, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), hundred()); err == nil {
		t.Error("a journal that is a folder is taken for none")
	}
}

func TestADamagedStateIsRefused(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	carry(t, t.Context(), dir, hundred()[:1], p, transfer.Policy{})
	state, _ := stateFiles(t, dir)
	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), nil); err == nil || !strings.Contains(errs.HintOf(err), "delete it") {
		t.Error(err)
	}
}

func TestTargetsShareNoState(t *testing.T) {
	dir := t.TempDir()
	for i, other := range []transfer.ID{id, {"gitlab", id.Host, id.Target, id.Source}, {id.Type, "x", id.Target, id.Source}, {id.Type, id.Host, "x", id.Source}, {id.Type, id.Host, id.Target, "x"}, {id.Type, id.Host + id.Target, "", id.Source}} {
		s, err := transfer.OpenState(t.Context(), other, options(dir, "k"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() // all are open at once: none waits for another
		if dirs, _ := filepath.Glob(filepath.Join(dir, "*")); len(dirs) != i+1 {
			t.Errorf("%v has no folder of its own", other)
		}
	}
}

func TestTheSecondOfTwoWaitsOrSaysForWhom(t *testing.T) {
	dir := t.TempDir()
	first, err := transfer.OpenState(t.Context(), id, options(dir, "k"), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := options(dir, "k")
	ctx, cancel := context.WithCancel(t.Context())
	o.Waiting = func(string) { cancel() }
	if _, err := transfer.OpenState(ctx, id, o, nil); err == nil || !strings.Contains(err.Error(), "another process writes to github:acme/app") {
		t.Errorf("given up: %v", err)
	}
	o.Waiting = func(string) { first.Close() }
	second, err := transfer.OpenState(t.Context(), id, o, nil)
	if err != nil {
		t.Fatalf("waited: %v", err)
	}
	second.Close()
}
