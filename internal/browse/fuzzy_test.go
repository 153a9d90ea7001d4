package browse

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSearchRanks(t *testing.T) {
	for _, c := range []struct {
		query string
		names string
		want  string
	}{
		{"", "B A", "B A"},
		{"db", "ADBC DB_URL OLD_DB MY_DB_URL X", "DB_URL OLD_DB MY_DB_URL ADBC"},
		{"dburl", "DB_URL DRY_BLUR_LOG X_DB_URL", "DB_URL X_DB_URL DRY_BLUR_LOG"},
		{"du", "DURATION DATABASE_URL", "DURATION DATABASE_URL"},
		{"url", "CURL_PATH DB_URL URL", "URL DB_URL CURL_PATH"},
		{"DB url", "URL_DB DB_PORT DB_URL", "URL_DB DB_URL"},
		{"ap", "stripe/api-key apiKey fooApi", "apiKey fooApi stripe/api-key"},
		{"key", "apiKey", "apiKey"},
		{"日", "今日 A", "今日"},
		{"zz", "A B", ""},
		{"aa", "A", ""},
	} {
		names := strings.Fields(c.names)
		var got []string
		for _, m := range search(names, c.query) {
			got = append(got, names[m.row])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, want %q", c.query, got, c.want)
		}
	}
}

func TestSearchMarksTheLettersTyped(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        []int
	}{
		{"DATABASE_URL", "url", []int{9, 10, 11}},
		{"DATABASE_URL", "du", []int{0, 9}},
		{"A_AB", "ab", []int{2, 3}},
		{"DB_DB_URL", "dbu", []int{0, 1, 6}},
		{"日本_KEY", "key", []int{3, 4, 5}},
		{"AB", "a a", []int{0}},
	} {
		found := search([]string{c.name}, c.query)
		if len(found) != 1 || !slices.Equal(found[0].marks, c.want) {
			t.Errorf("%s by %q: %v, want %v", c.name, c.query, found, c.want)
		}
	}
}

// What is marked spells what was typed, whatever the names are.
func FuzzSearch(f *testing.F) {
	f.Add("DATABASE_URL", "dburl")
	f.Add("aAaA", "aa")
	f.Fuzz(func(t *testing.T, name, query string) {
		if len(name)+len(query) > 200 {
			return
		}
		for _, m := range search([]string{name}, query) {
			letters := []rune(name)
			if !slices.IsSorted(m.marks) || len(m.marks) > 0 && m.marks[len(m.marks)-1] >= len(letters) {
				t.Fatalf("%q by %q: %v", name, query, m.marks)
			}
			if words := strings.Fields(query); len(words) == 1 {
				var spelt strings.Builder
				for _, i := range m.marks {
					spelt.WriteRune(letters[i])
				}
				if !strings.EqualFold(spelt.String(), string([]rune(words[0]))) {
					t.Fatalf("%q by %q: %q", name, query, spelt.String())
				}
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("SERVICE_%d/DATABASE_REPLICA_URL_%d", i%97, i)
	}
	for b.Loop() {
		search(names, "sdburl")
	}
}
