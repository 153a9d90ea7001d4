// Package audit keeps, on this machine, a log of what skret did: when, which
// command, in which environment, as whom, with which secrets, and what came of
// it. Names alone: there is no field that a value could get into.
//
// The log is lines of JSON in a folder of the user's own, readable by nobody else
// and put aside by size: some 5 MB stay. A command adds its line when it ends;
// run does before it hands the process over.
//
// It is a memory, and no proof: whoever may run skret may change the file, and
// what was killed or had no disk left is not in it. What must stand up to others
// is the log of the service, such as CloudTrail.
package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/secret"
)

// Record is one line of the log: one command in one place.
type Record struct {
	Time     time.Time    `json:"time"`
	Command  string       `json:"command"`
	Env      string       `json:"environment,omitempty"`
	Place    string       `json:"place,omitempty"`
	Identity string       `json:"identity,omitempty"` // who signs, as far as it is known without a request
	Read     []secret.Key `json:"read,omitempty"`
	Written  []secret.Key `json:"written,omitempty"`
	Deleted  []secret.Key `json:"deleted,omitempty"`
	Named    []secret.Key `json:"named,omitempty"` // that it was about, and did nothing of that with
	More     int          `json:"more,omitempty"`  // names beyond maxNames
	Outcome  string       `json:"outcome"`         // ok, started, or the kind of the error
	Code     int          `json:"code"`            // the exit code
	PID      int          `json:"pid"`
	Program  string       `json:"program,omitempty"` // that run starts; never its arguments
	Reason   string       `json:"reason,omitempty"`
}

const (
	maxNames = 200     // of one list of a record
	maxFile  = 1 << 20 // bytes of a file before it is put aside
	kept     = 4       // files that were put aside
)

// Log is the log below a home of skret's.
type Log struct{ file string }

// In returns the log of a home. It touches no file.
func In(home string) Log { return Log{filepath.Join(home, "audit", "audit.jsonl")} }

// Add writes the record.
func (l Log) Add(r Record) error {
	for _, names := range []*[]secret.Key{&r.Read, &r.Written, &r.Deleted, &r.Named} {
		if more := len(*names) - maxNames; more > 0 {
			*names = (*names)[:maxNames:maxNames]
			r.More += more
		}
	}
	line := r.line()
	err := durable.Log(l.file, line, maxFile, kept)
	if errors.Is(err, fs.ErrNotExist) { // the folder is made by the first
		if err = l.makeDir(); err == nil {
			err = durable.Log(l.file, line, maxFile, kept)
		}
	}
	return err
}

// makeDir makes the log's folder and skret's own, but none above that: a user
// whose home does not exist is not to have one.
func (l Log) makeDir() error {
	dir := filepath.Dir(l.file)
	if _, err := os.Stat(filepath.Dir(filepath.Dir(dir))); err != nil {
		return err
	}
	return durable.PrivateDir(dir)
}

// Read returns all records, the oldest first, and how many lines were none:
// halves that a full disk left, or what others wrote there.
func (l Log) Read() (rs []Record, odd int, err error) {
	for _, name := range durable.LogFiles(l.file, kept) {
		text, err := durable.ReadFile(name, 2*maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read the audit log: %w", err)
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			var r Record
			if json.Unmarshal(line, &r) != nil || r.Time.IsZero() || r.Command == "" {
				odd++
				continue
			}
			rs = append(rs, r)
		}
	}
	return rs, odd, nil
}
