package ssm

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/httpx"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/storetest"
)

// world is a fake service and a store that talks to it.
type world struct {
	*fake.SSM
	*Store
	mu      sync.Mutex
	notices []string
}

func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.notices, "\n")
}

// open starts a fake and returns a store on it. What is announced to the fake
// and does not happen fails the test.
func open(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{SSM: fake.NewSSM()}
	t.Cleanup(func() {
		w.SSM.Close()
		for _, u := range w.Unmet() {
			t.Errorf("announced, but it did not happen: %s", u)
		}
	})
	o := Options{
		Path: "/app/dev", Region: fake.Region, Endpoint: w.URL, HTTP: httpx.Client(httpx.Options{Conns: 10}),
		Credentials: static(aws.Credentials{AccessKeyID: fake.AccessKey, SecretAccessKey: fake.SecretKey}),
		UserAgent:   "skret/test", Log: slog.New(slog.DiscardHandler),
		Notice: func(msg string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.notices = append(w.notices, msg)
		},
	}
	for _, c := range change {
		c(&o)
	}
	w.Store = New(o)
	t.Cleanup(o.HTTP.CloseIdleConnections)
	// Tests that are not about pace are not paced.
	w.reads, w.writes, w.deletes = newPace(1e6, 1e6, 1e6), newPace(1e6, 1e6, 1e6), newPace(1e6, 1e6, 1e6)
	return w
}

func static(c aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

// keeps is what SSM keeps.
func keeps(v string) bool {
	open := strings.Index(v, "{{")
	return v != "" && strings.ToValidUTF8(v, "") == v && !strings.Contains(v, "\x00") && (open < 0 || !strings.Contains(v[open:], "}}"))
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Capabilities{
		MaxValue: 4096,
		Keeps:    keeps,
		Break: func(t *testing.T, s store.Store, k secret.Key) {
			w := worlds[s.(*Store)]
			w.Set(func(r *fake.Rules) { r.Unreadable = map[string]bool{w.name(k): true} })
		},
	}, func(t *testing.T) store.Store {
		w := open(t)
		worlds[w.Store] = w
		return w.Store
	})
}

// worlds finds the fake of a store that the suite hands back.
var worlds = map[*Store]*world{}
