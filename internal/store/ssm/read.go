package ssm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Names is the method of [store.Store]. Nothing is decrypted, and what comes as
// a value is not looked at.
func (s *Store) Names(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	if len(s.o.Keys) > 0 {
		es, _, err := fetchAll[named](ctx, s, s.keysWith(prefix), false)
		secret.SortEntries(es)
		return es, err
	}
	es, err := walk[named](ctx, s, prefix, false)
	if err != nil {
		return nil, s.explain(s.o.Path, err)
	}
	return es, nil
}

// List is the method of [store.Store].
func (s *Store) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	if len(s.o.Keys) > 0 {
		es, bad, err := fetchAll[valued](ctx, s, s.keysWith(prefix), true)
		if err != nil {
			return nil, err
		}
		secret.SortEntries(es)
		return es, bad.err()
	}
	es, err := walk[valued](ctx, s, prefix, true)
	f, ok := errors.AsType[*failure](err)
	switch {
	case err == nil:
		return es, s.checkValues(es)
	case ok && aboutKey(f):
		return s.salvage(ctx, prefix, err)
	}
	return nil, s.explain(s.o.Path, err)
}

// Get is the method of [store.Store].
func (s *Store) Get(ctx context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	es, bad, err := fetchAll[valued](ctx, s, keys, true)
	if err != nil {
		return nil, err
	}
	return es, bad.err()
}

func (s *Store) keysWith(prefix secret.Key) []secret.Key {
	var keys []secret.Key
	for _, k := range s.o.Keys {
		if strings.HasPrefix(string(k), string(prefix)) && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// walk lists what is below the path and starts with prefix, sorted.
func walk[P parameter](ctx context.Context, s *Store, prefix secret.Key, decrypt bool) ([]secret.Entry, error) {
	in := byPathIn{Path: strings.TrimSuffix(s.root, "/"), Recursive: true, WithDecryption: decrypt, MaxResults: 10}
	if dir := strings.LastIndexByte(string(prefix), '/'); dir > 0 && possible(s.name(prefix[:dir])) {
		in.Path = s.name(prefix[:dir])
	}
	if in.Path == "" {
		in.Path = "/"
	}
	var es []secret.Entry
	var foreign []string
	err := pages(ctx, s, "GetParametersByPath", func(token string) any { in.NextToken = token; return in }, func(p page[P]) {
		for _, one := range p.Parameters {
			k, ours := s.key(one.id())
			if !ours {
				foreign = append(foreign, one.id())
			} else if strings.HasPrefix(string(k), string(prefix)) {
				es = append(es, one.entry(k))
			}
		}
	})
	s.reportForeign(foreign)
	if err != nil {
		return nil, err
	}
	secret.SortEntries(es)
	// What is written during a walk can come twice; the later version counts.
	slices.SortStableFunc(es, func(a, b secret.Entry) int {
		if c := strings.Compare(string(a.Key), string(b.Key)); c != 0 {
			return c
		}
		return int(b.Version - a.Version)
	})
	return slices.CompactFunc(es, func(a, b secret.Entry) bool { return a.Key == b.Key }), nil
}

func (s *Store) reportForeign(names []string) {
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	names = slices.Compact(names)
	more := ""
	if len(names) > 5 {
		more = fmt.Sprintf(" and %d more", len(names)-5)
		names = names[:5]
	}
	s.o.Notice(fmt.Sprintf("ignored what the service sent from outside of %s: %s%s", s.o.Path, strings.Join(names, ", "), more))
}

// checkValues makes sure that nobody takes a value that did not come for an
// empty one.
func (s *Store) checkValues(es []secret.Entry) error {
	for _, e := range es {
		if !e.Value.Present() {
			return errs.New(errs.Backend, "%s: the service sent it without a value", s.name(e.Key))
		}
	}
	return nil
}

// salvage reads one by one what a walk could not: a single parameter whose key
// may not be used makes the service refuse the page that it is on.
func (s *Store) salvage(ctx context.Context, prefix secret.Key, cause error) ([]secret.Entry, error) {
	es, err := walk[named](ctx, s, prefix, false)
	if err != nil {
		return nil, s.explain(s.o.Path, cause)
	}
	keys := make([]secret.Key, len(es))
	for i, e := range es {
		keys[i] = e.Key
	}
	found, bad, err := fetch[valued](ctx, s, keys, true)
	if f, ok := errors.AsType[*failure](err); ok && denies(f) && !aboutKey(f) {
		// The identity may walk but not read by name: nothing can be told apart.
		return nil, s.explain(s.o.Path, cause)
	} else if err != nil {
		return nil, s.explain(s.o.Path, err)
	}
	es = es[:0]
	for _, k := range keys {
		if e, ok := found[k]; ok { // else deleted in the meantime, or unreadable
			es = append(es, e)
		}
	}
	return es, bad.err()
}

// History is the method of [store.Historian].
func (s *Store) History(ctx context.Context, k secret.Key) ([]secret.Entry, error) {
	if k == "" || !possible(s.name(k)) || !s.asked(k) {
		return nil, s.notFound([]secret.Key{k})
	}
	var es []secret.Entry
	if err := s.history(ctx, k, true, func(v valued) { es = append(es, v.entry(k)) }); err != nil {
		return nil, err
	}
	slices.SortFunc(es, func(a, b secret.Entry) int { return int(a.Version - b.Version) })
	return es, s.checkValues(es)
}

// history calls each with the versions of k that are kept.
func (s *Store) history(ctx context.Context, k secret.Key, decrypt bool, each func(valued)) error {
	in := historyIn{Name: s.name(k), WithDecryption: decrypt, MaxResults: 50}
	n := 0
	err := pages(ctx, s, "GetParameterHistory", func(token string) any { in.NextToken = token; return in }, func(p page[valued]) {
		for _, v := range p.Parameters {
			n++
			each(v)
		}
	})
	switch {
	case hasCode(err, "ParameterNotFound") || err == nil && n == 0:
		return s.notFound([]secret.Key{k})
	case err != nil:
		return s.explain(s.name(k), err)
	}
	return nil
}

// possible tells whether a parameter can have this name. A colon, say, would
// ask the service for a version.
func possible(name string) bool {
	if len(name) > 1011 || len(name) < 2 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("_.-/", c) >= 0:
		default:
			return false
		}
	}
	return !strings.Contains(name, "//") && !strings.HasSuffix(name, "/")
}
