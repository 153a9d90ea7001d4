package config

import (
	"path"
	"path/filepath"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// What a check takes, for editors.
const (
	patternEnv       = `^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`
	patternKey       = `^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`
	patternPath      = `^/?[A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*/?$`
	patternRegion    = `^[a-z]+(-[a-z]+)+-[0-9]+$`
	patternWord      = `^[!-~]+$`
	patternVariable  = `^[A-Za-z_][A-Za-z0-9_]*$`
	patternAuth      = patternEnv
	patternAccount   = `^[0-9]{12}$`
	patternRole      = `^[A-Za-z0-9+=,.@_-]{1,64}$`
	patternRecipient = `^(age1[a-z0-9]+|(ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+) [A-Za-z0-9+/=]+( .*)?)$`

	patternGenerate = `^((password|hex|base64)(:([89]|[1-9][0-9]{1,2}|10[01][0-9]|102[0-4]))?|uuid|ed25519|rsa(:(2048|3072|4096))?)$`
	patternDuration = `^([0-9]{1,6}[smhd]){1,4}$`

	patternAddress      = `^(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$`
	patternRepository   = `^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}/[A-Za-z0-9_.-]{1,100}$`
	patternRepositories = `^([A-Za-z0-9_][A-Za-z0-9_-]{0,99}/)?[A-Za-z0-9_.-]{1,100}$`
	patternOrganization = `^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$`
	patternProject      = patternKey
	patternAccountID    = `^[0-9a-f]{32}$`
	patternScript       = `^[A-Za-z0-9_-]{1,255}$`
	patternLabel        = `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`
	patternSubdomain    = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
)

// The checks say what is wrong without showing it: a value that was put in the
// wrong place may be a secret. What a text means is not looked at: whether there
// is such a thing is for the service to say.

const (
	digits  = "0123456789"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// madeOf tells whether s is made of these characters: of one at least, and of
// limit at most.
func madeOf(s, of string, limit int) bool {
	return s != "" && len(s) <= limit && strings.Trim(s, of) == ""
}

func checkLine(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "it has characters that cannot be printed"
	}
	return ""
}

func checkWord(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "it has characters that cannot be in it, such as spaces"
	}
	return ""
}

// isName tells whether s is a name that the user of skret chooses.
func isName(s string) bool {
	return madeOf(s, letters+digits+"_.-", 64) && !strings.ContainsAny(s[:1], "_.-")
}

func checkEnv(s string) string {
	if !isName(s) {
		return "the name of an environment is made of at most 64 letters, digits, and the signs _ . - and begins with a letter or a digit"
	}
	return ""
}

// ChainAuth is the word for what the AWS SDK finds, where the name of a sign-in
// could stand.
const ChainAuth = "chain"

func checkAuth(s string) string {
	if !isName(s) {
		return "the name of a sign-in is made of at most 64 letters, digits, and the signs _ . - and begins with a letter or a digit"
	}
	return ""
}

func checkAccount(s string) string {
	if len(s) != 12 || !madeOf(s, digits, 12) {
		return "an AWS account is 12 digits, in quotes"
	}
	return ""
}

func checkRole(s string) string {
	if !madeOf(s, letters+digits+"+=,.@_-", 64) {
		return "a role is named by at most 64 letters, digits, and the signs + = , . @ _ -"
	}
	return ""
}

// checkFile takes a file of the project.
func checkFile(s string) string {
	if !filepath.IsLocal(filepath.FromSlash(s)) || filepath.Clean(s) == "." {
		return "a file of the project is meant: relative, and in this file's folder or below"
	}
	return checkLine(s)
}

// checkAnyFile takes a file wherever it is.
func checkAnyFile(s string) string {
	if c := filepath.Clean(filepath.FromSlash(s)); c == filepath.Dir(c) || filepath.Base(c) == ".." || c == "." || strings.HasSuffix(s, "/") {
		return "a file is meant, and this is a folder"
	}
	return checkLine(s)
}

func checkKey(s string) string {
	if _, err := secret.ParseKey(s); err != nil {
		return "this is no key: letters, digits, and the signs _ . - in segments joined by /"
	}
	return ""
}

func checkGlob(s string) string {
	if _, err := path.Match(s, ""); err != nil {
		return "this is no pattern: a [ or a \\ has no end"
	}
	return checkLine(s)
}

func checkVariable(s string) string {
	if secret.CheckEnvName(s) != nil {
		return "this is not the name of a variable; patterns are not taken here"
	}
	return ""
}

// maxPath is the longest path in bytes; AWS allows 1,011 for a parameter's ARN.
const maxPath = 900

func checkPath(s string) string {
	if len(s) > maxPath {
		return "it is longer than 900 bytes"
	}
	if p := cleanPath(s); p != "/" && checkKey(p[1:]) != "" {
		return "a path is like /myapp/prod: letters, digits, and the signs _ . - in segments after a /"
	}
	return ""
}

// cleanPath gives a path its leading slash and takes one off its end. The slash
// is not demanded: shells of Windows turn /myapp into a file's name.
func cleanPath(s string) string {
	return "/" + strings.TrimSuffix(strings.TrimPrefix(s, "/"), "/")
}

