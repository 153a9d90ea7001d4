package format_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/skret/skret/internal/secret"
)

// hostile are values that quoting, encodings and parsers get wrong. CANARY stands
// for a file that no reader may ever make.
var hostile = []string{
	"", " ", "  a  ", "\t", "\n", "\n\n", "a\n", "\na", "a\nb\n\n", "a\r\nb\r\n", "a\rb", "\r", "a\r",
	"'", "''", "'''", "'a", "a'", "it's", `"`, `""`, `"a"`, `'a'`, `"a' 'b"`, "`", "`a`", "'`", `'"`, `\`, `\\`, `a\`, `a\\`, `\'`, `\"`, `'\''`, `\n`, `\\n`, `a\'b\"c`,
	"#", "#a", "a#b", "a #b", "a # b", "=", "a=b", "=a", "export A=b", "A=b", "A=b\nC=d", "'\nB='x", "\"\nB=\"x", ": a", "a: b", "- a", "--", "-n", "-e x", "~", "~/x", "*", "?", "[a]", "{a,b}", "!", "!!", "!a b",
	"$", "$$", "$A", "${A}", "${A:-b}", "$(touch CANARY)", "`touch CANARY`", "'; touch CANARY; '", "\"; touch CANARY; \"", "'$(touch CANARY)'", "\n$(touch CANARY)\n", "\ntouch CANARY\n", "a[$(touch CANARY)]", "(touch CANARY)",
	"' \n touch CANARY \n '", "\\' ; touch CANARY #", "'\\'' ; touch CANARY #", "‘; touch CANARY; ‘", "’; New-Item CANARY #", "'; New-Item CANARY #", "$(New-Item CANARY)", "\u201a\u201b\u201c\u201d\u201e", "| touch CANARY", "& touch CANARY &", "> CANARY", "<(touch CANARY)", "%PATH%", "%0A::warning::x", "::add-mask::x", "x<<EOF\ny\nEOF",
	"null", "true", "no", "1e3", "0x1F", "2001-01-01", "!!str x", "&a b", "*a", "| x", "> x", "%x", "@x", "{}", "[]", `{"a":"b's"}`, `{"a": "b\n"}`, "---", "...", "\n---\n", "\n...\n", "<<", "? x",
	"ünï", "日本語", "👩‍👩‍👧", "e\u0301", "\ufeff", "\ufeffa", "a\ufeff", "\u2028", "\u2029", "a\u2028'b", "\u202ea", "\u00a0", "\u00a0a\u00a0", "\u0085", "\u3000", "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\ue000", "\uf600", "\U0010ffff", "\U0001f600",
	"\x01", "\x02", "\x07", "\x08", "\v", "\f", "\x1a", "\x1b[31m", "\x1c", "\x1f", "\x7f", "a\x0bb", " \f", "\v ", "\x00", "a\x00b",
	"\xff", "\x80", "\xc3\x28", "ok\xfe", "\xed\xa0\x80", "\xe9t\xe9", "\x81\x82'\x83", "\xc0\x80",
	"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----\n",
	strings.Repeat("x", 100<<10), strings.Repeat("ü'\n", 25<<10), strings.Repeat("日\n", 20<<10), strings.Repeat("line of text\n", 8<<10), strings.Repeat("'", 1000), strings.Repeat(`\`, 1001),
}

// values returns n values, the hostile ones first, then random ones: mixtures of
// what is hostile, text, and bytes.
func values(seed uint64, n int, canary string) []string {
	r := rand.New(rand.NewPCG(seed, 2))
	all := make([]string, 0, n)
	for _, v := range hostile {
		all = append(all, strings.ReplaceAll(v, "CANARY", canary))
	}
	for len(all) < n {
		all = append(all, random(r, canary))
	}
	return all[:n]
}

func random(r *rand.Rand, canary string) string {
	var b strings.Builder
	kind := r.IntN(4) // most formats refuse bytes, and dotenv much else
	for range r.IntN(8) {
		switch kind {
		case 0:
			for range r.IntN(30) {
				b.WriteByte(byte(1 + r.IntN(255)))
			}
		case 1:
			if h := hostile[r.IntN(len(hostile))]; len(h) < 200 {
				b.WriteString(strings.ReplaceAll(h, "CANARY", canary))
			}
		case 2:
			const signs = "ab 01\n\t#=:;,.$(){}[]<>|&!?*~^%@+-_/\""
			for range r.IntN(20) {
				b.WriteByte(signs[r.IntN(len(signs))])
			}
			if r.IntN(3) == 0 {
				b.WriteString(`\` + string(signs[r.IntN(len(signs))]))
			}
		default:
			b.WriteRune(rune(1 + r.IntN(0xd7ff)))
			b.WriteString("a'b")
			b.WriteRune(rune(0xe000 + r.IntN(0x2000)))
		}
	}
	return b.String()
}

// set gives the values the names V0, V1 ...
func set(values ...string) (s secret.Set) {
	for i, v := range values {
		name := fmt.Sprintf("V%d", i)
		s = append(s, secret.Variable{Name: name, Key: secret.Key("k" + name), Value: secret.NewValue(v)})
	}
	return s
}
