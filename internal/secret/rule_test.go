package secret_test

import (
	"testing"

	"github.com/skret/skret/internal/secret"
)

// TestTheFirstRuleHolds: of several rules about a secret, by its key or by its
// variable, the first; and FindRule finds the one that Is tells of.
func TestTheFirstRuleHolds(t *testing.T) {
	rules := []secret.Rule{
		{Name: "DB_URL", Type: "url"}, {Name: "db/url", Type: "int"}, {Name: "db-url", Type: "port"}, {Name: "DB_URL", Type: "json"},
		{Name: "a/b", Type: "bool"}, {Name: "A_B", Type: "pem"}, {Name: "only.key", Type: "email"},
	}
	find := secret.FindRule(rules)
	for k, want := range map[secret.Key]string{
		"DB_URL": "url", "db/url": "url", "db-url": "url", "db.url": "url", "DB/URL": "url",
		"a/b": "bool", "A_B": "pem", "a.b": "pem", "only.key": "email", "only/key": "", "ONLY_KEY": "", "": "",
	} {
		if got := find(k); got.Type != want {
			t.Errorf("%s: %q, want %q", k, got.Type, want)
		}
		first := ""
		for _, r := range rules {
			if r.Is(k) {
				first = r.Type
				break
			}
		}
		if first != want {
			t.Errorf("Is of %s: %q, want %q", k, first, want)
		}
	}
	if r := secret.FindRule(nil)("A"); r.Name != "" {
		t.Error(r)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"DATABASE_URL", "db/url", "region"}
	for s, want := range map[string]string{"DATABSE_URL": "DATABASE_URL", "database_url": "DATABASE_URL", "db/ulr": "db/url", "regoin": "region", "xyz": "", "": ""} {
		if got := secret.Nearest(s, words); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}
