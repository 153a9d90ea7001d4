package check_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

func entry(key, value string) secret.Entry {
	return secret.Entry{Key: secret.Key(key), Value: secret.NewValue(value)}
}

func keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestTypes(t *testing.T) {
	block := keyPEM(t)
	for _, c := range []struct {
		rule    secret.Rule
		yes, no []string
	}{
		{rule: secret.Rule{}, yes: []string{"", "x", "\x00\xff"}},
		{rule: secret.Rule{Type: "string"}, yes: []string{"", "x", "é\r\n", "\xff"}},
		{
			rule: secret.Rule{Type: "int"}, yes: []string{"0", "-1", "+12", "007", strings.Repeat("9", 100)},
			no: []string{"", "-", "+", "1.0", "1e3", "0x1", " 1", "1\n", "1_000", "١"},
		},
		{
			rule: secret.Rule{Type: "bool"}, yes: []string{"true", "false", "TRUE", "Yes", "no", "on", "OFF", "1", "0"},
			no: []string{"", "t", "y", "2", "true\n", " true", "null"},
		},
		{
			rule: secret.Rule{Type: "url"},
			yes: []string{
				"https://example.com", "postgres://u:p%40ss@db.local:5432/app?sslmode=require", "redis://[::1]:6379/0", "amqp://h/%2f",
				"mongodb://u:p@a:27017,b:27017,c/db?x=y", "https://bücher.example/ü", "mongodb+srv://h/x", "HTTP://H",
			},
			no: []string{
				"", "example.com", "//example.com/x", "https://", "https:///path", "https://:443/", "file:///etc/x", "https:/x", "mailto:a@b",
				"https://a b.c", "https://h/a b", "https://h\n", "1://h", "postgres://u:p#ss@h/db", "http://h:port", "mongodb://a,,b/db", "http://h/%zz", "http://u@/x",
			},
		},
		{
			rule: secret.Rule{Type: "email"},
			yes:  []string{"a@b.c", "first.last+tag@sub.example.com", "o'brien@example.com", "root@localhost", "ü@bücher.example"},
			no: []string{
				"", "a", "@b", "a@", "a@b@", "a b@c.d", "a@b c", "A <a@b.c>", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@-b", "a@b_c", "a@b.c\n", "a,b@c.d",
				`"q"@b.c`, "a@[1.2.3.4]", strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("b", 64), "a@" + strings.Repeat("b.", 130) + "c",
			},
		},
		{rule: secret.Rule{Type: "port"}, yes: []string{"1", "80", "65535"}, no: []string{"", "0", "65536", "080", "+80", "-1", "80 ", "http", "99999999999999999999"}},
		{
			rule: secret.Rule{Type: "json"}, yes: []string{"{}", "[1]", "null", " \"x\" \n", "12"},
			no: []string{"", "{", "{} {}", "{'a': 1}", "hunter2", "{\"a\":1,}", strings.Repeat("[", 20_000)},
		},
		{
			rule: secret.Rule{Type: "pem"},
			yes:  []string{block, block + block, strings.TrimSpace(block), "\n" + block + "\n\n" + block, strings.ReplaceAll(block, "\n", "\r\n")},
			no: []string{
				"", " \n", "hunter2", "x\n" + block, block + "x", block + "note\n" + block, strings.Replace(block, "-----END", "----END", 1),
				strings.ReplaceAll(block, "\n", `\n`), strings.ReplaceAll(block, "\n", " "), strings.Replace(block, "MC4", "M!4", 1),
				strings.Replace(block, "MC4", "M!4", 1) + block, "-----BEGIN PRIVATE KEY-----\n", block[:len(block)/2],
			},
		},
		{
			rule: secret.Rule{Type: "base64"}, yes: []string{"YQ==", "YQ", "YWI=", "YWJj", "-_-_", "+/+/", base64.StdEncoding.EncodeToString(make([]byte, 100))},
			no: []string{"", "Y", "YQ=", "YQ==\n", "YW\nJj", "Y Q=", "+/-_", "YR==", "hunter2!", "=", "===="},
		},
		{rule: secret.Rule{Type: "enum", Values: []string{"a", "b c", ""}}, yes: []string{"a", "b c", ""}, no: []string{"A", "a ", "b"}},
		{rule: secret.Rule{Type: "enum"}, no: []string{"", "a"}},
		{rule: secret.Rule{Type: "regex", Pattern: "[A-Z]{3}"}, yes: []string{"ABC"}, no: []string{"", "ABCD", "xABC", "ABC\n", "abc"}},
		{rule: secret.Rule{Type: "regex", Pattern: "a|ab|(?i)C"}, yes: []string{"a", "ab", "c"}, no: []string{"abc", "b"}},
		{rule: secret.Rule{Type: "regex", Pattern: "^x$"}, yes: []string{"x"}, no: []string{"x\n"}},
		{rule: secret.Rule{Type: "regex", Pattern: ".*?"}, yes: []string{"", "abc"}, no: []string{"a\nb"}},
		{rule: secret.Rule{Type: "regex"}, yes: []string{""}, no: []string{"a"}},
		{rule: secret.Rule{Type: "regex", Pattern: "a)|(?:.*"}, no: []string{"", "a"}}, // no expression at all
	} {
		c.rule.Name = "K"
		for _, v := range c.yes {
			if f := check.Judge([]secret.Rule{c.rule}, nil, []secret.Entry{entry("K", v)}); len(f) > 0 {
				t.Errorf("%+v: %q: %+v", c.rule, v, f)
			}
		}
		for _, v := range c.no {
			f := check.Judge([]secret.Rule{c.rule}, nil, []secret.Entry{entry("K", v)})
			if len(f) != 1 || f[0].Why == "" || f[0].Hint == "" || f[0].Key != "K" {
				t.Errorf("%+v: %q: %+v", c.rule, v, f)
			}
		}
	}
}

