package remote

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

func TestGitHubAsksForTheKeyOnce(t *testing.T) {
	srv := aGitHub(t)
	g, _ := target(t, srv, repository)
	write := func(round string) {
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				if err := g.Put(t.Context(), entry(fmt.Sprintf("S%d", i), round), nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	write("one")
	if n := srv.Count("public-key"); n != 1 {
		t.Errorf("%d requests for the key", n)
	}
	srv.RotateKey("/repos/acme/app/actions")
	write("two")
	if n := srv.Count("public-key"); n != 2 {
		t.Errorf("%d requests for the key after it was changed", n)
	}
	for name, e := range srv.Secrets("/repos/acme/app/actions") {
		if e.Value != "two" {
			t.Errorf("%s is %q", name, e.Value)
		}
	}
}

func TestGitHubSealsAgainOnce(t *testing.T) {
	srv := aGitHub(t)
	g, _ := target(t, srv, repository)
	srv.Fault(fake.Fault{Op: "put secret:BAD", Times: -1, Status: 422, Message: "Bad request " + marker})
	err := g.Put(t.Context(), entry("BAD", "x"), nil)
	wantError(t, err, errs.Backend, "refused PUT /api/v3/repos/acme/app/actions/secrets/BAD", "422")
	if n := srv.Count("put secret:BAD"); n != 1 { // the key was not the reason
		t.Errorf("%d writes", n)
	}
	srv.OnCall = func(op string) {
		if op == "put secret:BAD2" {
			srv.RotateKey("/repos/acme/app/actions")
		}
	}
	err = g.Put(t.Context(), entry("BAD2", "x"), nil)
	wantError(t, err, errs.Backend, "422")
	if n := srv.Count("put secret:BAD2"); n != 2 {
		t.Errorf("%d writes", n)
	}
}

func TestGitHubSealsToRealKeysOnly(t *testing.T) {
	one := append([]byte{1}, make([]byte, 31)...)
	for _, key := range []string{
		"", "!", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 31)), base64.StdEncoding.EncodeToString(make([]byte, 33)),
		base64.StdEncoding.EncodeToString(make([]byte, 32)), base64.StdEncoding.EncodeToString(one),
		"4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=", // of small order, too
	} {
		srv := aGitHub(t)
		srv.PublicKey("/repos/acme/app/actions", key)
		g, _ := target(t, srv, repository)
		wantError(t, g.Put(t.Context(), entry("A", marker), nil), errs.Backend, "no key that a secret could be sealed to")
		if n := srv.Count("put secret"); n != 0 {
			t.Errorf("%q: %d writes", key, n)
		}
	}
}

func TestGitHubOrganizationKeepsWhoSeesASecret(t *testing.T) {
	srv := aGitHub(t)
	ids := []int64{}
	for i := range 120 { // more than a page
		ids = append(ids, srv.AddRepository(fmt.Sprintf("acme/r%d", i)))
	}
	web := srv.AddRepository("acme/web")
	for _, app := range []string{"actions", "dependabot", "codespaces"} {
		place := "/orgs/acme/" + app
		srv.SetSecret(place, fake.GitHubEntry{Name: "EVERY", Visibility: "all"})
		srv.SetSecret(place, fake.GitHubEntry{Name: "SOME", Visibility: "selected", Repositories: ids})
		srv.SetSecret(place, fake.GitHubEntry{Name: "NONE", Visibility: "selected"})
		check := func(g *GitHub, want map[string]fake.GitHubEntry) {
			t.Helper()
			for name, w := range want {
				if err := put(t, g, name, "new"); err != nil {
					t.Fatal(err)
				}
				got := srv.Secrets(place)[name]
				slices.Sort(got.Repositories)
				if got.Value != "new" || got.Visibility != w.Visibility || !slices.Equal(got.Repositories, w.Repositories) {
					t.Errorf("%s %s: %+v", app, name, got)
				}
			}
		}
		g, _ := target(t, srv, GitHubOptions{Organization: "acme", App: app})
		check(g, map[string]fake.GitHubEntry{
			"EVERY": {Visibility: "all"}, "SOME": {Visibility: "selected", Repositories: ids}, "NONE": {Visibility: "selected"}, "NEW": {Visibility: "private"},
		})
		g, _ = target(t, srv, GitHubOptions{Organization: "acme", App: app, Visibility: "selected", Repositories: []string{"web", "acme/Web"}})
		only := fake.GitHubEntry{Visibility: "selected", Repositories: []int64{web}}
		check(g, map[string]fake.GitHubEntry{"EVERY": only, "SOME": only, "NEW2": only})
		g, _ = target(t, srv, GitHubOptions{Organization: "acme", App: app, Visibility: "all"})
		check(g, map[string]fake.GitHubEntry{"SOME": {Visibility: "all"}, "NEW3": {Visibility: "all"}})
	}
	if n := srv.Count("get repository"); n != 2*3 {
		t.Errorf("%d requests for the ids of repositories", n)
	}

	g, _ := target(t, srv, GitHubOptions{Organization: "acme", Visibility: "selected", Repositories: []string{"web", "gone"}})
	_, err := g.List(t.Context())
	wantError(t, err, errs.NotFound, "/repos/acme/gone")

	g, _ = target(t, srv, organization)
	was := entry("DELETED", "")
	if err := g.Put(t.Context(), entry("DELETED", "v"), &was); err != nil || srv.Secrets("/orgs/acme/actions")["DELETED"].Visibility != "private" {
		t.Error(err)
	}
	srv.Fault(fake.Fault{Op: "get secret:EVERY", Do: "garbage"})
	wantError(t, put(t, g, "EVERY", "v"), errs.Backend, "does not say who sees EVERY")
}

