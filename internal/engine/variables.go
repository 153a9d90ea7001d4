package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/template"
)

// Variables reads the environment's secrets and selects those that a command
// is to have: the environment's policy with these filters and allowances added.
// Defaults stand in for secrets that are not there, references are filled where
// `expand: true` allows it, and the values are what the schema says, or it is an
// error that has all faults. A secret that cannot be read is an error unless the
// filters leave it out.
//
// This is the only place where variables are made.
func (c *Client) Variables(ctx context.Context, only, except, allow []string) (secret.Set, error) {
	es, err := c.store.List(ctx, "")
	unreadable, partial := errors.AsType[*store.Unreadable](err)
	if err != nil && !partial {
		return nil, err
	}
	if partial {
		es = append(es, unreadable.Entries()...)
	}
	p := c.Project
	es = append(es, defaults(p.Rules, es)...)
	set, serr := secret.Select(es, secret.Policy{Only: only, Except: except, Exclude: p.Exclude, Allow: slices.Concat(p.AllowEnv, allow)})
	c.visit.Took(set)
	probs := []error{serr}
	refs := newReferences(p.Rules, es)
	var told []error
	for i := range set {
		v := &set[i]
		v.File = refs.rule(v.Key).File
		var rerr error
		if v.Value, rerr = refs.expand(secret.Entry{Key: v.Key, Value: v.Value}, nil); rerr == nil || slices.Contains(told, rerr) {
			continue
		}
		told = append(told, rerr)
		for _, e := range errs.All(rerr) {
			probs = append(probs, &secret.KeyError{Key: v.Key, Rule: secret.RuleExpand, Err: e})
		}
	}
	if len(p.Rules)+len(p.Required) > 0 {
		probs = append(probs, check.Err(check.Judge(p.Rules, p.Required, judged(es, set, p.Exclude))))
	}
	serr = errors.Join(probs...)
	if serr == nil && slices.ContainsFunc(set, func(v secret.Variable) bool { return !v.Value.Present() }) {
		return nil, err
	}
	return set, serr
}

// judged are the secrets that the schema is held against. What the configuration
// excludes is not there; what the user leaves out is there, whatever its value is.
func judged(es []secret.Entry, set secret.Set, exclude []string) []secret.Entry {
	some, _ := secret.Filter(es, nil, exclude) // a wrong pattern is reported already
	values := make(map[secret.Key]secret.Value, len(set))
	for _, v := range set {
		values[v.Key] = v.Value
	}
	there := make([]secret.Entry, len(some))
	for i, e := range some {
		there[i] = secret.Entry{Key: e.Key, Value: values[e.Key]}
	}
	return there
}

// defaults returns what the rules put in the place of secrets that are not there.
func defaults(rules []secret.Rule, es []secret.Entry) (more []secret.Entry) {
	if !slices.ContainsFunc(rules, func(r secret.Rule) bool { return r.HasDefault }) {
		return nil
	}
	for _, r := range absent(rules, es) {
		if r.HasDefault {
			more = append(more, secret.Entry{Key: secret.Key(r.Name), Value: secret.NewValue(r.Default)})
		}
	}
	return more
}

// absent returns the rules about secrets that are not there, by key or by variable:
// of several about one the first, which is the one that holds.
func absent(rules []secret.Rule, es []secret.Entry) (some []secret.Rule) {
	there := make(map[string]bool, 2*len(es)) // keys and variables
	note := func(k secret.Key) { there[string(k)], there[k.EnvName()] = true, true }
	for _, e := range es {
		note(e.Key)
	}
	for _, r := range rules {
		if k := secret.Key(r.Name); !there[r.Name] && !there[k.EnvName()] {
			note(k)
			some = append(some, r)
		}
	}
	return some
}

// references fills ${KEY} in the values that a rule allows it in.
type references struct {
	rule   func(secret.Key) secret.Rule
	byKey  map[string]secret.Entry
	byName map[string][]secret.Entry // by the variable
	done   map[secret.Key]expanded
}

