package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skret/skret/internal/secret"
)

func matcher(values ...string) *Matcher {
	some := make([]Secret, len(values))
	for i, v := range values {
		some[i] = Secret{fmt.Sprintf("S%d", i), secret.NewValue(v)}
	}
	m, _ := New(some, Options{})
	return m
}

func find(m *Matcher, data []byte) []Match {
	var all []Match
	m.Find(data, func(f Match) bool { all = append(all, f); return true })
	return all
}

// pick returns the first, or the second with the race detector, which makes
// everything slower many times over and has nothing to find in one goroutine.
func pick(n, raced int) int {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return raced
	}
	return n
}

// naive is Find by trying every pattern at every place.
func naive(m *Matcher, data []byte) []Match {
	var all []Match
	end := 0
	for i := range data {
		var longest *pattern
		for j := range m.patterns {
			if p := &m.patterns[j]; bytes.HasPrefix(data[i:], []byte(p.text)) && (longest == nil || len(p.text) > len(longest.text)) {
				longest = p
			}
		}
		if longest != nil && i+len(longest.text) > end {
			end = i + len(longest.text)
			all = append(all, Match{i, end, m.names[longest.secret], longest.form.String()})
		}
	}
	return all
}

// encoders are written by others, or spelled out.
var encoders = map[string]func(string) string{
	"plain":              func(s string) string { return s },
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 unpadded":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs":    func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 of u:":       func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("u:" + s)) },
	"base64 of user:\\n": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("user:" + s + "\n")) },
	"base64 of user::":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("user::" + s + "::")) },
	"query":              url.QueryEscape,
	"path":               url.PathEscape,
	"query with %20":     func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	"password": func(s string) string {
		text := url.UserPassword("u", s).String()
		return strings.TrimPrefix(text, "u:")
	},
	"lower case": func(s string) string {
		b := []byte(url.QueryEscape(s))
		for i := range b {
			if b[i] == '%' {
				copy(b[i:], bytes.ToLower(b[i:i+3]))
			}
		}
		return string(b)
	},
	"JSON": func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) },
	"JSON without HTML": func(s string) string {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(s)
		return strings.Trim(b.String(), "\n")[1 : b.Len()-2]
	},
	"hex": func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX": func(s string) string { return fmt.Sprintf("%X", s) },
}

// A value is found in whatever way it is written, and of all else nothing is
// touched. In base64 a sign at each end may hold bits of what is beside it.
func TestEveryEncodingIsMasked(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		value := randomValue(random)
		if unfit(strings.TrimSpace(value), MinMask) != "" || strings.TrimSpace(value) != value || strings.ContainsAny(value, "\r\n") {
			continue
		}
		m := matcher(value)
		for name, encode := range encoders {
			if strings.HasPrefix(name, "JSON") && !utf8.ValidString(value) {
				continue
			}
			text := encode(value)
			got := string(write(m, []byte("<< "+text+" >>")))
			inner, ok := strings.CutPrefix(got, "<< ")
			inner, ok2 := strings.CutSuffix(inner, " >>")
			if !ok || !ok2 {
				t.Fatalf("%s of %q: %q became %q", name, value, text, got)
			}
			before, after, ok := strings.Cut(inner, mark)
			if strings.HasPrefix(name, "base64") {
				decoded, _ := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(before))
				ok = ok && (strings.HasPrefix("user::", string(decoded)) || string(decoded) == "u:") && len(strings.TrimRight(after, "=")) <= 4
			} else {
				ok = ok && inner == mark
			}
			if !ok {
				t.Fatalf("%s of %q: %q became %q", name, value, text, got)
			}
		}
	}
}

// randomValue returns a value of a kind that gets along badly with searching:
// that repeats itself, is binary, full of signs, or not ASCII.
func randomValue(random *rand.Rand) string {
	kinds := []string{"abc", "ab/+", alphabet, alphabet, " \"\\/<>&='+`~%éß✓𝄞\u2028{}:;,?@#|^\t\x7f", "a\x80\xff\x00\x01~"}
	signs := []rune(kinds[random.IntN(len(kinds))])
	var b strings.Builder
	for range 8 + random.IntN(12) {
		b.WriteRune(signs[random.IntN(len(signs))])
	}
	if value := b.String(); !strings.Contains(value, "\ufffd") {
		return value
	}
	raw := make([]byte, 8+random.IntN(12))
	for i := range raw {
		raw[i] = byte(random.Uint32())
	}
	return string(raw)
}

