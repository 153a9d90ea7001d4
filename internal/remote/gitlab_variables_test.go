package remote

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
)

// aGitLab is a fake with a project and a group.
func aGitLab(t *testing.T) *fake.GitLab {
	t.Helper()
	srv := fake.NewGitLab(marker)
	t.Cleanup(srv.Close)
	srv.Add("projects/acme/app")
	srv.Add("groups/acme")
	return srv
}

func gitlabAt(t *testing.T, srv *fake.GitLab, o GitLabOptions) *GitLab {
	t.Helper()
	g, err := GitLabTarget(Client(newClock().options(), given(t, "gitlab", srv.URL, marker)), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGitLabOptionsAreJudgedAtOnce(t *testing.T) {
	for _, c := range []struct {
		o    GitLabOptions
		want []string // nil: they are good
	}{
		{GitLabOptions{Project: "acme/app"}, nil},
		{GitLabOptions{Project: "acme/web-2/.sub/app_1", Scope: "review/*"}, nil},
		{GitLabOptions{Project: "42", Masked: true, Hidden: true}, nil},
		{GitLabOptions{Group: "acme", Scope: "*"}, nil},
		{GitLabOptions{Group: "acme/web", Scope: "a.b-${c} d/e"}, nil},

		{GitLabOptions{}, []string{"neither a project nor a group"}},
		{GitLabOptions{Project: "acme/app", Group: "acme"}, []string{"both a project and a group"}},
		{GitLabOptions{Project: "acme"}, []string{`"acme" is not a project`}},
		{GitLabOptions{Project: "0"}, []string{`"0" is not a project`}},
		{GitLabOptions{Project: "acme/../app"}, []string{"is not a project"}},
		{GitLabOptions{Project: "acme//app"}, []string{"is not a project"}},
		{GitLabOptions{Project: "acme%2Fapp"}, []string{"is not a project"}},
		{GitLabOptions{Project: "/acme/app"}, []string{"is not a project"}},
		{GitLabOptions{Project: "acme/-app"}, []string{"is not a project"}},
		{GitLabOptions{Project: "https://gitlab.com/acme/app"}, []string{"is not a project"}},
		{GitLabOptions{Project: "a/" + strings.Repeat("a/", 40) + "a"}, []string{"is not a project"}},
		{GitLabOptions{Group: "acme?x"}, []string{`"acme?x" is not a group`}},
		{GitLabOptions{Group: "acme", Scope: "a\nb"}, []string{`"a\nb" is not an environment scope`}},
		{GitLabOptions{Group: "acme", Scope: " a"}, []string{"is not an environment scope"}},
		{GitLabOptions{Project: "x", Group: "y z", Scope: "#"}, []string{"both", `"x"`, `"y z"`, `"#"`}},
	} {
		g, err := GitLabTarget(nil, c.o)
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

func TestGitLabIDIsThatOfThePlace(t *testing.T) {
	for _, c := range []struct {
		address string
		o       GitLabOptions
		want    string
	}{
		{"", GitLabOptions{Project: "acme/app"}, "gitlab:acme/app"},
		{"gitlab.com", GitLabOptions{Project: "Acme/Web/App", Scope: "Production"}, "gitlab:acme/web/app:Production"},
		{"", GitLabOptions{Project: "42", Scope: "*"}, "gitlab:42"},
		{"", GitLabOptions{Group: "42"}, "gitlab-group:42"},
		{"git.example.com/sub", GitLabOptions{Group: "acme"}, "gitlab-group:git.example.com/sub/acme"},
	} {
		g, err := GitLabTarget(Client(newClock().options(), given(t, "gitlab", c.address, marker)), c.o)
		if err != nil || g.ID() != c.want {
			t.Errorf("%+v: %q %v", c.o, g.ID(), err)
		}
	}
}

func TestGitLabNamesAndLimits(t *testing.T) {
	g := gitlabAt(t, aGitLab(t), GitLabOptions{Project: "acme/app"})
	for k, want := range map[secret.Key]struct{ name, why string }{
		"db/url":                             {"DB_URL", ""},
		"CI_x":                               {"CI_X", ""},
		"1password":                          {"1PASSWORD", "digit"},
		"":                                   {"", "letters, digits and _"},
		"a b":                                {"A B", "letters, digits and _"},
		secret.Key(strings.Repeat("a", 255)): {strings.Repeat("A", 255), ""},
		secret.Key(strings.Repeat("a", 256)): {strings.Repeat("A", 256), "255"},
	} {
		name, why := g.Name(k)
		if string(name) != want.name || !strings.Contains(why, want.why) || (why == "") != (want.why == "") {
			t.Errorf("%q: %q %q", k, name, why)
		}
	}
	group := gitlabAt(t, aGitLab(t), GitLabOptions{Group: "acme"})
	if g.Same("a") == g.Same("A") || g.MaxNames() != 8000 || group.MaxNames() != 30000 || !g.Readable() {
		t.Error("wrong limits")
	}
}

// What cannot be masked is refused, and never becomes readable in silence.
func TestGitLabMasksOrRefuses(t *testing.T) {
	plain := GitLabOptions{Project: "acme/app"}
	for _, c := range []struct {
		o          GitLabOptions
		value, why string
	}{
		{plain, "", ""},
		{plain, "x y\nz", ""},
		{plain, "a\x00b", "base64"},
		{plain, "a\xffb", "base64"},
		{GitLabOptions{Project: "acme/app", Masked: true}, "12345678", ""},
		{GitLabOptions{Project: "acme/app", Masked: true}, "pa$$word!{}", ""},
		{GitLabOptions{Project: "acme/app", Masked: true}, "éééééééé", ""},
		{GitLabOptions{Project: "acme/app", Masked: true}, "1234567", "8 characters"},
		{GitLabOptions{Project: "acme/app", Masked: true}, "éééé", "8 characters"},
		{GitLabOptions{Project: "acme/app", Masked: true}, "two words", "a space or a line break"},
		{GitLabOptions{Project: "acme/app", Masked: true}, "12345678\n", "a space or a line break"},
		{GitLabOptions{Project: "acme/app", Hidden: true}, "short", "8 characters"},
	} {
		srv := aGitLab(t)
		g := gitlabAt(t, srv, c.o)
		if why := g.Value("X", secret.NewValue(c.value)); !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%+v %q: %q", c.o, c.value, why)
		}
		// The service agrees.
		if err := g.Put(t.Context(), entry("X", c.value), nil); (err == nil) != (c.why == "") && !strings.Contains(c.value, "\xff") {
			t.Errorf("%+v %q: %v", c.o, c.value, err)
		}
	}
	// What somebody masked there stays masked, although it is not asked for.
	srv := aGitLab(t)
	srv.Set("projects/acme/app", fake.GitLabVariable{Key: "A", Value: "masked-there", Masked: true, Raw: true})
	g := gitlabAt(t, srv, plain)
	if _, err := g.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why := g.Value("A", secret.NewValue("short")); !strings.Contains(why, "8 characters") {
		t.Errorf("%q", why)
	}
	if why := g.Value("B", secret.NewValue("short")); why != "" {
		t.Errorf("%q", why)
	}
}

func TestGitLabWritesWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		o    GitLabOptions
		want string // masked hidden protected raw
	}{
		{GitLabOptions{}, "false false false true"},
		{GitLabOptions{Masked: true}, "true false false true"},
		{GitLabOptions{Protected: true, Scope: "production"}, "false false true true"},
		{GitLabOptions{Hidden: true, Scope: "review/*"}, "true true false true"},
	} {
		srv := aGitLab(t)
		c.o.Project = srv.Add("projects/acme/web/app")
		g := gitlabAt(t, srv, c.o)
		for _, value := range []string{"first-$value", "second-$value"} {
			if err := g.Put(t.Context(), entry("A", value), nil); err != nil { // the second time it is there
				t.Fatal(err)
			}
			name := "A"
			if c.o.Scope != "" {
				name += "@" + c.o.Scope
			}
			v := srv.Variables("projects/acme/web/app")[name]
			if got := fmt.Sprint(v.Masked, v.Hidden, v.Protected, v.Raw); v.Value != value || got != c.want || v.Type != "env_var" {
				t.Errorf("%+v: %+v", c.o, v)
			}
		}
		es, err := g.List(t.Context())
		if err != nil || len(es) != 1 || es[0].Value.Present() == c.o.Hidden || (es[0].Hidden != "") != c.o.Hidden {
			t.Errorf("%+v: %+v %v", c.o, es, err)
		}
	}
}

// Others decided what a variable is besides its value.
func TestGitLabKeepsWhatAVariableIs(t *testing.T) {
	srv := aGitLab(t)
	const place = "projects/acme/app"
	about := "for the database"
	srv.Set(place, fake.GitLabVariable{Key: "A", Value: "old-value", Type: "file", Masked: true, Protected: true, Description: &about})
	srv.Set(place, fake.GitLabVariable{Key: "H", Value: "old-value", Masked: true, Hidden: true})
	srv.Set(place, fake.GitLabVariable{Key: "A", Value: "another", Scope: "production"})
	j := travel(t, gitlabAt(t, srv, GitLabOptions{Project: "acme/app"}))
	j.wantSync(t, map[string]string{"A": "new-$value", "H": "new-value"}, "update:A update:H")
	all := srv.Variables(place)
	a, h := all["A"], all["H"]
	if a.Value != "new-$value" || a.Type != "file" || !a.Masked || !a.Protected || !a.Raw || a.Description != &about && *a.Description != about {
		t.Errorf("%+v", a)
	}
	if h.Value != "new-value" || !h.Hidden || !h.Masked || all["A@production"].Value != "another" {
		t.Errorf("%+v", all)
	}
}

// What is there with the right value, but open, is written again when it is not to be.
func TestGitLabWritesAgainWhatIsOpen(t *testing.T) {
	for name, c := range map[string]struct {
		o    GitLabOptions
		v    fake.GitLabVariable
		want string
	}{
		"as it is to be": {GitLabOptions{Masked: true, Protected: true}, fake.GitLabVariable{Masked: true, Protected: true, Raw: true}, ""},
		"more than that": {GitLabOptions{}, fake.GitLabVariable{Masked: true, Protected: true, Raw: true}, ""},
		"not masked":     {GitLabOptions{Masked: true}, fake.GitLabVariable{Raw: true}, "update:A"},
		"not protected":  {GitLabOptions{Protected: true}, fake.GitLabVariable{Raw: true}, "update:A"},
		"expanded":       {GitLabOptions{}, fake.GitLabVariable{}, "update:A"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aGitLab(t)
			c.o.Project, c.v.Key, c.v.Value = "acme/app", "A", "the-$value"
			srv.Set("projects/acme/app", c.v)
			to := gitlabAt(t, srv, c.o)
			travel(t, to).wantSync(t, map[string]string{"A": "the-$value"}, c.want)
			travel(t, to).wantSync(t, map[string]string{"A": "the-$value"}, "")
		})
	}
}

