package browse

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/secret"
)

// shop is the project of the guide.
type shop struct{ *shelf }

func (shop) Names(context.Context, string) ([]secret.Entry, error) {
	es := []secret.Entry{
		{Key: "DATABASE_URL", Version: 3, Description: "main database, read and write"}, {Key: "REDIS_URL", Version: 1},
		{Key: "SESSION_KEY", Version: 12, Description: "signs cookies"}, {Key: "STRIPE_KEY", Version: 2}, {Key: "db/replica/url", Version: 1},
	}
	for i := range es {
		es[i].Modified = time.Date(2026, 11, 3+i, 9, 30+i, 0, 0, time.Local)
	}
	return es, nil
}

func (shop) Value(_ context.Context, _ string, k secret.Key, _ int64) (secret.Entry, error) {
	return secret.Entry{Key: k, Version: 3, Value: secret.NewValue("postgres://shop:w9-fjord@db.internal/shop")}, nil
}

func (shop) Compare(context.Context, string, string) ([]Difference, error) {
	return []Difference{
		{"DATABASE_URL", Different}, {"DEBUG", OnlyFrom}, {"SENTRY_DSN", OnlyTo}, {"STRIPE_KEY", Different}, {"REDIS_URL", Same},
	}, nil
}

// The screens of the guide are those that the interface shows, and its table has the
// keys of the help.
func TestGuideShowsTheScreens(t *testing.T) {
	s := newShelf()
	r := newRig(t, s)
	r.o.Reader = shop{s}
	r.height = 12
	r.do(r.begin(r.now))
	screens := []string{
		r.press(return_).seen(),
		r.press("/", "url").seen(),
		r.press(esc, "c", "j", return_).seen(),
	}
	name := filepath.Join("..", "..", "docs", "guide", "browse.md")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	parts := strings.Split(text, "```text\n")
	if len(parts) != len(screens)+1 {
		t.Fatalf("%d screens in the guide", len(parts)-1)
	}
	for i, screen := range screens {
		_, after, _ := strings.Cut(parts[i+1], "```")
		parts[i+1] = screen + "\n```" + after
	}
	if want := strings.Join(parts, "```text\n"); want != text {
		if os.Getenv("UPDATE_SCRIPTS") != "" {
			err = os.WriteFile(name, []byte(want), 0o644)
		} else {
			err = os.ErrInvalid
		}
		if err != nil {
			t.Errorf("%v: the screens are others; UPDATE_SCRIPTS=1 puts them there:\n%s", err, want)
		}
	}
	for _, h := range helpLines {
		if h[1] != "" && !strings.Contains(text, "| "+h[0]+" | "+h[1]+" |") {
			t.Errorf("the guide does not have the key %q", h)
		}
	}
}