func newReferences(rules []secret.Rule, all []secret.Entry) *references {
	r := &references{rule: secret.FindRule(rules), done: map[secret.Key]expanded{}}
	if slices.ContainsFunc(rules, func(r secret.Rule) bool { return r.Expand }) {
		r.byKey, r.byName = make(map[string]secret.Entry, len(all)), make(map[string][]secret.Entry, len(all))
		for _, e := range all {
			r.byKey[string(e.Key)] = e
			r.byName[e.Key.EnvName()] = append(r.byName[e.Key.EnvName()], e)
		}
	}
	return r
}

type expanded struct {
	value secret.Value
	err   error
}

// maxExpanded bounds a value that references are filled in, in bytes: a few that
// double each other could otherwise be of any size.
const maxExpanded = 1 << 20

// expand returns the value of e with its references filled, each secret once. chain
// are the keys that led to it. Errors name that chain and nothing of a value.
func (r *references) expand(e secret.Entry, chain []secret.Key) (secret.Value, error) {
	if !r.rule(e.Key).Expand || !e.Value.Present() {
		return e.Value, nil
	}
	if d, ok := r.done[e.Key]; ok {
		return d.value, d.err
	}
	chain = append(slices.Clip(chain), e.Key)
	var inner error // of a secret that is referred to: it has its chain already
	text, err := template.Expand(e.Value.Reveal(), func(name string) (string, bool, error) {
		v, ok, err := r.lookup(name, chain)
		inner = err
		return v.Reveal(), ok, err
	})
	switch {
	case inner != nil:
	case err != nil:
		err = gaps(chain, err)
	case len(text) > maxExpanded:
		err = errs.New(errs.Invalid, "%s: with its references filled the value has more than %d bytes", chained(chain), maxExpanded)
	}
	d := expanded{secret.NewValue(text), err}
	r.done[e.Key] = d
	return d.value, d.err
}

// gaps says which secret the problems of a value are about.
func gaps(chain []secret.Key, err error) error {
	var all []error
	for _, e := range errs.All(err) {
		if unknown, ok := errors.AsType[*template.Undefined](e); ok {
			all = append(all, errs.New(errs.NotFound, "%s refers to %s, and there is no such secret", chained(chain), strings.Join(unknown.Names, ", ")).
				WithHint("set it with skret set %s, or write $${ where ${ is meant as it stands", unknown.Names[0]))
		} else {
			all = append(all, fmt.Errorf("%s: %w", chained(chain), e))
		}
	}
	return errors.Join(all...)
}

// lookup finds what a reference means, by the key or by the name of the variable.
func (r *references) lookup(name string, chain []secret.Key) (secret.Value, bool, error) {
	found := r.byName[name]
	if e, ok := r.byKey[name]; ok {
		found = []secret.Entry{e}
	}
	switch {
	case len(found) == 0:
		return secret.Value{}, false, nil
	case len(found) > 1:
		return secret.Value{}, false, errs.New(errs.Conflict, "%s refers to %s, and keys %s and %s are both that variable", chained(chain), name, found[0].Key, found[1].Key).
			WithHint("refer to one by its key")
	case slices.Contains(chain, found[0].Key):
		return secret.Value{}, false, errs.New(errs.Invalid, "%s refers to %s: the references go in a circle", chained(chain), found[0].Key)
	case !found[0].Value.Present():
		return secret.Value{}, false, errs.New(errs.Backend, "%s refers to %s, which cannot be read", chained(chain), found[0].Key)
	}
	v, err := r.expand(found[0], chain)
	return v, true, err
}

// chained is a chain of references, for a message.
func chained(chain []secret.Key) string {
	all := make([]string, len(chain))
	for i, k := range chain {
		all[i] = fmt.Sprintf("%q", k)
	}
	return strings.Join(all, " -> ")
}