// What encoders of other languages wrote, where it is neither Go's nor plain.
func TestEncodingsOfOthers(t *testing.T) {
	const value = "pä/ss<w>&'o\"r\\d=+ \x01\u2028𝄞 x"
	for who, text := range map[string]string{
		"JavaScript JSON.stringify":          `pä/ss<w>&'o\"r\\d=+ \u0001` + "\u2028" + `𝄞 x`,
		"Python json.dumps":                  `p\u00e4/ss<w>&'o\"r\\d=+ \u0001\u2028\ud834\udd1e x`,
		"PHP json_encode":                    `p\u00e4\/ss<w>&'o\"r\\d=+ \u0001\u2028\ud834\udd1e x`,
		"PHP, unescaped Unicode":             `pä\/ss<w>&'o\"r\\d=+ \u0001` + "\u2028" + `𝄞 x`,
		"Gson":                               `pä/ss\u003cw\u003e\u0026\u0027o\"r\\d\u003d+ \u0001\u2028𝄞 x`,
		".NET System.Text.Json":              `p\u00E4/ss\u003Cw\u003E\u0026\u0027o\u0022r\\d=\u002B \u0001\u2028\uD834\uDD1E x`,
		"JavaScript encodeURIComponent":      `p%C3%A4%2Fss%3Cw%3E%26'o%22r%5Cd%3D%2B%20%01%E2%80%A8%F0%9D%84%9E%20x`,
		"JavaScript encodeURI":               `p%C3%A4/ss%3Cw%3E&'o%22r%5Cd=+%20%01%E2%80%A8%F0%9D%84%9E%20x`,
		"Python urllib.parse.quote":          `p%C3%A4/ss%3Cw%3E%26%27o%22r%5Cd%3D%2B%20%01%E2%80%A8%F0%9D%84%9E%20x`,
		"Python quote_plus, URLSearchParams": `p%C3%A4%2Fss%3Cw%3E%26%27o%22r%5Cd%3D%2B+%01%E2%80%A8%F0%9D%84%9E+x`,
		".NET HttpUtility.UrlEncode":         `p%c3%a4%2fss%3cw%3e%26%27o%22r%5cd%3d%2b+%01%e2%80%a8%f0%9d%84%9e+x`,
		"base64 -w 0":                        "cMOkL3NzPHc+JidvInJcZD0rIAHigKjwnYSeIHg=",
	} {
		got := strings.TrimSuffix(string(write(matcher(value), []byte(text))), "g=")
		if got != mark {
			t.Errorf("%s: %s became %s", who, text, got)
		}
	}
}

// A long value in base64 is found in lines of 64 and of 76 signs.
func TestWrappedBase64IsMasked(t *testing.T) {
	var value string
	for i := range 20 {
		value += fmt.Sprintf("part-%d/", i*i*7919)
	}
	text := base64.StdEncoding.EncodeToString([]byte(value))
	for _, width := range []int{64, 76} {
		var lines []string
		for line := range slices.Chunk([]byte(text), width) {
			lines = append(lines, string(line))
		}
		got := strings.Split(string(write(matcher(value), []byte(strings.Join(lines, "\r\n")))), "\r\n")
		for i, line := range got {
			if last := i == len(got)-1; line != mark && !(last && strings.HasPrefix(line, mark) && len(line) <= len(mark)+4) {
				t.Errorf("width %d, line %d: %q", width, i, line)
			}
		}
	}
}

