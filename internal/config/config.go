// Package config makes one immutable [Project] from `.skret.yaml`, the
// environment and the flags, and remembers where each setting came from.
//
// It is, with one file of package cli, the only package that reads
// environment variables (through the function in [Input]); nothing else asks
// where a setting comes from.
package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/secret"
)

// Input is everything that a Project is made of.
type Input struct {
	Getenv func(string) string // a blank variable counts as unset
	Dir    string              // the folder to start from, absolute: the current one, or that of --chdir
	Home   string              // the user's home, "" when there is none
	Flags  Flags
}

// Flags are the global flags that are settings; "" means not given.
type Flags struct {
	Env, Provider, Path, Region, Profile, Auth, Account, Role, File, Config string

	// Alone makes the place the one that the flags name, with nothing of any
	// environment: neither of the file's, so that Env and SKRET_ENV do not count,
	// nor of the variables that say where secrets are: SKRET_PROVIDER, SKRET_PATH,
	// SKRET_FILE, SKRET_REGION. What stands at the top of the file still holds, and
	// so do AWS_REGION and the variables that say who signs, where no flag does.
	Alone bool
}

// Providers are the words for `provider:`.
const (
	ProviderAWS   = "aws"
	ProviderLocal = "local"
)

// Project is the resolved configuration of one command. It does not change.
type Project struct {
	Name    string   // project:
	File    string   // the .skret.yaml, absolute; "" when there is none
	Root    string   // the folder of File, or the starting folder
	Env     string   // the chosen environment's name; "" when there is none
	Overlay string   // the .skret.local.yaml beside File; "" when there is none
	Envs    []string // the names of all environments, sorted
	Place   Place
	Home    string // skret's own folder: SKRET_HOME, or ~/.skret; "" when neither is known

	// Policy of the environment, with that of the environments that it extends and
	// of the top level joined in front.
	Required, Exclude, AllowEnv []string

	Targets []Target // sync.targets, in the file's order

	// Rules are those of `schema:`: the environment's, those of the environments
	// that it extends, then the top level's. The first that is about a secret holds.
	Rules []secret.Rule

	// Layers are the places that the environment's secrets come from, the nearest
	// last: that is Place, where secrets are written. One without `paths:` and
	// `extends:` has one.
	Layers []Layer

	Cache Cache
	Scan  Scan

	// Identity of the local store: SKRET_IDENTITY (the text of an identity) and
	// the file, which is SKRET_IDENTITY_FILE or <Home>/identity.txt.
	Identity     string
	IdentityFile string

	// Origins tells where a setting came from, by the name that `skret config`
	// prints ("path", "region" ...).
	Origins map[string]Origin

	getenv    func(string) string
	protected []string // environments
}

// Getenv returns a variable of the environment that the project was made from:
// the way for other packages to variables that are no settings of skret, such
// as those of the AWS SDK.
func (p *Project) Getenv(name string) string { return p.getenv(name) }

// Describe names the environment for a question or a message: "dev
// (.skret.secrets.yaml)" or "prod (/myapp/prod in eu-west-1)".
func (p *Project) Describe() string {
	where := p.Place.File
	if p.Place.Provider == ProviderAWS {
		where = p.Place.Path
		if p.Place.Region != "" {
			where += " in " + p.Place.Region
		}
	} else if rel, err := filepath.Rel(p.Root, where); err == nil {
		where = rel
	}
	if p.Env == "" {
		return where
	}
	return p.Env + " (" + where + ")"
}

// The words for `cache.mode`.
const (
	CacheOff      = "off"
	CacheFallback = "fallback" // what was read before serves when the service cannot be reached
	CachePrefer   = "prefer"   // and before it is asked, as long as it is not older than TTL
)

// Cache says whether secrets that were read are kept, sealed, on this machine.
type Cache struct {
	Mode   string        // CacheOff and its kin, never ""
	TTL    time.Duration // with CachePrefer: how long no question is asked
	MaxAge time.Duration // after which what is kept serves for nothing
}

// Scan is what `skret scan` takes from the configuration.
type Scan struct {
	MinLength int      // shorter values are not looked for; 0 leaves it to scan
	Allow     []string // findings that are meant to be there, by fingerprint, or secrets by key or glob
	Skip      []string // globs of files that are not looked into
}

// Place is where an environment's secrets are.
type Place struct {
	Provider string // ProviderAWS or ProviderLocal

	// aws
	Path            string // "/myapp/prod", cleaned: a leading slash, none at the end
	Region          string // "" leaves it to the SDK
	Profile         string
	ProfileExplicit bool   // from a flag or SKRET_PROFILE, not from the file
	Auth            string // a sign-in by name, or [ChainAuth]; "" leaves it to the order of identities
	Account, Role   string // whoever signs must be of them; "" is any
	KMSKeyID        string
	Tier            string // "", standard, advanced or intelligent

	// local
	File       string   // absolute
	Recipients []string // for a store that is made now

	Keys []string // exactly these keys; empty means all
}

// Origin says where a setting came from.
type Origin struct {
	Kind string  // flag, variable, file, found (by its place) or default
	Name string  // --region, SKRET_REGION, or the file's path
	Line int     // with Kind file
	Also *Origin // with Kind file: where the next part is of a list that is joined from several; or nil
}

// String returns the origin as `skret config` prints it.
func (o Origin) String() string {
	switch o.Kind {
	case "file":
		places := []string{o.Name + ":" + strconv.Itoa(o.Line)}
		for also := o.Also; also != nil; also = also.Also {
			place := strconv.Itoa(also.Line)
			if also.Name != o.Name {
				place = also.Name + ":" + place
			}
			places = append(places, place)
		}
		return strings.Join(places, " and ")
	case "default", "found":
		return o.Kind
	default:
		return o.Kind + " " + o.Name
	}
}
