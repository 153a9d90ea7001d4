package check

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skret/skret/internal/secret"
)

// judgeType says why v is not of the rule's type, or "".
func judgeType(r secret.Rule, v string) string {
	switch r.Type {
	case secret.TypeEnum:
		if !slices.Contains(r.Values, v) {
			return "is none of " + strings.Join(r.Values, ", ")
		}
	case secret.TypeRegex:
		re, err := regexp.Compile(r.Pattern)
		if err != nil {
			return "cannot be judged: its pattern is no regular expression"
		}
		// Of all matches the longest, so that a|ab matches all of "ab".
		re.Longest()
		if at := re.FindStringIndex(v); at == nil || at[0] > 0 || at[1] < len(v) {
			return "does not match " + r.Pattern + " as a whole"
		}
	default:
		for _, t := range types {
			if t.name == r.Type && !t.is(v) {
				return "is not " + t.what
			}
		}
	}
	return ""
}

// types are those whose definition is the same for every rule. A string may be
// anything.
var types = [...]struct {
	name, what string
	is         func(string) bool
}{
	{secret.TypeInt, "an int: decimal digits, perhaps behind + or -", isInt},
	{secret.TypeBool, "a bool: true, false, yes, no, on, off, 1 or 0", isBool},
	{secret.TypeURL, "a url: SCHEME://HOST, and no spaces", isURL},
	{secret.TypeEmail, "an email: one address, without a name", isEmail},
	{secret.TypePort, "a port: a number from 1 to 65535", isPort},
	{secret.TypeJSON, "json: one document", func(v string) bool { return json.Valid([]byte(v)) }},
	{secret.TypePEM, "pem: blocks from BEGIN to END, and nothing between them", isPEM},
	{secret.TypeBase64, "base64: the standard alphabet or that for URLs, without line breaks", isBase64},
}

func isInt(v string) bool {
	if v != "" && (v[0] == '+' || v[0] == '-') {
		v = v[1:]
	}
	return isDigits(v)
}

func isDigits(v string) bool {
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return v != ""
}

func isBool(v string) bool {
	switch strings.ToLower(v) {
	case "true", "false", "yes", "no", "on", "off", "1", "0":
		return true
	}
	return false
}

// isURL takes several hosts too, as databases do: mongodb://a:1,b:2/db.
func isURL(v string) bool {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' }) {
		return false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user, hosts := "", rest[:end]
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		user, hosts = hosts[:at+1], hosts[at+1:]
	}
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(scheme + "://" + user + host + rest[end:])
		if err != nil || u.Scheme == "" || u.Hostname() == "" {
			return false
		}
	}
	return true
}

// isEmail takes the addresses that are in use: no quotes, no comments, no domain in
// brackets.
func isEmail(v string) bool {
	at := strings.LastIndexByte(v, '@')
	if at < 1 || at > 64 || len(v) > 254 || !utf8.ValidString(v) {
		return false
	}
	for atom := range strings.SplitSeq(v[:at], ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`()<>[]:;@\,"`, r) }) {
			return false
		}
	}
	for label := range strings.SplitSeq(v[at+1:], ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool {
				return r < utf8.RuneSelf && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
			}) {
			return false
		}
	}
	return true
}

func isPort(v string) bool {
	n, err := strconv.ParseUint(v, 10, 16)
	return err == nil && isDigits(v) && v[0] != '0' && n > 0
}

func isPEM(v string) bool {
	begin := []byte("-----BEGIN ")
	rest := bytes.TrimSpace([]byte(v))
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		// Decode passes over what it cannot read.
		if block == nil || !bytes.HasPrefix(rest, begin) || bytes.Count(rest[:len(rest)-len(after)], begin) != 1 {
			return false
		}
		rest = bytes.TrimSpace(after)
	}
	return strings.TrimSpace(v) != ""
}

func isBase64(v string) bool {
	if v == "" || strings.ContainsAny(v, "\r\n") {
		return false
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if _, err := e.Strict().DecodeString(v); err == nil {
			return true
		}
	}
	return false
}
