// Package format writes a set of variables as text that another program reads, and
// reads secrets from text.
//
// # Writing
//
// Every format keeps the same promise: the program it is for reads back the
// exact bytes of every value, and runs nothing, whatever the values are.
// A value that a format cannot carry so is refused by the name of its key, all
// such keys in one error, and then there is no text at all. What is refused:
//
//   - everywhere: a NUL byte, which no environment can hold
//   - all but shell and fish: bytes that are not UTF-8
//   - dotenv: a carriage return; two backslashes in a row or one at the end; ${;
//     a single quote together with a double one, a backslash, a $ or a backtick
//   - docker: a line break; a carriage return at the end; 64 KiB on one line
//   - github: a carriage return at the end
//   - powershell: an empty value
//   - tfvars: characters that Terraform puts in another form
//   - dotenv, shell and fish: variables that the shells keep for themselves, such
//     as RANDOM or PWD; github: those that its runner does
//
// Programs disagree on what a dotenv file means. The dotenv format is what all of
// these read alike: dotenv for Node (16 to 18), node --env-file, python-dotenv,
// docker compose, godotenv, and `set -a; . FILE` in sh, dash and bash. Whatever
// expands variables on top of that, such as dotenv-expand, is not among them.
//
// # Reading
//
// A [Reader] gives the exact bytes of every value that the text has by the rules of
// its format, or refuses the text: all that is wrong, by line, and no value. It
// computes nothing: what would be expanded, run, looked up or taken from another
// place is refused, and so is a name that comes twice.
//
//   - json, yaml, toml, tfvars: one level of names with texts. Numbers and booleans
//     are the text they stand as; a null is an entry without a value; what has parts
//     of its own is refused, and so are YAML's anchors, aliases, tags and merges,
//     dates of TOML, and numbers of tfvars that are not in their shortest form
//   - properties: as Java reads it, in UTF-8; a name needs a separator
//   - csv: a head, and rows of a name and a value
//   - kubernetes: Secrets and Lists of them; stringData goes before data
//   - dotenv: what all programs that the dotenv format is for read alike, line by
//     line; or what one of them reads, as a [Dialect]. Node's is that of versions 20
//     to 24: where they differ the line is refused
//   - docker: the dialect of docker run --env-file
package format

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Format is one way to write a set of variables.
type Format struct {
	Name string // the word that chooses it
	Doc  string // who reads it, in half a line

	open, sep, close string // around the variables, and between them
	empty            string // the text of no variables
	anyBytes         bool   // values need not be UTF-8
	// item returns the text of one variable, or why it cannot be written, as
	// the end of a sentence about the value or the variable.
	item func(name, value string) (text, refusal string)
}

// GitHub is the format that goes with [Masks].
const GitHub = "github"

// formats is the table of formats, the default first.
var formats = []Format{
	{Name: dotenvName, Doc: "NAME='value', for .env files", item: dotenv},
	{Name: "shell", Doc: "export NAME='value', for sh, bash, dash and zsh", anyBytes: true, item: shell},
	{Name: "json", Doc: "one object", open: "{", sep: ",", close: "\n}\n", empty: "{}\n", item: jsonItem},
	{Name: "yaml", Doc: "one mapping, all of it quoted", empty: "{}\n", item: yamlItem},
	{Name: "docker", Doc: "NAME=value as it stands, for docker run --env-file", item: docker},
	{Name: GitHub, Doc: "for $GITHUB_ENV and $GITHUB_OUTPUT, with masks for the log", item: github},
	{Name: "powershell", Doc: "$env:NAME = 'value', for Windows PowerShell and pwsh", item: powershell},
	{Name: "fish", Doc: "set -gx NAME 'value'", anyBytes: true, item: fish},
	{Name: "toml", Doc: "NAME = \"value\"", item: tomlItem},
	{Name: "tfvars", Doc: "NAME = \"value\", for Terraform and OpenTofu", item: tfvarsItem},
	{Name: "properties", Doc: "NAME=value, for Java", item: propertiesItem},
	{Name: "csv", Doc: "a row of a name and a value, in quotes", open: csvHead, empty: csvHead, item: csvItem},
}

// All returns the formats, the default first.
func All() []Format { return slices.Clone(formats) }

// Names returns the names of the formats, the default first.
func Names() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// Lookup returns the format of this name.
func Lookup(name string) (Format, bool) {
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return formats[i], true
}

// Text writes the set. What the format cannot carry gives one error of kind
// Invalid that names all keys, and no text.
func (f Format) Text(set secret.Set) ([]byte, error) {
	if len(set) == 0 {
		return []byte(f.empty), nil
	}
	var b bytes.Buffer
	var refused refusals
	b.WriteString(f.open)
	for i, v := range set {
		if i > 0 {
			b.WriteString(f.sep)
		}
		text, why := f.one(v.Name, v.Value.Reveal())
		if why != "" {
			refused.add(v, why)
		}
		b.WriteString(text)
	}
	if len(refused) > 0 {
		return nil, refused.err(f.Name)
	}
	b.WriteString(f.close)
	return b.Bytes(), nil
}

// one is f.item behind what is refused for several formats.
func (f Format) one(name, value string) (text, refusal string) {
	switch {
	case secret.CheckEnvName(name) != nil:
		return "", "the name cannot be that of a variable"
	case strings.Contains(value, "\x00"):
		return "", hasNUL
	case !f.anyBytes && !utf8.ValidString(value):
		return "", "the value is not UTF-8"
	}
	return f.item(name, value)
}

// refusals are the keys that cannot be written, by reason.
type refusals []struct {
	why  string
	keys []secret.Key
}

func (r *refusals) add(v secret.Variable, why string) {
	key := v.Key
	if key == "" {
		key = secret.Key(v.Name)
	}
	for i := range *r {
		if (*r)[i].why == why {
			(*r)[i].keys = append((*r)[i].keys, key)
			return
		}
	}
	*r = append(*r, struct {
		why  string
		keys []secret.Key
	}{why, []secret.Key{key}})
}

// hasNUL is why no format, and no environment, can carry a value.
const hasNUL = "the value has a NUL byte"

func (r refusals) err(format string) error {
	var probs []error
	for i, p := range r {
		e := errs.New(errs.Invalid, "%s cannot carry %s: %s", format, secret.Join(p.keys), p.why)
		switch {
		case p.why == hasNUL:
			e = e.WithHint("leave it out with --except, and let the program read it with skret get")
		case i == len(r)-1:
			e = e.WithHint("leave it out with --except, choose another --format, or hand it over with skret run")
		}
		probs = append(probs, e)
	}
	return errors.Join(probs...)
}
