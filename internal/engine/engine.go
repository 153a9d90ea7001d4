// Package engine is the one composition: it takes a configuration and gives
// the store of its environment, behind what every caller needs from it. The
// command line and the public library are its two faces.
package engine

import (
	"context"
	"log/slog"

	"github.com/skret/skret/internal/audit"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Options are what a caller brings besides the configuration.
type Options struct {
	Project *config.Project
	Log     *slog.Logger // never nil
	Notice  func(msg string)
	// AskPassphrase asks for the passphrase of a locked identity. nil refuses.
	AskPassphrase func(ctx context.Context, prompt string) ([]byte, error)
	UserAgent     string // "skret/1.2.3"
	Offline       bool   // ask no service: the cache answers, or nothing does
	Refresh       bool   // ask the service although the cache could answer
	// Relogin has the user sign in again when the sign-in of that name is over,
	// for why. nil refuses.
	Relogin func(ctx context.Context, name string, why error) error
	// Trail is told what is done with which secrets, and as whom. It may be nil.
	Trail *audit.Trail
	visit *audit.Visit // of the environment that is open

	sessions *sessions // of its layers; nil: it has one
}

// placeKeys returns the keys that the environment is limited to, if it is.
func placeKeys(p *config.Project) []secret.Key {
	keys := make([]secret.Key, len(p.Place.Keys))
	for i, k := range p.Place.Keys {
		keys[i] = secret.Key(k)
	}
	return keys
}

// Client is one environment, open. It is safe for use by several goroutines.
type Client struct {
	Project *config.Project
	visit   *audit.Visit
	store   store.Store // what is read: all layers as one
	own     store.Store // what is written: the nearest layer; of one layer the same
}

// Open composes the client of o.Project's environment. It makes no request and
// opens no store file: that is done by the first call that needs it.
func Open(o Options) (*Client, error) {
	several := len(o.Project.Layers) > 1
	if several {
		o = shared(o)
	}
	o.visit = o.Trail.Visit(o.Project.Env, auditPlace(o.Project))
	own, err := openStore(o)
	if err != nil {
		return nil, err
	}
	c := &Client{Project: o.Project, store: own, own: own, visit: o.visit}
	if several {
		c.store = newLayered(o, own)
	}
	return c, nil
}

// openStore returns the store of o.Project's own place.
func openStore(o Options) (store.Store, error) {
	switch o.Project.Place.Provider {
	case config.ProviderLocal:
		return openLocal(o), nil
	case config.ProviderAWS:
		return openAWS(o)
	default:
		return nil, errs.New(errs.Config, "provider %q is not known", o.Project.Place.Provider)
	}
}