func TestValuesOfSeveralLines(t *testing.T) {
	const value = "\n  first line of it\r\nabc\n\n\tthe last line\n"
	m := matcher(value)
	for in, want := range map[string]string{
		"first line of it":                      "***",
		"> first line of it <\n> the last line": "> *** <\n> ***",
		"abc":                                   "abc",
		"first line of it\nabc\n\n\tthe last line\n":          "***\n***\n\n***\n",
		"[first line of it\r\nabc\r\n\r\n\tthe last line]":    "[***\r\n***\r\n\r\n***]",
		`{"k": "first line of it\r\nabc\n\n\tthe last line"}`: `{"k": "***"}`,
		"first line of it\nabc\n\n\tthe last lin":             "***\nabc\n\n\tthe last lin",
	} {
		if got := string(write(m, []byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	pem := matcher("-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG\n-----END KEY-----\n")
	if got := string(write(pem, []byte("-----BEGIN KEY-----\nanother\n-----END KEY-----"))); strings.Contains(got, mark) {
		t.Errorf("the frame of any key is masked: %q", got)
	}
}

func TestSkippedSaysWhyAndNothingElse(t *testing.T) {
	for value, want := range map[string]string{
		"":                 "it is empty",
		" \t\n":            "it is empty",
		"abc":              "it is shorter than 4 bytes",
		" abc\n":           "it is shorter than 4 bytes",
		"8080":             "it is a short number",
		"-1.5":             "it is a short number",
		"True":             "it is a common word",
		"LOCALHOST":        "it is a common word",
		"production\n":     "it is a common word",
		"eu-central-1":     "it is a common word",
		"us-gov-east-1":    "it is a common word",
		"xxxxxxxxxxxxxxxx": "it has too few different characters",
		"\xff\xff\xff\xff": "it has too few different characters",
		"-=-=-=-=-=":       "it has too few different characters",
		"hunter2":          "",
		"471100":           "",
		"\xff\xfe\xfd\xfc": "",
		"my-local-7":       "",
		"true false":       "",
	} {
		_, skipped := New([]Secret{{"S", secret.NewValue(value)}}, Options{MinLength: 1})
		switch {
		case want == "" && len(skipped) > 0, want != "" && len(skipped) != 1:
			t.Errorf("%q: %v", value, skipped)
		case want != "" && skipped[0] != (Skipped{"S", want}):
			t.Errorf("%q: %q, want %q", value, skipped[0].Why, want)
		}
	}
	_, skipped := New([]Secret{{"S", secret.NewValue("hunter2")}, {"T", secret.NewValue("hunter22")}}, Options{MinLength: MinScan})
	if len(skipped) != 1 || skipped[0] != (Skipped{"S", "it is shorter than 8 bytes"}) {
		t.Errorf("%v", skipped)
	}
}

func TestFindNamesAndOrders(t *testing.T) {
	m, _ := New([]Secret{
		{"A", secret.NewValue("abcdefgh")}, {"B", secret.NewValue("efghijkl")}, {"C", secret.NewValue("cdef")},
		{"D", secret.NewValue("abcdefgh")}, {"E", secret.NewValue("abcdefghijklmnop")},
	}, Options{})
	got := find(m, []byte("cdef abcdefghijkl YWJjZGVmZ2g="))
	want := []Match{{0, 4, "C", "plain"}, {5, 13, "A", "plain"}, {9, 17, "B", "plain"}, {18, 28, "A", "base64"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	stopped := 0
	m.Find([]byte("cdef cdef"), func(Match) bool { stopped++; return false })
	if stopped != 1 {
		t.Errorf("called %d times after it returned false", stopped)
	}
	if got := find(matcher(), []byte("anything at all")); got != nil {
		t.Errorf("without secrets: %v", got)
	}
}

// Ten thousand values, alike in their first bytes or in nearly all, are told apart.
func TestManyValuesAlike(t *testing.T) {
	for name, shape := range map[string]string{
		"first bytes": "postgres://app:%06d@db", "most": strings.Repeat("k", 100) + "-%06d", "short": "k-%05d",
	} {
		t.Run(name, func(t *testing.T) {
			values := make([]string, pick(10_000, 1000))
			var text bytes.Buffer
			for i := range values {
				values[i] = fmt.Sprintf(shape, i)
				fmt.Fprintf(&text, "%s\n", values[i])
			}
			got := find(matcher(values...), text.Bytes())
			if len(got) != len(values) {
				t.Fatalf("%d matches of %d", len(got), len(values))
			}
			for i, f := range got {
				if f.Name != fmt.Sprintf("S%d", i) || string(text.Bytes()[f.Start:f.End]) != values[i] {
					t.Fatalf("%d: %v", i, f)
				}
			}
		})
	}
}

// Values of a megabyte, one of them nearly the same everywhere, take no longer than
// others: each of these would take minutes if it were compared at every place.
func TestLongValues(t *testing.T) {
	size := pick(1<<20, 1<<16)
	run := strings.Repeat("a", size)
	raw := make([]byte, size)
	random := rand.New(rand.NewPCG(7, 8))
	for i := range raw {
		raw[i] = byte(random.Uint32()) | 0x40 // no line ends
	}
	for name, value := range map[string]string{
		"end": run + " b", "middle": run[:size/2] + " b" + run[:size/2], "beginning": "b " + run, "binary": string(raw),
	} {
		t.Run(name, func(t *testing.T) {
			m := matcher(value)
			text := run + "-" + value + "-" + run
			if got := find(m, []byte(text)); len(got) != 1 || got[0] != (Match{size + 1, size + 1 + len(value), "S0", "plain"}) {
				t.Errorf("%v", got)
			}
			if got := string(write(m, []byte(text), 32<<10)); got != run+"-***-"+run {
				t.Errorf("%d bytes became %d", len(text), len(got))
			}
		})
	}
}

// Find and Mask do what trying everything everywhere does.
func FuzzMatcher(f *testing.F) {
	f.Add("secret-1", "secret-2", []byte("a secret-1secret-2 c2VjcmV0LTE="), uint16(9))
	f.Add("abcabcab", "cabcabca", []byte("abcabcabcabcabcab"), uint16(3))
	f.Add("one\nlonger line\ntwo", "longer line", []byte("one\r\nlonger line\r\ntwo\nlonger line"), uint16(12))
	f.Add("\x00\xff\x00\xff\x01", `"\/ü`, []byte(`\"\\\/\u00fc`), uint16(4))
	f.Fuzz(func(t *testing.T, a, b string, data []byte, cut uint16) {
		if len(a)+len(b)+len(data) > 2000 {
			return
		}
		m := matcher(a, b)
		if got, want := find(m, data), naive(m, data); !slices.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
		want := masked(m, data)
		if got := write(m, data); !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if got := write(m, data, int(cut)%(len(data)+1), 1); !bytes.Equal(got, want) {
			t.Errorf("cut at %d: %q, want %q", cut, got, want)
		}
	})
}
