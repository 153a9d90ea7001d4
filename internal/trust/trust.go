// Package trust keeps what the user has allowed the configurations of projects to
// do beyond their projects.
//
// A configuration is data that comes with a repository. What it wants beyond that,
// a token sent to a host that is not the service's own, or a file outside the
// project, is a [Demand]. A [Book] holds the demands that the user has agreed to,
// for each configuration file by its path: one that asks for something new has to
// be agreed to anew. [Hash] stands for all demands of a configuration, wherever it
// is: for CI, where nobody can be asked and nothing is kept.
//
// A book that is damaged, or that others could have written, is an error and is
// never read as one in which nothing stands: the next consent would write over
// all that there was.
//
// A shell that loads a project's secrets on entering its folder is trusted with
// more than a demand says: the configuration chooses which variables the shell
// gets. That consent is to the configuration as it is, by [Content]; any change asks
// anew.
//
// What it does not promise: consent is to a path and what was asked for there.
// Another project that is put in the same folder later has the same consent, for
// the same hosts and files and for nothing else.
package trust

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// The kinds of demands.
const (
	Host = "host" // a token and secrets go to a host that is not the service's own
	File = "file" // a file outside the project is written
)

// Demand is one thing that a configuration wants beyond its project.
type Demand struct {
	Kind string `json:"kind"`
	What string `json:"what"` // https://github.acme.com/api/v3, /etc/app.env
	For  string `json:"-"`    // who wants it, for people; it makes no difference
}

// Does says what the demand does to What.
func (d Demand) Does() string {
	if d.Kind == File {
		return "writes the file"
	}
	return "sends a token and secrets to"
}

func compare(a, b Demand) int {
	if c := strings.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	return strings.Compare(a.What, b.What)
}

func same(a, b Demand) bool { return compare(a, b) == 0 }

// distinct returns the demands in one order, each once.
func distinct(ds []Demand) []Demand {
	return slices.CompactFunc(slices.SortedFunc(slices.Values(ds), compare), same)
}

// Hash returns what stands for the demands: "sha256:" and 64 digits. Their order,
// and who wants them, make no difference.
func Hash(ds []Demand) string {
	var b []byte
	for _, d := range distinct(ds) {
		for _, part := range []string{d.Kind, d.What} {
			b = binary.AppendUvarint(b, uint64(len(part)))
			b = append(b, part...)
		}
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Book is what the user has agreed to. It is a file in skret's own folder.
type Book struct{ name string }

// Open returns the book in skret's folder, whose name is absolute; without one
// nothing is agreed to. It touches no file.
func Open(home string) *Book {
	if !filepath.IsAbs(home) { // the current folder may be the project
		return &Book{}
	}
	return &Book{filepath.Join(home, "trust.json")}
}

// content is the file.
type content struct {
	Version int                 `json:"version"`
	Files   map[string][]Demand `json:"files"`            // by the path of the configuration
	Shells  map[string]string   `json:"shells,omitempty"` // what stood in it when shells were allowed to load it, by its path
}

const (
	version = 1
	maxBook = 1 << 20
)

// parse reads the file; nil is that there is none. Its errors repeat nothing of it.
func (b *Book) parse(data []byte) (content, error) {
	if data == nil {
		return content{Version: version, Files: map[string][]Demand{}}, nil
	}
	var c content
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&c)
	if _, more := dec.Token(); err != nil || !errors.Is(more, io.EOF) || c.Version != version || !c.sound() {
		return content{}, errs.New(errs.Config, "what was allowed is not known: %s is damaged, or of another version of skret", b.name).
			WithHint("bring back a copy; or delete it, and allow what is needed again with skret trust")
	}
	return c, nil
}

// sound tells whether c can be written, and read as the same.
func (c content) sound() bool {
	text := func(s string) bool { return s != "" && utf8.ValidString(s) }
	for file, ds := range c.Files {
		if !filepath.IsAbs(file) || !text(file) || slices.ContainsFunc(ds, func(d Demand) bool { return !text(d.Kind) || !text(d.What) }) {
			return false
		}
	}
	for file, hash := range c.Shells {
		if !filepath.IsAbs(file) || !text(file) || !text(hash) {
			return false
		}
	}
	return c.Files != nil
}

// load reads the file. One that others can write to, or could have put there, is
// refused.
func (b *Book) load() (content, error) {
	if b.name == "" {
		return b.parse(nil)
	}
	data, _, err := durable.ReadGiven(b.name, maxBook, func([]byte) bool { return false })
	if errors.Is(err, fs.ErrNotExist) {
		return b.parse(nil)
	}
	if err == nil {
		err = durable.PrivateDir(filepath.Dir(b.name))
	}
	if err != nil {
		e := errs.New(errs.Config, "what was allowed is not known: %w", err)
		if errs.HintOf(err) == "" {
			e = e.WithHint("mend that; or delete %s, and allow what is needed again with skret trust", b.name)
		}
		return content{}, e
	}
	return b.parse(data)
}

// New returns the demands of a configuration file, by its absolute path, that the
// user has not agreed to. Its error is of kind Config, and then nothing is known.
func (b *Book) New(file string, ds []Demand) ([]Demand, error) {
	c, err := b.load()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(ds), func(d Demand) bool {
		return slices.ContainsFunc(c.Files[file], func(had Demand) bool { return same(had, d) })
	}), nil
}

