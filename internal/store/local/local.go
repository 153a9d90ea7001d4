// Package local keeps secrets in one sealed file beside the code.
//
// # The file
//
// The file can be committed. It is a strict subset of YAML: one document, every
// key and value in double quotes, one line for each version of each secret, so
// that a diff shows which ones changed:
//
//	# Sealed by skret. Safe to commit; change it with skret set.
//	"format": "skret-sealed-1"
//	"id": "5kq4..."
//	"recipients":
//	  - "age1..."
//	"key": "YWdlLWVuY3J5cHRpb24ub3Jn..."
//	"secrets":
//	  "API_KEY#1": {"time": "2026-05-01T10:00:00Z", "sealed": "..."}
//	  "API_KEY#2": {"time": "2026-05-02T10:00:00Z", "description": "until May", "sealed": "..."}
//	"mac": "..."
//
// Names, times and descriptions are in clear, and so is, nearly, the length of
// each value. A value is sealed by XChaCha20-Poly1305, whose nonces are long
// enough to be drawn at random for ever, together with the file's id, the key,
// the version, the time and the description: it cannot be moved. HMAC-SHA-256
// over the whole file finds every other change. The keys of both come by HKDF
// from a random data key, which the "key" line holds, encrypted by age for the
// recipients: age X25519 keys and ssh keys. The last [KeptVersions] versions of
// a secret are kept, deletions among them.
//
// # What the file does not prove
//
// Who wrote it: the recipients' keys are public, so whoever can replace the file
// can make a whole new one, with values of his own, that opens. That it is the
// newest: an old file put back from git opens as well. Both show in the history
// of the repository, which is where the trust in the file comes from. And a
// recipient who was removed keeps what he could read before: remove him, then
// change the secrets themselves.
//
// # Plain files
//
// A file `version: "1"` with a map `secrets:` in clear is read and written too,
// with a standing notice, until [Store.Encrypt] converts it.
//
// # Concurrency
//
// Every change reads, changes and writes under the lock of package durable: of
// any number of processes none loses another's write.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/store"
)

// The limits of a store.
const (
	MaxFile        = 64 << 20 // bytes of the file
	MaxValue       = 1 << 20  // bytes of a value
	MaxDescription = 1024     // bytes of a description
	KeptVersions   = 10       // versions of one secret, deletions included
)

// Options say where the store is and who opens it.
type Options struct {
	File       string   // the store's file, absolute
	Recipients []string // for whom a new store is sealed, besides the user

	Identity     string // the text of an identity; it goes before IdentityFile
	IdentityFile string // made at first use when it is missing
	Home         string // skret's own folder: when IdentityFile is in it, it is kept private

	// AskPassphrase asks for the passphrase of a locked identity. nil refuses.
	AskPassphrase func(ctx context.Context, prompt string) ([]byte, error)
	Notice        func(msg string) // what a person should know; nil drops it
	Keys          []secret.Key     // exactly these are read; empty means all
	Now           func() time.Time // nil is time.Now
	Log           *slog.Logger     // nil logs nothing
}

// Store is a local store. It is a store.Store, a store.Historian and a
// store.Batcher.
type Store struct {
	o       Options
	plain   sync.Once // the notice about a plain file
	missing sync.Once // the notice about a missing one

	mu     sync.Mutex
	me     *identity
	opened map[string]*keys // by the wrapped key
}

// New returns the store. It touches no file.
func New(o Options) *Store {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{o: o, opened: map[string]*keys{}}
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Historian = (*Store)(nil)
	_ store.Batcher   = (*Store)(nil)
	_ store.Timeline  = (*Store)(nil)
)

// content is what a file holds: one of the two, or neither when there is no file.
type content struct {
	sealed *document
	plain  *plainFile
}

// load reads the file.
func (s *Store) load() (content, error) {
	data, err := durable.ReadFile(s.o.File, MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return content{}, nil
	}
	if err != nil {
		return content{}, err
	}
	return s.parse(data)
}

// parse reads either format.
func (s *Store) parse(data []byte) (c content, err error) {
	start := time.Now()
	text := normal(data)
	switch {
	case text == "":
		err = errs.New(errs.Backend, "it is empty").WithHint("bring back a good copy, or remove the file to begin anew")
	case conflicted(text):
		err = errs.New(errs.Backend, "git has left a merge conflict in it").
			WithHint("take one side whole (git checkout --ours %s, or --theirs) and set again what only the other side has; a merged text cannot be valid", s.o.File)
	case looksSealed(text):
		c.sealed, err = parseDocument(text)
	default:
		c.plain, err = parsePlain(text)
	}
	if err != nil {
		if errs.HintOf(err) == "" {
			return content{}, s.damaged("%w", err)
		}
		return content{}, fmt.Errorf("store %s: %w", s.o.File, err)
	}
	s.o.Log.Debug("store read", "file", s.o.File, "bytes", len(data), "sealed", c.sealed != nil, "took", time.Since(start))
	if c.plain != nil {
		s.plain.Do(func() {
			s.o.Notice(s.o.File + " holds its secrets in clear; skret local encrypt seals it")
		})
	}
	return c, nil
}