func TestGitLabScopesAreApart(t *testing.T) {
	srv := aGitLab(t)
	const place = "projects/acme/app"
	for _, scope := range []string{"*", "production", "production/*"} {
		srv.Set(place, fake.GitLabVariable{Key: "A", Value: "of " + scope, Scope: scope, Raw: true})
	}
	g := gitlabAt(t, srv, GitLabOptions{Project: "Acme/App", Scope: "production"})
	es, err := g.List(t.Context())
	if err != nil || names(es) != "A" || es[0].Value.Reveal() != "of production" {
		t.Fatalf("%v %v", es, err)
	}
	if err := g.Put(t.Context(), entry("A", "new"), &es[0]); err != nil {
		t.Fatal(err)
	}
	if err := g.Put(t.Context(), entry("B", "new"), nil); err != nil {
		t.Fatal(err)
	}
	if got := srv.Variables(place); got["A"].Value != "of *" || got["A@production"].Value != "new" || got["A@production/*"].Value != "of production/*" || got["B@production"].Value != "new" {
		t.Errorf("%v", got)
	}
	for range 2 { // what is not there is deleted, too
		if err := g.Delete(t.Context(), "A", "B", "NONE"); err != nil {
			t.Error(err)
		}
	}
	if got := srv.Variables(place); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// A server that leaves out in silence what it was asked for does not keep a secret
// that is more open than it is to be.
func TestGitLabTakesBackWhatIsTooOpen(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*fake.GitLab)
		o      GitLabOptions
		words  []string
	}{
		"no hidden variables":     {func(g *fake.GitLab) { g.NoHidden = true }, GitLabOptions{Project: "acme/app", Hidden: true}, []string{"made A, and not hidden", "taken back", "17.4"}},
		"no scopes for groups":    {func(g *fake.GitLab) { g.NoScopes = true }, GitLabOptions{Group: "acme", Scope: "production"}, []string{"not limited to production", "taken back", "Premium"}},
		"nothing of both at once": {func(g *fake.GitLab) { g.NoScopes, g.NoHidden = true, true }, GitLabOptions{Group: "acme", Scope: "production", Hidden: true}, []string{"not limited to production", "taken back"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aGitLab(t)
			c.server(srv)
			place := "projects/acme/app"
			if c.o.Group != "" {
				place = "groups/acme"
			}
			g := gitlabAt(t, srv, c.o)
			wantError(t, g.Put(t.Context(), entry("A", marker), nil), errs.Config, c.words...)
			if got := srv.Variables(place); len(got) != 0 {
				t.Errorf("%v", got)
			}
			srv.Fault(fake.Fault{Op: "delete", Status: 500, Times: -1})
			wantError(t, g.Put(t.Context(), entry("A", marker), nil), errs.Config, "it is there now")
			// One of all environments, by that name, is another and stays as it is.
			srv.Set(place, fake.GitLabVariable{Key: "B", Value: "of all"})
			if c.o.Group != "" {
				if err := g.Put(t.Context(), entry("B", "of production"), nil); err == nil || srv.Variables(place)["B"].Value != "of all" {
					t.Errorf("%v %v", err, srv.Variables(place))
				}
			}
		})
	}
}

