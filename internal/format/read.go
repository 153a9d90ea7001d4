package format

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Reader is one way to read secrets from text.
type Reader struct {
	Name string // the word that chooses it
	Doc  string // what it reads, in half a line

	read func(s *sheet, text string)
}

// ReadOptions say how a text is to be read.
type ReadOptions struct {
	// Dialect names the program that a dotenv file was written for, one of
	// [Dialects]. "" takes only what all of them but docker read alike. Other
	// readers have no dialects.
	Dialect string
}

// MaxText is the longest text, in bytes, that a reader takes.
const MaxText = 32 << 20

// readers is the table of readers, the default first.
var readers = []Reader{
	{dotenvName, "NAME=value, as .env files have it", func(s *sheet, text string) { s.assignments(text, alike()) }},
	{"docker", "NAME=value as it stands, as docker run --env-file reads it", func(s *sheet, text string) { s.assignments(text, named("docker")) }},
	{"json", "one object of texts", readJSON},
	{"yaml", "one mapping of texts", readYAML},
	{"toml", "keys with texts, without tables", readTOML},
	{"tfvars", "variables of Terraform and OpenTofu that are texts", readTFVars},
	{"properties", "a Java properties file, in UTF-8", readProperties},
	{"csv", "two columns, with NAME,VALUE or key,value in the first row", readCSV},
	{"kubernetes", "manifests of Secrets, in YAML or JSON", readKubernetes},
}

// LookupReader returns the reader of this name.
func LookupReader(name string) (Reader, bool) {
	i := slices.IndexFunc(readers, func(r Reader) bool { return r.Name == name })
	if i < 0 {
		return Reader{}, false
	}
	return readers[i], true
}

// ByName returns the name of the reader for a file of this name, by its end:
// .env, .env.local and prod.env are dotenv files.
func ByName(file string) (name string, ok bool) {
	base := strings.ToLower(filepath.Base(file))
	switch ext := filepath.Ext(base); ext {
	case ".json", ".yaml", ".toml", ".tfvars", ".properties", ".csv":
		return ext[1:], true
	case ".yml":
		return "yaml", true
	case ".env":
		return dotenvName, true
	}
	if strings.HasPrefix(base, ".env.") {
		return dotenvName, true
	}
	return "", false
}

// Read returns the secrets of a text in its order: the key of each is its name
// as it stands there, the value its exact bytes. A null is an entry without a
// value, and Hidden says so. A byte order mark at the start means nothing.
//
// All that is wrong is in one error of kind Invalid, by line, and then there are
// no entries. It shows names, and nothing that could be a value or a part of one.
func (r Reader) Read(text []byte, o ReadOptions) ([]secret.Entry, error) {
	read := r.read
	switch ds := named(o.Dialect); {
	case o.Dialect != "" && r.Name != dotenvName:
		return nil, errs.New(errs.Invalid, "there are no dialects of %s", r.Name).WithHint("leave the dialect out")
	case o.Dialect != "" && len(ds) == 0:
		return nil, errs.New(errs.Invalid, "unknown dialect %q", clip(o.Dialect)).WithHint("the dialects are %s", secret.Join(dialectNames()))
	case o.Dialect != "":
		read = func(s *sheet, text string) { s.assignments(text, ds) }
	}
	if len(text) > MaxText {
		return nil, errs.New(errs.Invalid, "the text is larger than 32 MiB")
	}
	if len(text) > 1 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		return nil, errs.New(errs.Invalid, "the text is UTF-16").WithHint("save it as UTF-8")
	}
	var s sheet
	read(&s, strings.TrimPrefix(string(text), bom))
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.entries, nil
}

const bom = "\ufeff"

// sheet collects what a reader finds.
type sheet struct {
	entries []secret.Entry
	lines   map[string]int // where each name stands
	probs   []error
	more    bool // there are more problems
}

// maxProblems bounds how many problems of one text are reported.
const maxProblems = 20

// full tells that a reader may stop, since nothing more would be reported.
func (s *sheet) full() bool { return s.more }

// problem notes what is wrong in a line, and what to do about it. The name whose
// value is concerned is shown unless it is "". The reason must not have any text
// of the file: a value may stand anywhere in a file that is wrong.
func (s *sheet) problem(line int, name, hint, reason string) {
	if len(s.probs) == maxProblems {
		s.more = true
		return
	}
	if name != "" {
		reason = shown(name) + ": " + reason
	}
	s.probs = append(s.probs, errs.New(errs.Invalid, "line %d: %s", line, reason).WithHint("%s", hint))
}

func (s *sheet) err() error {
	if s.more {
		s.probs = append(s.probs, errs.New(errs.Invalid, "there are more problems"))
	}
	return errors.Join(s.probs...)
}

// add takes a secret. A problem with it is reported under its title, which is
// its name, or "" where that may be part of a value.
func (s *sheet) add(line int, name, title, value string) {
	switch {
	case !s.claim(line, name, title):
	case strings.Contains(value, "\x00"):
		s.problem(line, title, "", hasNUL)
	case !utf8.ValidString(value):
		s.problem(line, title, "write it in base64", "the value is not UTF-8")
	default:
		s.entries = append(s.entries, secret.Entry{Key: secret.Key(name), Value: secret.NewValue(value)})
	}
}

// addNull takes a secret whose value is null.
func (s *sheet) addNull(line int, name string) {
	if s.claim(line, name, name) {
		s.entries = append(s.entries, secret.Entry{Key: secret.Key(name), Hidden: "it is null"})
	}
}

// claim tells whether a secret may have this name.
func (s *sheet) claim(line int, name, title string) bool {
	if first, twice := s.lines[name]; twice {
		s.problem(line, title, "take one of them out", alreadyIn(first))
		return false
	}
	if s.lines == nil {
		s.lines = map[string]int{}
	}
	s.lines[name] = line
	switch {
	case name == "":
		s.problem(line, "", "", "the name is empty")
	case strings.Contains(name, "\x00") || !utf8.ValidString(name):
		s.problem(line, "", "", "the name is not UTF-8, or has a NUL byte")
	default:
		return true
	}
	return false
}

func alreadyIn(line int) string {
	return "the name is there already, in line " + strconv.Itoa(line)
}

// shown returns a name for a message: short, and in quotes unless it is plain.
func shown(name string) string {
	name = clip(name)
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || !nameByte(byte(r)) }) {
		return strconv.QuoteToASCII(name)
	}
	return name
}

// clip shortens s for a message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}

// nameByte tells whether c is a letter, a digit, or one of _ . -
func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}
