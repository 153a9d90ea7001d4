// Package scan looks for known secrets where none may be: in the files of a
// repository, in its index, in its history, and in what is piped in.
//
// A [Scanner] knows the values. [Scanner.Tree], [Scanner.Staged],
// [Scanner.History] and [Scanner.Reader] give what they found, sorted, as
// [Finding]s, which say where and of which secret, and never hold a value or a
// part of a line.
//
// What it promises: the bytes are judged that are there, whatever the line ends,
// the encoding and the size; from the index and the history those that git has,
// not those of the working tree. What could not be looked into is told in
// [Result.Problems]. Memory is bounded by the number of cores, not by the size of
// files. Nothing that a repository configures is run.
//
// What it does not promise: that a value is found which was cut in parts,
// compressed or encrypted, or encoded in a way that package leak does not know.
package scan

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/skret/skret/internal/leak"
	"github.com/skret/skret/internal/secret"
)

// stdin is the name of what is piped in, in a finding.
const stdin = "-"

// Secret is a value that is looked for, and whose it is.
type Secret struct {
	Env   string // "" without an environment
	Key   secret.Key
	Value secret.Value
}

// Options of a Scanner.
type Options struct {
	Secrets   []Secret
	MinLength int // shorter values are not looked for; 0 is leak.MinScan

	// Allow are findings that are meant to be there: ENVIRONMENT:KEY:FILE, with
	// globs, which is what [Finding.Fingerprint] gives; or KEY, a glob too, for what
	// is not looked for at all.
	Allow []string
	Skip  []string // globs of files that are not looked into

	Dir     string   // where paths begin, absolute
	Environ []string // the environment of git
}

// Skipped is a secret that is not looked for, and why.
type Skipped struct {
	Env string
	Key secret.Key
	Why string
}

// Finding is a place where a value is, or an encoding of it.
type Finding struct {
	Env  string
	Key  secret.Key
	Form string // as in leak.Match

	// File is relative to the root of the repository, or to the folder that was
	// looked into, with slashes. A value in it is replaced by ***.
	File   string
	Name   bool // it is in the file's name: there is no line, and no offset
	Binary bool // there are no lines in such a file

	// Where it begins: the line, and the character in it, from 1; the byte, from 0.
	Line, Column int
	Offset       int64

	Commit string // that brought it in; "" outside of the history
	order  int    // of Commit
}

// Fingerprint names the finding in `scan.allow`. Lines may be put before it, and
// the value may change: it stays the same.
func (f Finding) Fingerprint() string {
	file := []byte(f.File)
	for i := 0; i < len(file); {
		r, n := utf8.DecodeRune(file[i:])
		if r == utf8.RuneError && n == 1 {
			file[i] = '?' // a configuration is UTF-8; as a glob it means any byte
		}
		i += n
	}
	return f.Env + ":" + string(f.Key) + ":" + string(file)
}

// Message says what was found, in a sentence.
func (f Finding) Message() string {
	what, where, as := "The value", "in this file", ""
	if f.Name {
		where = "in the name of this file"
	}
	switch f.Form {
	case "plain":
	case "line":
		what = "A line of the value"
	default:
		as = ", as " + f.Form
	}
	if f.Commit != "" {
		as += ", brought in by commit " + f.Commit
	}
	return fmt.Sprintf("%s that %s has in %s is %s%s.", what, f.Key, cmp.Or(f.Env, "its store"), where, as)
}

// Problem is what could not be looked into.
type Problem struct{ File, Why string }

// Result is what came of a scan.
type Result struct {
	Findings []Finding
	More     int // findings that are not listed, being too many close to each other
	Files    int
	Bytes    int64
	Problems []Problem
	Notes    []string // what is not part of what was looked into
}

// Scanner looks for values. It may be used by several goroutines.
type Scanner struct {
	Skipped []Skipped

	o       Options
	allow   []allowance
	matcher *leak.Matcher
	owners  [][]Secret // of each value, under the number by which matcher knows it
	margin  int        // how far a match may reach beyond its first byte
}

// New returns what looks for the secrets.
func New(o Options) (*Scanner, error) {
	s := &Scanner{o: o}
	var err error
	if s.allow, err = parseAllow(o.Allow); err != nil {
		return nil, err
	}
	if err := checkGlobs("scan.skip", o.Skip); err != nil {
		return nil, err
	}
	for _, x := range o.Secrets {
		if !s.neverLookedFor(x.Key) {
			s.add(x)
		}
	}
	values := make([]leak.Secret, len(s.owners))
	for i, same := range s.owners {
		values[i] = leak.Secret{Name: strconv.Itoa(i), Value: same[0].Value}
	}
	var skipped []leak.Skipped
	s.matcher, skipped = leak.New(values, leak.Options{MinLength: cmp.Or(o.MinLength, leak.MinScan)})
	for _, x := range skipped {
		for _, o := range s.ownersOf(x.Name) {
			s.Skipped = append(s.Skipped, Skipped{o.Env, o.Key, x.Why})
		}
	}
	s.margin = max(s.matcher.Longest()-1, 0)
	return s, nil
}

// add puts x to those that have the same value.
func (s *Scanner) add(x Secret) {
	for i, same := range s.owners {
		if same[0].Value.Equal(x.Value) {
			s.owners[i] = append(same, x)
			return
		}
	}
	s.owners = append(s.owners, []Secret{x})
}

func (s *Scanner) ownersOf(name string) []Secret {
	i, _ := strconv.Atoi(name)
	return s.owners[i]
}

// Reader looks into what r gives.
func (s *Scanner) Reader(ctx context.Context, r io.Reader) (*Result, error) {
	return s.pass(ctx, func(p *pass) error {
		p.read([]place{{file: stdin}}, r)
		return nil
	})
}
