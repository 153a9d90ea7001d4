package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

var (
	_ transfer.Source = (*Doppler)(nil)
	_ transfer.Source = (*Infisical)(nil)
)

// exact are values that something on the way could change.
var exact = map[string]string{
	"EMPTY": "", "SPACE": " ", "SPACES": "  both ends  ", "NEWLINE": "\n", "LINES": "a\nb\r\nc\n\n", "TABS": "\ta\t", "UNICODE": "ключ 🔑 日本 e\u0301",
	"QUOTES": `"a" 'b' \n \\ $HOME ${} $(id)`, "NUL": "a\x00b", "HTML": "<b>&amp;</b>\u2028", "REPLACEMENT": "\ufffd", "NUMBER": "007", "JSON": `{"a":null}`,
	"LONG": strings.Repeat("0123456789abcdef", 4096),
}

// aDoppler is a fake with a config app/prd, the values of which something could
// change, one dynamic and one restricted.
func aDoppler(t *testing.T) *fake.Doppler {
	t.Helper()
	d := fake.NewDoppler()
	t.Cleanup(d.Close)
	d.AddToken("dp.pt." + marker)
	d.AddServiceToken("dp.st.prd."+marker, "app", "prd")
	for name, value := range exact {
		d.Set("app", "prd", name, fake.DopplerSecret{Raw: value})
	}
	d.Set("app", "prd", "LEASED", fake.DopplerSecret{Raw: "x", Dynamic: true})
	t.Cleanup(func() {
		if d.Leases() != 0 {
			t.Errorf("%d leases were issued", d.Leases())
		}
		if len(d.Unmet()) != 0 {
			t.Errorf("it did not happen: %v", d.Unmet())
		}
	})
	return d
}

