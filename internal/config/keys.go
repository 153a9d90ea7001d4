package config

import (
	"path"
	"slices"
	"strings"
)

// kind is the form of what stands behind a key.
type kind uint8

const (
	text    kind = iota // one text
	boolean             // true or false
	number              // a whole number that is not negative
	list                // a list of texts, none twice
	table               // known keys
	tables              // a list of tables, each with the known keys
	named               // names that the user chooses, each with a table
)

// A key is one key of .skret.yaml. The reader, the JSON schema and the reference
// page are made from the same keys, so none of them knows what another does not.
type key struct {
	name     string
	kind     kind
	doc      string // for editors and the reference: full sentences
	must     bool
	of       []string // it goes with these words of its table's by; nil: with all
	or       string   // exactly one of this key and that one must be there
	standard string   // what holds when it is not there
	words    []string
	pattern  string              // for editors: a regular expression that says what check says
	check    func(string) string // what is wrong with a text, or ""

	// same returns what two texts have in common that mean one thing. It is set for
	// the keys that tell one target from another.
	same func(string) string

	// Of a table, and of each table of a tables or a named. Two keys may have one
	// name if they are of one kind and go with different words.
	keys []key
	by   string // the key whose word says which of the others go with it
	one  string // what each table of a tables or a named is called
}

// find returns the key of this name: of several the one that goes with the word.
func (k *key) find(name, word string) (found *key) {
	for i := range k.keys {
		if c := &k.keys[i]; c.name == name && (found == nil || c.fits(word)) {
			found = c
		}
	}
	return found
}

// fits tells whether k goes with a word of its table's by.
func (k *key) fits(word string) bool { return k.of == nil || slices.Contains(k.of, word) }

// names returns the names of k's keys: of those that go with the word, and of all
// when that is "".
func (k *key) names(word string) (all []string) {
	for _, c := range k.keys {
		if (word == "" || c.fits(word)) && !slices.Contains(all, c.name) {
			all = append(all, c.name)
		}
	}
	return all
}

// each returns the key of a table of a tables or a named.
func (k *key) each() *key { return &key{kind: table, keys: k.keys, by: k.by, one: k.one} }

// The ways in which two texts are the same.

func exact(s string) string     { return s }
func slashless(s string) string { return strings.TrimRight(s, "/") }
func cleanFile(s string) string { return path.Clean(s) }

// version is the only version of the format.
const version = "1"

// StandardFile is the local store's file when none is named.
const StandardFile = ".skret.secrets.yaml"

