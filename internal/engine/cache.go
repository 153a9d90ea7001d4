package engine

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/skret/skret/internal/awsauth"
	"github.com/skret/skret/internal/cache"
	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/store"
	"github.com/skret/skret/internal/vault"
)

// cached puts around the store of a service what is kept of it on this machine.
// Where the cache is off that is nothing; but what was kept while it was on is
// dropped by writes all the same.
func cached(o Options, id *awsauth.Identity, v *vault.Vault, s cache.Service) (store.Store, error) {
	if o.Offline && o.Refresh {
		return nil, errs.New(errs.Invalid, "--offline and --refresh exclude each other")
	}
	p := o.Project
	co := cache.Options{
		Folder: cacheFolder(p),
		Of: cache.Place{
			Title: p.Describe(), Environment: p.Env, Identity: id.Origin, Who: id.Who, Account: p.Place.Account, Role: p.Place.Role,
			Region: id.Region, Endpoint: id.Endpoint, Path: p.Place.Path, Keys: slices.Sorted(slices.Values(placeKeys(p))),
		},
		Offline: o.Offline, Refresh: o.Refresh, Notice: o.Notice, Log: o.Log,
	}
	switch {
	case p.Cache.Mode == config.CacheOff:
	case p.Home == "":
		o.Notice("nothing is cached: there is no home; set HOME or SKRET_HOME")
	default:
		co.TTL, co.MaxAge = cacheLimits(p.Cache)
	}
	key := cacheKey(v)
	co.Key = func(ctx context.Context) ([]byte, error) { _, raw, err := key.find(ctx); return raw, err }
	co.MakeKey = func(ctx context.Context) ([]byte, error) { _, raw, err := key.make(ctx); return raw, err }
	return cache.New(s, co), nil
}

// cacheLimits are how long a set serves before the service is asked, and at all.
func cacheLimits(c config.Cache) (ttl, maxAge time.Duration) {
	if c.Mode == config.CachePrefer {
		ttl = min(c.TTL, c.MaxAge)
	}
	return ttl, c.MaxAge
}

// serves tells whether the cache may answer before the service is asked.
func serves(o Options) bool {
	return o.Offline || o.Project.Cache.Mode == config.CachePrefer && !o.Refresh
}

func cacheKey(v *vault.Vault) ownKey { return ownKey{v, "cache", "xchacha20-poly1305"} }

func cacheFolder(p *config.Project) cache.Folder {
	if p.Home == "" {
		return ""
	}
	return cache.Folder(filepath.Join(p.Home, "cache", "secrets"))
}

// CacheStatus is what is kept of services on this machine.
type CacheStatus struct {
	Folder string // "" without a home
	Key    string // where the key is, in words; "" while there is none
	Sets   []cache.Info
}

// Cache tells what is kept. It opens nothing and asks nobody.
func Cache(o Options) (CacheStatus, error) {
	if o.Project.Home == "" {
		return CacheStatus{}, nil
	}
	folder := cacheFolder(o.Project)
	st := CacheStatus{Folder: string(folder)}
	var err error
	if st.Sets, err = folder.List(); err != nil {
		return st, err
	}
	v := Vault(o)
	if _, err := v.Find(cacheKey(v).service, ""); errs.KindOf(err) == errs.NotFound {
		return st, nil
	}
	_, st.Key, err = v.Backend()
	return st, err
}

// ClearCache drops what is kept of the project's environment, whoever read it; or
// everything, and the key. It tells how many sets that was.
func ClearCache(ctx context.Context, o Options, all bool) (int, error) {
	p := o.Project
	if p.Home == "" {
		return 0, nil
	}
	n, err := cacheFolder(p).Drop(ctx, func(i cache.Info) bool { return all || i.Damaged || ofProject(p, i) })
	if err != nil || !all {
		return n, err
	}
	v := Vault(o)
	if err := v.Delete(ctx, cacheKey(v).service, "default"); errs.KindOf(err) != errs.NotFound {
		return n, err
	}
	return n, nil
}

// ofProject tells whether a set is of a place of the project's environment.
func ofProject(p *config.Project, i cache.Info) bool {
	return slices.ContainsFunc(p.Layers, func(l config.Layer) bool {
		return l.Place.Provider == config.ProviderAWS && l.Place.Path == i.Path && (l.Place.Region == "" || l.Place.Region == i.Region)
	})
}

// Age writes how old something is: 40 s, 12 min, 3 h, 2 days.
func Age(d time.Duration) string { return cache.Age(d) }
