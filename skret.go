// Package skret reads and writes a project's secrets from Go, by the same
// configuration and the same rules as the skret command.
//
// [Open] finds `.skret.yaml`, chooses an environment and gives a [Client]:
//
//	client, err := skret.Open(ctx, skret.Options{Env: "prod"})
//	if err != nil {
//		return err
//	}
//	s, err := client.Get(ctx, "DATABASE_URL")
//	if err != nil {
//		return err
//	}
//	connect(s.Value)
//
// Settings come from Options, then from SKRET_* and AWS_* variables, then from
// the file. AWS credentials are those that the AWS SDK finds. The library never
// asks anything: what would need an answer is an error.
//
// A [Secret] hides its value from fmt, encoding/json and log/slog, but its
// Value field is a plain string: what you take from it is yours to keep.
package skret

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// Options choose the environment. The zero value is what the command does
// without flags in the current folder.
type Options struct {
	Dir    string // the folder to look for .skret.yaml from; "" is the current one
	Config string // a configuration file instead of the one found
	Env    string // the environment's name

	// These overrule the environment's own settings.
	Provider string // "aws" or "local"
	Path     string // in SSM Parameter Store
	Region   string
	Profile  string // an AWS profile
	File     string // of the local store

	Log    *slog.Logger     // requests at debug level, never a value; nil logs nothing
	Notice func(msg string) // remarks, such as that a request is tried again; nil drops them
}

// Secret is one secret, or one version of it.
type Secret struct {
	Key         string // relative to the environment's path
	Variable    string // the name by which a command sees it
	Value       string // "" in what Names returns
	Version     int64
	Type        string // the store's word, such as SecureString
	Description string
	Tags        map[string]string
	Labels      []string
	Modified    time.Time
	Author      string // who wrote the version, where the store knows
	Deleted     bool   // in History: this version is a deletion
}

// String returns the key and the version, not the value.
func (s Secret) String() string { return fmt.Sprintf("%s#%d", s.Key, s.Version) }

// Format writes what String returns, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what String returns, so that encoding/json does not write
// the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Client is one environment, open. It is safe for use by several goroutines.
type Client struct{ engine *engine.Client }