func TestGitLabListHasEveryPage(t *testing.T) {
	srv := aGitLab(t)
	for i := range 250 {
		srv.Set("groups/acme", fake.GitLabVariable{Key: fmt.Sprintf("V%03d", 249-i), Value: fmt.Sprint(i)})
		srv.Set("groups/acme", fake.GitLabVariable{Key: fmt.Sprintf("V%03d", i), Value: "other", Scope: "review"})
	}
	g := gitlabAt(t, srv, GitLabOptions{Group: "acme"})
	es, err := g.List(t.Context())
	if err != nil || len(es) != 250 || count(srv.Ops(), "list") != 6 { // five of them are full
		t.Fatalf("%d entries, %v, %v", len(es), srv.Ops(), err)
	}
	for i, e := range es {
		if string(e.Key) != fmt.Sprintf("V%03d", i) || e.Value.Reveal() != fmt.Sprint(249-i) {
			t.Errorf("%+v", e)
		}
	}
}

// A server may send anything; a list that is not understood is not an empty one.
func TestGitLabListIsUnderstoodOrRefused(t *testing.T) {
	one := `{"key":"A","value":"v","environment_scope":"*"}`
	for body, words := range map[string]string{
		`[]`:                           "",
		`[` + one + `]`:                "",
		`[{"key":"A","value":null}]`:   "", // a scope is not said, and no value
		`null`:                         "is not understood",
		`{}`:                           "is not understood",
		`{"message":"x"}`:              "is not understood",
		`[{"value":"` + marker + `"}]`: "a name that none can have",
		`[{"key":"A\u001b[31m"}]`:      "a name that none can have",
		`[{"key":7}]`:                  "is not understood",
		`[` + strings.Repeat(one+`,`, 99) + one + `]`: "has no end",
	} {
		srv := services(t, marker)
		srv.On("GET /api/v4/projects/acme%2Fapp/variables", fake.ServiceAnswer{Body: body})
		g, err := GitLabTarget(Client(newClock().options(), given(t, "gitlab", srv.URL, marker)), GitLabOptions{Project: "acme/app"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.List(t.Context())
		if words != "" {
			wantError(t, err, errs.Backend, words)
		} else if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if n := len(srv.Calls()); n > 81 {
			t.Errorf("%s: %d requests", body, n)
		}
	}
}

func TestGitLabIsReadAsItWasWritten(t *testing.T) {
	srv := aGitLab(t)
	const place = "projects/acme/app"
	srv.Set(place, fake.GitLabVariable{Key: "EMPTY"})
	srv.Set(place, fake.GitLabVariable{Key: "EXPANDED", Value: "$HOME/x"})
	srv.Set(place, fake.GitLabVariable{Key: "FILE", Value: "-----BEGIN\r\nx\n", Type: "file"})
	srv.Set(place, fake.GitLabVariable{Key: "HIDDEN", Value: marker, Hidden: true, Masked: true})
	srv.Set(place, fake.GitLabVariable{Key: "OTHER", Value: "x", Scope: "production"})
	g, err := GitLabTarget(Client(newClock().options(), given(t, "gitlab", srv.URL, marker)), GitLabOptions{Project: "acme/app"})
	if err != nil {
		t.Fatal(err)
	}
	es, err := g.Read(t.Context())
	if err != nil || names(es) != "EMPTY EXPANDED FILE HIDDEN" {
		t.Fatalf("%v %v", es, err)
	}
	for i, want := range []string{"", "$HOME/x", "-----BEGIN\r\nx\n"} {
		if !es[i].Value.Present() || es[i].Value.Reveal() != want || es[i].Hidden != "" {
			t.Errorf("%s: %q", es[i].Key, es[i].Value.Reveal())
		}
	}
	if es[3].Value.Present() || !strings.Contains(es[3].Hidden, "jobs alone") {
		t.Errorf("%+v", es[3])
	}
}

// One that is always refused does not keep the others back, and is tried again.
func TestGitLabWritesTheOthers(t *testing.T) {
	srv := aGitLab(t)
	srv.Fault(fake.Fault{Op: "create:B", Status: 500, Times: -1})
	j := travel(t, gitlabAt(t, srv, GitLabOptions{Project: "acme/app"}))
	did, err := j.sync(t, map[string]string{"A": "1", "B": "2", "C": "3"})
	wantError(t, err, errs.Backend, "create B: ")
	if did != "create:A create:C" {
		t.Errorf("%s", did)
	}
	if did, _ := j.sync(t, map[string]string{"A": "1", "B": "2", "C": "3"}); did != "" || count(srv.Ops(), "create:B") != 2 || count(srv.Ops(), "create:A") != 1 {
		t.Errorf("%s %v", did, srv.Ops())
	}
}

// The answer to a write was lost: it is there, and the next run finds that out.
func TestGitLabFindsWhatWasWrittenUnheard(t *testing.T) {
	srv := aGitLab(t)
	srv.Fault(fake.Fault{Op: "create:A", Do: "lose"})
	j := travel(t, gitlabAt(t, srv, GitLabOptions{Project: "acme/app"}))
	_, err := j.sync(t, map[string]string{"A": "1"})
	wantError(t, err, errs.Network, "no answer")
	j.wantSync(t, map[string]string{"A": "1"}, "")
}

func TestGitLabComesAndGoesMeanwhile(t *testing.T) {
	srv := aGitLab(t)
	g := gitlabAt(t, srv, GitLabOptions{Project: "acme/app"})
	e := entry("A", "new")
	if err := g.Put(t.Context(), e, &e); err != nil || srv.Variables("projects/acme/app")["A"].Value != "new" { // it was there, and is gone
		t.Error(err)
	}
	e = entry("A", "newer")
	if err := g.Put(t.Context(), e, nil); err != nil || srv.Variables("projects/acme/app")["A"].Value != "newer" { // it was not, and is
		t.Error(err)
	}
}

func TestGitLabRefusalsHaveANextStep(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*fake.GitLab)
		o      GitLabOptions
		kind   errs.Kind
		words  []string
	}{
		"no such project": {func(*fake.GitLab) {}, GitLabOptions{Project: "acme/none"}, errs.NotFound, []string{"Maintainer", "acme/none"}},
		"no such group":   {func(*fake.GitLab) {}, GitLabOptions{Group: "none"}, errs.NotFound, []string{"Owner", "none"}},
		"not allowed":     {func(g *fake.GitLab) { g.Fault(fake.Fault{Status: 403, Code: "insufficient_scope"}) }, GitLabOptions{Project: "acme/app"}, errs.Auth, []string{"insufficient_scope", "scope api", "Maintainer"}},
		"no room":         {func(g *fake.GitLab) { g.MaxVariable = 1; g.Set("projects/acme/app", fake.GitLabVariable{Key: "B"}) }, GitLabOptions{Project: "acme/app"}, errs.Backend, []string{"status 400", "no room"}},
		"old masking":     {func(g *fake.GitLab) { g.OldMasking = true }, GitLabOptions{Project: "acme/app", Masked: true}, errs.Backend, []string{"status 400", "before 17"}},
		"several":         {func(g *fake.GitLab) { g.Fault(fake.Fault{Op: "create", Status: 409}) }, GitLabOptions{Group: "acme"}, errs.Conflict, []string{"several scopes"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aGitLab(t)
			c.server(srv)
			wantError(t, gitlabAt(t, srv, c.o).Put(t.Context(), entry("A", "value!!!!"+marker), nil), c.kind, c.words...)
		})
	}
}
