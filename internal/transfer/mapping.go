package transfer

import (
	"errors"
	"slices"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Mapping chooses what of a source is carried, and under which keys.
type Mapping struct {
	Only, Except []string                  // see [secret.Filter]
	Rename       map[secret.Key]secret.Key // of single keys; each must be there
	Prefix       string                    // goes before every key that is not renamed
}

// Apply returns the entries that are carried, with their new keys. What is wrong
// with the mapping is reported at once.
func (m Mapping) Apply(es []secret.Entry) ([]secret.Entry, error) {
	some, err := secret.Filter(es, m.Only, m.Except)
	probs := []error{err}
	for old := range m.Rename {
		if !slices.ContainsFunc(some, func(e secret.Entry) bool { return e.Key == old }) {
			probs = append(probs, errs.New(errs.NotFound, "there is no secret %q to rename", old).WithHint("the names of the source are shown by --dry-run"))
		}
	}
	if err := errors.Join(probs...); err != nil {
		return nil, err
	}
	for i := range some {
		if to, ok := m.Rename[some[i].Key]; ok {
			some[i].Key = to
		} else {
			some[i].Key = secret.Key(m.Prefix) + some[i].Key
		}
	}
	return some, nil
}
