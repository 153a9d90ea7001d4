package local

import (
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/secret"
)

// document is a sealed file.
type document struct {
	id         string
	recipients []string
	wrapped    string // the data key, encrypted by age, in base64
	lines      []line // sorted by key and version, no two alike
	mac        string // in base64
	body       string // the text that the mac is of
}

// line is one version of one secret.
type line struct {
	key         secret.Key
	version     int64
	time        string // RFC 3339
	description string
	deleted     bool
	sealed      string // nonce and sealed value in base64; "" in a deletion
}

func (l line) entry() secret.Entry {
	modified, _ := time.Parse(time.RFC3339, l.time) // it was checked when it was parsed
	return secret.Entry{Key: l.key, Version: l.version, Description: l.description, Modified: modified, Deleted: l.deleted}
}

func compareLines(a, b line) int {
	if c := strings.Compare(string(a.key), string(b.key)); c != 0 {
		return c
	}
	return int(min(max(a.version-b.version, -1), 1))
}

// versions returns the range of k's lines.
func (d *document) versions(k secret.Key) (from, to int) {
	from, _ = slices.BinarySearchFunc(d.lines, line{key: k}, compareLines)
	to = from
	for to < len(d.lines) && d.lines[to].key == k {
		to++
	}
	return from, to
}

// find returns a line that is known to exist.
func (d *document) find(k secret.Key, version int64) line {
	i, _ := slices.BinarySearchFunc(d.lines, line{key: k, version: version}, compareLines)
	return d.lines[i]
}

// last returns the newest line of k, perhaps a deletion.
func (d *document) last(k secret.Key) (line, bool) {
	from, to := d.versions(k)
	if from == to {
		return line{}, false
	}
	return d.lines[to-1], true
}

// current returns the entries that are not deleted, without values.
func (d *document) current() []secret.Entry {
	es := make([]secret.Entry, 0, len(d.lines))
	for i, l := range d.lines {
		if (i+1 == len(d.lines) || d.lines[i+1].key != l.key) && !l.deleted {
			es = append(es, l.entry())
		}
	}
	return es
}

// add appends a version that is newer than all of its key, and drops the oldest
// ones beyond KeptVersions.
func (d *document) add(l line) {
	from, to := d.versions(l.key)
	d.lines = slices.Insert(d.lines, to, l)
	if drop := to + 1 - from - KeptVersions; drop > 0 {
		d.lines = slices.Delete(d.lines, from, from+drop)
	}
}