// Open reads the configuration and opens the environment. It makes no request:
// the first call that needs the store does.
func Open(_ context.Context, o Options) (*Client, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	project, err := config.Load(config.Input{
		Getenv: config.Getenv, Dir: dir, Home: config.Home(),
		Flags: config.Flags{
			Env: o.Env, Provider: o.Provider, Path: o.Path, Region: o.Region,
			Profile: o.Profile, File: o.File, Config: o.Config,
		},
	})
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	client, err := engine.Open(engine.Options{Project: project, Log: o.Log, Notice: o.Notice, UserAgent: "skret-go"})
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// Env returns the name of the environment, "" when there is none.
func (c *Client) Env() string { return c.engine.Project.Env }

// Names returns the secrets without their values; nothing is decrypted.
func (c *Client) Names(ctx context.Context) ([]Secret, error) {
	es, err := c.engine.Names(ctx, "")
	return public(es), err
}

// Get returns one secret. Its error is of [KindNotFound] when there is none.
func (c *Client) Get(ctx context.Context, key string) (Secret, error) {
	k, err := c.engine.Key(key)
	if err != nil {
		return Secret{}, err
	}
	es, err := c.engine.Get(ctx, k)
	if err != nil {
		return Secret{}, err
	}
	return public(es)[0], nil
}

// List returns all secrets with their values, sorted by key. When some cannot
// be read, it returns the others together with an error that names those.
func (c *Client) List(ctx context.Context) ([]Secret, error) {
	es, err := c.engine.List(ctx, "")
	return public(es), err
}

// Environ returns what `skret run` would give to a command, as NAME=value
// sorted by name: the environment's own rules about names are applied, and all
// that is wrong is reported in one error.
func (c *Client) Environ(ctx context.Context) ([]string, error) {
	set, err := c.engine.Variables(ctx, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	env := make([]string, len(set))
	for i, v := range set {
		env[i] = v.Name + "=" + v.Value.Reveal()
	}
	return env, nil
}

// SetOptions are what may go with a value. The zero value keeps what the secret
// has.
type SetOptions struct {
	Type        string // in AWS: SecureString, String or StringList
	Description string
	Tags        map[string]string // in AWS
	// IfVersion makes the write depend on the current version. CreateOnly
	// stands for "there is none"; zero is no condition.
	IfVersion int64
}

// CreateOnly is the SetOptions.IfVersion of a secret that must not exist.
const CreateOnly int64 = -1

// Set stores a secret and returns its new version. When it returns nil the
// value is kept. Its error is of [KindConflict] when SetOptions.IfVersion does
// not hold.
func (c *Client) Set(ctx context.Context, key, value string, o SetOptions) (version int64, err error) {
	k, err := c.engine.Key(key)
	if err != nil {
		return 0, err
	}
	expect := o.IfVersion
	switch o.IfVersion {
	case 0:
		expect = store.AnyVersion
	case CreateOnly:
		expect = 0
	}
	done, err := c.engine.Put(ctx, expect, secret.Entry{
		Key: k, Value: secret.NewValue(value), Type: o.Type, Description: o.Description, Tags: o.Tags,
	})
	if err != nil {
		return 0, err
	}
	return done[0].Version, nil
}

// Delete removes secrets. Its error is of [KindNotFound] when some did not
// exist; the others are gone then.
func (c *Client) Delete(ctx context.Context, keys ...string) error {
	ks, err := c.engine.Keys(keys)
	if err != nil {
		return err
	}
	return c.engine.Delete(ctx, ks...)
}

// History returns the versions of a secret that the store keeps, oldest first.
func (c *Client) History(ctx context.Context, key string) ([]Secret, error) {
	k, err := c.engine.Key(key)
	if err != nil {
		return nil, err
	}
	es, err := c.engine.History(ctx, k)
	return public(es), err
}

// Rollback writes an earlier version's value as a new version and returns
// that. Version 0 means the one before the current.
func (c *Client) Rollback(ctx context.Context, key string, version int64) (newVersion int64, err error) {
	k, err := c.engine.Key(key)
	if err != nil {
		return 0, err
	}
	_, newVersion, err = c.engine.Rollback(ctx, k, version)
	return newVersion, err
}

// public takes the values out of the entries.
func public(es []secret.Entry) []Secret {
	out := make([]Secret, len(es))
	for i, e := range es {
		out[i] = Secret{
			Key: string(e.Key), Variable: e.Key.EnvName(), Value: e.Value.Reveal(), Version: e.Version, Type: e.Type,
			Description: e.Description, Tags: e.Tags, Labels: e.Labels, Modified: e.Modified, Author: e.Author, Deleted: e.Deleted,
		}
	}
	return out
}

// Kind is the sort of a failure. Its text is the one of the command's JSON
// errors.
type Kind string

// The kinds of failure, as in the command's table of exit codes.
const (
	KindUnclassified Kind = "unclassified" // none of the others, and trouble with local files
	KindConfig       Kind = "config"       // the configuration is missing or wrong
	KindBackend      Kind = "backend"      // the service or the store refused or failed
	KindAuth         Kind = "auth"         // no identity, an expired one, or the wrong one
	KindNotFound     Kind = "not_found"    // what was asked for does not exist
	KindConflict     Kind = "conflict"     // it exists already, or changed in the meantime
	KindNetwork      Kind = "network"      // no answer, timed out, or throttled to the end
	KindInvalid      Kind = "invalid"      // wrong input
)

// KindOf returns the kind of an error that this package returned.
func KindOf(err error) Kind { return Kind(errs.KindOf(err).String()) }

// HintOf returns what can be done about an error, or "".
func HintOf(err error) string { return errs.HintOf(err) }
