package remote

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
)

func TestInfisicalOptionsAreJudgedAtOnce(t *testing.T) {
	api := Client(newClock().options(), given(t, "infisical", "", "eyJx"))
	_, err := InfisicalSource(api, InfisicalOptions{ProjectID: "a&b", Environment: "pr od", Path: "/a/../b"})
	if err == nil || errs.KindOf(err) != errs.Invalid {
		t.Fatal(err)
	}
	for _, w := range []string{`"a&b" is not the ID`, `"pr od" is not an environment`, `"/a/../b" is not a folder`} {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in %v", w, err)
		}
	}
	for path, ok := range map[string]bool{"": true, "/": true, "app": true, "/app/": true, "/a-b_c/d": true, "/a//b": false, "/a b": false, "/*": false, "/a\n": false, "/a%2fb": false, "/..": false} {
		i, err := InfisicalSource(api, InfisicalOptions{ProjectID: "p", Environment: "dev", Path: path})
		if (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		} else if ok && !strings.HasPrefix(i.ID(), "infisical:p/dev") {
			t.Error(i.ID())
		}
	}
}

// A service token is for its scope, and the server puts that in the place of what
// is asked for.
func TestInfisicalServiceTokenReadsItsScopeAlone(t *testing.T) {
	for name, c := range map[string]struct {
		project string
		scopes  []string
		path    string
		refused bool
		read    string
	}{
		"its folder":              {projectID, []string{"prod:/app"}, "/app", false, "A=1"},
		"its folder, with a bar":  {projectID, []string{"prod:/app/"}, "app", false, "A=1"},
		"another folder":          {projectID, []string{"prod:/app"}, "/", true, ""},
		"another environment":     {projectID, []string{"dev:/app"}, "/app", true, ""},
		"another project":         {"other", []string{"prod:/app"}, "/app", true, ""},
		"a pattern":               {projectID, []string{"prod:/**"}, "/app", false, "A=1"},
		"a pattern, elsewhere":    {projectID, []string{"dev:/**"}, "/app", true, ""},
		"one of two":              {projectID, []string{"dev:/", "prod:/app"}, "/app", false, "A=1"},
		"none of two":             {projectID, []string{"dev:/app", "prod:/"}, "/app", true, ""},
		"hostile words of scopes": {projectID, []string{"pr\x1b[31mod:/", "prod:/st." + marker}, "/app", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := anInfisical(t)
			srv.AddServiceToken("st."+marker, c.project, c.scopes...)
			value(srv, "/app", "A", "1")
			value(srv, "/", "A", "top")
			i, _ := infisicalAt(t, srv, "st."+marker, InfisicalOptions{Path: c.path})
			es, err := i.Read(t.Context())
			if c.refused {
				wantError(t, err, errs.Config, "the Infisical token is for")
				if got := srv.Ops(); !slices.Equal(got, []string{"service-token"}) {
					t.Errorf("%v", got)
				}
			} else if err != nil || shape(es) != c.read {
				t.Errorf("%s %v", shape(es), err)
			}
		})
	}
}

func TestInfisicalAnswerOfAnotherPlaceIsRefused(t *testing.T) {
	for _, body := range []string{
		`{"secrets":[{"secretKey":"A","secretValue":"x","environment":"dev","secretPath":"/app"}]}`,
		`{"secrets":[{"secretKey":"A","secretValue":"x","environment":"prod","secretPath":"/"}]}`,
	} {
		srv := services(t, marker)
		srv.On("GET /api/v4/secrets", fake.ServiceAnswer{Body: body})
		i, err := InfisicalSource(Client(newClock().options(), given(t, "infisical", srv.URL, marker)), InfisicalOptions{ProjectID: "p", Environment: "prod", Path: "/app"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.Read(t.Context())
		wantError(t, err, errs.Backend, "another place")
	}
}

// That a project does not exist is no reason to ask again in the old way.
func TestInfisicalOldReadingIsForOldServers(t *testing.T) {
	srv := anInfisical(t)
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
	_, err := i.Read(t.Context())
	wantError(t, err, errs.NotFound, "there is no /api/v4/secrets at 127.0.0.1:", "SecretPathNotFound")
	if got := srv.Ops(); !slices.Equal(got, []string{"list"}) {
		t.Errorf("%v", got)
	}

	srv = anInfisical(t)
	srv.Old = true
	value(srv, "/", "A", "${B}", "B", "b")
	wantRead(t, srv, InfisicalOptions{}, "A=b B=b")
	if got := srv.Ops(); !slices.Equal(got, []string{"", "list v3", "list v3"}) {
		t.Errorf("%v", got)
	}
	i, _ = infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{Path: "/nope"})
	_, err = i.Read(t.Context())
	wantError(t, err, errs.NotFound, "/api/v3/secrets/raw", "SecretPathNotFound")

	// Something else altogether.
	other := services(t, marker)
	i, err = InfisicalSource(Client(newClock().options(), given(t, "infisical", other.URL, marker)), InfisicalOptions{ProjectID: "p", Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Read(t.Context())
	wantError(t, err, errs.NotFound, "there is no /api/v4/secrets at")
}

func TestInfisicalRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		fault *fake.Fault
		kind  errs.Kind
		words []string
	}{
		"another token":       {token: "eyJother", kind: errs.Auth, words: []string{"is not accepted by 127.0.0.1:", "status 401, Unauthorized"}},
		"not allowed":         {fault: &fake.Fault{Status: 403, Code: "PermissionDenied"}, kind: errs.Auth, words: []string{"may not GET /api/v4/secrets", "PermissionDenied"}},
		"a reference":         {fault: &fake.Fault{Skip: 1, Status: 403, Code: "PermissionDenied"}, kind: errs.Auth, words: []string{"may not GET", "refers to another", "as they stand"}},
		"JSON that fails":     {fault: &fake.Fault{Status: 500, Code: "InternalServerError", Message: marker, Times: -1}, kind: errs.Backend, words: []string{"failed: status 500, InternalServerError"}},
		"a page, for ever":    {fault: &fake.Fault{Do: "html", Status: 503, Times: -1}, kind: errs.Backend, words: []string{"failed: status 503"}},
		"a page":              {fault: &fake.Fault{Do: "html"}, kind: errs.Backend, words: []string{"a web page"}},
		"nothing":             {fault: &fake.Fault{Do: "empty"}, kind: errs.Backend, words: []string{"is empty"}},
		"another shape":       {fault: &fake.Fault{Do: "garbage"}, kind: errs.Backend, words: []string{"holds no list of secrets"}},
		"cut, each time":      {fault: &fake.Fault{Do: "cut", Times: -1}, kind: errs.Network, words: []string{"no answer from"}},
		"a long refusal":      {fault: &fake.Fault{Status: 429, RetryAfter: 3600}, kind: errs.Network, words: []string{"try again in 1h0m0s"}},
		"changed in between":  {fault: nil, kind: errs.Conflict, words: []string{"was changed while it was read"}},
		"cut, the second one": {fault: &fake.Fault{Skip: 1, Do: "cut", Times: -1}, kind: errs.Network, words: []string{"no answer from"}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := anInfisical(t)
			value(srv, "/", "A", "${B}", "B", "b")
			if c.fault != nil {
				c.fault.Op = "list"
				srv.Fault(*c.fault)
			}
			if name == "changed in between" {
				srv.OnCall = func(string) {
					if len(srv.Ops()) == 2 {
						srv.Delete(at("/"), "A")
					}
				}
			}
			if c.token == "" {
				c.token = "eyJ" + marker
			}
			i, clk := infisicalAt(t, srv, c.token, InfisicalOptions{})
			es, err := i.Read(t.Context())
			wantError(t, err, c.kind, c.words...)
			if es != nil {
				t.Errorf("it returned %d secrets", len(es))
			}
			noSecret(t, "a notice or the log", strings.Join(clk.notice, "\n")+clk.log.String())
		})
	}
}

