package transfer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/secret"
)

// begin notes that secrets are about to be written. From here to [State.wrote]
// it is not known what is there: should we be killed, or never hear what came of
// it, the next run neither takes our write for somebody else's nor believes that
// the old value is still there.
func (s *State) begin(names []secret.Key) error {
	var cs []change
	for _, name := range names {
		if w, known := s.Wrote(name); !known || w != w.begun(name) {
			cs = append(cs, change{Begun: name})
		}
	}
	if len(cs) == 0 {
		return nil
	}
	return s.append(cs...)
}

// begun is what is remembered while a write is on the way: no more than that the
// secret is ours, if it was.
func (w Written) begun(name secret.Key) Written { return Written{Name: name, At: w.At} }

// wrote notes a success. It is on the disk when it returns nil.
func (s *State) wrote(names map[secret.Key]secret.Entry) error {
	cs := make([]change, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w := Written{Name: name, Revision: revision(names[name]), At: s.o.Now().UTC()}
		if w.Revision == "" && s.key.Bytes != nil {
			w.MAC, w.KeyID = s.mac(name, names[name].Value), s.key.ID
		}
		cs = append(cs, change{Written: w})
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
		s.note(c)
	}
	if s.dir == "" {
		return nil
	}
	if err := durable.Append(s.file(journalName), lines, 0o600); err != nil {
		s.torn = true // a part of it may be there
		return fmt.Errorf("remember what is written: %w", err)
	}
	return nil
}

// note takes a line of the journal into account.
func (s *State) note(c change) {
	s.changed = true
	switch {
	case c.Begun != "":
		s.written[c.Begun] = s.written[c.Begun].begun(c.Begun)
	case c.Deleted:
		delete(s.written, c.Name)
	case c.Name != "":
		s.written[c.Name] = c.Written
	}
}

// retain forgets what the target does not have any more: should somebody make it
// there again, it is not ours.
func (s *State) retain(there []secret.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := map[secret.Key]bool{}
	for _, e := range there {
		has[e.Key] = true
	}
	for name := range s.written {
		if !has[name] {
			delete(s.written, name)
			s.changed = true
		}
	}
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
