package engine

import (
	"context"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/store/local"
)

// openLocal returns the local store of o.Project's environment. It touches no
// file.
func openLocal(o Options) *local.Store {
	p := o.Project
	return local.New(local.Options{
		File: p.Place.File, Recipients: p.Place.Recipients, Keys: placeKeys(p),
		Identity: p.Identity, IdentityFile: p.IdentityFile, Home: p.Home,
		AskPassphrase: o.AskPassphrase, Notice: o.Notice, Log: o.Log,
	})
}

// Local is a local store, for what only such a store can do.
type Local struct{ *local.Store }

// OpenLocal is [Open] for an environment whose store is local; another one gives
// an error of kind Invalid.
func OpenLocal(o Options) (Local, error) {
	if o.Project.Place.Provider != config.ProviderLocal {
		return Local{}, errs.New(errs.Invalid, "environment %s has no local store", o.Project.Describe()).
			WithHint("choose one that has with -e, or a file with --provider local --file FILE")
	}
	return Local{openLocal(o)}, nil
}

// Identity is the public side of the user's identity.
type Identity = local.Identity

// LocalIdentity returns the user's identity, made when there is none, and locks
// it by a passphrase when that is asked for. The environment does not matter.
func LocalIdentity(ctx context.Context, o Options, lock bool) (Identity, error) {
	if lock {
		return openLocal(o).LockIdentity(ctx)
	}
	return openLocal(o).Identity(ctx)
}