// dopplerAt is the source at a fake.
func dopplerAt(t *testing.T, srv *fake.Doppler, token string, o DopplerOptions) (*Doppler, *clock) {
	t.Helper()
	c := newClock()
	d, err := DopplerSource(Client(c.options(), given(t, "doppler", srv.URL, token)), o)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

var appPrd = DopplerOptions{Project: "app", Config: "prd"}

// shape writes entries as NAME=value, or NAME! for one without a value.
func shape(es []secret.Entry) string {
	var list []string
	for _, e := range es {
		switch {
		case (e.Hidden == "") != e.Value.Present(), e.Description != "", e.Version != 0:
			list = append(list, fmt.Sprintf("wrong: %+v", e))
		case e.Hidden != "":
			list = append(list, string(e.Key)+"!")
		default:
			list = append(list, string(e.Key)+"="+e.Value.Reveal())
		}
	}
	return strings.Join(list, " ")
}

func wantExact(t *testing.T, es []secret.Entry) {
	t.Helper()
	if len(es) != len(exact) {
		t.Errorf("%d secrets, not %d", len(es), len(exact))
	}
	for _, e := range es {
		if want, ok := exact[string(e.Key)]; !ok || !e.Value.Present() || e.Value.Reveal() != want {
			t.Errorf("%s is %.80q, not %.80q; %s", e.Key, e.Value.Reveal(), want, e.Hidden)
		}
	}
	if !slices.IsSortedFunc(es, func(a, b secret.Entry) int { return strings.Compare(string(a.Key), string(b.Key)) }) {
		t.Error("they are not sorted")
	}
}

func TestDopplerValuesAreByteForByte(t *testing.T) {
	srv := aDoppler(t)
	for _, o := range []DopplerOptions{appPrd, {Project: "app", Config: "prd", Raw: true}} {
		d, clk := dopplerAt(t, srv, "dp.pt."+marker, o)
		es, err := d.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantExact(t, es)
		noSecret(t, "the log", clk.log.String())
	}
	if got := srv.Ops(); !slices.Equal(got, []string{"secrets", "secrets"}) {
		t.Errorf("%v", got)
	}
}

// A read with dynamic secrets would issue leases.
func TestDopplerIsAskedForNoDynamicSecrets(t *testing.T) {
	srv := aDoppler(t)
	d, _ := dopplerAt(t, srv, "dp.pt."+marker, appPrd)
	es, err := d.Read(t.Context())
	if err != nil || strings.Contains(shape(es), "LEASED") {
		t.Errorf("%v", err)
	}
	u, err := url.Parse(srv.Calls()[0].Path)
	if err != nil || u.Query().Encode() != "config=prd&include_dynamic_secrets=false&include_managed_secrets=true&project=app" {
		t.Errorf("%v %v", u, err)
	}
}

func TestDopplerReferencesAndManagedNames(t *testing.T) {
	srv := aDoppler(t)
	for name, s := range map[string]fake.DopplerSecret{
		"HOST": {Raw: "db"}, "URL": {Raw: "pg://${HOST}/${NONE}"}, "OTHER": {Raw: "${prd.HOST}-${app.prd.HOST}"},
		"LOCKED": {Raw: marker, Restricted: true}, "DOPPLER_WEBHOOK_KEY": {Raw: "mine"},
	} {
		srv.Set("app", "dev", name, s)
	}
	srv.Set("app", "prd", "HOST", fake.DopplerSecret{Raw: "prod"})
	for want, o := range map[string]DopplerOptions{
		"DOPPLER_WEBHOOK_KEY=mine HOST=db LOCKED! OTHER=prod-prod URL=pg://db/${NONE}":                                                                {},
		"DOPPLER_WEBHOOK_KEY=mine HOST=db LOCKED! OTHER=${prd.HOST}-${app.prd.HOST} URL=pg://${HOST}/${NONE}":                                         {Raw: true},
		"DOPPLER_CONFIG=dev DOPPLER_ENVIRONMENT=dev DOPPLER_PROJECT=app DOPPLER_WEBHOOK_KEY=mine HOST=db LOCKED! OTHER=prod-prod URL=pg://db/${NONE}": {IncludeManaged: true},
	} {
		o.Project, o.Config = "app", "dev"
		d, _ := dopplerAt(t, srv, "dp.pt."+marker, o)
		es, err := d.Read(t.Context())
		if err != nil || shape(es) != want {
			t.Errorf("%+v: %s, %v", o, shape(es), err)
		}
		for _, e := range es {
			if e.Hidden != "" && e.Hidden != "it is restricted, and the token may not read it" {
				t.Error(e.Hidden)
			}
		}
	}
}

func TestDopplerNamesAreJudgedBeforeARequest(t *testing.T) {
	for _, c := range []struct {
		token string
		o     DopplerOptions
		words string // "": they are good
	}{
		{"dp.st.prd.x", DopplerOptions{}, ""},
		{"dp.st.prd.x", appPrd, ""},
		{"dp.pt.x", appPrd, ""},
		{"dp.pt.x", DopplerOptions{}, "--project and --config"},
		{"dp.ct.x", DopplerOptions{Project: "app"}, "--project and --config"},
		{"dp.sa.x", DopplerOptions{Config: "prd"}, "--project and --config"},
		{"something-new", DopplerOptions{}, "--project and --config"},
		{"dp.pt.x", DopplerOptions{Project: "a&config=b", Config: "prd"}, "is not a project"},
		{"dp.st.prd.x", DopplerOptions{Project: "../me"}, "is not a project"},
		{"dp.pt.x", DopplerOptions{Project: "app", Config: "prd\n"}, "is not a config"},
		{"dp.pt.x", DopplerOptions{Project: "app", Config: ".."}, "is not a config"},
		{"dp.pt.x", DopplerOptions{Project: strings.Repeat("a", 256), Config: "prd"}, "is not a project"},
	} {
		_, err := DopplerSource(Client(newClock().options(), given(t, "doppler", "", c.token)), c.o)
		if c.words != "" {
			wantError(t, err, errs.Invalid, c.words)
		} else if err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A service token reads its own config, whatever is asked for.
func TestDopplerServiceTokenKnowsItsConfig(t *testing.T) {
	srv := aDoppler(t)
	for _, o := range []DopplerOptions{{}, {Project: "app"}, {Config: "prd"}, appPrd} {
		d, _ := dopplerAt(t, srv, "dp.st.prd."+marker, o)
		if before := d.ID(); before != "doppler" && o != appPrd {
			t.Error(before)
		}
		if es, err := d.Read(t.Context()); err != nil || len(es) != len(exact) || d.ID() != "doppler:app/prd" {
			t.Errorf("%s: %d secrets, %v", d.ID(), len(es), err)
		}
	}
	for _, o := range []DopplerOptions{{Project: "app", Config: "dev"}, {Project: "shop"}, {Config: "dev"}} {
		d, _ := dopplerAt(t, srv, "dp.st.prd."+marker, o)
		_, err := d.Read(t.Context())
		wantError(t, err, errs.Config, "is for app/prd at Doppler", "--project and --config")
	}
}

// Where it cannot be told which config was read, nothing is remembered of it.
func TestDopplerServiceTokenWithoutAConfig(t *testing.T) {
	for _, body := range []string{`{"secrets":{}}`, `{"secrets":{"DOPPLER_PROJECT":{"computed":"a/../b"},"DOPPLER_CONFIG":{"computed":"prd"}}}`} {
		srv := services(t, "")
		srv.On("GET /v3/configs/config/secrets", fake.ServiceAnswer{Body: body})
		read := func(o DopplerOptions) ([]secret.Entry, error) {
			d, err := DopplerSource(Client(newClock().options(), given(t, "doppler", srv.URL, "dp.st.prd."+marker)), o)
			if err != nil {
				t.Fatal(err)
			}
			return d.Read(t.Context())
		}
		_, err := read(DopplerOptions{Project: "app"})
		wantError(t, err, errs.Backend, "does not say which config", "--project and --config")
		if es, err := read(appPrd); err != nil || len(es) != 0 {
			t.Errorf("%s %v", shape(es), err)
		}
	}
}

func TestDopplerRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		o     DopplerOptions
		fault *fake.Fault
		kind  errs.Kind
		words []string
	}{
		"no such config":  {o: DopplerOptions{Project: "app", Config: "nope"}, kind: errs.NotFound, words: []string{"reading doppler:app/nope: there is no", "may not see it"}},
		"another token":   {token: "dp.pt.other", kind: errs.Auth, words: []string{"is not accepted by 127.0.0.1:", "status 401"}},
		"JSON that fails": {fault: &fake.Fault{Status: 500, Message: marker, Times: -1}, kind: errs.Backend, words: []string{"failed: status 500"}},
		"a page":          {fault: &fake.Fault{Do: "html"}, kind: errs.Backend, words: []string{"a web page"}},
		"nothing":         {fault: &fake.Fault{Do: "empty"}, kind: errs.Backend, words: []string{"is empty"}},
		"another shape":   {fault: &fake.Fault{Do: "garbage"}, kind: errs.Backend, words: []string{"holds no list of secrets"}},
		"cut, each time":  {fault: &fake.Fault{Do: "cut", Times: -1}, kind: errs.Network, words: []string{"no answer from 127.0.0.1:"}},
		"too much":        {fault: &fake.Fault{Do: "huge"}, kind: errs.Backend, words: []string{"larger than 16 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aDoppler(t)
			if c.fault != nil {
				srv.Fault(*c.fault)
			}
			if c.o.Project == "" {
				c.o = appPrd
			}
			if c.token == "" {
				c.token = "dp.pt." + marker
			}
			d, clk := dopplerAt(t, srv, c.token, c.o)
			es, err := d.Read(t.Context())
			wantError(t, err, c.kind, c.words...)
			if es != nil {
				t.Errorf("it returned %d secrets", len(es))
			}
			noSecret(t, "a notice or the log", strings.Join(clk.notice, "\n")+clk.log.String())
		})
	}
}

func TestDopplerFailuresThatPass(t *testing.T) {
	for name, f := range map[string]fake.Fault{
		"too many requests": {Status: http.StatusTooManyRequests, RetryAfter: 7, Times: 2},
		"a proxy":           {Do: "html", Status: http.StatusBadGateway},
		"cut":               {Do: "cut"},
		"lost":              {Do: "lose"},
	} {
		srv := aDoppler(t)
		srv.Fault(f)
		d, clk := dopplerAt(t, srv, "dp.pt."+marker, appPrd)
		es, err := d.Read(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantExact(t, es)
		for _, waited := range clk.slept {
			if waited < time.Duration(f.RetryAfter)*time.Second {
				t.Errorf("%s: it waited %v", name, clk.slept)
			}
		}
		if f.RetryAfter > 0 && len(clk.slept) != 2 {
			t.Errorf("%s: it waited %v", name, clk.slept)
		}
	}
}

// nowhere is another host, which must get no request.
func nowhere(t *testing.T) string {
	t.Helper()
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(func() {
		s.Close()
		if hits.Load() != 0 {
			t.Errorf("%d requests went elsewhere", hits.Load())
		}
	})
	return s.URL + "/secrets"
}

var redirects = []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}

func TestDopplerTokenIsNotTakenAlong(t *testing.T) {
	srv, to := aDoppler(t), nowhere(t)
	for _, status := range redirects {
		srv.Fault(fake.Fault{Do: "redirect", Status: status, Message: to})
		d, _ := dopplerAt(t, srv, "dp.pt."+marker, appPrd)
		_, err := d.Read(t.Context())
		wantError(t, err, errs.Backend, "redirect", "which is not followed")
	}
}

func TestDopplerReadEndsWhenItIsCancelled(t *testing.T) {
	srv := aDoppler(t)
	ctx, cancel := context.WithCancel(t.Context())
	srv.OnCall = func(string) { cancel() }
	srv.Fault(fake.Fault{Do: "hang"})
	d, _ := dopplerAt(t, srv, "dp.pt."+marker, appPrd)
	if _, err := d.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDopplerRevokedTokenIsOfNoUse(t *testing.T) {
	srv := aDoppler(t)
	d, clk := dopplerAt(t, srv, "dp.pt."+marker, appPrd)
	if left, err := d.api.t.s.Revoke(t.Context(), clk.options(), d.api.t); err != nil || left != "" {
		t.Fatalf("%q %v", left, err)
	}
	_, err := d.Read(t.Context())
	wantError(t, err, errs.Auth, "is not accepted by 127.0.0.1:")
}

// The decoder of JSON puts a sign of its own for what is no text.
func TestDamagedTextIsNoValue(t *testing.T) {
	for raw, want := range map[string]string{
		`{"raw":"a","computed":"a\ud800b"}`: "", `{"computed":"` + "a\xffb" + `"}`: "", `{"computed":"` + "\ufffd\xff" + `"}`: "",
		`{"computed":"a\uFFFDb"}`: "a\ufffdb", `{"computed":"\ud83d\udd11"}`: "🔑", `{"computed":"` + "\ufffd" + `"}`: "\ufffd",
	} {
		srv := services(t, marker)
		srv.On("GET /v3/configs/config/secrets", fake.ServiceAnswer{Body: `{"secrets":{"A":` + raw + `}}`})
		d, err := DopplerSource(Client(newClock().options(), given(t, "doppler", srv.URL, marker)), appPrd)
		if err != nil {
			t.Fatal(err)
		}
		es, err := d.Read(t.Context())
		if err != nil || len(es) != 1 || es[0].Value.Reveal() != want || (es[0].Hidden == "") != (want != "") {
			t.Errorf("%q: %s %v", raw, shape(es), err)
		}
	}
}
