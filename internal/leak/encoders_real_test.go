//go:build real

package leak

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skret/skret/internal/realtest"
)

const pythonEncoders = `
import base64, json, sys, urllib.parse as u
print(json.dumps([{
    "json.dumps": json.dumps(v)[1:-1], "json.dumps of Unicode": json.dumps(v, ensure_ascii=False)[1:-1],
    "quote": u.quote(v), "quote with safe": u.quote(v, safe=""), "quote_plus": u.quote_plus(v), "urlencode": u.urlencode({"k": v})[2:],
    "hex": v.encode().hex(),
    "base64 b64encode": base64.b64encode(v.encode()).decode(), "base64 urlsafe": base64.urlsafe_b64encode(v.encode()).decode(),
} for v in json.load(sys.stdin)]))`

const nodeEncoders = `
const values = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(values.map(v => {
    const url = new URL("http://user@host/");
    url.password = v;
    return {
        "JSON.stringify": JSON.stringify(v).slice(1, -1), "encodeURIComponent": encodeURIComponent(v), "encodeURI": encodeURI(v),
        "URLSearchParams": new URLSearchParams({k: v}).toString().slice(2), "querystring": require("querystring").escape(v),
        "URL.password": url.password, "hex": Buffer.from(v).toString("hex"),
        "base64": Buffer.from(v).toString("base64"), "base64url": Buffer.from(v).toString("base64url"),
    };
})));`

// What Python and Node make of a thousand values is masked as a whole.
func TestRealEncoders(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	var values []string
	for len(values) < 1000 {
		value := randomValue(random)
		if utf8.ValidString(value) && unfit(value, MinMask) == "" && strings.TrimSpace(value) == value {
			values = append(values, value)
		}
	}
	in, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []struct{ name, flag, script string }{{"python3", "-c", pythonEncoders}, {"node", "-e", nodeEncoders}} {
		c := exec.Command(realtest.Need(t, program.name, "apt-get install python3 nodejs"), program.flag, program.script)
		c.Stdin = strings.NewReader(string(in))
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v", program.name, err)
		}
		var all []map[string]string
		if err := json.Unmarshal(out, &all); err != nil || len(all) != len(values) {
			t.Fatalf("%s: %d, %v", program.name, len(all), err)
		}
		for i, texts := range all {
			m := matcher(values[i])
			for name, text := range texts {
				got := string(write(m, []byte(text)))
				if rest, ok := strings.CutPrefix(got, mark); !ok || rest != "" && (!strings.HasPrefix(name, "base64") || len(strings.TrimRight(rest, "=")) > 1) {
					t.Errorf("%s, %s of %q: %q became %q", program.name, name, values[i], text, got)
				}
			}
		}
	}
}