func TestAllFaultsAreFoundAtOnceAndShowNothingOfTheValues(t *testing.T) {
	const marker = "hunter2-marker"
	rules := []secret.Rule{
		{Name: "PORT", Type: "port", MinLength: 20, Where: ".skret.yaml:3"},
		{Name: "db/url", Type: "url"},
		{Name: "MODE", Type: "enum", Values: []string{"a", "b"}},
		{Name: "CODE", Type: "regex", Pattern: "[A-Z]{3}"},
		{Name: "GONE", Required: true, Description: "the key of the shop", Where: ".skret.yaml:9"},
		{Name: "FRESH", Required: true, Generate: "hex"},
	}
	faults := check.Judge(rules, []string{"OTHER", "GONE", "DB_URL"}, []secret.Entry{
		entry("PORT", marker), entry("db/url", marker), entry("MODE", marker), entry("CODE", marker), entry("FREE", marker),
	})
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%s %s: %s [%s] %s", f.Key, f.Rule, f.Why, f.Hint, f.Where))
	}
	want := []string{
		"CODE pattern: does not match [A-Z]{3} as a whole [set another value with skret set CODE] ",
		"FRESH required: is missing [make it with skret generate --missing] ",
		"GONE required: is missing: the key of the shop [set it with skret set GONE] .skret.yaml:9",
		"MODE enum: is none of a, b [set another value with skret set MODE] ",
		"OTHER required: is missing [set it with skret set OTHER] ",
		"PORT type: is not a port: a number from 1 to 65535 [set another value with skret set PORT] .skret.yaml:3",
		"PORT min_length: is shorter than min_length 20 [set another value with skret set PORT] .skret.yaml:3",
		"db/url type: is not a url: SCHEME://HOST, and no spaces [set another value with skret set db/url] ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	err := check.Err(faults)
	if len(errs.All(err)) != len(faults) || errs.KindOf(err) != errs.Invalid || strings.Contains(err.Error(), marker) {
		t.Error(err)
	}
	if err := check.Err(check.Judge(rules[4:5], nil, nil)); errs.KindOf(err) != errs.NotFound || err.Error() != "required secret GONE is missing: the key of the shop" {
		t.Error(err)
	}
	if err := check.Err(nil); err != nil {
		t.Error(err)
	}
}