func TestGitHubVariables(t *testing.T) {
	for place, o := range map[string]GitHubOptions{
		"/repos/acme/app/actions":                 {Repository: "acme/app"},
		"/repos/acme/app/environments/production": {Repository: "acme/app", Environment: "production"},
		"/orgs/acme/actions":                      {Organization: "acme"},
	} {
		srv := aGitHub(t)
		o.Variables = []string{"LOG_*", "region"}
		g, _ := target(t, srv, o)
		for _, value := range []string{"one", "two\n"} {
			for _, name := range []string{"LOG_LEVEL", "REGION", "SECRET"} {
				if err := put(t, g, name, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		if v := srv.Variables(place); len(v) != 2 || v["LOG_LEVEL"].Value != "two\n" || v["REGION"].Value != "two\n" || len(srv.Secrets(place)) != 1 {
			t.Errorf("%s: %v", place, v)
		}
		if c, u := srv.Count("create variable"), srv.Count("update variable"); c != 2 || u != 2 {
			t.Errorf("%d created, %d changed", c, u)
		}

		// One that came meanwhile is changed, and one that went is created.
		srv.SetVariable(place, fake.GitHubEntry{Name: "LOG_NEW", Value: "theirs", Visibility: "all"})
		if err := g.Put(t.Context(), entry("LOG_NEW", "ours"), nil); err != nil || srv.Variables(place)["LOG_NEW"].Value != "ours" {
			t.Error(err)
		}
		srv.Remove(place, "REGION")
		was := entry("REGION", "two\n")
		if err := g.Put(t.Context(), entry("REGION", "three"), &was); err != nil || srv.Variables(place)["REGION"].Value != "three" {
			t.Error(err)
		}
		for range 2 {
			if err := g.Delete(t.Context(), "REGION", "SECRET"); err != nil {
				t.Error(err)
			}
		}
		if len(srv.Secrets(place)) != 0 || len(srv.Variables(place)) != 2 {
			t.Error("not deleted")
		}
	}
}

func TestGitHubOrganizationKeepsWhoSeesAVariable(t *testing.T) {
	srv := aGitHub(t)
	app := srv.AddRepository("acme/app")
	const place = "/orgs/acme/actions"
	srv.SetVariable(place, fake.GitHubEntry{Name: "V", Visibility: "selected", Repositories: []int64{app}})
	g, _ := target(t, srv, GitHubOptions{Organization: "acme", Variables: []string{"*"}})
	for _, name := range []string{"V", "NEW"} {
		if err := put(t, g, name, "v"); err != nil {
			t.Fatal(err)
		}
	}
	v := srv.Variables(place)
	if v["V"].Visibility != "selected" || !slices.Equal(v["V"].Repositories, []int64{app}) || v["NEW"].Visibility != "private" {
		t.Errorf("%+v", v)
	}
	g, _ = target(t, srv, GitHubOptions{Organization: "acme", Variables: []string{"*"}, Visibility: "selected", Repositories: []string{"web"}})
	if err := put(t, g, "NEW", "w"); err != nil {
		t.Fatal(err)
	}
	if got := srv.Variables(place)["NEW"]; got.Visibility != "selected" || len(got.Repositories) != 1 || got.Value != "w" {
		t.Errorf("%+v", got)
	}
}

func TestGitHubSaysWhatATokenLacks(t *testing.T) {
	for _, c := range []struct {
		token string
		o     GitHubOptions
		fault fake.Fault
		kind  errs.Kind
		words []string
	}{
		{"ghs_x", repository, fake.Fault{Status: 403, Message: "Resource not accessible by integration"}, errs.Auth,
			[]string{"may not GET", "a workflow's own GITHUB_TOKEN can never do this", "fine-grained token", "GitHub App", "read and write Secrets of acme/app"}},
		{"ghp_x", repository, fake.Fault{Status: 403}, errs.Auth, []string{"the scope repo", "administer acme/app", "/settings/tokens"}},
		{"gho_x", organization, fake.Fault{Status: 403}, errs.Auth, []string{"the scope admin:org"}},
		{"github_pat_x", GitHubOptions{Repository: "acme/app", Environment: "production"}, fake.Fault{Status: 403}, errs.Auth, []string{"read and write Environments of acme/app"}},
		{"github_pat_x", GitHubOptions{Repository: "acme/app", App: "dependabot"}, fake.Fault{Status: 403}, errs.Auth, []string{"Dependabot secrets of acme/app"}},
		{"github_pat_x", GitHubOptions{Organization: "acme", App: "codespaces"}, fake.Fault{Status: 403}, errs.Auth, []string{"Codespaces secrets of acme"}},
		{"github_pat_x", GitHubOptions{Repository: "acme/app", Variables: []string{"A"}}, fake.Fault{Status: 403}, errs.Auth, []string{"Secrets and Variables of acme/app"}},
		{"github_pat_x", GitHubOptions{Repository: "acme/app", Environment: "staging"}, fake.Fault{Skip: 99}, errs.NotFound,
			[]string{"/environments/staging/secrets", "is there an environment staging in the settings of acme/app?", "None is created here"}},
		{"github_pat_x", GitHubOptions{Repository: "acme/gone"}, fake.Fault{Skip: 99}, errs.NotFound, []string{"check the name", "Secrets of acme/gone"}},
		{"ghp_x", repository, fake.Fault{Status: 401}, errs.Auth, []string{"is not accepted"}},
		{"ghs_x", repository, fake.Fault{Do: "primary", RetryAfter: 3600}, errs.Network, []string{"refuses more requests for now", "try again in 1h0m0s"}},
	} {
		srv := fake.NewGitHub(c.token)
		t.Cleanup(srv.Close)
		srv.AddRepository("acme/app", "production")
		c.fault.Message += marker
		srv.Fault(c.fault)
		g, err := GitHubTarget(Client(newClock().options(), given(t, "github", srv.URL, c.token)), c.o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.List(t.Context())
		wantError(t, err, c.kind, c.words...)
	}
	// A single sign-on has a next step of its own.
	api, _, _ := client(t, "github", "GET /api/v3/repos/acme/app/actions/secrets", fake.ServiceAnswer{Status: 403, Header: map[string]string{"X-GitHub-SSO": "required"}})
	g, err := GitHubTarget(api, repository)
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.List(t.Context())
	wantError(t, err, errs.Auth, "Configure SSO")
}

func TestGitHubIsLeftAloneWhenItWants(t *testing.T) {
	for name, c := range map[string]struct {
		fault fake.Fault
		wait  time.Duration // 0: it is not waited for
	}{
		"secondary with a time": {fake.Fault{Do: "secondary", RetryAfter: 7}, 7 * time.Second},
		"secondary":             {fake.Fault{Do: "secondary"}, time.Minute},
		"primary":               {fake.Fault{Do: "primary", RetryAfter: 40}, 40 * time.Second},
		"primary, too long":     {fake.Fault{Do: "primary", RetryAfter: 1800}, 0},
		"429":                   {fake.Fault{Status: 429, RetryAfter: 5}, 5 * time.Second},
	} {
		for _, op := range []string{"put secret", "create variable", "delete secret"} {
			srv := aGitHub(t)
			srv.SetSecret("/repos/acme/app/actions", fake.GitHubEntry{Name: "OLD"})
			g, clk := target(t, srv, GitHubOptions{Repository: "acme/app", Variables: []string{"V"}})
			c.fault.Op = op
			srv.Fault(c.fault)
			var err error
			switch op {
			case "put secret":
				err = g.Put(t.Context(), entry("S", "v"), nil)
			case "create variable":
				err = g.Put(t.Context(), entry("V", "v"), nil)
			case "delete secret":
				err = g.Delete(t.Context(), "OLD")
			}
			if c.wait == 0 {
				wantError(t, err, errs.Network, "refuses more requests for now", "try again in 30m0s")
				if f, ok := errors.AsType[*Failure](err); !ok || !f.Quota() || len(clk.slept) != 0 {
					t.Errorf("%s, %s: %v, waited %v", name, op, err, clk.slept)
				}
				continue
			}
			if err != nil || len(clk.slept) != 1 || clk.slept[0] < c.wait || clk.slept[0] > c.wait+2*time.Second || len(srv.Unmet()) > 0 {
				t.Errorf("%s, %s: %v, waited %v", name, op, err, clk.slept)
			}
		}
	}
}

func TestGitHubFaultsOfAWrite(t *testing.T) {
	const place = "/repos/acme/app/actions"
	for name, c := range map[string]struct {
		fault fake.Fault
		kind  errs.Kind // Unclassified: it goes well
	}{
		"500 once":           {fake.Fault{Status: 500, Message: marker}, 0},
		"502 page once":      {fake.Fault{Do: "html", Status: 502}, 0},
		"500 always":         {fake.Fault{Status: 500, Message: marker, Times: -1}, errs.Backend},
		"502 page always":    {fake.Fault{Do: "html", Status: 502, Times: -1}, errs.Backend},
		"a page":             {fake.Fault{Do: "html", Times: -1}, errs.Backend},
		"lost before":        {fake.Fault{Do: "drop"}, 0},
		"lost after":         {fake.Fault{Do: "lose"}, 0},
		"cut answer":         {fake.Fault{Do: "cut"}, 0},
		"cut answer, always": {fake.Fault{Do: "cut", Times: -1}, errs.Network},
	} {
		srv := aGitHub(t)
		g, _ := target(t, srv, repository)
		c.fault.Op = "put secret:A"
		srv.Fault(c.fault)
		err := g.Put(t.Context(), entry("A", marker), nil)
		if c.kind != 0 {
			wantError(t, err, c.kind)
		} else if err != nil || srv.Secrets(place)["A"].Value != marker {
			t.Errorf("%s: %v", name, err)
		}
		if err := g.Put(t.Context(), entry("B", "b"), nil); err != nil { // what is refused for A is not for others
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who gives up does not wait for an answer, whatever was done already.
func TestGitHubPutEndsWithItsContext(t *testing.T) {
	srv := aGitHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan bool)
	srv.OnWrite = func(string) { cancel(); <-release }
	g, _ := target(t, srv, repository)
	err := g.Put(ctx, entry("A", "a"), nil)
	close(release)
	if !errors.Is(err, context.Canceled) || srv.Secrets("/repos/acme/app/actions")["A"].Value != "a" {
		t.Error(err)
	}
}

func TestGitHubRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, op := range []string{"list secrets", "public-key", "put secret", "delete secret"} {
			srv := aGitHub(t)
			srv.Fault(fake.Fault{Op: op, Do: "redirect", Status: status, Message: elsewhere.URL + "/api/v3/x", Times: -1})
			g, _ := target(t, srv, repository)
			var err error
			switch op {
			case "list secrets":
				_, err = g.List(t.Context())
			case "delete secret":
				err = g.Delete(t.Context(), "A")
			default:
				err = g.Put(t.Context(), entry("A", marker), nil)
			}
			wantError(t, err, errs.Backend, "redirect")
			if n := srv.Count(op); n != 1 {
				t.Errorf("%d, %s: %d requests", status, op, n)
			}
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests went elsewhere", hits.Load())
	}
}
