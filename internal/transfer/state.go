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
	KeyID   string    `json:"key,omitempty"` // of the key that the hashes are made with
	Written []Written `json:"written"`
}

// change is a line of the journal.
type change struct {
	Written
	KeyID   string `json:"key,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
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
		unlock, err = durable.Lock(ctx, s.file(stateName))
	}
	if err != nil {
		return fmt.Errorf("another process writes to %s: %w", s.id.Target, err)
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
	data, err := durable.ReadFile(s.file(stateName), maxState)
	if err == nil {
		err = s.load(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	journal, err := durable.ReadFile(s.file(journalName), maxState)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.replay(journal)
	return nil
}

func (s *State) load(data []byte) error {
	var f stateFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version != 1 || f.ID != s.id {
		return errs.New(errs.Unclassified, "%s is damaged, or of another version of skret", s.file(stateName)).
			WithHint("delete it: what was written to %s is then written once more", s.id.Target)
	}
	for _, w := range f.Written {
		s.remember(w, f.KeyID)
	}
	return nil
}

// replay applies the journal. Its last line may be half of one: what it was to
// say was never relied on.
func (s *State) replay(journal []byte) {
	s.torn = len(journal) > 0 && journal[len(journal)-1] != '\n'
	for line := range strings.SplitSeq(string(journal), "\n") {
		var c change
		if json.Unmarshal([]byte(line), &c) != nil || c.Name == "" {
			continue
		}
		s.changed = true
		if c.Deleted {
			delete(s.written, c.Name)
			continue
		}
		s.remember(c.Written, c.KeyID)
	}
}

// remember takes what was read. A hash by another key than ours says nothing.
func (s *State) remember(w Written, keyID string) {
	if w.MAC != "" && keyID != s.key.ID {
		w.MAC = ""
	}
	s.written[w.Name] = w
}

// Wrote is the method of [Known].
func (s *State) Wrote(name secret.Key) (Written, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.written[name]
	return w, ok
}

// Same is the method of [Known].
func (s *State) Same(w Written, name secret.Key, from secret.Entry) bool {
	if r := revision(from); r != "" || w.Revision != "" {
		return r == w.Revision
	}
	return w.MAC != "" && hmac.Equal([]byte(w.MAC), []byte(s.mac(name, from.Value)))
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

// wrote notes a success. It is on the disk when it returns nil.
func (s *State) wrote(names map[secret.Key]secret.Entry) error {
	cs := make([]change, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w := Written{Name: name, Revision: revision(names[name]), At: s.o.Now().UTC()}
		c := change{Written: w}
		if w.Revision == "" {
			c.MAC, c.KeyID = s.mac(name, names[name].Value), s.key.ID
		}
		cs = append(cs, c)
	}
	return s.append(cs...)
}

// forgot notes that secrets are no more at the target.
func (s *State) forgot(names ...secret.Key) error {
	cs := make([]change, len(names))
	for i, n := range names {
		cs[i] = change{Written: Written{Name: n}, Deleted: true}
	}
	return s.append(cs...)
}

func (s *State) append(cs ...change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []byte
	if s.torn {
		lines, s.torn = append(lines, '\n'), false
	}
	for _, c := range cs {
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
		if c.Deleted {
			delete(s.written, c.Name)
		} else {
			s.written[c.Name] = c.Written
		}
	}
	s.changed = true
	if s.dir == "" {
		return nil
	}
	if err := durable.Append(s.file(journalName), lines, 0o600); err != nil {
		return fmt.Errorf("remember what is written: %w", err)
	}
	return nil
}

// settle notes when the target says that our writes were made, so that those of
// others can be told from them.
func (s *State) settle(there []secret.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range there {
		if w, ok := s.written[e.Key]; ok && w.There.IsZero() && !e.Modified.IsZero() {
			w.There = e.Modified
			s.written[e.Key] = w
			s.changed = true
		}
	}
}

// Close writes the state and gives the lock back.
func (s *State) Close() error {
	defer s.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || s.unlock == nil || !s.changed {
		return nil
	}
	f := stateFile{Version: 1, ID: s.id, KeyID: s.key.ID, Written: []Written{}}
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
