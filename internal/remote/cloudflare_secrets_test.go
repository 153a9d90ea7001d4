package remote

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
)

// aCloudflare is a fake with a Worker and a project.
func aCloudflare(t *testing.T) *fake.Cloudflare {
	t.Helper()
	srv := fake.NewCloudflare(marker)
	t.Cleanup(srv.Close)
	srv.AddWorker("api", "LOG_LEVEL")
	srv.AddProject("site", "hash-of-wrangler")
	return srv
}

func workerAt(t *testing.T, srv *fake.Cloudflare, script string) *Worker {
	t.Helper()
	w, err := WorkersTarget(Client(newClock().options(), given(t, "cloudflare", srv.URL, marker)), WorkersOptions{AccountID: fake.CloudflareAccount, Script: script})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func pagesAt(t *testing.T, srv *fake.Cloudflare, environment string) *Pages {
	t.Helper()
	p, err := PagesTarget(Client(newClock().options(), given(t, "cloudflare", srv.URL, marker)), PagesOptions{AccountID: fake.CloudflareAccount, Project: "site", Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCloudflareOptionsAreJudgedAtOnce(t *testing.T) {
	const account = fake.CloudflareAccount
	api := Client(newClock().options(), given(t, "cloudflare", "", marker))
	stored, err := service(t, "cloudflare").Token(MethodToken, "", map[string]string{"token": marker, "account_id": account})
	if err != nil {
		t.Fatal(err)
	}
	own := Client(newClock().options(), given(t, "cloudflare", "https://proxy.example.com/cf", marker))
	for _, c := range []struct {
		api  *API
		o    any
		want []string // of the error; if there is one alone that starts with cloudflare-, the ID
	}{
		{api, WorkersOptions{AccountID: account, Script: "api"}, []string{"cloudflare-workers:" + account + "/api"}},
		{api, WorkersOptions{AccountID: account, Script: "my_Api-2", Environment: "staging"}, []string{"cloudflare-workers:" + account + "/my_Api-2-staging"}},
		{Client(newClock().options(), stored), WorkersOptions{Script: "api"}, []string{"cloudflare-workers:" + account + "/api"}},
		{own, WorkersOptions{AccountID: account, Script: "api"}, []string{"cloudflare-workers:proxy.example.com/cf/" + account + "/api"}},
		{api, PagesOptions{AccountID: account, Project: "site"}, []string{"cloudflare-pages:" + account + "/site:production"}},
		{api, PagesOptions{AccountID: account, Project: "site", Environment: "preview"}, []string{"cloudflare-pages:" + account + "/site:preview"}},

		{api, WorkersOptions{}, []string{"which account", `"" is not the name of a Worker`}},
		{api, WorkersOptions{AccountID: "acme", Script: "a/b"}, []string{`"acme" is not the ID of an account`, `"a/b" is not`}},
		{api, WorkersOptions{AccountID: strings.ToUpper(account), Script: "api", Environment: "x y"}, []string{"is not the ID", `"api-x y" is not`}},
		{api, PagesOptions{}, []string{"which account", `"" is not a project`}},
		{api, PagesOptions{AccountID: account + "0", Project: "Site", Environment: "staging"}, []string{"is not the ID", `"Site" is not`, `no environment "staging"`}},
	} {
		var p place
		var err error
		switch o := c.o.(type) {
		case WorkersOptions:
			w, werr := WorkersTarget(c.api, o)
			if p, err = w, werr; w == nil {
				p = nil
			}
		case PagesOptions:
			w, werr := PagesTarget(c.api, o)
			if p, err = w, werr; w == nil {
				p = nil
			}
		}
		if id := c.want[0]; strings.HasPrefix(id, "cloudflare-") {
			if err != nil || p.ID() != id {
				t.Errorf("%+v: %v", c.o, err)
			}
			continue
		}
		for _, want := range c.want {
			if p != nil || errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q is not in: %v", c.o, want, err)
			}
		}
	}
}

// Without a word about the account, it is the only one that the token sees.
func TestCloudflareAccountIsTheOnlyOne(t *testing.T) {
	srv := aCloudflare(t)
	api := Client(newClock().options(), given(t, "cloudflare", srv.URL, marker))
	if id, err := api.CloudflareAccount(t.Context()); err != nil || id != fake.CloudflareAccount {
		t.Errorf("%s %v", id, err)
	}
	srv.AddAccount("f" + fake.CloudflareAccount[1:])
	_, err := api.CloudflareAccount(t.Context())
	wantError(t, err, errs.Config, "several accounts", "CLOUDFLARE_ACCOUNT_ID")
}

func TestCloudflareNamesAndValues(t *testing.T) {
	srv := aCloudflare(t)
	for _, p := range []place{workerAt(t, srv, "api"), pagesAt(t, srv, "production")} {
		for k, want := range map[secret.Key]string{"db/url": "", "_1": "", "1x": "no digit first", "a b": "letters, digits and _", "": "letters, digits and _", "é": "letters, digits and _"} {
			if name, why := p.Name(k); string(name) != k.EnvName() || !strings.Contains(why, want) || (why == "") != (want == "") {
				t.Errorf("%s: %q: %q %q", p.ID(), k, name, why)
			}
		}
		for value, want := range map[string]string{
			"x": "", " é\n\"$": "", strings.Repeat("a", 5<<10): "", strings.Repeat("a", 5<<10+1): "5 KB", "a\xffb": "base64", "a\x00b": "base64",
		} {
			why := p.Value("X", secret.NewValue(value))
			if !strings.Contains(why, want) || (why == "") != (want == "") {
				t.Errorf("%s: %.9q: %q", p.ID(), value, why)
			}
			// The service agrees.
			if err := p.Put(t.Context(), entry("X", value), nil); (err == nil) != (want == "") && want != "base64" {
				t.Errorf("%s: %.9q: %v", p.ID(), value, err)
			}
		}
		if p.MaxNames() != 128 || p.Workers() != 1 || p.Readable() || p.Same("a") == p.Same("A") {
			t.Errorf("%s: wrong limits", p.ID())
		}
	}
	if why := pagesAt(t, srv, "preview").Value("X", secret.NewValue("")); !strings.Contains(why, "empty") {
		t.Errorf("%q", why)
	}
}

// One step is one version and one deployment; a hundred secrets are one step.
func TestWorkerIsDeployedOnceForAHundredSecrets(t *testing.T) {
	srv := aCloudflare(t)
	j := travel(t, workerAt(t, srv, "api"))
	many := map[string]string{}
	for i := range 120 {
		many[fmt.Sprintf("S%03d", i)] = fmt.Sprint(i)
	}
	if _, err := j.sync(t, many); err != nil {
		t.Fatal(err)
	}
	if has, versions := srv.Secrets("api"); len(has) != 120 || has["S119"] != "119" || versions != 3 {
		t.Errorf("%d secrets, %d versions", len(has), versions)
	}
	if _, err := j.sync(t, map[string]string{"S000": "0"}); err != nil {
		t.Fatal(err)
	}
	if has, versions := srv.Secrets("api"); len(has) != 1 || versions != 5 {
		t.Errorf("%d secrets, %d versions", len(has), versions)
	}
}

// What a step is refused for, none of it is done.
func TestWorkerRefusalsHaveANextStep(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*fake.Cloudflare)
		script string
		kind   errs.Kind
		words  []string
	}{
		"a version that waits":   {func(s *fake.Cloudflare) { s.Upload("api") }, "api", errs.Conflict, []string{"the newest version of the Worker api", "10215", "deploy it"}},
		"the older word for it":  {func(s *fake.Cloudflare) { s.Fault(fake.Fault{Status: 400, Code: "10214"}) }, "api", errs.Conflict, []string{"the newest version", "10214"}},
		"a variable of the name": {func(s *fake.Cloudflare) { s.AddWorker("api", "B") }, "api", errs.Conflict, []string{"no secret", "10053", "vars"}},
		"no such Worker":         {func(*fake.Cloudflare) {}, "none", errs.NotFound, []string{"10007", "deployed once", "Workers Scripts: Edit"}},
		"not allowed":            {func(s *fake.Cloudflare) { s.Fault(fake.Fault{Status: 403, Code: "10000"}) }, "api", errs.Auth, []string{"10000", "Workers Scripts: Edit"}},
		"something else":         {func(s *fake.Cloudflare) { s.Fault(fake.Fault{Status: 400, Code: "10021", Message: marker}) }, "api", errs.Backend, []string{"status 400, 10021"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aCloudflare(t)
			c.server(srv)
			w := workerAt(t, srv, c.script)
			wantError(t, w.PutAll(t.Context(), []secret.Entry{entry("A", marker), entry("B", marker)}), c.kind, c.words...)
			if has, versions := srv.Secrets("api"); len(has) != 0 || versions != 1 {
				t.Errorf("%v, %d versions", has, versions)
			}
		})
	}
}

func TestWorkerDeletesWhatIsNotThere(t *testing.T) {
	srv := aCloudflare(t)
	w := workerAt(t, srv, "api")
	if err := w.PutAll(t.Context(), []secret.Entry{entry("A", "1"), entry("B", "2")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Delete(t.Context(), "A", "NONE"); err != nil {
			t.Error(err)
		}
	}
	if has, _ := srv.Secrets("api"); fmt.Sprint(has) != "map[B:2]" {
		t.Errorf("%v", has)
	}
}

// A server may send anything; a list that is not understood is not an empty one.
func TestCloudflareListIsUnderstoodOrRefused(t *testing.T) {
	const workers = "GET /client/v4/accounts/" + fake.CloudflareAccount + "/workers/scripts/api/secrets"
	const pages = "GET /client/v4/accounts/" + fake.CloudflareAccount + "/pages/projects/site"
	vars := func(s string) string {
		return `{"success":true,"result":{"deployment_configs":{"production":{"env_vars":` + s + `}}}}`
	}
	for _, c := range []struct{ route, body, want string }{ // an error, or names
		{workers, `{"success":true,"result":[{"name":"A","type":"secret_text"},{"name":"K","type":"secret_key"}]}`, "A K"},
		{workers, `{"success":true,"result":[]}`, ""},
		{workers, `{"success":true,"result":null}`, ""},
		{workers, `{}`, "is not understood"},
		{workers, `{"success":true,"result":{}}`, "is not understood"},
		{workers, `{"success":true,"result":[{"name":""}]}`, "is not understood"},
		{workers, `{"success":true,"result":[{"name":"A\u001b[31m"}]}`, "is not understood"},
		{workers, `{"success":true,"result":[{"name":"` + marker + `"}]}`, "is not understood"},
		{pages, vars(`{"A":{"type":"secret_text","value":""},"B":{"type":"plain_text","value":"b"},"C":null}`), "A B"},
		{pages, vars(`null`), ""},
		{pages, vars(`[]`), "is not understood"},
		{pages, vars(`{"":{"type":"x"}}`), "is not understood"},
		{pages, vars(`{"A\n":{"type":"x"}}`), "is not understood"},
		{pages, `{"success":true,"result":{}}`, "is not understood"},
		{pages, `{"success":true,"result":null}`, "is not understood"},
	} {
		srv := services(t, marker)
		srv.On(c.route, fake.ServiceAnswer{Body: c.body})
		api := Client(newClock().options(), given(t, "cloudflare", srv.URL, marker))
		w, err := WorkersTarget(api, WorkersOptions{AccountID: fake.CloudflareAccount, Script: "api"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := PagesTarget(api, PagesOptions{AccountID: fake.CloudflareAccount, Project: "site"})
		if err != nil {
			t.Fatal(err)
		}
		to := place(w)
		if c.route == pages {
			to = p
		}
		es, err := to.List(t.Context())
		if c.want == "is not understood" {
			wantError(t, err, errs.Backend, c.want)
			continue
		}
		if err != nil || names(es) != c.want || slices.ContainsFunc(es, func(e secret.Entry) bool { return e.Value.Present() }) {
			t.Errorf("%s: %v %v", c.body, es, err)
		}
	}
}

// Secrets come blank; who sends back what came would blank them.
func TestPagesLeavesTheOthersAlone(t *testing.T) {
	srv := aCloudflare(t)
	secretly := func(v string) fake.CloudflareVariable { return fake.CloudflareVariable{Type: "secret_text", Value: v} }
	srv.SetVariable("site", "production", "OTHERS", secretly("x"))
	srv.SetVariable("site", "production", "PLAIN", fake.CloudflareVariable{Type: "plain_text", Value: "p"})
	srv.SetVariable("site", "production", "OPEN", fake.CloudflareVariable{Type: "plain_text", Value: "was open"})
	srv.SetVariable("site", "preview", "A", secretly("of preview"))
	j := travel(t, pagesAt(t, srv, "production"))
	j.wantSync(t, map[string]string{"A": "1", "OPEN": "was open"}, "create:A update:OPEN") // it becomes secret
	j.wantSync(t, map[string]string{"OPEN": "was open"}, "delete:A")
	want := map[string]fake.CloudflareVariable{"OTHERS": secretly("x"), "PLAIN": {Type: "plain_text", Value: "p"}, "OPEN": secretly("was open")}
	if got, hash := srv.Variables("site", "production"); fmt.Sprint(got) != fmt.Sprint(want) || hash != "hash-of-wrangler" {
		t.Errorf("%v %s", got, hash)
	}
	if got, _ := srv.Variables("site", "preview"); len(got) != 1 || got["A"].Value != "of preview" {
		t.Errorf("%v", got)
	}
	for _, call := range srv.Calls() {
		if call.Method == "PATCH" && (strings.Contains(call.Body, "OTHERS") || strings.Contains(call.Body, "preview")) {
			t.Errorf("it sent %s", call.Body)
		}
	}
	// Of a project that is configured in the dashboard there is no hash to be sent.
	srv.AddProject("site", "")
	if err := pagesAt(t, srv, "production").Put(t.Context(), entry("A", "1"), nil); err != nil {
		t.Error(err)
	}
}

func TestPagesRefusalsHaveANextStep(t *testing.T) {
	srv := aCloudflare(t)
	p := pagesAt(t, srv, "production")
	srv.Fault(fake.Fault{Status: 403, Code: "10000"})
	wantError(t, p.Put(t.Context(), entry("A", marker), nil), errs.Auth, "10000", "Cloudflare Pages: Edit")
	srv.Fault(fake.Fault{Op: "write project", Status: 400, Code: "8000003", Message: marker})
	wantError(t, p.Delete(t.Context(), "A"), errs.Backend, "refused PATCH")
	srv.Fault(fake.Fault{Status: 404, Code: "8000007"})
	_, err := p.List(t.Context())
	wantError(t, err, errs.NotFound, "project site", "Cloudflare Pages: Edit")
}
