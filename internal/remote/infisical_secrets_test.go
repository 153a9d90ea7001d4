package remote

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
)

const projectID = "7c1a2f9e-0000-4000-8000-00000000abcd"

// at is a folder of the project, in prod.
func at(path string) fake.InfisicalFolder {
	return fake.InfisicalFolder{Project: projectID, Environment: "prod", Path: path}
}

// anInfisical is a fake with one access token.
func anInfisical(t *testing.T) *fake.Infisical {
	t.Helper()
	i := fake.NewInfisical()
	t.Cleanup(i.Close)
	i.AddToken("eyJ"+marker, -1)
	t.Cleanup(func() {
		if len(i.Unmet()) != 0 {
			t.Errorf("it did not happen: %v", i.Unmet())
		}
	})
	return i
}

// value writes secrets without anything special.
func value(srv *fake.Infisical, path string, pairs ...string) {
	for n := 0; n < len(pairs); n += 2 {
		srv.Set(at(path), pairs[n], fake.InfisicalSecret{Value: pairs[n+1]})
	}
}

// infisicalAt is the source at a fake, in prod.
func infisicalAt(t *testing.T, srv *fake.Infisical, token string, o InfisicalOptions) (*Infisical, *clock) {
	t.Helper()
	o.ProjectID, o.Environment = projectID, "prod"
	c := newClock()
	i, err := InfisicalSource(Client(c.options(), given(t, "infisical", srv.URL, token)), o)
	if err != nil {
		t.Fatal(err)
	}
	return i, c
}

// wantRead reads a folder and compares what there is.
func wantRead(t *testing.T, srv *fake.Infisical, o InfisicalOptions, want string, warnings ...string) {
	t.Helper()
	i, clk := infisicalAt(t, srv, "eyJ"+marker, o)
	es, err := i.Read(t.Context())
	if err != nil || shape(es) != want {
		t.Errorf("%+v: %s, %v", o, shape(es), err)
	}
	if !slices.Equal(i.Warnings(), warnings) {
		t.Errorf("%+v: it warns %q", o, i.Warnings())
	}
	noSecret(t, "the log", clk.log.String())
}

// generations are the servers that there are.
var generations = map[string]func(*fake.Infisical){
	"now": func(*fake.Infisical) {}, "the first v4": func(i *fake.Infisical) { i.EarlyFlags = true }, "v3": func(i *fake.Infisical) { i.Old = true },
}

func TestInfisicalValuesAreByteForByte(t *testing.T) {
	for name, of := range generations {
		srv := anInfisical(t)
		of(srv)
		for key, v := range exact {
			srv.Set(at("/app"), key, fake.InfisicalSecret{Value: v, OneLine: true})
		}
		i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{Path: "app/"})
		es, err := i.Read(t.Context())
		if err != nil || len(i.Warnings()) != 0 || i.ID() != "infisical:"+projectID+"/prod/app" {
			t.Errorf("%s: %s: %v %q", name, i.ID(), err, i.Warnings())
		}
		wantExact(t, es)

		value(srv, "/app", "REFERS", "<${TABS}>") // and all others stay as they are
		if es, err = i.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := slices.IndexFunc(es, func(e secret.Entry) bool { return e.Key == "REFERS" })
		if n < 0 || es[n].Value.Reveal() != "<\ta\t>" {
			t.Fatalf("%s: REFERS is not among them, or wrong", name)
		}
		wantExact(t, slices.Delete(es, n, n+1))
	}
}

