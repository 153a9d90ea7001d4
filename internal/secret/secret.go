// Package secret is the vocabulary of skret: keys, values, entries, and every
// rule about names.
//
// A [Key] is the name of a secret within an environment, as the user wrote it.
// The name of the variable that a command sees is made from it by one mapper,
// [Key.EnvName]. [Select] turns entries into the [Set] that a command may have:
// it is the only place where filters, collisions, illegal and dangerous names
// are judged, and it reports all of them in one error.
//
// A [Value] cannot print itself.
package secret

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// MaxKeyLen is the longest key in bytes. SSM allows 1,011 bytes with the
// parameter's ARN; an environment's path takes its share of that.
const MaxKeyLen = 512

// Key names a secret within its environment: segments of [A-Za-z0-9_.-] joined
// by "/", without a leading one. A key that came from a store may break these
// rules; [ParseKey] judges the keys that skret makes.
type Key string

// ParseKey returns s as a key that may be written, or an error of kind Invalid.
func ParseKey(s string) (Key, error) {
	bad := func(why string) (Key, error) {
		return "", errs.New(errs.Invalid, "invalid key %q: %s", clip(s), why).
			WithHint("a key is made of letters, digits, and the signs _ . - in segments joined by /")
	}
	switch {
	case s == "":
		return bad("it is empty")
	case len(s) > MaxKeyLen:
		return bad("it is longer than 512 bytes")
	}
	for seg := range strings.SplitSeq(s, "/") {
		if seg == "" {
			return bad("it has an empty segment")
		}
		if seg == "." || seg == ".." {
			return bad("a segment may not be . or ..")
		}
		for i := range len(seg) {
			if !keyByte(seg[i]) {
				return bad("a character is not allowed")
			}
		}
	}
	return Key(s), nil
}

func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}

// clip shortens s for a message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}

// EnvName returns the name of the variable that stands for k: "/", "-" and "."
// become "_", and ASCII letters upper case. The name of a key that breaks the
// rules may be illegal; [CheckEnvName] tells.
func (k Key) EnvName() string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '-' || r == '.':
			return '_'
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, string(k))
}

// Entry is one secret, or one version of it, as a store knows it. Only Key is
// always set.
type Entry struct {
	Key         Key
	Value       Value // absent in a listing of names
	Version     int64
	Type        string // the store's own word: String, SecureString, StringList
	Description string
	Tags        map[string]string
	Labels      []string
	Modified    time.Time
	Author      string // who wrote this version, as the store names them
	Deleted     bool   // this version is a deletion (history only)
	Hidden      string // why the value cannot be had, such as "the token may not read it"; "" if it can, or was not asked for
}

// SortEntries sorts by key.
func SortEntries(es []Entry) {
	sort.Slice(es, func(i, j int) bool { return es[i].Key < es[j].Key })
}

// SearchEntries finds a key among entries that are sorted by key: where it is, or
// where it would be.
func SearchEntries(es []Entry, k Key) (int, bool) {
	return slices.BinarySearchFunc(es, k, func(e Entry, k Key) int { return strings.Compare(string(e.Key), string(k)) })
}

// Join returns the keys, quoted and joined by commas, for a message.
func Join[T ~string](names []T) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}
