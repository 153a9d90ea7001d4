package ssm

import (
	"context"
	"strings"

	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

var _ store.Tagger = (*Store)(nil)

// Tags is the method of [store.Tagger]. Those that AWS itself puts there, which
// nobody else may write, are left out.
func (s *Store) Tags(ctx context.Context, k secret.Key) (map[string]string, error) {
	in := struct {
		ResourceType string
		ResourceID   string `json:"ResourceId"`
	}{"Parameter", s.name(k)}
	var out struct{ TagList []tag }
	if err := s.read(ctx, "ListTagsForResource", in, &out); err != nil {
		if hasCode(err, "InvalidResourceId") {
			return nil, s.notFound([]secret.Key{k})
		}
		return nil, s.explain(s.name(k), err)
	}
	var tags map[string]string
	for _, t := range out.TagList {
		if strings.HasPrefix(t.Key, "aws:") {
			continue
		}
		if tags == nil {
			tags = map[string]string{}
		}
		tags[t.Key] = t.Value
	}
	return tags, nil
}
