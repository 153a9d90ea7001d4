package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/store/local"
	"github.com/skret/skret/internal/store/storetest"
)

// project loads a configuration in a folder of its own.
func project(t testing.TB, text string) *config.Project {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.Name), []byte("version: \"1\"\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := config.Load(config.Input{Dir: dir, Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func client(t testing.TB, p *config.Project) *Client {
	t.Helper()
	c, err := Open(Options{Project: p, Log: slog.New(slog.DiscardHandler), Notice: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const three = `
default_env: near
environments:
  far: {provider: local, file: far.yaml}
  mid: {provider: local, file: mid.yaml, extends: far}
  near: {provider: local, file: near.yaml, extends: mid}
`

// put writes into one of the layers: 0 is the nearest.
func put(t testing.TB, c *Client, layer int, pairs ...string) {
	t.Helper()
	stores, err := c.stores(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p := range slices.Chunk(pairs, 2) {
		if _, err := stores[layer].Put(t.Context(), secret.Entry{Key: secret.Key(p[0]), Value: secret.NewValue(p[1])}, store.PutOptions{Expect: store.AnyVersion}); err != nil {
			t.Fatal(err)
		}
	}
}

// shown writes entries as KEY=VALUE.
func shown(es []secret.Entry) string {
	var all []string
	for _, e := range es {
		all = append(all, string(e.Key)+"="+e.Value.Reveal())
	}
	return strings.Join(all, " ")
}

// TestLayeredIsAStore: with empty layers below, layers are a store as any other.
func TestLayeredIsAStore(t *testing.T) {
	storetest.Run(t, storetest.Capabilities{MaxValue: local.MaxValue, KeepsDeletions: true}, func(t *testing.T) store.Store {
		return client(t, project(t, three)).store
	})
}

// TestOneLayerIsTheStoreItself: what has no layers costs nothing.
func TestOneLayerIsTheStoreItself(t *testing.T) {
	c := client(t, project(t, "environments:\n  dev: {provider: local}\n"))
	if _, ok := c.store.(*local.Store); !ok || c.store != c.own {
		t.Errorf("%T", c.store)
	}
}

// TestMergeIsThatOfMaps: whatever is in the layers, each read gives what laying
// them over each other gives.
func TestMergeIsThatOfMaps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 7))
	for range 20 {
		c := client(t, project(t, three))
		want := map[string]string{}
		for layer := 2; layer >= 0; layer-- {
			for range rnd.IntN(6) {
				k := fmt.Sprintf("%c/%d", 'a'+rnd.IntN(2), rnd.IntN(4))
				v := fmt.Sprintf("%d-%d", layer, rnd.IntN(1000))
				put(t, c, layer, k, v)
				want[k] = v
			}
		}
		for _, prefix := range []string{"", "a/", "b/1", "c"} {
			var keys []secret.Key
			var all []string
			for k := range want {
				if strings.HasPrefix(k, prefix) {
					keys = append(keys, secret.Key(k))
				}
			}
			slices.Sort(keys)
			for _, k := range keys {
				all = append(all, string(k)+"="+want[string(k)])
			}
			es, err := c.List(t.Context(), secret.Key(prefix))
			if got := shown(es); err != nil || got != strings.Join(all, " ") {
				t.Fatalf("list %q: %v\ngot  %s\nwant %s", prefix, err, got, strings.Join(all, " "))
			}
			names, err := c.Names(t.Context(), secret.Key(prefix))
			if err != nil || len(names) != len(es) {
				t.Fatal(err, names)
			}
			for i, n := range names {
				if n.Key != es[i].Key || n.Version != es[i].Version || n.Value.Present() {
					t.Errorf("%+v and %+v", n, es[i])
				}
			}
			slices.Reverse(keys)
			es, err = c.Get(t.Context(), keys...)
			slices.Reverse(es)
			if got := shown(es); err != nil || got != strings.Join(all, " ") {
				t.Fatalf("get: %v: %s", err, got)
			}
		}
	}
}

func TestChangesTouchTheNearestLayerAlone(t *testing.T) {
	c, ctx := client(t, project(t, three)), t.Context()
	put(t, c, 2, "A", "far", "B", "far")
	put(t, c, 1, "B", "mid")
	if _, err := c.Put(ctx, store.AnyVersion, secret.Entry{Key: "A", Value: secret.NewValue("near")}); err != nil {
		t.Fatal(err)
	}
	if es, _ := c.List(ctx, ""); shown(es) != "A=near B=mid" {
		t.Error(shown(es))
	}
	if err := c.Delete(ctx, "A"); err != nil {
		t.Fatal(err)
	}
	if es, _ := c.List(ctx, ""); shown(es) != "A=far B=mid" {
		t.Error(shown(es))
	}
	for doing, err := range map[string]error{
		"delete":   c.Delete(ctx, "B", "C"),
		"rollback": func() error { _, _, err := c.Rollback(ctx, "B", 0); return err }(),
	} {
		gone, ok := errors.AsType[*store.Missing](err)
		if !ok || errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "not found in near (near.yaml) itself: B") ||
			!strings.Contains(err.Error(), "B comes from mid (mid.yaml)") || errs.HintOf(err) != "change it there: -e mid" {
			t.Errorf("%s: %v, %+v", doing, err, gone)
		}
	}
	if err := c.Delete(ctx, "C"); errs.KindOf(err) != errs.NotFound || strings.Contains(err.Error(), "comes from") {
		t.Error(err)
	}
	if es, err := c.History(ctx, "B"); err != nil || shown(es) != "B=mid" {
		t.Error(err, shown(es))
	}
	if _, err := c.History(ctx, "C"); errs.KindOf(err) != errs.NotFound {
		t.Error(err)
	}
}