// Allow notes that the user agrees to these demands of the file, and to no
// others. It is on the disk when it returns nil. What cannot be written down as it
// is, since it is no UTF-8, cannot be agreed to.
func (b *Book) Allow(ctx context.Context, file string, ds []Demand) error {
	wanted := content{Files: map[string][]Demand{file: distinct(ds)}}
	if !wanted.sound() {
		return errs.New(errs.Invalid, "what %q asks for cannot be written down", file).
			WithHint("give the configuration, and the files that it names, absolute names in UTF-8")
	}
	return b.change(ctx, func(c *content) { maps.Copy(c.Files, wanted.Files) })
}

// Content returns what stands for the content of a configuration's files.
func Content(files ...[]byte) string {
	var b []byte
	for _, f := range files {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ShellAllowed tells whether shells may load the configuration as it is: with this
// content.
func (b *Book) ShellAllowed(file, content string) (bool, error) {
	c, err := b.load()
	return err == nil && content != "" && c.Shells[file] == content, err
}

// AllowShell notes that shells may load the configuration with this content.
func (b *Book) AllowShell(ctx context.Context, file, hash string) error {
	wanted := content{Files: map[string][]Demand{}, Shells: map[string]string{file: hash}}
	if !wanted.sound() {
		return errs.New(errs.Invalid, "the name of %q cannot be written down", file).WithHint("give the configuration an absolute name in UTF-8")
	}
	return b.change(ctx, func(c *content) {
		if c.Shells == nil {
			c.Shells = map[string]string{}
		}
		maps.Copy(c.Shells, wanted.Shells)
	})
}

// Forget takes back all that was agreed to for the file, and tells whether
// anything was.
func (b *Book) Forget(ctx context.Context, file string) (had bool, err error) {
	c, err := b.load()
	_, demands := c.Files[file]
	_, shells := c.Shells[file]
	if err != nil || !demands && !shells {
		return false, err
	}
	return true, b.change(ctx, func(c *content) {
		delete(c.Files, file)
		delete(c.Shells, file)
	})
}

// change edits the file, under its lock.
func (b *Book) change(ctx context.Context, edit func(*content)) error {
	if b.name == "" {
		return errs.New(errs.Config, "there is no folder to keep what is allowed in").WithHint("set HOME or SKRET_HOME to a full path")
	}
	if err := durable.PrivateDir(filepath.Dir(b.name)); err != nil {
		return fmt.Errorf("keep what is allowed: %w", err)
	}
	if _, err := b.load(); err != nil { // what is wrong with the file is not written over
		return err
	}
	return durable.Update(ctx, b.name, 0o600, maxBook, func(old []byte) ([]byte, error) {
		c, err := b.parse(old)
		if err != nil {
			return nil, err
		}
		edit(&c)
		data, err := json.MarshalIndent(c, "", "  ")
		return append(data, '\n'), err
	})
}
