package remote

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/transfer"
)

// githubTarget is a GitHub as the engine sees it.
type githubTarget struct{ *GitHub }

func (g githubTarget) Rules() transfer.Rules {
	return transfer.Rules{Name: g.Name, Same: g.Same, Value: g.Value, MaxNames: g.MaxNames(), Readable: g.Readable(), Workers: g.Workers()}
}

var _ transfer.Target = githubTarget{}

// aGitHub is a fake with a repository, its organization and what they have.
func aGitHub(t *testing.T) *fake.GitHub {
	t.Helper()
	srv := fake.NewGitHub(marker)
	t.Cleanup(srv.Close)
	srv.AddRepository("acme/app", "production", "prod/eu (1) é")
	srv.AddRepository("acme/web")
	return srv
}

// target returns a place at the fake, and the clock that its requests go by.
func target(t *testing.T, srv *fake.GitHub, o GitHubOptions) (*GitHub, *clock) {
	t.Helper()
	c := newClock()
	g, err := GitHubTarget(Client(c.options(), given(t, "github", srv.URL, marker)), o)
	if err != nil {
		t.Fatal(err)
	}
	return g, c
}

func entry(name, value string) secret.Entry {
	return secret.Entry{Key: secret.Key(name), Value: secret.NewValue(value)}
}

// put writes a secret as the engine does: it knows what List returned.
func put(t *testing.T, g *GitHub, name, value string) error {
	t.Helper()
	es, err := g.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var was *secret.Entry
	if i := slices.IndexFunc(es, func(e secret.Entry) bool { return string(e.Key) == name }); i >= 0 {
		was = &es[i]
	}
	return g.Put(t.Context(), entry(name, value), was)
}

// repository and organization are the two places that most tests use.
var (
	repository   = GitHubOptions{Repository: "acme/app", AllowEmpty: true}
	organization = GitHubOptions{Organization: "acme"}
)

func TestGitHubOptionsAreJudgedAtOnce(t *testing.T) {
	for _, c := range []struct {
		o    GitHubOptions
		want []string // nil: they are good
	}{
		{GitHubOptions{Repository: "acme/app"}, nil},
		{GitHubOptions{Repository: "octo_acme/.github-2", Environment: "prod/eu (1) é #?%", App: "actions", Variables: []string{"LOG_*", "REGION"}}, nil},
		{GitHubOptions{Repository: "acme/app", App: "codespaces"}, nil},
		{GitHubOptions{Organization: "acme", Visibility: "selected", Repositories: []string{"app", "Acme/web"}}, nil},
		{GitHubOptions{Organization: "acme", App: "dependabot", Visibility: "all"}, nil},

		{GitHubOptions{}, []string{"neither a repository nor an organization"}},
		{GitHubOptions{Repository: "acme/app", Organization: "acme"}, []string{"both a repository and an organization"}},
		{GitHubOptions{Repository: "acme"}, []string{`"acme" is not a repository`}},
		{GitHubOptions{Repository: "https://github.com/acme/app"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/app/x"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/.."}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "../app"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/a b"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/a%2Fb"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/app?x"}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "acme/" + strings.Repeat("a", 101)}, []string{"is not a repository"}},
		{GitHubOptions{Repository: "-acme/app"}, []string{"is not a repository"}},
		{GitHubOptions{Organization: "acme/app"}, []string{`"acme/app" is not an organization`}},
		{GitHubOptions{Organization: "a.b"}, []string{"is not an organization"}},
		{GitHubOptions{Repository: "acme/app", Environment: ".."}, []string{"is not an environment"}},
		{GitHubOptions{Repository: "acme/app", Environment: "a/../b"}, []string{"is not an environment"}},
		{GitHubOptions{Repository: "acme/app", Environment: "a\nb"}, []string{`"a\nb" is not an environment`}},
		{GitHubOptions{Repository: "acme/app", Environment: " a"}, []string{"is not an environment"}},
		{GitHubOptions{Repository: "acme/app", Environment: strings.Repeat("a", 256)}, []string{"is not an environment"}},
		{GitHubOptions{Organization: "acme", Environment: "production"}, []string{"have environments"}},
		{GitHubOptions{Repository: "acme/app", Environment: "production", App: "dependabot"}, []string{"have environments"}},
		{GitHubOptions{Repository: "acme/app", App: "pages"}, []string{`no secrets for "pages"`}},
		{GitHubOptions{Repository: "acme/app", Visibility: "all"}, []string{"only the secrets of an organization"}},
		{GitHubOptions{Organization: "acme", Visibility: "public"}, []string{`no visibility "public"`}},
		{GitHubOptions{Organization: "acme", Visibility: "selected"}, []string{"no repositories are named"}},
		{GitHubOptions{Organization: "acme", Repositories: []string{"app"}}, []string{"the visibility is not selected"}},
		{GitHubOptions{Organization: "acme", Visibility: "selected", Repositories: []string{"app", "other/app", ".."}}, []string{`"other/app" is not a repository`, `".." is not`}},
		{GitHubOptions{Repository: "acme/app", Variables: []string{"[", "A", ""}}, []string{`pattern "["`, `pattern ""`}},
		{GitHubOptions{Repository: "acme/app", App: "dependabot", Variables: []string{"A"}}, []string{"dependabot has no variables"}},
		{GitHubOptions{Repository: "x", Organization: "y z", Environment: "..", App: "q", Visibility: "v", Variables: []string{"["}},
			[]string{"both", `"x" is not`, `"y z" is not`, `".." is not`, `"q"`, `"v"`, `"["`}},
	} {
		g, err := GitHubTarget(nil, c.o)
		if c.want == nil && err != nil || c.want != nil && g != nil {
			t.Errorf("%+v: %v", c.o, err)
		}
		for _, want := range c.want {
			if errs.KindOf(err) != errs.Invalid || errs.HintOf(err) == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q is not in: %v", c.o, want, err)
			}
		}
	}
}

