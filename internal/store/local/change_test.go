package local_test

import (
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
)

func TestChangeIsAllOrNothing(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, o local.Options){
		"sealed": func(t *testing.T, o local.Options) { set(t, o, "A", "a", "B", "b") },
		"plain": func(t *testing.T, o local.Options) {
			write(t, o.File, "version: \"1\"\nsecrets:\n  A: a\n  B: b\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			prepare(t, o)
			s := local.New(o)
			es, err := s.Get(t.Context(), "A", "B")
			if err != nil {
				t.Fatal(err)
			}
			entry := func(key, value string) *secret.Entry {
				return &secret.Entry{Key: secret.Key(key), Value: secret.NewValue(value)}
			}
			wasA, wasB := &es[0], &es[1]
			moved := entry("A", "it was this")
			moved.Version = 7
			for why, c := range map[string]store.Change{
				"it moved":                {Was: moved, Now: entry("A", "a2")},
				"it moved, and goes":      {Was: moved},
				"it exists":               {Now: entry("A", "a2")},
				"it is gone":              {Was: entry("X", "x"), Now: entry("X", "x2")},
				"it is gone, and goes on": {Was: entry("X", "x")},
			} {
				if c.Was != nil && c.Was.Version == 0 {
					c.Was.Version = 1
				}
				_, err := s.Change(t.Context(), []store.Change{{Was: wasB, Now: entry("B", "b2")}, c})
				if errs.KindOf(err) != errs.Conflict {
					t.Errorf("%s: %v", why, err)
				}
			}
			want(t, o, "A", "a", "B", "b")
			vs, err := s.Change(t.Context(), []store.Change{{Was: wasA, Now: entry("A", "a2")}, {Was: wasB}, {Now: entry("C", "c")}})
			if err != nil || len(vs) != 3 || vs[1] != 0 || vs[2] != 1 {
				t.Fatalf("%v, %v", vs, err)
			}
			want(t, o, "A", "a2", "C", "c")
		})
	}
}
