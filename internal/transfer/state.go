package transfer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// ID says which source and which target a state is of. Two that differ in any
// part share nothing.
type ID struct {
	Type   string `json:"type"`   // of the target: github
	Host   string `json:"host"`   // where the target is; "" for files
	Target string `json:"target"` // which one there: github:acme/app:production
	Source string `json:"source"` // aws:eu-west-1:/app/prod
}

// folder is the name of the state's folder.
func (id ID) folder() string {
	sum := sha256.Sum256(tuple(id.Type, id.Host, id.Target, id.Source))
	return hex.EncodeToString(sum[:16])
}

// tuple joins parts so that no two lists of parts give the same bytes.
func tuple(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// Key is what hashes of values are made with. It is random, and kept apart from
// the state.
type Key struct {
	ID    string // which key it is; another one makes all hashes unknown
	Bytes []byte
}

// StateOptions are what a state needs.
type StateOptions struct {
	Dir string // the folder of all states; "" remembers nothing beyond this run
	Now func() time.Time

	// Key returns the key for hashes, made when there is none. It is asked for
	// when a source has no versions.
	Key func(ctx context.Context) (Key, error)

	// Waiting is told, when another process works on the same target; nil is none.
	Waiting func(by string)
}

// State is what is remembered of one target and one source: on disk, under a
// lock that keeps out other processes until [State.Close].
//
// It is a file and a journal beside it. A success is appended to the journal and
// flushed before the next one is begun; the file is written when the state is
// closed. Whoever opens a state reads both, so that nothing is lost at a kill.
type State struct {
	id     ID
	o      StateOptions
	dir    string // "" in memory alone
	key    Key
	unlock func()

	mu      sync.Mutex
	written map[secret.Key]Written
	changed bool
	torn    bool // the journal ends within a line
}

var _ Known = (*State)(nil)

const (
	stateName   = "state.json"
	journalName = "journal.jsonl"
	maxState    = 64 << 20
)

// stateFile is the file. The journal's lines are changes.
type stateFile struct {
	Version int       `json:"version"`
	ID      ID        `json:"id"`
	Written []Written `json:"written"`
}

// change is a line of the journal: what was written, what was deleted, or what
// is about to be written.
type change struct {
	Written
	Deleted bool       `json:"deleted,omitempty"`
	Begun   secret.Key `json:"begun,omitempty"`
}

// OpenState opens the state and takes its lock. from says whether the source
// has versions: without them the key is fetched.
func OpenState(ctx context.Context, id ID, o StateOptions, from []secret.Entry) (*State, error) {
	s := newState(id, o)
	if o.Dir != "" {
		if err := s.take(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.ready(ctx, from); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// ReadState is OpenState without the lock: for looking alone.
func ReadState(ctx context.Context, id ID, o StateOptions, from []secret.Entry) (*State, error) {
	s := newState(id, o)
	return s, s.ready(ctx, from)
}

func newState(id ID, o StateOptions) *State {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &State{id: id, o: o, written: map[secret.Key]Written{}}
	if o.Dir != "" {
		s.dir = filepath.Join(o.Dir, id.folder())
	}
	return s
}

// take makes the folder and locks it.
func (s *State) take(ctx context.Context) error {
	for _, dir := range []string{s.o.Dir, s.dir} {
		if err := durable.PrivateDir(dir); err != nil {
			return fmt.Errorf("remember what is written: %w", err)
		}
	}
	unlock, by, err := durable.TryLock(s.file(stateName))
	if err == nil && unlock == nil {
		if s.o.Waiting != nil {
			s.o.Waiting(by)
		}
		if unlock, err = durable.Lock(ctx, s.file(stateName)); err != nil {
			err = fmt.Errorf("another process writes to %s: %w", s.id.Target, err)
		}
	}
	if err != nil {
		return err
	}
	s.unlock = unlock
	return nil
}

func (s *State) file(name string) string { return filepath.Join(s.dir, name) }

// ready reads what is remembered, and gets the key if hashes are needed.
func (s *State) ready(ctx context.Context, from []secret.Entry) error {
	if slices.ContainsFunc(from, func(e secret.Entry) bool { return revision(e) == "" }) && s.o.Key != nil {
		k, err := s.o.Key(ctx)
		if err != nil {
			return fmt.Errorf("the key for what is remembered of %s: %w", s.id.Target, err)
		}
		s.key = k
	}
	if s.dir == "" {
		return nil
	}
	// The journal first: should another process close its state meanwhile, the
	// file has what the journal had.
	journal, err := s.read(journalName)
	if err != nil {
		return err
	}
	data, err := s.read(stateName)
	if err != nil {
		return err
	}
	if data != nil {
		if err := s.load(data); err != nil {
			return err
		}
	}
	s.replay(journal)
	return nil
}

// read returns what is in one of the files; nil if there is none.
func (s *State) read(name string) ([]byte, error) {
	data, err := durable.ReadFile(s.file(name), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.damaged(err)
	}
	return data, nil
}

// damaged says that a file is not what we wrote, and what can be done.
func (s *State) damaged(cause error) error {
	return errs.New(errs.Unclassified, "what is remembered of %s: %w", s.id.Target, cause).
		WithHint("delete it: what was written to %s is then written once more", s.id.Target)
}

func (s *State) load(data []byte) error {
	var f stateFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version != 1 || f.ID != s.id {
		return s.damaged(fmt.Errorf("%s is damaged, or of another version of skret", s.file(stateName)))
	}
	for _, w := range f.Written {
		s.written[w.Name] = w
	}
	return nil
}

// replay applies the journal. Its last line may be half of one: what it was to
// say was never relied on.
func (s *State) replay(journal []byte) {
	s.torn = len(journal) > 0 && journal[len(journal)-1] != '\n'
	for line := range strings.SplitSeq(string(journal), "\n") {
		var c change
		if json.Unmarshal([]byte(line), &c) == nil {
			s.note(c)
		}
	}
}

// Wrote is the method of [Known].
func (s *State) Wrote(name secret.Key) (Written, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.written[name]
	return w, ok
}

// Same is the method of [Known]. A hash by another key than ours says nothing.
func (s *State) Same(w Written, name secret.Key, from secret.Entry) bool {
	if r := revision(from); r != "" || w.Revision != "" {
		return r == w.Revision
	}
	return w.MAC != "" && w.KeyID == s.key.ID && hmac.Equal([]byte(w.MAC), []byte(s.mac(name, from.Value)))
}

// revision names a version of a secret at its source; "" if the source has no
// versions. A number alone would not do: a secret that is deleted and made anew
// begins at 1 again.
func revision(e secret.Entry) string {
	if e.Version <= 0 || e.Modified.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s#%d@%d", e.Key, e.Version, e.Modified.UnixMilli())
}

// mac is the hash of a value under a name. Equal values give different ones
// under other names and at other targets.
func (s *State) mac(name secret.Key, v secret.Value) string {
	if s.key.Bytes == nil {
		return ""
	}
	h := hmac.New(sha256.New, s.key.Bytes)
	h.Write(tuple("skret-sync-1", s.id.Type, s.id.Host, s.id.Target, string(name), v.Reveal()))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Close writes the state and gives the lock back.
func (s *State) Close() error {
	defer s.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || s.unlock == nil || !s.changed {
		return nil
	}
	f := stateFile{Version: 1, ID: s.id, Written: []Written{}}
	for _, name := range slices.Sorted(maps.Keys(s.written)) {
		f.Written = append(f.Written, s.written[name])
	}
	data, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(s.file(stateName), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("remember what is written: %w", err)
	}
	return durable.Remove(s.file(journalName))
}

func (s *State) release() {
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}