func TestGitHubIDIsThatOfThePlace(t *testing.T) {
	for _, c := range []struct {
		address string
		o       GitHubOptions
		want    string
	}{
		{"", GitHubOptions{Repository: "acme/app"}, "github:acme/app"},
		{"github.com", GitHubOptions{Repository: "Acme/App", Environment: "Production"}, "github:acme/app:production"},
		{"", GitHubOptions{Organization: "Acme", App: "actions"}, "github:acme"},
		{"", GitHubOptions{Organization: "acme", App: "dependabot"}, "github-dependabot:acme"},
		{"", GitHubOptions{Repository: "acme/app", App: "codespaces"}, "github-codespaces:acme/app"},
		{"octo.ghe.com", GitHubOptions{Organization: "acme"}, "github:octo.ghe.com/acme"},
		{"ghe.example.com/sub", GitHubOptions{Repository: "acme/app"}, "github:ghe.example.com/sub/acme/app"},
		{"http://127.0.0.1:8080", GitHubOptions{Repository: "acme/app"}, "github:127.0.0.1:8080/acme/app"},
	} {
		g, err := GitHubTarget(Client(newClock().options(), given(t, "github", c.address, marker)), c.o)
		if err != nil || g.ID() != c.want {
			t.Errorf("%+v: %q %v", c.o, g.ID(), err)
		}
	}
}

func TestGitHubNames(t *testing.T) {
	g, _ := target(t, aGitHub(t), repository)
	for k, want := range map[secret.Key]struct{ name, why string }{
		"db/url":       {"DB_URL", ""},
		"a-b.c":        {"A_B_C", ""},
		"_x1":          {"_X1", ""},
		"GITHUBBER":    {"GITHUBBER", ""},
		"runner_x":     {"RUNNER_X", ""},
		"1password":    {"1PASSWORD", "digit"},
		"github/token": {"GITHUB_TOKEN", "GITHUB_"},
		"GitHub_x":     {"GITHUB_X", "GITHUB_"},
		"":             {"", "letters, digits and _"},
		"a b":          {"A B", "letters, digits and _"},
		"é":            {"é", "letters, digits and _"},
		"A\nB":         {"A\nB", "letters, digits and _"},
	} {
		name, why := g.Name(k)
		if string(name) != want.name || !strings.Contains(why, want.why) || (why == "") != (want.why == "") {
			t.Errorf("%q: %q %q", k, name, why)
		}
	}
	if g.Same("db_Url") != "DB_URL" {
		t.Error("two spellings of a name are one")
	}
}

