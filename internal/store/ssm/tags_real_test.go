//go:build real

package ssm

import (
	"maps"
	"testing"

	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

func TestRealMotoTellsTags(t *testing.T) {
	m := realtest.Moto(t)
	m.Reset(t)
	s := onMoto(t, m)
	tags := map[string]string{"team": "x", "until": "May"}
	if _, err := s.Put(t.Context(), secret.Entry{Key: "A", Value: secret.NewValue("v"), Tags: tags}, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Tags(t.Context(), "A"); err != nil || !maps.Equal(got, tags) {
		t.Errorf("%v, %v", got, err)
	}
}
