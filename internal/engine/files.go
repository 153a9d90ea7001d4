package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// fileEnd is a file of secrets that others read, in a format of theirs.
type fileEnd struct {
	format.File
	name  string                  // absolute; "-" is a stream
	read  func() ([]byte, error)  // the content
	write func(text []byte) error // of a stream; nil for a file
}

var _ transfer.Batcher = (*fileEnd)(nil)

// Read is the method of [transfer.Source].
func (f *fileEnd) Read(context.Context) ([]secret.Entry, error) {
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	r, _ := format.LookupReader(f.Format)
	return r.Read(text, f.File.Read)
}

func (f *fileEnd) shown() string {
	if f.name == "-" {
		return "standard input"
	}
	return f.name
}

// Rules is the method of [transfer.Target].
func (f *fileEnd) Rules() transfer.Rules {
	return transfer.Rules{
		Readable: true,
		Name: func(k secret.Key) (secret.Key, string) {
			name := k.EnvName()
			return secret.Key(name), why(secret.CheckEnvName(name))
		},
		Value: func(name secret.Key, v secret.Value) string { return f.Refuses(string(name), v) },
	}
}

// List is the method of [transfer.Target]. A file that is not there is empty.
func (f *fileEnd) List(ctx context.Context) ([]secret.Entry, error) {
	if f.write != nil { // a stream has nothing yet
		return nil, nil
	}
	es, err := f.Read(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return es, err
}

// BatchSize is the method of [transfer.Batcher].
func (f *fileEnd) BatchSize() int { return 0 }

// Put is the method of [transfer.Target].
func (f *fileEnd) Put(ctx context.Context, e secret.Entry, _ *secret.Entry) error {
	return f.PutAll(ctx, []secret.Entry{e})
}

// PutAll is the method of [transfer.Batcher]. Whatever else is in the file
// stays.
func (f *fileEnd) PutAll(ctx context.Context, es []secret.Entry) error {
	return f.change(ctx, es, nil)
}

// Delete is the method of [transfer.Target].
func (f *fileEnd) Delete(ctx context.Context, names ...secret.Key) error {
	return f.change(ctx, nil, names)
}

func (f *fileEnd) change(ctx context.Context, es []secret.Entry, gone []secret.Key) error {
	set := make(secret.Set, len(es))
	for i, e := range es {
		set[i] = secret.Variable{Name: string(e.Key), Value: e.Value, Key: e.Key}
	}
	names := make([]string, len(gone))
	for i, k := range gone {
		names[i] = string(k)
	}
	if f.write == nil {
		return durable.Update(ctx, f.name, 0o600, format.MaxText, func(old []byte) ([]byte, error) { return f.Edit(old, set, names) })
	}
	text, err := f.Edit(nil, set, names)
	if err != nil {
		return err
	}
	return f.write(text)
}

// outside tells whether a file leads out of a project's folder, by its name or by
// a symbolic link.
func outside(root, name string) bool {
	rel, err := filepath.Rel(root, name)
	if err != nil || !filepath.IsLocal(rel) {
		return true
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return true
	}
	defer func() { _ = dir.Close() }()
	for rel != "." { // the file may not be there yet, and its folder neither
		_, err := dir.Stat(rel)
		if err == nil {
			return false
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return true
		}
		if _, lerr := dir.Lstat(rel); lerr == nil {
			return true // a link to what is not there
		}
		rel = filepath.Dir(rel)
	}
	return false
}
