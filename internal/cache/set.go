package cache

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skret/skret/internal/secret"
)

// Place is what a set is of. Two that differ in any part but the title share
// nothing.
type Place struct {
	Title       string // for people: "prod (/app/prod in eu-west-1)"
	Environment string // its name in the configuration
	Identity    string // who reads, in words
	Who         string // what tells that identity from others

	Account, Role          string // that the identity must be of
	Region, Endpoint, Path string
	Keys                   []secret.Key // which the environment is limited to
}

// bytes are all parts but the title, so that no two places give the same.
func (p Place) bytes() []byte {
	parts := []string{"skret cache 1", p.Environment, p.Identity, p.Who, p.Account, p.Role, p.Region, p.Endpoint, p.Path}
	for _, k := range p.Keys {
		parts = append(parts, string(k))
	}
	var b []byte
	for _, part := range parts {
		b = appendText(b, part)
	}
	return b
}

// name is that of the set's file.
func (p Place) name() string {
	sum := sha256.Sum256(p.bytes())
	return hex.EncodeToString(sum[:16])
}

// Info is what may be read of a set by whoever has the file. It is no secret, and
// the sealed part does not open when it was changed.
type Info struct {
	Environment string    `json:"environment"`
	Identity    string    `json:"identity"`
	Region      string    `json:"region"`
	Endpoint    string    `json:"endpoint,omitempty"`
	Path        string    `json:"path"`
	Names       int       `json:"names"` // how many
	Kept        time.Time `json:"kept"`
	Until       time.Time `json:"until"` // after which it was to serve for nothing

	File    string `json:"-"`
	Bytes   int64  `json:"-"`
	Damaged bool   `json:"-"` // nothing else is known of it
}

// overlaps tells whether a set may have secrets of a place: it is of the same
// service, and one path is the other or below it. Of a damaged one it may.
func (i Info) overlaps(p Place) bool {
	return i.Damaged || i.Region == p.Region && i.Endpoint == p.Endpoint && (below(i.Path, p.Path) || below(p.Path, i.Path))
}

func below(path, of string) bool {
	return strings.HasPrefix(strings.TrimSuffix(path, "/")+"/", strings.TrimSuffix(of, "/")+"/")
}

// set is a set, open: its entries are sorted by key.
type set struct {
	info    Info
	entries []secret.Entry
}

// damage is the error of a set that is not as it was sealed.
type damage struct{ why string }

func (d *damage) Error() string { return d.why }

// A file begins with a line: this and the Info in JSON. What follows is a nonce
// and the entries, sealed, and bound to the line and the place.
const mark = "SKRET-CACHE-1 "

func isSet(data []byte) bool { return bytes.HasPrefix(data, []byte(mark)) }

// seal makes the file of a set. Of info it fills in what the place says.
func seal(key []byte, p Place, info Info, es []secret.Entry) ([]byte, error) {
	info.Environment, info.Identity, info.Region, info.Endpoint, info.Path = p.Environment, p.Identity, p.Region, p.Endpoint, p.Path
	about, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	line := slices.Concat([]byte(mark), about, []byte("\n"))
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	data := slices.Concat(line, nonce)
	return aead.Seal(data, nonce, encode(es), slices.Concat(line, p.bytes())), nil
}

// parseInfo reads what is readable of a file, and returns the rest.
func parseInfo(data []byte) (info Info, line, sealed []byte, err error) {
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 || !isSet(data) {
		return Info{}, nil, nil, &damage{"the file is none of skret's"}
	}
	line, sealed = data[:end], data[end:]
	if json.Unmarshal(line[len(mark):], &info) != nil {
		return Info{}, nil, nil, &damage{"the file is damaged"}
	}
	return info, line, sealed, nil
}

// open opens the file of the place's set; data is overwritten.
func open(key []byte, p Place, data []byte) (*set, error) {
	info, line, sealed, err := parseInfo(data)
	if err != nil {
		return nil, err
	}
	changed := &damage{"something else than skret has changed it, or its key is another"}
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, changed
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce, box := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	text, err := aead.Open(box[:0], nonce, box, slices.Concat(line, p.bytes()))
	if err != nil {
		return nil, changed
	}
	es, err := decode(string(text))
	clear(text)
	if err != nil {
		return nil, changed
	}
	return &set{info, es}, nil
}