// normal returns the text with the line ends of Unix: git may have given it
// those of Windows.
func normal(data []byte) string {
	text := string(data)
	if strings.Contains(text, "\r") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return strings.TrimPrefix(text, "\ufeff")
}

// conflicted tells whether a line begins as git marks conflicts.
func conflicted(text string) bool {
	for _, mark := range []string{"<<<<<<< ", ">>>>>>> "} {
		if strings.HasPrefix(text, mark) || strings.Contains(text, "\n"+mark) {
			return true
		}
	}
	return false
}

// Names returns the entries whose key starts with prefix, without values. It
// needs no identity, and therefore cannot check that nobody changed the file.
func (s *Store) Names(_ context.Context, prefix secret.Key) ([]secret.Entry, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	return s.pick(s.current(c), prefix)
}

// List is Names with values.
func (s *Store) List(ctx context.Context, prefix secret.Key) ([]secret.Entry, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	es, err := s.pick(s.current(c), prefix)
	if err != nil {
		return nil, err
	}
	return es, s.reveal(ctx, c, es)
}

// Get returns exactly these entries, in the order asked.
func (s *Store) Get(ctx context.Context, ks ...secret.Key) ([]secret.Entry, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	all := s.current(c)
	es := make([]secret.Entry, 0, len(ks))
	var missing []secret.Key
	for _, k := range ks {
		i, ok := secret.SearchEntries(all, k)
		if !ok || len(s.o.Keys) > 0 && !slices.Contains(s.o.Keys, k) {
			missing = append(missing, k)
			continue
		}
		es = append(es, all[i])
	}
	if len(missing) > 0 {
		return nil, s.notFound(missing)
	}
	return es, s.reveal(ctx, c, es)
}

// current returns the current entries, sorted, without values.
func (s *Store) current(c content) []secret.Entry {
	switch {
	case c.sealed != nil:
		return c.sealed.current()
	case c.plain != nil:
		return c.plain.entries()
	}
	s.missing.Do(func() {
		s.o.Notice("there is no " + s.o.File + " yet; the first secret that is set there makes it")
	})
	return nil
}

// pick returns what of all starts with prefix and, when the environment says
// which keys it has, is one of those.
func (s *Store) pick(all []secret.Entry, prefix secret.Key) ([]secret.Entry, error) {
	if len(s.o.Keys) == 0 {
		if prefix == "" {
			return all, nil
		}
		return slices.DeleteFunc(all, func(e secret.Entry) bool { return !strings.HasPrefix(string(e.Key), string(prefix)) }), nil
	}
	var es []secret.Entry
	var missing []secret.Key
	for _, k := range slices.Compact(slices.Sorted(slices.Values(s.o.Keys))) {
		if !strings.HasPrefix(string(k), string(prefix)) {
			continue
		}
		if i, ok := secret.SearchEntries(all, k); ok {
			es = append(es, all[i])
		} else {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return nil, s.notFound(missing)
	}
	return es, nil
}

func (s *Store) notFound(ks []secret.Key) error {
	return store.NewMissing(ks, s.o.Keys, "in "+s.o.File)
}

// reveal fills in the values.
func (s *Store) reveal(ctx context.Context, c content, es []secret.Entry) error {
	if c.plain != nil {
		for i := range es {
			es[i].Value = secret.NewValue(c.plain.values[es[i].Key])
		}
		return nil
	}
	if c.sealed == nil {
		return nil
	}
	// Also when nothing is asked for: an empty answer must be a true one.
	ks, err := s.unlock(ctx, c.sealed)
	if err != nil {
		return err
	}
	o := &opener{keys: ks, id: c.sealed.id}
	for i := range es {
		v, err := o.open(c.sealed.find(es[i].Key, es[i].Version))
		if err != nil {
			return s.damaged("%w", err)
		}
		es[i].Value = secret.NewValue(v)
	}
	return nil
}

// damaged is the error about a file that somebody or something has changed.
func (s *Store) damaged(format string, args ...any) error {
	return errs.New(errs.Backend, "store %s: "+format, append([]any{s.o.File}, args...)...).
		WithHint("bring back a good copy, such as the last committed one: git restore %s", s.o.File)
}
