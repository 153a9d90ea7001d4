package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/transfer"
)

// Own reads what the environment's own store has, of several layers the nearest:
// what can be edited. What cannot be read is among it, without a value. Of keys,
// when there are any, those are read that exist.
func (c *Client) Own(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	var p part
	var err error
	if len(keys) == 0 {
		p.entries, err = storeEnd{c.own}.Read(ctx)
	} else {
		c.visit.Names(keys...)
		p, err = read(ctx, c.own, keys, func() ([]secret.Entry, error) { return c.own.Get(ctx, keys...) })
	}
	es := p.entries
	if p.unreadable != nil {
		es = append(es, p.unreadable.Entries()...)
	}
	c.visit.Read(es...)
	secret.SortEntries(es)
	return es, err
}

// EditPlan compares what was read with what it was edited to: what is not there
// any more is to be deleted. All that the store would refuse is in the plan.
func (c *Client) EditPlan(was, now []secret.Entry) transfer.Plan {
	return transfer.Make(transfer.Input{
		Source: now, Target: was, Rules: storeEnd{c.own}.Rules(), Known: allOurs{},
		Policy: transfer.Policy{OnExists: transfer.Overwrite, Prune: true, PruneMax: len(was)},
	})
}

// allOurs says of everything that skret wrote it: whoever edits a text has seen
// what he takes out of it.
type allOurs struct{}

var _ transfer.Known = allOurs{}

// Wrote is the method of [transfer.Known].
func (allOurs) Wrote(secret.Key) (transfer.Written, bool) {
	return transfer.Written{At: time.Unix(1, 0)}, true
}

// Same is the method of [transfer.Known].
func (allOurs) Same(transfer.Written, secret.Key, secret.Entry) bool { return false }

// ApplyEdit does what the plan says, under the condition that each secret is still
// what it was when it was read: see [Client.Change].
func (c *Client) ApplyEdit(ctx context.Context, p transfer.Plan) ([]Done, error) {
	var cs []store.Change
	for _, it := range p.Of(transfer.Create, transfer.Update) {
		now := secret.Entry{Key: it.Name, Value: it.From.Value}
		cs = append(cs, store.Change{Was: it.To, Now: &now})
	}
	for _, it := range p.Of(transfer.Delete) {
		cs = append(cs, store.Change{Was: it.To})
	}
	if len(cs) == 0 {
		return nil, nil
	}
	return c.Change(ctx, cs)
}

// Rebase carries the changes that were made to was, and led to mine, over to what
// the store has now. Where both changed a secret mine wins, and it is in clashes.
func Rebase(was, mine, now []secret.Entry) (merged []secret.Entry, clashes []secret.Key) {
	find := func(es []secret.Entry, k secret.Key) *secret.Entry {
		i := slices.IndexFunc(es, func(e secret.Entry) bool { return e.Key == k })
		if i < 0 {
			return nil
		}
		return &es[i]
	}
	same := func(a, b *secret.Entry) bool {
		return a == nil && b == nil || a != nil && b != nil && a.Value.Equal(b.Value)
	}
	keys := map[secret.Key]bool{}
	for _, es := range [][]secret.Entry{was, mine, now} {
		for _, e := range es {
			keys[e.Key] = true
		}
	}
	for k := range keys {
		a, m, b := find(was, k), find(mine, k), find(now, k)
		end := m
		if same(a, m) {
			end = b
		} else if !same(a, b) && !same(m, b) {
			clashes = append(clashes, k)
		}
		if end != nil {
			merged = append(merged, *end)
		}
	}
	secret.SortEntries(merged)
	slices.SortFunc(clashes, func(a, b secret.Key) int { return strings.Compare(string(a), string(b)) })
	return merged, clashes
}