// What is left out has another meaning from version to version.
func TestInfisicalIsToldEverything(t *testing.T) {
	for _, c := range []struct {
		o    InfisicalOptions
		want string
	}{
		{InfisicalOptions{}, "environment=prod&expandSecretReferences=false&includeImports=true&includePersonalOverrides=false&include_imports=true&projectId=" + projectID + "&recursive=false&secretPath=/&viewSecretValue=true"},
		{InfisicalOptions{Path: "/a/b", Recursive: true, NoImports: true, NoReferences: true}, "environment=prod&expandSecretReferences=false&includeImports=false&includePersonalOverrides=false&include_imports=false&projectId=" + projectID + "&recursive=true&secretPath=/a/b&viewSecretValue=true"},
	} {
		srv := anInfisical(t)
		value(srv, "/a/b", "A", "${B}", "B", "b")
		value(srv, "/", "A", "${B}", "B", "b")
		i, _ := infisicalAt(t, srv, "eyJ"+marker, c.o)
		if _, err := i.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		var queries []string
		for _, call := range srv.Calls() {
			path, query, _ := strings.Cut(call.Path, "?")
			plain, err := url.QueryUnescape(query)
			if err != nil || path != "/api/v4/secrets" {
				t.Errorf("%s %v", path, err)
			}
			queries = append(queries, plain)
		}
		want := []string{c.want}
		if !c.o.NoReferences {
			want = append(want, strings.Replace(c.want, "expandSecretReferences=false", "expandSecretReferences=true", 1))
		}
		if !slices.Equal(queries, want) {
			t.Errorf("%q", queries)
		}
	}
}

func TestInfisicalOwnSecretsGoBeforeImports(t *testing.T) {
	for name, of := range generations {
		srv := anInfisical(t)
		of(srv)
		value(srv, "/app", "A", "own")
		srv.Set(at("/app"), "B", fake.InfisicalSecret{Value: "no", Hidden: true})
		value(srv, "/first", "A", "1", "B", "1", "C", "1", "D", "1", "E", "1")
		value(srv, "/second", "C", "2", "D", "2")
		value(srv, "/deeper", "D", "3", "F", "3")
		srv.Import(at("/second"), at("/deeper"))
		srv.Import(at("/app"), at("/first"), at("/second"))
		t.Log(name)
		wantRead(t, srv, InfisicalOptions{Path: "/app"}, "A=own B! C=2 D=2 E=1 F=3")
		wantRead(t, srv, InfisicalOptions{Path: "/app", NoImports: true}, "A=own B!")
	}
}

func TestInfisicalReferences(t *testing.T) {
	for name, of := range generations {
		srv := anInfisical(t)
		of(srv)
		value(srv, "/", "HOST", "db", "URL", "pg://${HOST}:${prod.net.PORT}/", "LOST", "<${NOBODY}>", "SHELL", "x}${HOME:-x} ${} ${A B} }${", "VIA", "${CHAIN}", "CHAIN", "${HOST}")
		value(srv, "/net", "PORT", "5432")
		srv.Set(at("/"), "LOCKED", fake.InfisicalSecret{Value: "${HOST}", Hidden: true})
		value(srv, "/", "TO_LOCKED", "${LOCKED}")
		t.Log(name)
		const lost = `"LOST" still holds a reference that could not be resolved`
		wantRead(t, srv, InfisicalOptions{},
			"CHAIN=db HOST=db LOCKED! LOST=<${NOBODY}> SHELL=x}${HOME:-x} ${} ${A B} }${ TO_LOCKED=${LOCKED} URL=pg://db:5432/ VIA=db",
			lost, `"TO_LOCKED" still holds a reference that could not be resolved`)
		wantRead(t, srv, InfisicalOptions{NoReferences: true},
			"CHAIN=${HOST} HOST=db LOCKED! LOST=<${NOBODY}> SHELL=x}${HOME:-x} ${} ${A B} }${ TO_LOCKED=${LOCKED} URL=pg://${HOST}:${prod.net.PORT}/ VIA=${CHAIN}")
	}
}

// Infisical can put lines into one where it resolves references.
func TestInfisicalLinesThatAreLostAreNoValue(t *testing.T) {
	srv := anInfisical(t)
	value(srv, "/", "KEY", "-----BEGIN-----\nx\n", "QUOTED", `"a\nb"`)
	srv.Set(at("/"), "FLAT", fake.InfisicalSecret{Value: "${KEY}", OneLine: true})
	srv.Set(at("/"), "LINES", fake.InfisicalSecret{Value: "${KEY}"})
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
	es, err := i.Read(t.Context())
	if want := "FLAT! KEY=-----BEGIN-----\nx\n LINES=-----BEGIN-----\nx\n QUOTED=\"a\\nb\""; err != nil || shape(es) != want {
		t.Errorf("%s %v", shape(es), err)
	} else if !strings.Contains(es[0].Hidden, "multi-line encoding") {
		t.Error(es[0].Hidden)
	}
}

