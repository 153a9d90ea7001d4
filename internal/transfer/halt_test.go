package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// gate holds writes until as many as there are workers are on the way.
type gate struct {
	full, open chan struct{}
	n          atomic.Int32
}

func newGate(p *place) *gate {
	g := &gate{full: make(chan struct{}), open: make(chan struct{})}
	p.began = func(secret.Key) {
		if g.n.Add(1) == int32(p.Workers) {
			close(g.full)
		}
		<-g.open
	}
	return g
}

func TestAsManyAreOnTheWayAsThereAreWorkers(t *testing.T) {
	p := newPlace(false)
	g := newGate(p)
	go func() {
		<-g.full // it comes to this only if all workers write at a time
		close(g.open)
	}()
	if _, r, _ := carry(t, t.Context(), t.TempDir(), hundred()[:12], p, transfer.Policy{}); r.Err() != nil || p.most != p.Workers {
		t.Errorf("%d at a time, want %d: %v", p.most, p.Workers, r.Err())
	}
}

func TestNothingIsBegunAfterAnInterruptionAndWhatIsOnTheWayIsKept(t *testing.T) {
	p, dir := newPlace(false), t.TempDir()
	g := newGate(p)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-g.full
		cancel(errors.New("interrupted"))
		close(g.open)
	}()
	_, r, _ := carry(t, ctx, dir, hundred()[:20], p, transfer.Policy{})
	if len(r.Done) != p.Workers || len(r.Failed) != 0 || len(r.Left) != 20-p.Workers || int(g.n.Load()) != p.Workers {
		t.Fatalf("%d done, %d failed, %d left, %d begun", len(r.Done), len(r.Failed), len(r.Left), g.n.Load())
	}
	if err := r.Err(); !strings.HasPrefix(err.Error(), "4 of 20 are done, and these are not tried: K04, K05, ") || !strings.HasSuffix(err.Error(), ": interrupted") {
		t.Error(err)
	}
	before := len(p.puts)
	p.began = func(secret.Key) {}
	if carry(t, t.Context(), dir, hundred()[:20], p, transfer.Policy{}); before != p.Workers || len(p.puts) != 20 {
		t.Errorf("%d, and %d in all: what was on the way is not remembered", before, len(p.puts))
	}
}

func TestNothingIsBegunAfterARefusalOfTheUser(t *testing.T) {
	p := newPlace(false)
	p.fail["K00"] = errs.New(errs.Auth, "the token has expired").WithHint("sign in")
	refused := make(chan struct{})
	var begun atomic.Int32
	p.began = func(n secret.Key) {
		if begun.Add(1); n != "K00" {
			<-refused
		}
	}
	there, _ := p.target().List(t.Context())
	plan := transfer.Make(transfer.Input{Source: hundred(), Target: there, Rules: p.Rules})
	r, err := plan.Apply(t.Context(), p.target(), transfer.ApplyOptions{Progress: func(s transfer.Step) {
		if s.Err != nil {
			close(refused) // it is noted
		}
	}})
	if err != nil || len(r.Done)+1 != int(begun.Load()) || len(r.Failed) != 1 || len(r.Done)+1+len(r.Left) != 100 || int(begun.Load()) > p.Workers {
		t.Errorf("%d begun, %d done, %d left: %v", begun.Load(), len(r.Done), len(r.Left), err)
	}
	if err := r.Err(); errs.KindOf(err) != errs.Auth || errs.HintOf(err) != "sign in" || !strings.Contains(err.Error(), "K99") {
		t.Errorf("%v (%s)", err, errs.HintOf(err))
	}
}

func TestAPlaceThatNeverAnswersIsLeftAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &silent{placeTarget: &placeTarget{newPlace(true)}, begun: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-p.begun
			cancel()
		}()
		start := time.Now()
		r, _ := transfer.Make(transfer.Input{Source: hundred()[:1], Rules: p.Rules()}).Apply(ctx, p, transfer.ApplyOptions{})
		if waited := time.Since(start); waited != 10*time.Second || len(r.Failed) != 1 || !errors.Is(r.Err(), context.Canceled) {
			t.Errorf("%s, %v", waited, r.Err())
		}
	})
}

// silent is a place that never answers.
type silent struct {
	*placeTarget
	begun chan struct{}
}

