package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

const (
	fileVersion = "1"
	maxFile     = 4 << 20

	// about is in every file. It tells its reader what that is.
	about = "the sign-ins of skret: notes in clear, secrets sealed; see skret auth status"
)

// document is what credentials.yaml holds: JSON, which is YAML with every string
// quoted. Fields that are not known are refused, not dropped: a newer skret
// counts the version up. Once parsed or written it does not change any more.
type document struct {
	Version string `json:"version"`
	About   string `json:"about"`
	header
	Credentials []*entry `json:"credentials"`
}

// header says where the key is, and which one it is.
type header struct {
	Store Store   `json:"store,omitempty"`
	Key   keyInfo `json:"key,omitzero"`
}

type keyInfo struct {
	ID      string `json:"id"`                // of this key in the keyring
	Check   string `json:"check"`             // tells the right key from others
	Wrapped string `json:"wrapped,omitempty"` // Passphrase: the key, encrypted as by age -p -a
}

type entry struct {
	Service    string            `json:"service"`
	Name       string            `json:"name"`
	Method     string            `json:"method"`
	Default    bool              `json:"default,omitempty"`
	Generation int64             `json:"generation"`
	LoggedIn   time.Time         `json:"logged_in"`
	Meta       map[string]string `json:"meta,omitempty"`
	box
	Sessions []session `json:"sessions,omitempty"`
}

type session struct {
	Key     string            `json:"key"`
	Expires time.Time         `json:"expires"`
	Meta    map[string]string `json:"meta,omitempty"`
	box
}

// box is material, sealed or, in the store Plaintext, not.
type box struct {
	Sealed string            `json:"sealed,omitempty"`
	Plain  map[string]string `json:"plain,omitempty"`
}

// find returns the entry of this name, or nil.
func (d *document) find(service, name string) *entry {
	for _, e := range d.Credentials {
		if e.Service == service && e.Name == name {
			return e
		}
	}
	return nil
}

// session returns the session of this name, or nil.
func (e *entry) session(key string) *session {
	for i := range e.Sessions {
		if e.Sessions[i].Key == key {
			return &e.Sessions[i]
		}
	}
	return nil
}

// exactly returns c's entry, if it is of c's generation.
func (d *document) exactly(c Credential) *entry {
	if e := d.find(c.Service, c.Name); e != nil && e.is(c) && e.Generation == c.Generation {
		return e
	}
	return nil
}

// of returns the entries of a service by name.
func (d *document) of(service string) []*entry {
	var list []*entry
	for _, e := range d.Credentials {
		if e.Service == service {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// load reads the file. Where there is none the document is empty.
func (v *Vault) load() (*document, error) {
	name, err := v.file()
	if err != nil {
		return nil, err
	}
	data, repaired, err := durable.ReadPrivate(name, maxFile, isOurs)
	if errors.Is(err, fs.ErrNotExist) {
		d := &document{}
		v.saw(d)
		return d, nil
	}
	if err != nil {
		return nil, errs.New(errs.Unclassified, "sign-ins: %w", err).
			WithHint("it must be a file of yours alone; mend that, or move it away and sign in again")
	}
	d, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if repaired {
		v.o.Notice(name + " could be read by others, and no longer can")
	}
	if err := v.hideDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	v.saw(d)
	return d, nil
}

// hideDir takes the folder from others. That it cannot be done, as on a medium
// that is read-only, shows them names alone.
func (v *Vault) hideDir(dir string) error {
	hidden, err := durable.HideDir(dir)
	if hidden {
		v.o.Notice("the folder " + dir + " could be read by others, and no longer can")
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		v.o.Log.Debug("others can read the folder of the sign-ins", "folder", dir, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("sign-ins: %w", err)
	}
	return nil
}

// isOurs tells whether the file is one of skret's, be it damaged or edited.
func isOurs(data []byte) bool {
	_, err := parseText(data)
	return err == nil || bytes.Contains(data, []byte(about))
}

// parse reads the file of this name. Its errors repeat nothing of it.
func parse(name string, data []byte) (*document, error) {
	d, err := parseText(data)
	if err != nil {
		return nil, fmt.Errorf("sign-ins: %s: %w", name, err)
	}
	return d, nil
}

func parseText(data []byte) (*document, error) {
	d := new(document)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(d)
	if err != nil || d.Version != fileVersion {
		return nil, unreadable(data, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, damagedAt(data, dec.InputOffset(), "there is more after its end")
	}
	if problem := d.problem(); problem != "" {
		return nil, damaged(problem)
	}
	return d, nil
}

// unreadable says why the file is not one of ours, given the decoder's error.
func unreadable(data []byte, err error) error {
	var v struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(data, &v) == nil && v.Version != "" && v.Version != fileVersion {
		return errs.New(errs.Config, "it was written by a newer skret").WithHint("use that one, or skret's newest release")
	}
	if err != nil && strings.HasPrefix(err.Error(), "json: unknown field") {
		return errs.New(errs.Config, "it has a field that this skret does not know").WithHint("use the skret that wrote it, or skret's newest release")
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return damagedAt(data, e.Offset, "this is not JSON")
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return damagedAt(data, e.Offset, "a value has a wrong type")
	}
	return damaged("it ends early, or holds something else")
}

func damagedAt(data []byte, offset int64, what string) error {
	return damaged(fmt.Sprintf("line %d: %s", 1+bytes.Count(data[:min(int(offset), len(data))], []byte("\n")), what))
}

func damaged(what string) error {
	return errs.New(errs.Unclassified, "the file is damaged: %s", what).WithHint("bring back a copy, or move it away and sign in again")
}

// problem says what skret would not have written, or "".
func (d *document) problem() string {
	keyed := d.Key.ID != "" && d.Key.Check != ""
	switch {
	case d.Store == "" && len(d.Credentials) == 0 && d.Key == keyInfo{}:
	case d.Store == Plaintext && d.Key == keyInfo{}:
	case (d.Store == Keyring || d.Store == KeyFile) && keyed && d.Key.Wrapped == "":
	case d.Store == Passphrase && keyed && d.Key.Wrapped != "":
	default:
		return "it does not say where its key is"
	}
	type name struct{ service, name, session string }
	seen, defaults := map[name]bool{}, map[string]int{}
	twice := func(n name) bool {
		was := seen[n]
		seen[n] = true
		return was
	}
	for _, e := range d.Credentials {
		if e == nil || !validName(e.Service) || !validName(e.Name) || twice(name{e.Service, e.Name, ""}) || e.Generation < 1 || !e.box.fits(d.Store) {
			return "a sign-in is not as skret writes it"
		}
		for _, s := range e.Sessions {
			if s.Key == "" || twice(name{e.Service, e.Name, s.Key}) || !s.box.fits(d.Store) {
				return "a session is not as skret writes it"
			}
		}
		if e.Default {
			defaults[e.Service]++
		}
	}
	for _, e := range d.Credentials {
		if defaults[e.Service] != 1 {
			return "a service must have one default"
		}
	}
	return ""
}

// fits tells whether the material is there in the way of the store: nobody slips
// in some that is not sealed.
func (b box) fits(s Store) bool {
	if s == Plaintext {
		return b.Sealed == ""
	}
	return b.Sealed != "" && b.Plain == nil
}

// print returns the file's content.
func (d *document) print() ([]byte, error) {
	d.Version, d.About = fileVersion, about
	if d.Credentials == nil {
		d.Credentials = []*entry{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, errs.New(errs.Invalid, "sign-ins: they cannot be written down: %w", err)
	}
	return b.Bytes(), nil
}
