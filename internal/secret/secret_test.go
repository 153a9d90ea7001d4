package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

func TestValueNeverPrintsItself(t *testing.T) {
	const marker = "hunter2-marker"
	v := secret.NewValue(marker)
	type holder struct {
		Public  secret.Value
		private secret.Value
		M       map[string]secret.Value
		S       []secret.Value
		P       *secret.Value
	}
	h := holder{v, v, map[string]secret.Value{"k": v}, []secret.Value{v}, &v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T", "%b", "%c", "%U", "%e"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", &v)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	fmt.Fprintln(&out, v, &v, h, fmt.Errorf("oh: %v", v))
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		l.Info("x", "v", v, "h", h, "p", &h)
	}
	j, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	type doc struct{ V secret.Value }
	x, err := xml.Marshal(doc{v})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(x)
	if err := gob.NewEncoder(&out).Encode(struct{ V secret.Value }{v}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, marker) || strings.Contains(s, fmt.Sprintf("%x", marker)) {
		t.Errorf("the value was printed: %s", s)
	}
	if v.Reveal() != marker {
		t.Error("Reveal does not reveal")
	}
}

func TestAbsentAndEmptyValuesDiffer(t *testing.T) {
	if (secret.Value{}).Present() || !secret.NewValue("").Present() || secret.NewValue("").Equal(secret.Value{}) {
		t.Error("absent and empty are the same")
	}
	if !secret.NewValue("a").Equal(secret.NewValue("a")) || secret.NewValue("a").Equal(secret.NewValue("b")) {
		t.Error("Equal is wrong")
	}
}

func TestParseKey(t *testing.T) {
	for _, ok := range []string{"A", "a.b-c_d", "db/url", "0", strings.Repeat("k", secret.MaxKeyLen)} {
		if _, err := secret.ParseKey(ok); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "/a", "a/", "a//b", "a b", "ä", "a\nb", "a=b", "../a", "a/./b", "$(id)", strings.Repeat("k", secret.MaxKeyLen+1)} {
		if _, err := secret.ParseKey(bad); errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEnvName(t *testing.T) {
	for k, want := range map[secret.Key]string{"db/url": "DB_URL", "a-b.c": "A_B_C", "ALREADY_1": "ALREADY_1", "é": "é"} {
		if got := k.EnvName(); got != want {
			t.Errorf("%q: %q", k, got)
		}
	}
}

func entries(keys ...secret.Key) (es []secret.Entry) {
	for _, k := range keys {
		es = append(es, secret.Entry{Key: k, Value: secret.NewValue("v")})
	}
	return es
}

func TestSelectReportsAllProblemsAtOnce(t *testing.T) {
	_, err := secret.Select(entries("a-b", "a.b", "1X", "LD_PRELOAD", "http/proxy", "ok"), secret.Policy{Only: []string{"*", "*/*", "[", "MISSING"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"a-b" and "a.b"`, `"1X" cannot be`, "LD_PRELOAD can make", "HTTP_PROXY can send", `no secret "MISSING"`, `pattern "["`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestSelectFiltersByKeyAndByName(t *testing.T) {
	for _, c := range []struct {
		p    secret.Policy
		want string
	}{
		{secret.Policy{}, "API_KEY DB_PASS DB_URL"},
		{secret.Policy{Only: []string{"DB_*"}}, "DB_PASS DB_URL"},
		{secret.Policy{Only: []string{"db/*"}}, "DB_PASS DB_URL"},
		{secret.Policy{Except: []string{"DB_PASS"}}, "API_KEY DB_URL"},
		{secret.Policy{Exclude: []string{"api-key"}}, "DB_PASS DB_URL"},
	} {
		set, err := secret.Select(entries("db/url", "db/pass", "api-key"), c.p)
		var names []string
		for _, v := range set {
			names = append(names, v.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%+v: %q %v", c.p, got, err)
		}
	}
}

func TestAPlainNameThatIsSelectedMustExist(t *testing.T) {
	_, err := secret.Select(entries("db/url"), secret.Policy{Only: []string{"DB_URL", "db/url", "NONE_*", "TYPO"}})
	if errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), `"TYPO"`) || strings.Contains(err.Error(), "NONE") {
		t.Error(err)
	}
}

func TestDangerousNamesNeedAllow(t *testing.T) {
	for _, n := range []string{"PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "BASH_ENV", "BASH_FUNC_x", "https_proxy", "GIT_SSH_COMMAND", "AWS_ENDPOINT_URL_SSM", "ENV", "IFS"} {
		if secret.Dangerous(n) == "" {
			t.Errorf("%s is not on the list", n)
		}
		if _, err := secret.Select(entries(secret.Key(n)), secret.Policy{Allow: []string{secret.Key(n).EnvName()}}); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	for _, n := range []string{"DATABASE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PATHS", "ENVIRONMENT", "PROXY_TOKEN"} {
		if why := secret.Dangerous(n); why != "" {
			t.Errorf("%s: %s", n, why)
		}
	}
}
