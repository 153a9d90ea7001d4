package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Explanation is all that is known of one secret but its value.
type Explanation struct {
	Key    secret.Key
	Layers []Definition // those that have it, the nearest first: that wins; none: it is its rule's default
	Rule   secret.Rule  // the one about it; Name is "" when there is none

	Left    string   // why run does not get it, "" when it does
	Refused []string // why run refuses to start with it
}

// Definition is a secret in one layer. Its value is absent, and Hidden says why when
// it cannot be read.
type Definition struct {
	Project *config.Project // as if the layer were all there is
	Entry   secret.Entry
}

// Explain tells where a secret comes from and what becomes of it, by its key or by
// the name of its variable.
func (c *Client) Explain(ctx context.Context, name string) (Explanation, error) {
	key, err := c.Key(name)
	if err != nil {
		return Explanation{}, err
	}
	all, err := c.store.Names(ctx, "")
	if err != nil {
		return Explanation{}, err
	}
	rules := c.Project.Rules
	all = append(all, defaults(rules, all)...)
	same := slices.DeleteFunc(slices.Clone(all), func(e secret.Entry) bool {
		return e.Key != key && e.Key.EnvName() != name
	})
	if i := slices.IndexFunc(same, func(e secret.Entry) bool { return e.Key == key }); i > 0 {
		same[0], same[i] = same[i], same[0]
	}
	switch {
	case len(same) == 0:
		return Explanation{}, c.unexplained(name, all)
	case len(same) > 1 && same[0].Key != key:
		return Explanation{}, errs.New(errs.Conflict, "keys %q and %q map to one variable, %s", same[0].Key, same[1].Key, name).
			WithHint("explain one by its key")
	}
	x := Explanation{Key: same[0].Key, Rule: secret.FindRule(rules)(same[0].Key)}
	if x.Layers, err = c.definitions(ctx, x.Key); err != nil {
		return x, err
	}
	if glob := secret.Match(c.Project.Exclude, x.Key); glob != "" {
		x.Left = "exclude has " + glob
	} else {
		x.Refused = c.refusals(ctx, x)
	}
	return x, nil
}

func (c *Client) unexplained(name string, all []secret.Entry) error {
	var words []string
	for _, e := range all {
		words = append(words, string(e.Key), e.Key.EnvName())
	}
	hint := "see the names with skret list"
	if len(c.Project.Place.Keys) > 0 {
		hint = "only what keys: in the configuration lists is read"
	}
	if near := secret.Nearest(name, words); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return errs.New(errs.NotFound, "there is no secret %q", name).WithHint("%s", hint)
}

// refusals says why run refuses to start with a secret: all that is of its variable
// is judged as run does.
func (c *Client) refusals(ctx context.Context, x Explanation) (all []string) {
	if len(x.Layers) > 0 && x.Layers[0].Entry.Hidden != "" {
		return []string{"its value cannot be read"}
	}
	variable := x.Key.EnvName()
	_, faults, err := c.Check(ctx, false, []string{regexp.QuoteMeta(variable)}, nil, nil)
	for _, f := range faults {
		switch {
		case secret.Key(f.Key).EnvName() != variable: // another one that is missing
		case slices.Contains([]string{check.Type, check.MinLength, check.Enum, check.Pattern}, f.Rule):
			all = append(all, "its value "+f.Why)
		default:
			all = append(all, f.Why)
		}
	}
	if err != nil {
		all = append(all, err.Error())
	}
	return all
}

// definitions asks all layers for one key.
func (c *Client) definitions(ctx context.Context, k secret.Key) ([]Definition, error) {
	stores, err := c.stores(ctx)
	if err != nil {
		return nil, err
	}
	projects := []*config.Project{c.Project}
	if l, ok := c.store.(*layered); ok {
		projects = nil
		for _, one := range l.layers {
			projects = append(projects, one.o.Project)
		}
	}
	found, problems := make([]*secret.Entry, len(stores)), make([]error, len(stores))
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			if found[i], problems[i] = define(ctx, s, k); problems[i] != nil {
				problems[i] = fmt.Errorf("%s: %w", projects[i].Describe(), problems[i])
			}
		})
	}
	wg.Wait()
	var all []Definition
	for i, e := range found {
		if e != nil {
			all = append(all, Definition{projects[i], *e})
		}
	}
	return all, errors.Join(problems...)
}

// define returns what a store knows of a key, or nil. The author is in the history
// alone, which not everybody may read.
func define(ctx context.Context, s store.Store, k secret.Key) (*secret.Entry, error) {
	es, err := s.Get(ctx, k)
	if _, gone := errors.AsType[*store.Missing](err); gone {
		return nil, nil
	}
	if bad, ok := errors.AsType[*store.Unreadable](err); ok {
		es, err = bad.Entries(), nil
	}
	if err != nil {
		return nil, err
	}
	e := es[0]
	e.Value = secret.Value{}
	if versions, err := history(ctx, s, k); err == nil && len(versions) > 0 && e.Author == "" {
		e.Author = versions[len(versions)-1].Author
	}
	return &e, nil
}
