// Package vault keeps skret's own sign-ins at rest.
//
// They are in one file, credentials.yaml in skret's folder: what may be read by
// anybody in clear (service, name, method, times, notes), and what may not, the
// [Material], sealed with XChaCha20-Poly1305 under one key. That key is in the OS
// keyring, or in a key file, or in the file itself under a passphrase ([Store]).
//
//	v := vault.New(vault.Options{Dir: home, Getenv: getenv})
//	c, err := v.Put(ctx, vault.Credential{Service: "aws", Name: "work", Method: "sso"}, material) // a login
//	c, err = v.Find("aws", "")      // the default: one file read, no key
//	m, err := v.Open(ctx, c)        // fetches the key once, and unseals
//	c, err = v.Renew(ctx, c, m2)    // the same sign-in with new material
//
// It promises:
//
//   - Material is bound to everything in clear beside it but the mark of the
//     default. A part that was edited, moved to another sign-in or taken from an
//     older generation does not open.
//   - A change is made under a lock on what the file holds then, and is there as a
//     whole or not at all. Changes of many processes are all kept.
//   - [Vault.Find] and [Vault.List] touch no key. The keyring is asked once a
//     process, when something is opened or written; where no keyring can be, no
//     process is started and nothing is waited for.
//   - A file that is broken, a link, or another user's is an error, never "not
//     signed in". One that others could read is taken from them, with a notice.
//   - Nothing here prints; errors name files and sign-ins, never material.
//
// Its limits: whoever may write the file can bring back an older copy of it or of
// one whole sign-in, and take sign-ins out; whoever may read the key file opens
// all. The store [Plaintext] protects nothing. Copies that Go makes in memory
// cannot be wiped.
package vault

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
)

// Store says where the key is.
type Store string

// The stores.
const (
	Keyring    Store = "keyring"    // the OS keyring
	KeyFile    Store = "keyfile"    // a file that only the user may read
	Passphrase Store = "passphrase" // in credentials.yaml, under a passphrase
	Plaintext  Store = "plaintext"  // there is no key: material is in clear
)

// Options is what a Vault needs to know.
type Options struct {
	Dir            string              // skret's own folder, absolute
	KeyFile        string              // SKRET_KEY_FILE: the key is in this file, and not in the keyring or in Dir
	PassphraseFile string              // SKRET_PASSPHRASE_FILE: the passphrase is its first line
	Getenv         func(string) string // of this process: the keyring's client reads its variables, too

	// AskPassphrase asks the user; nil refuses.
	AskPassphrase func(ctx context.Context, prompt string) ([]byte, error)
	Notice        func(msg string) // a remark to the user; nil: none
	Log           *slog.Logger     // nil: none
	Now           func() time.Time // nil: time.Now
}

// Vault is the sign-ins that are kept in one folder. It is safe for use by many
// goroutines.
type Vault struct {
	o          Options
	workFactor int // of scrypt, as a power of two; 0: age's own choice

	mu   sync.Mutex
	seen *document // as it was last read or written

	keyMu  sync.Mutex
	opened *key  // the last one that was fetched or made
	probed *bool // what the probe of the keyring said
}

// New returns the vault in o.Dir. It touches nothing.
func New(o Options) *Vault {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Vault{o: o}
}

// Credential is a sign-in without its material.
type Credential struct {
	Service, Name string // "aws", "work"
	Method        string // "sso", "access-key" ...
	Default       bool
	Generation    int64             // grows by one with each write of the material
	LoggedIn      time.Time         // when the user signed in; a new login under the same name has another one
	Meta          map[string]string // readable in the file, bound to the material; never secret
	Sessions      []Session         // short-lived credentials that were minted from it
}

// Session is a short-lived credential without its material.
type Session struct {
	Key     string // names it within the sign-in
	Expires time.Time
	Meta    map[string]string // as in Credential
}

