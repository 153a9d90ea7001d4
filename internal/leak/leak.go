// Package leak finds known values in bytes, as they are and as encoders commonly
// write them, so that they can be reported (scan) or kept out of a log (mask).
//
// A value is looked for plain; line by line, when it has several; as base64 in
// both alphabets, wherever in an encoded text it stands; escaped for URLs and for
// JSON, as the usual libraries do it; and in hex. White space at its ends is not
// looked for. Values that are too short, or such as occur everywhere, are not
// looked for at all: [New] returns them, each with a reason.
//
// This finds accidents. Whoever means to get a value past it does: backwards,
// compressed, in two halves.
package leak

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"

	"github.com/skret/skret/internal/secret"
)

// The shortest values that are looked for, as Options.MinLength.
const (
	MinMask = 4 // a log with a word too many hidden is better than a password in it
	MinScan = 8 // a finding stops a commit, so it must not be chance
)

// Secret is a value that is looked for, and what it is called in a finding.
type Secret struct {
	Name  string
	Value secret.Value
}

// Options of a Matcher.
type Options struct {
	MinLength int // shorter values are not looked for, nor what is shorter than 4 bytes
}

// Skipped is a secret that is not looked for, and why, which shows nothing of it.
type Skipped struct{ Name, Why string }

// Matcher looks for many values at once. It may be used by several goroutines.
//
// Of each place in the data the first bytes are looked up in a filter, a set of
// bits, which holds the first bytes of all patterns. Where that hits, the sorted
// patterns that begin so are searched.
type Matcher struct {
	names    []string
	patterns []pattern // sorted by text
	groups   map[uint64]group
	key      uint64 // the bytes of a group's key: 4 to 8, as many as the shortest pattern has
	filter   []uint64
	shift    int
}

// pattern is one form of a secret.
type pattern struct {
	text   string
	turn   int32 // where text and its next byte differ for the last time; see search.same
	prefix int32 // the longest other pattern that this one begins with; -1 without one
	secret int32 // its name in names
	form   form
}

// first are the bytes of a pattern that are hashed, or more than those.
type first [8]byte

// group is patterns[from:to].
type group struct{ from, to int }

// Match is a place where a secret was found: data[Start:End].
type Match struct {
	Start, End int
	Name       string
	Form       string // plain, base64, url, json, hex, line (of a value of several lines)
}

// New returns what looks for the secrets, and those that it does not look for.
// Of secrets with one value the first is found.
func New(secrets []Secret, o Options) (*Matcher, []Skipped) {
	least := max(o.MinLength, MinMask)
	m := &Matcher{}
	var skipped []Skipped
	for _, s := range secrets {
		value := strings.TrimSpace(s.Value.Reveal())
		if why := unfit(value, least); why != "" {
			skipped = append(skipped, Skipped{s.Name, why})
			continue
		}
		addForms(value, least, func(f form, text string) {
			recent := m.patterns[max(0, len(m.patterns)-20):] // encoders agree often
			if len(text) >= least && !slices.ContainsFunc(recent, func(p pattern) bool { return p.text == text }) {
				m.patterns = append(m.patterns, pattern{text: text, secret: int32(len(m.names)), form: f})
			}
		})
		m.names = append(m.names, s.Name)
	}
	m.index()
	return m, skipped
}

// index sorts the patterns and makes what leads to them.
func (m *Matcher) index() {
	slices.SortFunc(m.patterns, func(a, b pattern) int {
		if c := strings.Compare(a.text, b.text); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.secret, b.secret), cmp.Compare(a.form, b.form))
	})
	m.patterns = slices.CompactFunc(m.patterns, func(a, b pattern) bool { return a.text == b.text })
	shortest := len(first{})
	for i := range m.patterns {
		p := &m.patterns[i]
		shortest = min(shortest, len(p.text))
		for p.turn = int32(len(p.text) - 2); p.turn > 0 && p.text[p.turn] == p.text[p.turn+1]; {
			p.turn--
		}
		p.prefix = int32(i - 1)
		for p.prefix >= 0 && !strings.HasPrefix(p.text, m.patterns[p.prefix].text) {
			p.prefix = m.patterns[p.prefix].prefix
		}
	}
	m.key = ^uint64(0) >> (64 - 8*shortest)

	// 64 bits for a pattern: one place in 64 at most is looked at for nothing.
	m.filter, m.shift = make([]uint64, 1), 58
	for len(m.filter) < len(m.patterns) {
		m.filter, m.shift = make([]uint64, 2*len(m.filter)), m.shift-1
	}
	m.groups = make(map[uint64]group, len(m.patterns))
	for i, p := range m.patterns {
		var b first
		copy(b[:], p.text)
		key := binary.LittleEndian.Uint64(b[:]) & m.key
		g, ok := m.groups[key]
		if !ok {
			g.from = i
		}
		m.groups[key] = group{g.from, i + 1}
		h := m.hash(key)
		m.filter[h>>6] |= 1 << (h & 63)
	}
}

