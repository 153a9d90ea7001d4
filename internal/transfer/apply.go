package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// ApplyOptions are what a plan is applied with.
type ApplyOptions struct {
	State *State // nil: the target shows what it has, and nothing is remembered

	// Progress is told of each secret that was written, deleted or refused, one
	// at a time. nil is none.
	Progress func(Step)
}

// Step is the end of one item.
type Step struct {
	Item  Item
	Err   error // nil: it is done
	Ended int   // how many have ended, this one among them
	Total int
}

// Result is what came of a plan.
type Result struct {
	Done   []Item
	Failed []Failure
	Left   []Item // not tried, since the target refused the user, or more requests, or we were interrupted
	stop   error  // why there are any left
}

// Failure is a secret that could not be written or deleted.
type Failure struct {
	Item Item
	Err  error
}

// Err tells of all that is not done; nil if everything is.
func (r Result) Err() error {
	var probs []error
	var together []secret.Key // those that one step was for
	for i, f := range r.Failed {
		together = append(together, f.Item.Shown())
		if i+1 < len(r.Failed) && r.Failed[i+1].Err == f.Err { //nolint:errorlint // whether it is the very same
			continue
		}
		probs = append(probs, fmt.Errorf("%s %s: %w", f.Item.Action, secret.Join(together), f.Err))
		together = nil
	}
	if len(r.Left) > 0 {
		names := make([]secret.Key, len(r.Left))
		for i, it := range r.Left {
			names[i] = it.Shown()
		}
		why := "not tried"
		switch {
		case r.stop != nil && len(r.Failed) == 0:
			probs = append(probs, fmt.Errorf("%d of %d are done, and these are not tried: %s: %w", len(r.Done), r.total(), secret.Join(names), r.stop))
			return errors.Join(probs...)
		case r.stop == nil:
			why = "not deleted, since something could not be written"
		}
		probs = append(probs, errs.New(errs.KindOf(probs[0]), "%s: %s", why, secret.Join(names)).
			WithHint("the next run goes on from here"))
	}
	return errors.Join(probs...)
}

func (r Result) total() int { return len(r.Done) + len(r.Failed) + len(r.Left) }

// grace is how long what is on the way is waited for after an interruption.
const grace = 10 * time.Second

// Apply does what the plan says, unless [Plan.Err] forbids it: then that is the
// error, and nothing was done. Deletions come last, and only if everything was
// written. When ctx ends, nothing more is begun, and what is on the way has ten
// seconds to end.
func (p Plan) Apply(ctx context.Context, t Target, o ApplyOptions) (Result, error) {
	if err := p.Err(); err != nil {
		return Result{}, err
	}
	// No cause other than ctx may end a request that has begun.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})()
	a := &applier{ctx: ctx, work: work, t: t, o: o, total: len(p.Of(Create, Update, Delete))}
	puts, deletes := p.Of(Create, Update), p.Of(Delete)
	if b, ok := t.(Batcher); ok {
		a.batches(b, puts)
	} else {
		a.each(puts, a.put)
	}
	if len(a.r.Failed) > 0 || a.stopped() {
		a.r.Left = append(a.r.Left, deletes...)
	} else if len(deletes) > 0 {
		a.deletes(deletes)
	}
	a.settle(p)
	a.r.stop = a.stop
	if a.r.stop == nil && ctx.Err() != nil {
		a.r.stop = ctx.Err()
	}
	return a.r, nil
}

// applier applies one plan.
type applier struct {
	ctx, work context.Context // before something is begun; while it is on the way
	t         Target
	o         ApplyOptions
	total     int

	mu   sync.Mutex
	r    Result
	stop error // why nothing more is to be begun
}

func (a *applier) stopped() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stop != nil || a.ctx.Err() != nil
}

// each does the items, several at a time.
func (a *applier) each(items []Item, do func(Item) error) {
	var wg sync.WaitGroup
	next := make(chan Item)
	for range min(cmp.Or(a.t.Rules().Workers, 4), len(items)) {
		wg.Go(func() {
			for it := range next {
				a.end(do(it), it)
			}
		})
	}
	for i, it := range items {
		if a.stopped() {
			a.mu.Lock()
			a.r.Left = append(a.r.Left, items[i:]...)
			a.mu.Unlock()
			break
		}
		next <- it
	}
	close(next)
	wg.Wait()
}

func (a *applier) put(it Item) error {
	e := outgoing(it)
	return a.t.Put(a.work, e, it.To)
}

// outgoing is the entry that a target gets: the source's, by its name there.
func outgoing(it Item) secret.Entry {
	return secret.Entry{Key: it.Name, Value: it.From.Value, Description: it.From.Description}
}

// batches does the items in steps of which each is done as a whole or not at
// all.
func (a *applier) batches(b Batcher, items []Item) {
	if len(items) == 0 {
		return
	}
	size := cmp.Or(b.BatchSize(), len(items))
	for part := range slices.Chunk(items, size) {
		if a.stopped() {
			a.r.Left = append(a.r.Left, part...)
			continue
		}
		es := make([]secret.Entry, len(part))
		for i, it := range part {
			es[i] = outgoing(it)
			if it.To != nil {
				es[i].Version = it.To.Version
			}
		}
		a.end(b.PutAll(a.work, es), part...)
	}
}

// deletes deletes the items: in one go where that is one step.
func (a *applier) deletes(items []Item) {
	if _, ok := a.t.(Batcher); !ok {
		a.each(items, func(it Item) error { return a.t.Delete(a.work, it.Name) })
		return
	}
	names := make([]secret.Key, len(items))
	for i, it := range items {
		names[i] = it.Name
	}
	a.end(a.t.Delete(a.work, names...), items...)
}

// end notes what came of items. A success is on the disk before anything else is
// begun by the same worker.
func (a *applier) end(err error, items ...Item) {
	if err == nil && a.o.State != nil {
		err = a.remember(items)
		if err != nil { // to go on would be to forget more
			a.halt(err)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, it := range items {
		if err != nil {
			a.r.Failed = append(a.r.Failed, Failure{it, err})
		} else {
			a.r.Done = append(a.r.Done, it)
		}
		if a.o.Progress != nil {
			a.o.Progress(Step{Item: it, Err: err, Ended: len(a.r.Done) + len(a.r.Failed), Total: a.total})
		}
	}
	if a.stop == nil && fatal(err) {
		a.stop = err
	}
}

func (a *applier) halt(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop = cmp.Or(a.stop, err)
}

func (a *applier) remember(items []Item) error {
	if items[0].Action == Delete {
		names := make([]secret.Key, len(items))
		for i, it := range items {
			names[i] = it.Name
		}
		return a.o.State.forgot(names...)
	}
	wrote := make(map[secret.Key]secret.Entry, len(items))
	for _, it := range items {
		wrote[it.Name] = it.From
	}
	return a.o.State.wrote(wrote)
}

// fatal tells whether what was refused to one secret will be refused to all.
func fatal(err error) bool {
	var q interface{ Quota() bool }
	return errs.KindOf(err) == errs.Auth || errors.As(err, &q) && q.Quota()
}

// settle asks the target when it was written, for those that say so and do not
// give values back. That it does not answer costs no more than a later drift.
func (a *applier) settle(p Plan) {
	if a.o.State == nil || a.t.Rules().Readable {
		return
	}
	var there []secret.Entry
	if len(a.r.Done) == 0 {
		for _, it := range p.Of(Unchanged) {
			there = append(there, *it.To)
		}
	} else if !a.stopped() {
		there, _ = a.t.List(a.work)
	}
	a.o.State.settle(there)
}
