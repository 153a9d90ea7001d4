package engine

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// TransferOptions say how secrets are carried.
type TransferOptions struct {
	Mapping transfer.Mapping
	Policy  transfer.Policy

	// Remember keeps what is written where, so that targets that give no values
	// back are not written again without need, and pruning knows what is skret's.
	Remember bool
	Look     bool // nothing will be applied: no lock is taken
}

// Transfer is a plan between two places, ready to be applied.
type Transfer struct {
	From, To *End
	Plan     transfer.Plan

	in    transfer.Input
	state *transfer.State
}

// Prepare reads the source, lists the target and makes the plan. A transfer must
// be closed.
func (p *Places) Prepare(ctx context.Context, from, to *End, o TransferOptions) (*Transfer, error) {
	switch {
	case from.Source == nil:
		return nil, errs.New(errs.Invalid, "%s cannot be read: %s", from.Title, from.Closed)
	case to.Target == nil:
		return nil, errs.New(errs.Invalid, "%s cannot be written: %s", to.Title, to.Closed)
	}
	if f, ok := to.Target.(*fileEnd); ok && f.write != nil {
		to.Title = "standard output"
	}
	t := &Transfer{From: from, To: to, in: transfer.Input{Rules: to.Target.Rules(), Policy: o.Policy}}
	err := t.source(ctx, p, o.Mapping)
	if err != nil {
		return nil, err
	}
	if o.Remember {
		waited, err := t.remember(ctx, p, o.Look)
		if err == nil && waited { // what was read may be older than what was written meanwhile
			if err = t.source(ctx, p, o.Mapping); err != nil {
				_ = t.Close() // nothing was done
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if t.in.Target, err = to.Target.List(ctx); err != nil {
		_ = t.Close() // the list is what failed
		return nil, fmt.Errorf("list %s: %w", to.Title, err)
	}
	to.visit.Read(t.in.Target...)
	t.Plan = transfer.Make(t.in)
	return t, nil
}

// source reads what is to be carried.
func (t *Transfer) source(ctx context.Context, p *Places, m transfer.Mapping) error {
	es, err := p.read(ctx, t.From)
	if err == nil {
		t.in.Source, err = m.Apply(es)
	}
	return err
}

// read reads a place, and says what there is to say about it.
func (p *Places) read(ctx context.Context, from *End) ([]secret.Entry, error) {
	es, err := from.Source.Read(ctx)
	if err != nil {
		return nil, errs.Each("read "+from.Title, err)
	}
	from.visit.Read(es...)
	if from.Warn != nil {
		for _, w := range from.Warn() {
			p.Notice(w)
		}
	}
	return es, nil
}

// remember opens the state of the two places, and tells whether another process
// had to be waited for.
func (t *Transfer) remember(ctx context.Context, p *Places, look bool) (waited bool, err error) {
	o := transfer.StateOptions{Key: p.stateKey, Waiting: func(by string) {
		waited = true
		p.Notice("waiting: " + by + " is writing to " + t.To.Title)
	}}
	if p.Project.Home != "" {
		o.Dir = filepath.Join(p.Project.Home, "sync")
	} else {
		p.Notice("what is written is not remembered: there is no home; set HOME or SKRET_HOME")
		o.Key = nil
	}
	if t.in.Rules.Readable && t.To.Host == "" { // what is there is seen; only what is ours is to be known
		o.Key = nil
	}
	id := transfer.ID{Type: t.To.Type, Host: t.To.Host, Target: t.To.ID, Source: t.From.ID + t.From.Below}
	open := transfer.OpenState
	if look {
		open = transfer.ReadState
		o.Key = p.knownKey
	}
	s, err := open(ctx, id, o, t.in.Source)
	if err != nil {
		return waited, err
	}
	t.state, t.in.Known = s, s
	return waited, nil
}

// remembering is the key for what is remembered.
func (p *Places) remembering() ownKey { return ownKey{Vault(p.Options), "sync", "hmac-sha256"} }

// knownKey returns the key for hashes of values, none where there is none yet.
func (p *Places) knownKey(ctx context.Context) (transfer.Key, error) {
	id, raw, err := p.remembering().find(ctx)
	return transfer.Key{ID: id, Bytes: raw}, err
}

// stateKey is knownKey with one that is made at first use.
func (p *Places) stateKey(ctx context.Context) (transfer.Key, error) {
	k, err := p.knownKey(ctx)
	if err == nil && k.ID == "" {
		k.ID, k.Bytes, err = p.remembering().make(ctx)
	}
	return k, err
}

// Decide makes the plan anew with what the user chose for single secrets.
func (t *Transfer) Decide(each map[secret.Key]transfer.OnExists) {
	t.in.Policy.Each = each
	t.Plan = transfer.Make(t.in)
}

// Apply does what the plan says.
func (t *Transfer) Apply(ctx context.Context, progress func(transfer.Step)) (transfer.Result, error) {
	r, err := t.Plan.Apply(ctx, t.To.Target, transfer.ApplyOptions{State: t.state, Progress: progress})
	t.To.audited(r)
	return r, err
}

// Close writes what is to be remembered, and gives the lock back.
func (t *Transfer) Close() error {
	if t.state == nil {
		return nil
	}
	return t.state.Close()
}

// Compare makes the plan that would make b like a: it is for the eye alone. Two
// stores are compared by key, all else by the names of variables.
func (p *Places) Compare(ctx context.Context, a, b *End, m transfer.Mapping) (transfer.Plan, error) {
	in := transfer.Input{Policy: transfer.Policy{OnExists: transfer.Compare}, Rules: transfer.Rules{Name: asVariable}}
	if a.Keys && b.Keys {
		in.Rules.Name = asKey
	}
	var err error
	if in.Source, err = p.side(ctx, a, m, in.Rules.Name); err != nil {
		return transfer.Plan{}, err
	}
	if in.Target, err = p.side(ctx, b, m, in.Rules.Name); err != nil {
		return transfer.Plan{}, err
	}
	for _, e := range []*End{a, b} {
		if e.Source == nil { // the names of a service may be one where ours are two
			in.Rules.Same = e.Target.Rules().Same
		}
	}
	return transfer.Make(in), nil
}

func asKey(k secret.Key) (secret.Key, string)      { return k, "" }
func asVariable(k secret.Key) (secret.Key, string) { return secret.Key(k.EnvName()), "" }

// side reads one side of a comparison, or lists it where that is all there is.
func (p *Places) side(ctx context.Context, e *End, m transfer.Mapping, name func(secret.Key) (secret.Key, string)) (es []secret.Entry, err error) {
	if e.Source != nil {
		es, err = p.read(ctx, e)
	} else if es, err = e.Target.List(ctx); err != nil {
		err = fmt.Errorf("list %s: %w", e.Title, err)
	}
	e.visit.Read(es...)
	if err != nil {
		return nil, err
	}
	if es, err = m.Apply(es); err != nil {
		return nil, err
	}
	for i := range es {
		es[i].Key, _ = name(es[i].Key)
	}
	return es, nil
}
