package config

import "github.com/skret/skret/internal/secret"

var (
	forEnum  = []string{secret.TypeEnum}
	forRegex = []string{secret.TypeRegex}
)

// ruleKeys are the keys of one rule of schema.
var ruleKeys = []key{
	{name: "type", words: []string{
		secret.TypeString, secret.TypeInt, secret.TypeBool, secret.TypeURL, secret.TypeEmail, secret.TypePort,
		secret.TypeJSON, secret.TypePEM, secret.TypeBase64, secret.TypeEnum, secret.TypeRegex,
	}, standard: "string, which is anything", doc: "What the value is."},
	{name: "values", kind: list, must: true, of: forEnum, check: checkLine,
		doc: "The values that there are."},
	{name: "pattern", must: true, of: forRegex, check: checkPattern,
		doc: "A regular expression, of RE2 as Go has it, that the whole value matches."},
	{name: "min_length", kind: number, standard: "0",
		doc: "The least number of bytes that the value has."},
	{name: "required", kind: boolean, standard: "false",
		doc: "Without this secret run and env refuse to work. It does not go with default."},
	{name: "description", check: checkLine,
		doc: "What the secret is for."},
	{name: "default",
		doc: "The value where the secret is not there. As part of this file it is no secret."},
	{name: "generate", check: checkGenerate, pattern: patternGenerate,
		doc: "How skret generate --missing and skret set --generate schema make the value: password, hex, base64, uuid, ed25519 or rsa, perhaps with a size, as in hex:32."},
	{name: "as", words: []string{"file"}, standard: "a variable with the value",
		doc: "file: run puts the value into a file that is gone when the command ends, and the variable has its path."},
	{name: "expand", kind: boolean, standard: "false",
		doc: "In the value ${KEY} stands for another secret of the environment, and $${ for ${."},
}

// cacheKeys are the keys of cache.
var cacheKeys = []key{
	{name: "mode", words: []string{CacheOff, CacheFallback, CachePrefer}, standard: CacheOff,
		doc: "off keeps nothing. With fallback what was read last serves when the service cannot be reached, never when it refuses. With prefer it also serves before the service is asked, for as long as ttl says."},
	{name: "ttl", check: checkDuration, pattern: patternDuration, standard: "10m",
		doc: "With prefer: how long the service is not asked again, such as 90s, 10m, 2h or 7d."},
	{name: "max_age", check: checkDuration, pattern: patternDuration, standard: "7d",
		doc: "What is older than this is never used."},
}