// hash returns a bit of the filter.
func (m *Matcher) hash(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> m.shift }

// Find calls yield for every match in data until it returns false: in order of
// Start, none within another.
func (m *Matcher) Find(data []byte, yield func(Match) bool) {
	s := search{Matcher: m, data: data}
	end := 0
	for start := 0; ; start++ {
		var found int
		if start, found, _ = s.next(start, false); start == len(data) {
			return
		}
		p := m.patterns[found]
		if e := start + len(p.text); e > end {
			end = e
			if !yield(Match{start, end, m.names[p.secret], p.form.String()}) {
				return
			}
		}
	}
}

// Longest returns the length of the longest text that is looked for, 0 when there
// is none: how much of data that comes in pieces must be seen at once.
func (m *Matcher) Longest() int {
	n := 0
	for _, p := range m.patterns {
		n = max(n, len(p.text))
	}
	return n
}

// search looks through data.
type search struct {
	*Matcher
	data  []byte
	doubt int // where data was last found to be no pattern, far into one
}

// next returns the first place at or after i where a pattern stands, or, if data
// may go on, might: the place, the longest pattern there or -1, and whether a
// longer one might. The place is len(data) when there is none.
func (s *search) next(i int, goesOn bool) (place, found int, open bool) {
	for ; i+len(first{}) <= len(s.data); i++ {
		key := binary.LittleEndian.Uint64(s.data[i:]) & s.key
		h := s.hash(key)
		if s.filter[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		if found, open = s.at(i, s.groups[key], goesOn); found >= 0 || open {
			return i, found, open
		}
	}
	for ; i < len(s.data); i++ {
		if found, open = s.at(i, group{0, len(s.patterns)}, goesOn); found >= 0 || open {
			return i, found, open
		}
	}
	return len(s.data), -1, false
}

// at returns the longest pattern of g that data[i:] begins with, or -1, and, if
// data goes on, whether it is the beginning of a longer one.
//
// The patterns of a large group are searched for in order. Of a small one only
// their heads are, and those with one head tried one after the other, from the
// last: they may be a megabyte long and differ at the end alone.
func (s *search) at(i int, g group, goesOn bool) (found int, open bool) {
	const few, near = 32, 64
	data := s.data[i:]
	head := data
	if g.to-g.from <= few {
		head = data[:min(len(data), near)]
	}
	after := g.from + sort.Search(g.to-g.from, func(i int) bool {
		text := s.patterns[g.from+i].head(len(head))
		return text > string(head[:len(text)])
	})
	for found = after - 1; found >= g.from; {
		p := &s.patterns[found]
		switch {
		case len(p.text) > len(data):
			open = open || goesOn && s.same(i, p, len(data))
		case s.same(i, p, len(p.text)):
			return found, open
		}
		if len(head) < len(data) && p.head(len(head)) == string(head) {
			found--
			continue
		}
		// A pattern that data begins with sorts before it, and whatever sorts
		// between the two, as this one, begins with that pattern too.
		found = int(p.prefix)
	}
	return -1, open
}

// same tells whether the first n bytes of p are at data[i:]. It looks first where
// they may well differ: at the turn of p, and where a comparison failed before, far
// from its beginning. Else a long run of one byte would be compared as a whole at
// each of its places.
func (s *search) same(i int, p *pattern, n int) bool {
	data := s.data[i : i+n]
	if turn := int(p.turn); turn+1 < n && (p.text[turn] != data[turn] || p.text[turn+1] != data[turn+1]) {
		return false
	}
	if d := s.doubt - i; d >= 0 && d < n && p.text[d] != data[d] {
		return false
	}
	const block = 256
	for at := 0; at < n; at += block {
		if end := min(at+block, n); p.text[at:end] != string(data[at:end]) {
			for p.text[at] == data[at] {
				at++
			}
			s.doubt = i + at
			return false
		}
	}
	return true
}

// head returns p's first bytes, as many as there are of n.
func (p *pattern) head(n int) string { return p.text[:min(len(p.text), n)] }