func TestTheFirstRuleThatIsAboutASecretHolds(t *testing.T) {
	rules := []secret.Rule{{Name: "DB_PORT", Type: "int"}, {Name: "db/port", Type: "port"}, {Name: "DB_PORT", Type: "bool"}}
	if f := check.Judge(rules, nil, []secret.Entry{entry("db/port", "70000")}); len(f) > 0 {
		t.Error(f)
	}
	rules[0], rules[1] = rules[1], rules[0]
	if f := check.Judge(rules, nil, []secret.Entry{entry("db/port", "70000")}); len(f) != 1 {
		t.Error(f)
	}
	if f := check.Judge(rules, nil, []secret.Entry{entry("DB_PORT", "70000")}); len(f) > 0 {
		t.Error(f)
	}
}

func TestADefaultStandsInAndIsJudged(t *testing.T) {
	rules := []secret.Rule{
		{Name: "A", Type: "port", HasDefault: true, Default: "8080", Required: true},
		{Name: "B", Type: "port", HasDefault: true, Default: "none"},
		{Name: "C", Type: "port", HasDefault: true, Default: "none"},
	}
	f := check.Judge(rules, []string{"A", "B"}, []secret.Entry{entry("C", "1")})
	if len(f) != 1 || f[0].Key != "B" || f[0].Rule != check.Type {
		t.Errorf("%+v", f)
	}
}

func TestWithoutValuesOnlyPresenceIsJudged(t *testing.T) {
	rules := []secret.Rule{{Name: "A", Type: "port", MinLength: 3, Required: true}, {Name: "B", Required: true}}
	f := check.Judge(rules, []string{"A"}, []secret.Entry{{Key: "A"}})
	if len(f) != 1 || f[0].Key != "B" {
		t.Errorf("%+v", f)
	}
}

func TestFaultsTakesApartWhatErrAndSelectPutTogether(t *testing.T) {
	want := []check.Fault{
		{Key: "B", Rule: check.Required, Why: "is missing", Hint: "set it", Where: ".skret.yaml:2"},
		{Key: "C", Rule: check.Type, Why: "is not a port", Hint: "set another", Where: ".skret.yaml:3"},
	}
	es := []secret.Entry{entry("1X", "x"), entry("LD_PRELOAD", "x"), entry("a.b", "x"), entry("a-b", "x")}
	_, names := secret.Select(es, secret.Policy{Only: []string{"*", "[", "GONE"}})
	faults, rest := check.Faults(errors.Join(names, fmt.Errorf("no way to the store"), check.Err(want)))
	var got []string
	for _, f := range faults {
		got = append(got, f.Key+" "+f.Rule)
		if f.Why == "" || f.Hint == "" {
			t.Errorf("%+v", f)
		}
	}
	if s := strings.Join(got, ", "); s != "1X name, B required, C type, LD_PRELOAD allow_env, a-b collision" {
		t.Error(s)
	}
	if faults[1] != want[0] || faults[2] != want[1] {
		t.Errorf("%+v", faults)
	}
	if n := len(errs.All(rest)); n != 3 {
		t.Errorf("%d others: %v", n, rest)
	}
	if faults, rest := check.Faults(nil); faults != nil || rest != nil {
		t.Error(faults, rest)
	}
}

// Nothing makes Judge panic, and no fault repeats the value.
func FuzzJudge(f *testing.F) {
	for _, typ := range []string{"", "string", "int", "bool", "url", "email", "port", "json", "pem", "base64", "enum", "regex", "none"} {
		f.Add(typ, "x", "-----BEGIN A-----\n-----END A-----\n", 3)
	}
	f.Fuzz(func(t *testing.T, typ, pattern, value string, least int) {
		const marker = "\x01\x02marker\x03"
		r := secret.Rule{Name: "K", Type: typ, Pattern: pattern, Values: []string{pattern}, MinLength: least}
		for _, fault := range check.Judge([]secret.Rule{r}, []string{"K"}, []secret.Entry{entry("K", value), entry("L", value+marker)}) {
			if strings.Contains(fault.Why+fault.Hint, marker) {
				t.Errorf("%+v", fault)
			}
		}
	})
}
