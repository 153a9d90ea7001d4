package config

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/secret"
)

// TestSchemaIsUpToDate: what editors get is made from the keys that are read.
func TestSchemaIsUpToDate(t *testing.T) {
	const name = "../../docs/schema/skret.schema.json"
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(Schema()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")); !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what make generate would write", name)
	}
}

// TestSchemaAgreesWithReader: a pattern for editors takes what the check takes.
func TestSchemaAgreesWithReader(t *testing.T) {
	samples := strings.Fields(`a A1 a-b a_b a.b .a -a _a a/b a//b /a a/ / /a/b/ // eu-west-1 us-gov-west-1 eu-west x-1 1-a-2 LD_* 1A NAME
		https://git.example.com http://127.0.0.1:8080/ https://h/api/v4 https:// https://u@h https://h/?q [::1]:80 h/a\\b ftp:/x
		acme/app acme/. -a/b a/b/c _a/.b 0123456789abcdef0123456789abcdef 0123456789ABCDEF0123456789abcdef 4711 my_worker a..b a.-b a-.b a. -
		age1abc age2abc ssh-ed25519 alias/x arn:aws:kms:eu-west-1:1:key/a ä a!b * [ a[ . .. ./a`)
	samples = append(samples, "ssh-ed25519 AAAA me@home", "ecdsa-sha2-nistp256 AAAA", "a b", strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 65))
	for _, name := range append(secret.GeneratorNames(), "pass") {
		samples = append(samples, name)
		for size := range strings.FieldsSeq("0 7 8 08 9 10 99 100 999 1000 1019 1020 1024 1025 1030 2048 3072 4096 10000") {
			samples = append(samples, name+":"+size)
		}
	}
	var walk func(k *key)
	walk = func(k *key) {
		for i := range k.keys {
			c := &k.keys[i]
			walk(c)
			if first := k.find(c.name, "no word"); first.kind != c.kind || first != c && (first.of == nil || c.of == nil) {
				t.Errorf("the keys with the name %s differ in kind, or not in what they go with", c.name)
			}
			for _, w := range c.of {
				if !slices.Contains(k.find(k.by, "").words, w) || k.find(c.name, w) != c {
					t.Errorf("%s of %s is not found", c.name, w)
				}
			}
		}
		if k.name != "" && (k.doc == "" || !strings.HasSuffix(k.doc, ".")) {
			t.Errorf("%s has no description", k.name)
		}
		if k.pattern == "" {
			return
		}
		re := regexp.MustCompile(k.pattern)
		for _, s := range samples {
			// The check may be the stricter one where a pattern would not be readable.
			stricter := slices.Contains([]string{".", "..", "./a", "acme/."}, s)
			if taken, matched := k.check(s) == "", re.MatchString(s); taken != matched && !stricter && k.name != "recipients" || taken && !matched && k.name != "recipients" {
				t.Errorf("%s: %q is taken: %t, and matches: %t", k.name, s, taken, matched)
			}
		}
	}
	walk(&layout)
	for _, s := range []string{"ssh-ed25519 AAAA me@home", "age1abc", "ecdsa-sha2-nistp256 AAAA"} {
		if checkRecipient(s) != "" || !regexp.MustCompile(patternRecipient).MatchString(s) {
			t.Errorf("recipient %q is not taken", s)
		}
	}
}
