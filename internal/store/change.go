package store

import (
	"context"

	"github.com/skret/skret/internal/secret"
)

// Change is what becomes of one secret, under the condition that it is still what
// Was says: as if its version, and in a store without versions its value, were
// compared at the moment of the change.
type Change struct {
	Was *secret.Entry // nil: it must not exist
	Now *secret.Entry // nil: it is deleted; else as for Put, under the same key
}

// Key is that of the secret.
func (c Change) Key() secret.Key {
	if c.Now != nil {
		return c.Now.Key
	}
	return c.Was.Key
}

// Changer is a store that makes several changes in one step: all or none.
type Changer interface {
	// Change makes them, each of another key. It returns the new versions in order,
	// 0 for what was deleted. A condition that does not hold gives an error of kind
	// Conflict.
	Change(ctx context.Context, cs []Change) (versions []int64, err error)
}

// Tagger is a store that keeps tags, which are not told with an entry.
type Tagger interface {
	// Tags returns those of k; nil if it has none.
	Tags(ctx context.Context, k secret.Key) (map[string]string, error)
}
