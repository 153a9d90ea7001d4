// Package engine is the one composition: it takes a configuration and gives
// the store of its environment, behind what every caller needs from it. The
// command line and the public library are its two faces.
package engine

import (
	"context"
	"log/slog"

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
	// Relogin has the user sign in again when the sign-in of that name is over,
	// for why. nil refuses.
	Relogin func(ctx context.Context, name string, why error) error
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
	store   store.Store
}

// Open composes the client of o.Project's environment. It makes no request and
// opens no store file: that is done by the first call that needs it.
func Open(ctx context.Context, o Options) (*Client, error) {
	switch o.Project.Place.Provider {
	case config.ProviderLocal:
		return &Client{Project: o.Project, store: openLocal(o)}, nil
	case config.ProviderAWS:
		s, err := openAWS(ctx, o)
		if err != nil {
			return nil, err
		}
		return &Client{Project: o.Project, store: s}, nil
	default:
		return nil, errs.New(errs.Config, "provider %q is not known", o.Project.Place.Provider)
	}
}
