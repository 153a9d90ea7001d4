package ssm

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Sizes of values in bytes. The service's documentation counts characters; that
// is never less strict.
const (
	maxStandard = 4096
	maxAdvanced = 8192
)

// Check is the method of [store.Checker]: it judges by the service's rules.
func (s *Store) Check(e secret.Entry) error {
	var probs []error
	bad := func(hint, format string, args ...any) {
		err := errs.New(errs.Invalid, format, args...)
		if hint != "" {
			err = err.WithHint("%s", hint)
		}
		probs = append(probs, err)
	}
	if why, hint := s.nameProblem(s.name(e.Key)); why != "" {
		bad(hint, "the parameter of %s %s", e.Key, why)
	}
	if why, hint := s.valueProblem(e.Value.Reveal()); why != "" {
		bad(hint, "the value of %s %s", e.Key, why)
	}
	if e.Type != "" && !slices.Contains([]string{"SecureString", "String", "StringList"}, e.Type) {
		bad("use SecureString, String or StringList", "type of %s: %q is not a type of parameters", e.Key, e.Type)
	}
	if n := utf8.RuneCountInString(e.Description); n > 1024 || !utf8.ValidString(e.Description) {
		bad("", "the description of %s is not text of at most 1,024 characters", e.Key)
	}
	if len(e.Tags) > 50 {
		bad("", "%d tags of %s are more than the 50 that a parameter can have", len(e.Tags), e.Key)
	}
	for k, v := range e.Tags {
		if k == "" || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(v) > 256 ||
			strings.ContainsFunc(k+v, notTag) || strings.HasPrefix(strings.ToLower(k), "aws:") {
			bad("a name has up to 128, a value up to 256 letters, digits, spaces and signs of _.:/=+-@; names with aws: are reserved", "the tag %q of %s is not allowed", k, e.Key)
		}
	}
	return errors.Join(probs...)
}

func notTag(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Z, r) && !strings.ContainsRune("_.:/=+-@", r)
}

// nameProblem tells what is wrong with a parameter's name.
func (s *Store) nameProblem(name string) (why, hint string) {
	// The limit is on the ARN, which has an account of 12 digits.
	whole := len("arn::ssm::123456789012:parameter") + len(endpoint.PartitionOf(s.o.Region).ID) + len(s.o.Region) + len(name)
	first, _, _ := strings.Cut(strings.ToLower(name[1:]), "/")
	switch {
	case whole > 1011:
		return "has a name that is longer than SSM allows by " + plural(whole-1011, "byte"), "choose a shorter path or key"
	case strings.Count(name, "/") > 15:
		return "has a name of more than 15 levels", "choose a shorter path or key"
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return "has a name that starts with aws or ssm, which is reserved", "choose another path"
	case !possible(name):
		return "has a name that SSM does not allow", "a key is made of letters, digits, and the signs _ . - in segments joined by /"
	}
	return "", ""
}

// valueProblem tells what is wrong with a value, without a word of it.
func (s *Store) valueProblem(v string) (why, hint string) {
	open := strings.Index(v, "{{")
	switch n := len(v); {
	case n == 0:
		return "is empty, and SSM keeps no empty values", "delete the secret instead, or store a word that stands for nothing"
	case !utf8.ValidString(v):
		return "is not UTF-8, and SSM keeps text only", "store it in base64"
	case strings.ContainsRune(v, 0):
		return "has a NUL byte, which SSM and environments cannot hold", "store it in base64"
	case open >= 0 && strings.Contains(v[open:], "}}"):
		return "has {{...}}, which SSM takes for a reference and refuses", "store it in base64"
	case n > maxAdvanced:
		return "has " + plural(n, "byte") + ", and SSM keeps 8,192 at most", "split it, or keep it elsewhere and store where"
	case n > maxStandard && (s.o.Tier == "" || s.o.Tier == "standard"):
		return "has " + plural(n, "byte") + ", and the standard tier keeps 4,096 at most",
			"set tier: advanced (or intelligent) for the environment in .skret.yaml; AWS bills such parameters"
	}
	return "", ""
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
