package ssm

import (
	"maps"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

func TestTagsAreTold(t *testing.T) {
	w := open(t)
	for key, tags := range map[secret.Key]map[string]string{"A": {"team": "x", "until": "May"}, "B": nil} {
		e := secret.Entry{Key: key, Value: secret.NewValue("v"), Tags: tags}
		if _, err := w.Store.Put(t.Context(), e, store.PutOptions{Expect: 0}); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Tags(t.Context(), key); err != nil || !maps.Equal(got, tags) {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
	if _, err := w.Tags(t.Context(), "NONE"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("%v", err)
	}
}