func TestGitHubValues(t *testing.T) {
	empty, _ := target(t, aGitHub(t), repository)
	full, _ := target(t, aGitHub(t), GitHubOptions{Repository: "acme/app"})
	for _, c := range []struct{ value, why string }{
		{"x", ""},
		{" lines\r\n\twith ends \n", ""},
		{"é\u2028😀", ""},
		{strings.Repeat("a", 48<<10), ""},
		{strings.Repeat("a", 48<<10+1), "48 KiB"},
		{"", "empty"},
		{"a\xffb", "base64"},
		{"a\x00b", "base64"},
	} {
		if why := full.Value("X", secret.NewValue(c.value)); !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%.9q: %q", c.value, why)
		}
	}
	if why := empty.Value("X", secret.NewValue("")); why != "" {
		t.Errorf("an empty value that is allowed: %s", why)
	}
}

func TestGitHubLimits(t *testing.T) {
	for _, c := range []struct {
		o        GitHubOptions
		most     int
		readable bool
	}{
		{GitHubOptions{Repository: "acme/app"}, 100, false},
		{GitHubOptions{Repository: "acme/app", App: "codespaces"}, 100, false},
		{GitHubOptions{Repository: "acme/app", Environment: "production"}, 100, false},
		{GitHubOptions{Organization: "acme"}, 1000, false},
		{GitHubOptions{Organization: "acme", App: "codespaces"}, 100, false},
		{GitHubOptions{Repository: "acme/app", Variables: []string{"A"}}, 600, false},
		{GitHubOptions{Repository: "acme/app", Variables: []string{"*"}}, 500, true},
		{GitHubOptions{Repository: "acme/app", Environment: "production", Variables: []string{"*"}}, 100, true},
		{GitHubOptions{Organization: "acme", Variables: []string{"A"}}, 2000, false},
	} {
		g, _ := target(t, aGitHub(t), c.o)
		if r := (githubTarget{g}).Rules(); r.MaxNames != c.most || r.Readable != c.readable || r.Workers != 6 {
			t.Errorf("%+v: %d %v %d", c.o, r.MaxNames, r.Readable, r.Workers)
		}
	}
}

// Every place has a key of its own, and gets the very bytes.
func TestGitHubKeepsValuesByteForByte(t *testing.T) {
	srv := aGitHub(t)
	values := map[string]string{
		"A": "", "B": "x", "LINES": " a\r\n\tb \n", "TEXT": "é\u2028😀\"\\", "FULL": strings.Repeat("k", 48<<10),
	}
	for place, o := range map[string]GitHubOptions{
		"/repos/acme/app/actions":                    {Repository: "Acme/App"},
		"/repos/acme/app/dependabot":                 {Repository: "acme/app", App: "dependabot"},
		"/repos/acme/app/codespaces":                 {Repository: "acme/app", App: "codespaces"},
		"/repos/acme/app/environments/production":    {Repository: "acme/app", Environment: "Production"},
		"/repos/acme/app/environments/prod/eu (1) é": {Repository: "acme/app", Environment: "prod/eu (1) é"},
		"/orgs/acme/actions":                         {Organization: "acme"},
		"/orgs/acme/dependabot":                      {Organization: "acme", App: "dependabot"},
		"/orgs/acme/codespaces":                      {Organization: "acme", App: "codespaces"},
	} {
		g, _ := target(t, srv, o)
		for name, value := range values {
			for _, v := range []string{"before", value} { // created, and replaced
				if err := put(t, g, name, v); err != nil {
					t.Fatalf("%s: %v", place, err)
				}
			}
			if got := srv.Secrets(place)[name].Value; got != value {
				t.Errorf("%s, %s: %.9q", place, name, got)
			}
		}
		es, err := g.List(t.Context())
		if err != nil || len(es) != len(values) {
			t.Fatalf("%s: %v %v", place, es, err)
		}
		for _, e := range es {
			if e.Value.Present() || !e.Modified.Equal(srv.Secrets(place)[string(e.Key)].Updated) {
				t.Errorf("%s: %+v", place, e)
			}
		}
		for range 2 { // what is not there is deleted, too
			if err := g.Delete(t.Context(), "A", "B", "NONE"); err != nil {
				t.Error(err)
			}
		}
		if left := srv.Secrets(place); len(left) != 3 {
			t.Errorf("%s: %v", place, left)
		}
	}
}

