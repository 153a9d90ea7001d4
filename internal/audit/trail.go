package audit

import (
	"cmp"
	"slices"
	"sync"

	"github.com/skret/skret/internal/secret"
)

// Trail collects what one command does, place by place. Its methods, and those of
// its visits, may be called by several goroutines; on nil they do nothing.
type Trail struct {
	mu     sync.Mutex
	visits []*Visit
}

// Visit is what a command does in one place.
type Visit struct {
	mu *sync.Mutex
	r  Record
}

// Visit begins one. The same place is one visit, however often it is opened.
func (t *Trail) Visit(env, place string) *Visit {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range t.visits {
		if v.r.Env == env && v.r.Place == place {
			return v
		}
	}
	v := &Visit{mu: &t.mu, r: Record{Env: env, Place: place}}
	t.visits = append(t.visits, v)
	return v
}

// As says who acts there. Of several layers of one environment the first says it,
// which is the one that is written.
func (v *Visit) As(identity string) {
	v.note(func(r *Record) { r.Identity = cmp.Or(r.Identity, identity) })
}

// Read notes secrets whose values were read.
func (v *Visit) Read(es ...secret.Entry) {
	v.note(func(r *Record) { r.Read = add(r.Read, es) })
}

// Took notes the secrets of a set that a command is given.
func (v *Visit) Took(set secret.Set) {
	v.note(func(r *Record) {
		for _, one := range set {
			r.Read = append(r.Read, one.Key)
		}
	})
}

// Names notes secrets that the command is about, whatever comes of it.
func (v *Visit) Names(keys ...secret.Key) {
	v.note(func(r *Record) { r.Named = append(r.Named, keys...) })
}

// Wrote notes secrets that were written.
func (v *Visit) Wrote(keys ...secret.Key) {
	v.note(func(r *Record) { r.Written = append(r.Written, keys...) })
}

// Deleted notes secrets that were deleted.
func (v *Visit) Deleted(keys ...secret.Key) {
	v.note(func(r *Record) { r.Deleted = append(r.Deleted, keys...) })
}

func (v *Visit) note(f func(*Record)) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.r)
}

// add appends the keys of the entries that have a value.
func add(keys []secret.Key, es []secret.Entry) []secret.Key {
	keys = slices.Grow(keys, len(es))
	for _, e := range es {
		if e.Value.Present() {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// Records returns a record for each visit, every name once and sorted.
func (t *Trail) Records() []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	rs := make([]Record, len(t.visits))
	for i, v := range t.visits {
		rs[i] = v.r
		r := &rs[i]
		for _, names := range []*[]secret.Key{&r.Read, &r.Written, &r.Deleted, &r.Named} {
			*names = slices.Compact(slices.Sorted(slices.Values(*names)))
		}
		r.Named = slices.DeleteFunc(r.Named, func(k secret.Key) bool {
			return slices.ContainsFunc([][]secret.Key{r.Read, r.Written, r.Deleted}, func(keys []secret.Key) bool {
				_, is := slices.BinarySearch(keys, k)
				return is
			})
		})
	}
	return rs
}