// List returns all sign-ins by service, the default first, then by name. Where
// there is no file there are none.
func (v *Vault) List() ([]Credential, error) {
	d, err := v.load()
	if err != nil {
		return nil, err
	}
	list := make([]Credential, len(d.Credentials))
	for i, e := range d.Credentials {
		list[i] = e.credential()
	}
	slices.SortFunc(list, func(a, b Credential) int {
		switch {
		case a.Service != b.Service:
			return strings.Compare(a.Service, b.Service)
		case a.Default:
			return -1
		case b.Default:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, nil
}

// Find returns the sign-in of this name; "" is the service's default. If there is
// none the error has the kind NotFound.
func (v *Vault) Find(service, name string) (Credential, error) {
	if err := checkNames(service, cmp.Or(name, "default")); err != nil {
		return Credential{}, err
	}
	d, err := v.load()
	if err != nil {
		return Credential{}, err
	}
	for _, e := range d.Credentials {
		if e.Service == service && (e.Name == name || name == "" && e.Default) {
			return e.credential(), nil
		}
	}
	return Credential{}, notFound(service, name)
}

func notFound(service, name string) error {
	if name == "" {
		return errs.New(errs.NotFound, "not signed in to %q", service).WithHint("skret auth login %s", service)
	}
	return errs.New(errs.NotFound, "there is no sign-in %q to %q", name, service).
		WithHint("skret auth login %s --name %s makes it; skret auth status shows those there are", service, name)
}

// Open returns the material of exactly c. The error has the kind Conflict when
// the sign-in has been renewed, replaced or removed, and its old material is gone.
func (v *Vault) Open(ctx context.Context, c Credential) (Material, error) {
	return v.open(ctx, c, func(e *entry, k *key) (Material, error) { return k.openEntry(e) })
}

// OpenSession returns the material of exactly this session of c. The error has
// the kind NotFound when c has no such session, and Conflict as with [Vault.Open].
func (v *Vault) OpenSession(ctx context.Context, c Credential, sessionKey string) (Material, error) {
	i := slices.IndexFunc(c.Sessions, func(s Session) bool { return s.Key == sessionKey })
	if i < 0 {
		return Material{}, errs.New(errs.NotFound, "the sign-in %s has no such session", c.label())
	}
	return v.open(ctx, c, func(e *entry, k *key) (Material, error) {
		s := e.session(sessionKey)
		if s == nil || !s.Expires.Equal(c.Sessions[i].Expires) {
			return Material{}, movedOn(c)
		}
		return k.openSession(e, s)
	})
}

// tries is how often something is begun anew because another process has changed
// the file meanwhile.
const tries = 10

// open hands c's entry and the key to unseal. What was last read is as good as
// the file as long as it has exactly c and its key can be had.
func (v *Vault) open(ctx context.Context, c Credential, unseal func(*entry, *key) (Material, error)) (Material, error) {
	d := v.lastSeen()
	for range tries {
		var failed error
		e := d.exactly(c)
		if e != nil {
			k, err := v.key(ctx, d)
			if err == nil {
				return unseal(e, k)
			}
			failed = err
		}
		now, err := v.load()
		switch {
		case err != nil:
			return Material{}, err
		case e != nil && now.header == d.header:
			return Material{}, failed
		case e == nil && now.exactly(c) == nil:
			return Material{}, movedOn(c)
		}
		d = now
	}
	return Material{}, movedOn(c)
}

func movedOn(c Credential) error {
	return errs.New(errs.Conflict, "the sign-in %s was changed by another process", c.label()).WithHint("try again")
}

// label names the sign-in in messages.
func (c Credential) label() string { return c.Service + "/" + c.Name }

// credential returns what may be seen of e, as a copy.
func (e *entry) credential() Credential {
	c := Credential{
		Service: e.Service, Name: e.Name, Method: e.Method, Default: e.Default,
		Generation: e.Generation, LoggedIn: e.LoggedIn, Meta: maps.Clone(e.Meta),
	}
	for _, s := range e.Sessions {
		c.Sessions = append(c.Sessions, Session{Key: s.Key, Expires: s.Expires, Meta: maps.Clone(s.Meta)})
	}
	return c
}

// is tells whether e is c's sign-in, be it renewed.
func (e *entry) is(c Credential) bool {
	return e.Service == c.Service && e.Name == c.Name && e.LoggedIn.Equal(c.LoggedIn)
}

// lastSeen returns the document that was last read, or one without sign-ins.
func (v *Vault) lastSeen() *document {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		return &document{}
	}
	return v.seen
}

func (v *Vault) saw(d *document) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = d
}

// file returns the name of credentials.yaml.
func (v *Vault) file() (string, error) {
	if !filepath.IsAbs(v.o.Dir) {
		return "", errs.New(errs.Config, "there is no place for sign-ins: no home folder is known").
			WithHint("set HOME or SKRET_HOME to a full path")
	}
	return filepath.Join(v.o.Dir, "credentials.yaml"), nil
}

// checkNames refuses names that could not be a part of a file's name.
func checkNames(service, name string) error {
	for _, s := range []string{service, name} {
		if !validName(s) {
			return errs.New(errs.Invalid, "the name %q is not allowed for a service or a sign-in", s).
				WithHint("a name has up to 64 letters, digits, dots, underscores and dashes, and begins with a letter or a digit")
		}
	}
	return nil
}

func validName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("_.-", r)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// checkText refuses what JSON would not give back as it was. It does not repeat
// it: it may be a secret.
func checkText(what, text string, more map[string]string) error {
	ok := utf8.ValidString(text)
	for k, s := range more {
		ok = ok && utf8.ValidString(k) && utf8.ValidString(s)
	}
	if !ok {
		return errs.New(errs.Invalid, "%s is not text: there are bytes in it that are not UTF-8", what)
	}
	return nil
}
