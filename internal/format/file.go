package format

import (
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// kubernetesName is the format of [Manifest], which needs more than a set.
const kubernetesName = "kubernetes"

// FileNames returns the names of the formats in which a file can be kept: those
// that can be read and written.
func FileNames() []string {
	var names []string
	for _, r := range readers {
		if _, ok := Lookup(r.Name); ok || r.Name == kubernetesName {
			names = append(names, r.Name)
		}
	}
	return names
}

// File is a file of secrets in a format that can be read and written.
type File struct {
	Format   string          // one of [FileNames]
	Read     ReadOptions     // how what is there is read
	Manifest ManifestOptions // for kubernetes
}

// Refuses returns why the file cannot hold the value under this name, as the end
// of "NAME cannot be written: ..."; "" if it can.
func (f File) Refuses(name string, v secret.Value) (why string) {
	if f.Format == kubernetesName {
		return ""
	}
	w, _ := Lookup(f.Format)
	_, why = w.one(name, v.Reveal())
	return why
}

// Edit returns the file's text with the variables of set in it and without those
// of remove; everything else that it holds stays. Of a dotenv file every other
// line stays as it is; a file of another format is written anew, without its
// comments. old is nil where there is no file yet. What cannot be read or written
// gives an error of kind Invalid.
func (f File) Edit(old []byte, set secret.Set, remove []string) ([]byte, error) {
	if f.Format == dotenvName && f.Read.Dialect == "" {
		return EditDotenv(old, set, remove)
	}
	r, ok := LookupReader(f.Format)
	if !ok {
		return nil, errs.New(errs.Invalid, "a file of the format %q cannot be kept", f.Format).WithHint("use one of %s", strings.Join(FileNames(), ", "))
	}
	var all secret.Set
	if len(old) > 0 {
		es, err := r.Read(old, f.Read)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e.Hidden != "" {
				return nil, errs.New(errs.Invalid, "%s has no text for its value: %s", e.Key, e.Hidden).WithHint("take it out of the file, or give it a text")
			}
			all = append(all, secret.Variable{Name: string(e.Key), Value: e.Value, Key: e.Key})
		}
	}
	gone := map[string]bool{}
	for _, name := range remove {
		gone[name] = true
	}
	all = slices.DeleteFunc(all, func(v secret.Variable) bool { return gone[v.Name] })
	at := map[string]int{}
	for i, v := range all {
		at[v.Name] = i
	}
	for _, v := range set {
		if i, there := at[v.Name]; there {
			all[i] = v
			continue
		}
		at[v.Name] = len(all)
		all = append(all, v)
	}
	if f.Format == kubernetesName {
		return Manifest(all, f.Manifest)
	}
	w, _ := Lookup(f.Format)
	return w.Text(all)
}