// checkRegion looks at the shape alone: a region becomes part of a host's name,
// and new ones appear without asking us.
func checkRegion(s string) string {
	parts := strings.Split(s, "-")
	n := len(parts) - 1
	ok := n >= 2 && len(s) <= 32 && madeOf(parts[n], digits, 32)
	for _, p := range parts[:n] {
		ok = ok && madeOf(p, lower, 32)
	}
	if !ok {
		return "this does not look like a region such as eu-west-1"
	}
	return ""
}

func checkRecipient(s string) string {
	known := slices.ContainsFunc([]string{"age1", "ssh-", "ecdsa-"}, func(p string) bool { return strings.HasPrefix(s, p) })
	if !known || checkLine(s) != "" {
		return "this is no public key of age (age1...) or ssh (ssh-ed25519 ...)"
	}
	return ""
}

// checkAddress takes an address with or without its scheme. A password, a query
// and a fragment have no place in it; the rest of it httpx judges.
func checkAddress(s string) string {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest = strings.TrimPrefix(s, "http://")
	}
	host, below, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, ':'); i > 0 && madeOf(host[i+1:], digits, 5) && host[len(host)-1] != ']' {
		host = host[:i] // the rest is the port
	}
	name, v6 := strings.CutPrefix(host, "[")
	if v6 {
		name, v6 = strings.CutSuffix(name, "]")
		v6 = v6 && madeOf(name, digits+"ABCDEFabcdef:.", 64)
	}
	if !v6 && !madeOf(host, letters+digits+".-", 255) || below != "" && !madeOf(below, letters+digits+"._~/-", 512) {
		return "this is no address such as https://git.example.com: a host, perhaps with a port and a path, and nothing else"
	}
	return ""
}

func checkRepository(s string) string {
	if owner, name, _ := strings.Cut(s, "/"); !isOwner(owner) || !isRepository(name) {
		return "a repository is OWNER/NAME, such as acme/app"
	}
	return ""
}

func checkRepositories(s string) string {
	if owner, name, ok := strings.Cut(s, "/"); ok && checkRepository(s) != "" || !ok && !isRepository(owner+name) {
		return "a repository is NAME or OWNER/NAME, such as app or acme/app"
	}
	return ""
}

func checkOrganization(s string) string {
	if !isOwner(s) {
		return "an organization is named by letters, digits, and the signs _ -"
	}
	return ""
}

func isOwner(s string) bool { return madeOf(s, letters+digits+"_-", 100) && s[0] != '-' }

func isRepository(s string) bool {
	return madeOf(s, letters+digits+"_.-", 100) && s != "." && s != ".."
}

func checkProject(s string) string {
	if checkKey(s) != "" {
		return "a project or a group is its number, or its path, such as acme/app"
	}
	return ""
}

func checkAccountID(s string) string {
	if len(s) != 32 || !madeOf(s, digits+"abcdef", 32) {
		return "an account of Cloudflare is 32 hexadecimal digits, in lower case"
	}
	return ""
}

func checkScript(s string) string {
	if !madeOf(s, letters+digits+"_-", 255) {
		return "a Worker is named by at most 255 letters, digits, and the signs _ -"
	}
	return ""
}

// isLabel tells whether s is a label of RFC 1123, but for its length.
func isLabel(s string) bool {
	return madeOf(s, lower+digits+"-", len(s)) && s[0] != '-' && s[len(s)-1] != '-'
}

func checkLabel(s string) string {
	if !isLabel(s) || len(s) > 63 {
		return "this name is made of at most 63 small letters, digits and -, with a letter or a digit at both ends"
	}
	return ""
}

func checkSubdomain(s string) string {
	ok := len(s) <= 253
	for label := range strings.SplitSeq(s, ".") {
		ok = ok && isLabel(label)
	}
	if !ok {
		return "this name is made of at most 253 small letters, digits, - and ., with a letter or a digit at both ends and around each ."
	}
	return ""
}

func checkPattern(s string) string {
	if _, err := syntax.Parse(s, syntax.Perl); err != nil {
		return "this is no regular expression of RE2"
	}
	return ""
}

func checkGenerate(s string) string {
	if _, _, err := secret.ParseGenerator(s); err != nil {
		return err.Error() + ": " + errs.HintOf(err)
	}
	return ""
}

func checkDuration(s string) string {
	if _, ok := parseDuration(s); !ok {
		return "this is no length of time such as 90s, 10m, 2h or 7d"
	}
	return ""
}

// parseDuration reads what patternDuration describes.
func parseDuration(s string) (d time.Duration, ok bool) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	for n := 0; s != "" && n < 4; n++ {
		end := len(s) - len(strings.TrimLeft(s, digits))
		count, err := strconv.Atoi(s[:end])
		if err != nil || end > 6 || end == len(s) || units[s[end]] == 0 {
			return 0, false
		}
		d += time.Duration(count) * units[s[end]]
		s, ok = s[end+1:], true
	}
	return d, ok && s == ""
}