func TestInfisicalFailuresThatPass(t *testing.T) {
	for name, f := range map[string]fake.Fault{
		"too many requests": {Status: http.StatusTooManyRequests, Code: "RateLimitExceeded", RetryAfter: 9},
		"a proxy":           {Do: "html", Status: http.StatusBadGateway},
		"cut":               {Do: "cut"},
	} {
		srv := anInfisical(t)
		value(srv, "/", "A", "1")
		srv.Fault(f)
		i, clk := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
		es, err := i.Read(t.Context())
		if err != nil || shape(es) != "A=1" {
			t.Errorf("%s: %s %v", name, shape(es), err)
		}
		if f.RetryAfter > 0 && (len(clk.slept) != 1 || clk.slept[0] < 9*time.Second) {
			t.Errorf("%s: it waited %v", name, clk.slept)
		}
	}
}

func TestInfisicalTokenIsNotTakenAlong(t *testing.T) {
	srv, to := anInfisical(t), nowhere(t)
	for _, status := range redirects {
		srv.Fault(fake.Fault{Do: "redirect", Status: status, Message: to})
		i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
		_, err := i.Read(t.Context())
		wantError(t, err, errs.Backend, "which is not followed")
	}
}

func TestInfisicalSlowAnswerIsWaitedForOrGivenUp(t *testing.T) {
	srv := anInfisical(t)
	value(srv, "/", "A", "1")
	release := make(chan struct{})
	asked := make(chan struct{}, 1)
	srv.OnCall = func(string) { asked <- struct{}{}; <-release }
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := i.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { <-asked; close(release) }()
	if es, err := i.Read(t.Context()); err != nil || shape(es) != "A=1" {
		t.Errorf("%s %v", shape(es), err)
	}
}

// The address is written in many ways.
func TestInfisicalAddresses(t *testing.T) {
	for name, c := range map[string]struct{ env []string }{
		"without /api": {[]string{"INFISICAL_API_URL", ""}}, "with /api": {[]string{"INFISICAL_API_URL", "/api"}},
		"with a bar": {[]string{"INFISICAL_API_URL", "/api/"}}, "the new variable": {[]string{"INFISICAL_DOMAIN", "/"}},
	} {
		srv := anInfisical(t)
		value(srv, "/", "A", "1")
		token, err := service(t, "infisical").Find(t.Context(), FindOptions{Getenv: env(c.env[0], srv.URL+c.env[1], "INFISICAL_TOKEN", "eyJ"+marker)})
		if err != nil {
			t.Fatal(err)
		}
		i, err := InfisicalSource(Client(newClock().options(), token), InfisicalOptions{ProjectID: projectID, Environment: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		if es, err := i.Read(t.Context()); err != nil || shape(es) != "A=1" {
			t.Errorf("%s: %s %v", name, shape(es), err)
		}
	}
	for address, want := range map[string]string{
		"": "https://app.infisical.com/api", "https://us.infisical.com": "https://us.infisical.com/api", "eu.infisical.com/api/": "https://eu.infisical.com/api",
		"https://secrets.example.com:8443/infisical": "https://secrets.example.com:8443/infisical/api",
	} {
		if got := given(t, "infisical", address, "eyJx").Origin; got != want {
			t.Errorf("%q is %s", address, got)
		}
	}
	_, err := service(t, "infisical").Token(MethodToken, "http://secrets.example.com", map[string]string{"token": "eyJ" + marker})
	wantError(t, err, errs.Config, "plain http is for this machine only")
}