func TestInfisicalWhatIsNoValueIsNeverOne(t *testing.T) {
	srv := anInfisical(t)
	srv.Set(at("/"), "HIDDEN", fake.InfisicalSecret{Value: marker, Hidden: true})
	srv.Set(at("/"), "NULL", fake.InfisicalSecret{Null: true})
	srv.Set(at("/"), "EMPTY", fake.InfisicalSecret{})
	srv.Set(at("/other"), "IMPORTED", fake.InfisicalSecret{Value: marker, Hidden: true})
	srv.Import(at("/"), at("/other"))
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{})
	es, err := i.Read(t.Context())
	if err != nil || shape(es) != "EMPTY= HIDDEN! IMPORTED! NULL!" {
		t.Errorf("%s %v", shape(es), err)
	}
	if es[1].Hidden != "it is hidden, and the token may not read it" || es[3].Hidden != "Infisical gives no value of it" {
		t.Errorf("%q %q", es[1].Hidden, es[3].Hidden)
	}
}

func TestInfisicalPersonalOverridesAreNotRead(t *testing.T) {
	for _, of := range generations {
		srv := anInfisical(t)
		of(srv)
		srv.Set(at("/"), "A", fake.InfisicalSecret{Value: "shared", Personal: "mine"})
		wantRead(t, srv, InfisicalOptions{}, "A=shared")
	}
}

func TestInfisicalFoldersBelow(t *testing.T) {
	for name, of := range generations {
		srv := anInfisical(t)
		of(srv)
		srv.Careless = true
		value(srv, "/", "TOP", "0")
		value(srv, "/app", "A", "1", "URL", "${prod.app.db.HOST}")
		value(srv, "/app/db", "HOST", "h", "A", "2", "odd name", "3")
		value(srv, "/app/db/x", "Z", "4")
		value(srv, "/application", "A", "not asked for")
		t.Log(name)
		wantRead(t, srv, InfisicalOptions{Path: "/app"}, "A=1 URL=h")
		wantRead(t, srv, InfisicalOptions{Path: "/app", Recursive: true}, "A=1 URL=h db/A=2 db/HOST=h db/odd name=3 db/x/Z=4")
		wantRead(t, srv, InfisicalOptions{Recursive: true, NoReferences: true},
			"TOP=0 app/A=1 app/URL=${prod.app.db.HOST} app/db/A=2 app/db/HOST=h app/db/odd name=3 app/db/x/Z=4 application/A=not asked for")
	}
}

func TestInfisicalTwoSecretsOfOneNameAreRefused(t *testing.T) {
	srv := anInfisical(t)
	value(srv, "/app/db", "URL", "1")
	value(srv, "/app", "db/URL", "2")
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{Path: "/app", Recursive: true})
	_, err := i.Read(t.Context())
	wantError(t, err, errs.Conflict, `"/app"`, `"/app/db"`, `"db/URL"`)
}

// Of what is imported below a folder, nobody tells where.
func TestInfisicalImportsBelowAreRefused(t *testing.T) {
	srv := anInfisical(t)
	value(srv, "/app/db", "A", "1")
	value(srv, "/shared", "B", "2")
	srv.Import(at("/app/db"), at("/shared"))
	i, _ := infisicalAt(t, srv, "eyJ"+marker, InfisicalOptions{Path: "/app", Recursive: true})
	_, err := i.Read(t.Context())
	wantError(t, err, errs.Config, "import from others", "without imports")
	wantRead(t, srv, InfisicalOptions{Path: "/app", Recursive: true, NoImports: true}, "db/A=1")
	wantRead(t, srv, InfisicalOptions{Path: "/app/db"}, "A=1 B=2")
}
