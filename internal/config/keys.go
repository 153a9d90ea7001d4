package config

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/skret/skret/internal/secret"
)

// kind is the form of what stands behind a key.
type kind uint8

const (
	text  kind = iota // one text
	list              // a list of texts, none twice
	table             // known keys
	named             // names that the user chooses, each with a table
)

// A key is one key of .skret.yaml. The reader, the JSON schema and the reference
// page are made from the same keys, so none of them knows what another does not.
type key struct {
	name     string
	kind     kind
	doc      string // for editors and the reference: full sentences
	must     bool
	provider string // it goes with this provider only
	standard string // what holds when it is not there
	words    []string
	pattern  string              // for editors: a regular expression that says what check says
	check    func(string) string // what is wrong with a text, or ""
	keys     []key               // of a table, and of each table of a named
}

func (k *key) key(name string) *key {
	for i := range k.keys {
		if k.keys[i].name == name {
			return &k.keys[i]
		}
	}
	return nil
}

// version is the only version of the format.
const version = "1"

// layout is .skret.yaml. It is data: nothing is worked out when the program starts.
var layout = key{kind: table, doc: "Where a project's secrets are. See https://github.com/skret/skret.", keys: []key{
	{name: "version", must: true, words: []string{version}, doc: `Version of this format: always "1", in quotes.`},
	{name: "project", check: checkLine, doc: "Name of the project, for messages."},
	{name: "default_env", check: checkEnv, pattern: patternEnv,
		doc: "Environment that commands use without -e and SKRET_ENV. Not needed when there is only one."},
	{name: "required", kind: list, check: checkKey, pattern: patternKey,
		doc: "Secrets, by key or by variable, without which run and env refuse to work, in every environment."},
	{name: "exclude", kind: list, check: checkGlob,
		doc: "Patterns such as OLD_*. Secrets whose key or variable matches one are kept from run and env, in every environment."},
	{name: "environments", kind: named, must: true, check: checkEnv, pattern: patternEnv,
		doc: "The environments by name. Each is a place that holds secrets.", keys: []key{
			{name: "provider", must: true, words: []string{ProviderAWS, ProviderLocal},
				doc: "Where the secrets are: aws is SSM Parameter Store, local an encrypted file beside the code."},
			{name: "path", must: true, provider: ProviderAWS, check: checkPath, pattern: patternPath,
				doc: "Path of the parameters, such as /myapp/prod. A key is the part of a parameter's name after it."},
			{name: "region", provider: ProviderAWS, check: checkRegion, pattern: patternRegion, standard: "what the AWS SDK finds",
				doc: "AWS region, such as eu-west-1. AWS_REGION wins over it."},
			{name: "profile", provider: ProviderAWS, check: checkLine, standard: "what the AWS SDK finds",
				doc: "Profile of the AWS configuration. AWS_PROFILE wins over it. It is not used when a sign-in of skret's is."},
			{name: "auth", provider: ProviderAWS, check: checkAuth, pattern: patternAuth, standard: "the sign-in that skret keeps, else what the AWS SDK finds",
				doc: "Who signs: the name of a sign-in made by skret auth login aws --name NAME, or chain for what the AWS SDK finds."},
			{name: "account", provider: ProviderAWS, check: checkAccount, pattern: patternAccount, standard: "any",
				doc: "AWS account, 12 digits in quotes. Any other identity is refused before the first request; with IAM Identity Center it is also the account that is signed in to."},
			{name: "role", provider: ProviderAWS, check: checkRole, pattern: patternRole, standard: "any",
				doc: "Name of the role, or of the permission set of IAM Identity Center, that the identity must have, as with account."},
			{name: "kms_key_id", provider: ProviderAWS, check: checkWord, pattern: patternWord, standard: "alias/aws/ssm",
				doc: "KMS key for new values: an id, an ARN, or alias/NAME."},
			{name: "tier", provider: ProviderAWS, words: []string{"standard", "advanced", "intelligent"}, standard: "the account's own setting",
				doc: "Tier of new parameters. Values over 4 KB need advanced or intelligent."},
			{name: "file", provider: ProviderLocal, check: checkFile, standard: StandardFile,
				doc: "The sealed file, relative to this one and in its folder or below."},
			{name: "recipients", kind: list, provider: ProviderLocal, check: checkRecipient, pattern: patternRecipient, standard: "yourself alone",
				doc: "Public keys, of age or ssh, for a sealed file that is made now. Later, skret local recipients changes them."},
			{name: "keys", kind: list, check: checkKey, pattern: patternKey, standard: "all keys",
				doc: "Exactly these keys. They are read without listing; a missing one is an error."},
			{name: "required", kind: list, check: checkKey, pattern: patternKey,
				doc: "As required at the top, for this environment alone."},
			{name: "exclude", kind: list, check: checkGlob,
				doc: "As exclude at the top, for this environment alone."},
			{name: "allow_env", kind: list, check: checkVariable, pattern: patternVariable,
				doc: "Variables that run and env pass although a command can be made to run other code by them, such as NODE_OPTIONS. Whoever can change this file decides: review it."},
		}},
}}

// StandardFile is the local store's file when none is named.
const StandardFile = ".skret.secrets.yaml"

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
)

// The checks below say what is wrong without showing it: a value that was put in
// the wrong place may be a secret.

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

func checkEnv(s string) string {
	alnum := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }
	ok := len(s) <= 64 && s != "" && alnum(s[0])
	for i := range len(s) {
		ok = ok && (alnum(s[i]) || strings.IndexByte("_.-", s[i]) >= 0)
	}
	if !ok {
		return "the name of an environment is made of at most 64 letters, digits, and the signs _ . - and begins with a letter or a digit"
	}
	return ""
}

// ChainAuth is the word for what the AWS SDK finds, where the name of a sign-in
// could stand.
const ChainAuth = "chain"

func checkAuth(s string) string {
	if checkEnv(s) != "" {
		return "the name of a sign-in is made of at most 64 letters, digits, and the signs _ . - and begins with a letter or a digit"
	}
	return ""
}

func checkAccount(s string) string {
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return "an AWS account is 12 digits, in quotes"
	}
	return ""
}

func checkRole(s string) string {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@_-", r)
	}
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return !ok(r) }) {
		return "a role is named by at most 64 letters, digits, and the signs + = , . @ _ -"
	}
	return ""
}

func checkFile(s string) string {
	if !filepath.IsLocal(filepath.FromSlash(s)) || filepath.Clean(s) == "." {
		return "a file of the project is meant: relative, and in this file's folder or below"
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
	all := func(s string, lo, hi rune) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < lo || r > hi })
	}
	n := len(parts) - 1
	ok := n >= 2 && len(s) <= 32 && all(parts[n], '0', '9')
	for _, p := range parts[:n] {
		ok = ok && all(p, 'a', 'z')
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