// fixed is a store that answers what it is told to.
type fixed struct {
	store.Store
	es  []secret.Entry
	err error
}

func (f fixed) List(context.Context, secret.Key) ([]secret.Entry, error)  { return f.es, f.err }
func (f fixed) Names(context.Context, secret.Key) ([]secret.Entry, error) { return f.es, f.err }
func (f fixed) Get(_ context.Context, keys ...secret.Key) ([]secret.Entry, error) {
	return slices.DeleteFunc(slices.Clone(f.es), func(e secret.Entry) bool { return !slices.Contains(keys, e.Key) }), f.err
}

// over makes layers of stores, the nearest first.
func over(p *config.Project, stores ...store.Store) *layered {
	l := &layered{Store: stores[0], o: Options{Project: p}}
	for _, s := range stores {
		l.layers = append(l.layers, &layer{Options{Project: p}, func(context.Context) (store.Store, error) { return s, nil }})
	}
	return l
}

func keyed(keys ...secret.Key) (es []secret.Entry) {
	for _, k := range keys {
		es = append(es, secret.Entry{Key: k, Value: secret.NewValue("v")})
	}
	return es
}

func TestErrorsOfLayersKeepTheirMeaning(t *testing.T) {
	p, ctx := project(t, three), t.Context()
	denied := &store.Unreadable{Keys: []secret.Key{"A", "B"}, Err: errs.New(errs.Auth, "no")}

	// What a nearer layer has is no matter; what a farther one has does not help.
	es, err := over(p, fixed{es: keyed("A")}, fixed{es: keyed("C"), err: denied}, fixed{es: keyed("B")}).List(ctx, "")
	bad, ok := errors.AsType[*store.Unreadable](err)
	if !ok || !slices.Equal(bad.Keys, []secret.Key{"B"}) || errs.KindOf(err) != errs.Auth || shown(es) != "A=v C=v" {
		t.Error(err, shown(es))
	}
	es, err = over(p, fixed{es: keyed("A", "B")}, fixed{es: keyed("C"), err: denied}).List(ctx, "")
	if err != nil || shown(es) != "A=v B=v C=v" {
		t.Error(err, shown(es))
	}

	// A failure of one layer is one of all: half an environment is none.
	_, err = over(p, fixed{es: keyed("A")}, fixed{err: errs.New(errs.Network, "down")}).List(ctx, "")
	if errs.KindOf(err) != errs.Network || !strings.Contains(err.Error(), "near (near.yaml): down") {
		t.Error(err)
	}
}

// TestKeysLimitAllLayers: keys: are exactly those of the environment, whichever
// layer has them; those of an environment that is extended limit what it gives.
func TestKeysLimitAllLayers(t *testing.T) {
	c, ctx := client(t, project(t, `
default_env: near
environments:
  far: {provider: local, file: far.yaml, keys: [A, B, D]}
  mid: {provider: local, file: mid.yaml, extends: far, keys: [E]}
  near: {provider: local, file: near.yaml, extends: far, keys: [A, B, C]}
`)), t.Context()
	put(t, c, 0, "A", "near", "OTHER", "near")
	put(t, c, 1, "B", "far", "C", "far", "D", "far")
	_, err := c.List(ctx, "")
	if errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "any layer of near: C") || !strings.HasPrefix(errs.HintOf(err), "keys: in the configuration lists it") {
		t.Error(err)
	}
	put(t, c, 0, "C", "near")
	es, err := c.List(ctx, "")
	if err != nil || shown(es) != "A=near B=far C=near" {
		t.Error(err, shown(es))
	}
	names, err := c.Names(ctx, "")
	if err != nil || shown(names) != "A= B= C=" || names[0].Version != 1 {
		t.Error(err, names)
	}
	if _, err := c.Get(ctx, "D"); errs.HintOf(err) != "only what keys: in the configuration lists is read" {
		t.Error(err)
	}
	// A layer without any of them is none.
	if p := c.Project; len(p.Layers) != 2 || !slices.Equal(p.Layers[0].Place.Keys, []string{"A", "B"}) {
		t.Errorf("%+v", p.Layers)
	}
	in := config.Input{Dir: c.Project.Root, Home: c.Project.Root, Flags: config.Flags{Env: "mid"}}
	if p, err := config.Load(in); err != nil || len(p.Layers) != 1 {
		t.Error(err)
	}
}

func TestThePastOfLayersIsTheirPasts(t *testing.T) {
	c, ctx := client(t, project(t, three)), t.Context()
	put(t, c, 2, "A", "far1", "B", "far1")
	put(t, c, 0, "A", "near1", "A", "near2", "A", "near3")
	if err := c.Delete(ctx, "A"); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int64]string{1: "A=near1 B=far1", 2: "A=near2 B=far1", 3: "A=near3 B=far1", 9: "A=far1 B=far1"} {
		es, err := past{c, When{Version: version}}.Read(ctx)
		if err != nil || shown(es) != want {
			t.Error(version, err, shown(es))
		}
	}
}

func TestAQuestionIsAskedOnce(t *testing.T) {
	asked := 0
	o := shared(Options{
		AskPassphrase: func(context.Context, string) ([]byte, error) { asked++; return []byte("x"), nil },
		Relogin:       func(context.Context, string, error) error { asked += 10; return nil },
	})
	done := make(chan struct{})
	for range 4 {
		go func() {
			_, _ = o.AskPassphrase(t.Context(), "passphrase: ")
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if err := o.Relogin(t.Context(), "prod", nil); err != nil || asked != 11 {
		t.Error(err, asked)
	}
}