func TestGitHubListHasEveryPage(t *testing.T) {
	srv := aGitHub(t)
	const place = "/orgs/acme/actions"
	for i := range 250 {
		srv.SetSecret(place, fake.GitHubEntry{Name: fmt.Sprintf("S%03d", i), Visibility: "all"})
		srv.SetVariable(place, fake.GitHubEntry{Name: fmt.Sprintf("V%03d", i), Value: fmt.Sprint(i), Visibility: "all"})
	}
	srv.SetVariable(place, fake.GitHubEntry{Name: "OTHER", Value: "not ours"})
	srv.SetSecret(place, fake.GitHubEntry{Name: "V000", Value: "a secret beside the variable"})
	g, _ := target(t, srv, GitHubOptions{Organization: "acme", Variables: []string{"v*"}})
	es, err := g.List(t.Context())
	if err != nil || len(es) != 500 {
		t.Fatalf("%d entries, %v", len(es), err)
	}
	for i, e := range es[:250] {
		v := es[250+i]
		if string(e.Key) != fmt.Sprintf("S%03d", i) || e.Value.Present() || string(v.Key) != fmt.Sprintf("V%03d", i) || v.Value.Reveal() != fmt.Sprint(i) {
			t.Errorf("%v, %v", e, v)
		}
	}
	if s, v := srv.Count("list secrets"), srv.Count("list variables"); s != 3 || v != 9 {
		t.Errorf("%d and %d pages", s, v)
	}
	all, _ := target(t, srv, GitHubOptions{Organization: "acme", Variables: []string{"*"}})
	if es, err := all.List(t.Context()); err != nil || len(es) != 251 || srv.Count("list secrets") != 3 {
		t.Errorf("%d entries, %v", len(es), err)
	}
}

// A server may send anything; a list that is not understood is not an empty one.
func TestGitHubListIsUnderstoodOrRefused(t *testing.T) {
	name := func(s string) string { return `{"total_count":1,"secrets":[{"name":"` + s + `"}]}` }
	for body, words := range map[string]string{
		`{}`:                             "is not understood",
		`{"message":"Not Found"}`:        "is not understood",
		`{"total_count":9,"secrets":[]}`: "",
		name(``):                         "a name that none can have",
		name(`A\u001b[31m`):              "a name that none can have",
		name(`A\u202eB`):                 "a name that none can have",
		name(strings.Repeat("A", 101)):   "a name that none can have",
		name("lower"):                    "",
		`{"total_count":2,"secrets":[{"name":"A"}]}`:                          "is not understood", // the same again and again
		`{"total_count":1,"secrets":[{"name":"A","updated_at":"yesterday"}]}`: "is not understood",
	} {
		srv := services(t, marker)
		srv.On("GET /api/v3/repos/acme/app/actions/secrets", fake.ServiceAnswer{Body: body})
		g, err := GitHubTarget(Client(newClock().options(), given(t, "github", srv.URL, marker)), repository)
		if err != nil {
			t.Fatal(err)
		}
		es, err := g.List(t.Context())
		if words != "" {
			wantError(t, err, errs.Backend, words)
		} else if err != nil {
			t.Errorf("%s: %v %v", body, es, err)
		}
		if n := len(srv.Calls()); n > maxPages {
			t.Errorf("%s: %d requests", body, n)
		}
	}
	// An item that moves to the next page meanwhile is one.
	srv := services(t, marker)
	srv.On("GET /api/v3/repos/acme/app/actions/secrets", fake.ServiceAnswer{Body: `{"total_count":3,"secrets":[{"name":"A"},{"name":"B"}]}`},
		fake.ServiceAnswer{Body: `{"total_count":3,"secrets":[{"name":"B"},{"name":"C"}]}`})
	g, err := GitHubTarget(Client(newClock().options(), given(t, "github", srv.URL, marker)), repository)
	if err != nil {
		t.Fatal(err)
	}
	if es, err := g.List(t.Context()); err != nil || len(es) != 3 {
		t.Errorf("%v %v", es, err)
	}
}