var (
	forAWS   = []string{ProviderAWS}
	forLocal = []string{ProviderLocal}
)

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
	{name: "schema", kind: named, check: checkKey, pattern: patternKey, one: "rule", by: "type", keys: ruleKeys,
		doc: "What the secrets are, by key or by variable, in every environment. run and env refuse to work with values that are something else."},
	{name: "cache", kind: table, keys: cacheKeys,
		doc: "Whether secrets that were read from a service are kept, sealed, on this machine."},
	{name: "environments", kind: named, must: true, check: checkEnv, pattern: patternEnv,
		doc: "The environments by name. Each is a place that holds secrets.", one: "environment", by: "provider", keys: []key{
			{name: "provider", must: true, words: []string{ProviderAWS, ProviderLocal},
				doc: "Where the secrets are: aws is SSM Parameter Store, local an encrypted file beside the code."},
			{name: "extends", check: checkEnv, pattern: patternEnv,
				doc: "Another environment of this file. Its secrets are there too, and come from where it has them; this one's own win. So are its required, exclude, allow_env and schema."},
			{name: "path", or: "paths", of: forAWS, check: checkPath, pattern: patternPath,
				doc: "Path of the parameters, such as /myapp/prod. A key is the part of a parameter's name after it. Either it or paths must be there."},
			{name: "paths", kind: list, of: forAWS, check: checkPath, pattern: patternPath,
				doc: "Several paths, such as [/common, /myapp/prod]. Of a key that several have, the one furthest to the right wins; that path is also the one that is written to."},
			{name: "region", of: forAWS, check: checkRegion, pattern: patternRegion, standard: "what the AWS SDK finds",
				doc: "AWS region, such as eu-west-1. AWS_REGION wins over it."},
			{name: "profile", of: forAWS, check: checkLine, standard: "what the AWS SDK finds",
				doc: "Profile of the AWS configuration. AWS_PROFILE wins over it. It is not used when a sign-in of skret's is."},
			{name: "auth", of: forAWS, check: checkAuth, pattern: patternAuth, standard: "the sign-in that skret keeps, else what the AWS SDK finds",
				doc: "Who signs: the name of a sign-in made by skret auth login aws --name NAME, or chain for what the AWS SDK finds."},
			{name: "account", of: forAWS, check: checkAccount, pattern: patternAccount, standard: "any",
				doc: "AWS account, 12 digits in quotes. Any other identity is refused before the first request; with IAM Identity Center it is also the account that is signed in to."},
			{name: "role", of: forAWS, check: checkRole, pattern: patternRole, standard: "any",
				doc: "Name of the role, or of the permission set of IAM Identity Center, that the identity must have, as with account."},
			{name: "kms_key_id", of: forAWS, check: checkWord, pattern: patternWord, standard: "alias/aws/ssm",
				doc: "KMS key for new values: an id, an ARN, or alias/NAME."},
			{name: "tier", of: forAWS, words: []string{"standard", "advanced", "intelligent"}, standard: "the account's own setting",
				doc: "Tier of new parameters. Values over 4 KB need advanced or intelligent."},
			{name: "file", of: forLocal, check: checkFile, standard: StandardFile,
				doc: "The sealed file, relative to this one and in its folder or below."},
			{name: "recipients", kind: list, of: forLocal, check: checkRecipient, pattern: patternRecipient, standard: "yourself alone",
				doc: "Public keys, of age or ssh, for a sealed file that is made now. Later, skret local recipients changes them."},
			{name: "keys", kind: list, check: checkKey, pattern: patternKey, standard: "all keys",
				doc: "Exactly these keys, also of what is extended. They are read without listing; one that is in no layer is an error."},
			{name: "required", kind: list, check: checkKey, pattern: patternKey,
				doc: "As required at the top, for this environment alone."},
			{name: "exclude", kind: list, check: checkGlob,
				doc: "As exclude at the top, for this environment alone."},
			{name: "allow_env", kind: list, check: checkVariable, pattern: patternVariable,
				doc: "Variables that run and env pass although a command can be made to run other code by them, such as NODE_OPTIONS. Whoever can change this file decides: review it."},
			{name: "schema", kind: named, check: checkKey, pattern: patternKey, one: "rule", by: "type", keys: ruleKeys,
				doc: "As schema at the top, for this environment alone. Its rules come before those of the top."},
			{name: "cache", kind: table, keys: cacheKeys,
				doc: "As cache at the top, for this environment alone."},
			{name: "protected", kind: boolean, standard: "false",
				doc: "Before secrets are copied into it, its name must be typed, or passed with a flag."},
		}},
	{name: "scan", kind: table, doc: "What skret scan looks for.", keys: []key{
		{name: "min_length", kind: number, standard: "8",
			doc: "Values with fewer bytes are not looked for."},
		{name: "allow", kind: list, check: checkGlob,
			doc: "What is meant to be there: findings, by the fingerprint that skret scan shows, or all of a secret, by key or by a pattern."},
		{name: "skip", kind: list, check: checkGlob,
			doc: "Patterns of files, such as testdata/*, that are not looked into."},
	}},
	{name: "sync", kind: table, doc: "What skret sync does.", keys: []key{
		{name: "targets", kind: tables, doc: "The places that skret sync writes secrets to, in their order.", one: "target", by: "type", keys: targetKeys},
	}},
}}