func (s *silent) Put(ctx context.Context, _ secret.Entry, _ *secret.Entry) error {
	close(s.begun)
	<-ctx.Done()
	return ctx.Err()
}

func TestAJournalThatCannotBeWrittenEndsIt(t *testing.T) {
	for name, at := range map[string]func(p *place, spoil func()){
		"before a write": func(_ *place, spoil func()) { spoil() },
		"after a write":  func(p *place, spoil func()) { p.wrote = func(secret.Key) { spoil() } },
	} {
		p, dir := newPlace(false), t.TempDir()
		p.Workers = 1
		s, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), hundred()[:20])
		if err != nil {
			t.Fatal(err)
		}
		_, journal := stateFiles(t, dir)
		at(p, func() {
			_ = os.Remove(journal)
			_ = os.Mkdir(journal, 0o700) // not even root can append to a folder
		})
		r, err := transfer.Make(transfer.Input{Source: hundred()[:20], Rules: p.Rules, Known: s}).Apply(t.Context(), p.target(), transfer.ApplyOptions{State: s})
		if err != nil || len(r.Failed) != 1 || len(r.Left) != 19 || !strings.Contains(r.Err().Error(), "remember what is written: append to ") {
			t.Errorf("%s: %d failed, %d left, %v", name, len(r.Failed), len(r.Left), r.Err())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		p.wrote = func(secret.Key) {}
		if _, r, _ := carry(t, t.Context(), dir, hundred()[:20], p, transfer.Policy{}); r.Err() != nil || len(p.puts) != 20 {
			t.Errorf("%s: %d writes in all, %v", name, len(p.puts), r.Err())
		}
	}
}

func TestBatchesStopAtARefusalOfTheUser(t *testing.T) {
	b := &batches{placeTarget: &placeTarget{newPlace(false)}, size: 40, fail: 2, refusal: errs.New(errs.Auth, "no")}
	dir := t.TempDir()
	apply := func() (transfer.Result, error) {
		s, err := transfer.OpenState(t.Context(), id, options(dir, "k1"), hundred())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		there, _ := b.List(t.Context())
		return transfer.Make(transfer.Input{Source: hundred(), Target: there, Rules: b.Rules(), Known: s}).Apply(t.Context(), b, transfer.ApplyOptions{State: s})
	}
	r, err := apply()
	if err != nil || len(r.Done) != 40 || len(r.Failed) != 40 || len(r.Left) != 20 || len(b.steps) != 2 {
		t.Fatalf("%d done, %d failed, %d left, %v", len(r.Done), len(r.Failed), len(r.Left), err)
	}
	b.fail, b.steps = 0, nil
	if r, err = apply(); err != nil || r.Err() != nil || fmt.Sprint(len(b.steps), len(r.Done)) != "2 60" {
		t.Errorf("the next run: %d steps, %d done, %v", len(b.steps), len(r.Done), r.Err())
	}
	b.steps = nil
	if apply(); len(b.steps) != 0 {
		t.Errorf("and once more: %v", b.steps)
	}
}

func TestProgressCountsToTheEnd(t *testing.T) {
	p := newPlace(true)
	p.fail["K07"] = errors.New("no")
	var ended []int
	_, err := transfer.Make(transfer.Input{Source: hundred(), Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{Progress: func(s transfer.Step) {
		if ended = append(ended, s.Ended); s.Total != 100 || (s.Err != nil) != (s.Item.Name == "K07") {
			t.Errorf("%+v", s)
		}
	}})
	for i, n := range ended {
		if err != nil || n != i+1 || len(ended) != 100 {
			t.Fatal(ended, err)
		}
	}
}

// uncomparable is an error that == cannot compare.
type uncomparable struct{ words []string }

func (u uncomparable) Error() string { return strings.Join(u.words, " ") }

func TestFailuresOfOneReasonAreToldOnceWhateverTheirType(t *testing.T) {
	p := newPlace(true)
	for _, k := range []secret.Key{"K01", "K02", "K04"} {
		p.fail[k] = uncomparable{[]string{"the server", "is down"}}
	}
	p.fail["K05"] = errors.New("another")
	r, _ := transfer.Make(transfer.Input{Source: hundred(), Rules: p.Rules}).Apply(t.Context(), p.target(), transfer.ApplyOptions{})
	if got := r.Err().Error(); got != "create K01, K02, K04: the server is down\ncreate K05: another" {
		t.Error(got)
	}
}
