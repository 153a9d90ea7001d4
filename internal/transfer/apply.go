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

	refused bool  // a failure is the reason that anything is left
	ended   error // why we were interrupted, if we were
}

// Failure is a secret that could not be written or deleted.
type Failure struct {
	Item Item
	Err  error
}

// Err tells of all that is not done; nil if everything is. What failed in the
// same words is told of once.
func (r Result) Err() error {
	var probs []error
	var together []secret.Key
	for i, f := range r.Failed {
		together = append(together, f.Item.Shown())
		if i+1 < len(r.Failed) {
			if next := r.Failed[i+1]; next.Item.Action == f.Item.Action && next.Err.Error() == f.Err.Error() {
				continue
			}
		}
		probs = append(probs, fmt.Errorf("%s %s: %w", f.Item.Action, secret.Join(together), f.Err))
		together = nil
	}
	if len(r.Left) == 0 {
		return errors.Join(probs...)
	}
	names := make([]secret.Key, len(r.Left))
	for i, it := range r.Left {
		names[i] = it.Shown()
	}
	if r.ended != nil {
		return errors.Join(append(probs, fmt.Errorf("%d of %d are done, and these are not tried: %s: %w", len(r.Done), r.total(), secret.Join(names), r.ended))...)
	}
	why := "not deleted, since something could not be written"
	if r.refused {
		why = "not tried"
	}
	return errors.Join(append(probs, errs.New(errs.KindOf(probs[0]), "%s: %s", why, secret.Join(names)).
		WithHint("the next run goes on from here"))...)
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
	if o.State != nil {
		o.State.retain(a.there(p))
	}
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
	a.r.refused, a.r.ended = a.stop, context.Cause(ctx)
	sortItems(a.r.Done)
	sortItems(a.r.Left)
	slices.SortStableFunc(a.r.Failed, func(x, y Failure) int { return compareItems(x.Item, y.Item) })
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
	stop bool // nothing more is to be begun, since it would fail as well
}

func (a *applier) stopped() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stop || a.ctx.Err() != nil
}

// each does the items, several at a time.
func (a *applier) each(items []Item, do func(Item) error) {
	next := make(chan Item, len(items))
	for _, it := range items {
		next <- it
	}
	close(next)
	var wg sync.WaitGroup
	for range min(cmp.Or(a.t.Rules().Workers, 4), len(items)) {
		wg.Go(func() {
			for it := range next {
				if a.stopped() {
					a.leave(it)
				} else {
					a.end(do(it), it)
				}
			}
		})
	}
	wg.Wait()
}

func (a *applier) leave(items ...Item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.Left = append(a.r.Left, items...)
}

func (a *applier) put(it Item) error {
	if err := a.begin(it); err != nil {
		return err
	}
	return a.t.Put(a.work, outgoing(it), it.To)
}

// begin notes what is about to be written to a target that does not show it.
func (a *applier) begin(items ...Item) error {
	if a.o.State == nil || a.t.Rules().Readable {
		return nil
	}
	err := a.o.State.begin(a.names(items))
	if err != nil {
		a.halt()
	}
	return err
}

// halt keeps more from being begun.
func (a *applier) halt() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop = true
}

// names returns the names under which items are remembered.
func (a *applier) names(items []Item) []secret.Key {
	names := make([]secret.Key, len(items))
	for i, it := range items {
		names[i] = a.t.Rules().same(it.Name)
	}
	return names
}

// there returns what the target had when the plan was made, as it is remembered.
func (a *applier) there(p Plan) []secret.Entry {
	var es []secret.Entry
	for _, it := range p.Items {
		if it.To != nil {
			es = append(es, *it.To)
		}
	}
	return a.remembered(es)
}

// remembered returns entries of the target under the names by which they are
// remembered.
func (a *applier) remembered(es []secret.Entry) []secret.Entry {
	es = slices.Clone(es)
	for i := range es {
		es[i].Key = a.t.Rules().same(es[i].Key)
	}
	return es
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
			a.leave(part...)
			continue
		}
		es := make([]secret.Entry, len(part))
		for i, it := range part {
			es[i] = outgoing(it)
			if it.To != nil {
				es[i].Version = it.To.Version
			}
		}
		err := a.begin(part...)
		if err == nil {
			err = b.PutAll(a.work, es)
		}
		a.end(err, part...)
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
		if err = a.remember(items); err != nil { // to go on would be to forget more
			a.halt()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop = a.stop || fatal(err)
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
}

func (a *applier) remember(items []Item) error {
	names := a.names(items)
	if items[0].Action == Delete {
		return a.o.State.forgot(names...)
	}
	wrote := make(map[secret.Key]secret.Entry, len(items))
	for i, it := range items {
		wrote[names[i]] = it.From
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
	a.o.State.settle(a.remembered(there))
}
