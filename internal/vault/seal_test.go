package vault_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// edit changes the file as JSON, and returns what was there before.
func (h *home) edit(t *testing.T, change func(file map[string]any)) {
	t.Helper()
	var file map[string]any
	if err := json.Unmarshal([]byte(h.read(t)), &file); err != nil {
		t.Fatal(err)
	}
	change(file)
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, string(b))
}

func credential(file map[string]any, i int) map[string]any {
	return file["credentials"].([]any)[i].(map[string]any)
}

func sessionOf(file map[string]any, i, j int) map[string]any {
	return credential(file, i)["sessions"].([]any)[j].(map[string]any)
}

// twoSignIns are aws/one and aws/two, each with the sessions a and b.
func twoSignIns(t *testing.T) *home {
	h := newHome(t)
	for _, n := range []string{"one", "two"} {
		c := h.put(t, "aws", n, "marker-"+n)
		h.putSession(t, c, session("a", h.now.Add(time.Hour)), "marker-a-"+n)
		h.putSession(t, c, session("b", h.now.Add(time.Hour)), "marker-b-"+n)
	}
	return h
}

// tampering is what somebody who can write the file, and has no key, may try, and
// what of aws/one opens nevertheless, since it is as it was: the sign-in itself,
// or its session a.
var tampering = map[string]struct {
	change func(file map[string]any)
	opens  string
}{
	"the material of another sign-in": {change: func(f map[string]any) { credential(f, 0)["sealed"] = credential(f, 1)["sealed"] }, opens: "session"},
	"another name": {change: func(f map[string]any) {
		credential(f, 0)["name"], credential(f, 1)["name"] = "two", "one"
	}},
	"another service":          {change: func(f map[string]any) { credential(f, 0)["service"], credential(f, 1)["default"] = "github", true }},
	"another method":           {change: func(f map[string]any) { credential(f, 0)["method"] = "access-key" }},
	"another generation":       {change: func(f map[string]any) { credential(f, 0)["generation"] = 9 }},
	"another login":            {change: func(f map[string]any) { credential(f, 0)["logged_in"] = "2027-05-01T10:00:00Z" }},
	"an edited note":           {change: func(f map[string]any) { credential(f, 0)["meta"].(map[string]any)["region"] = "eu-west-1" }},
	"a note more":              {change: func(f map[string]any) { credential(f, 0)["meta"].(map[string]any)["endpoint"] = "https://evil.example" }},
	"no notes":                 {change: func(f map[string]any) { delete(credential(f, 0), "meta") }},
	"the session's material":   {change: func(f map[string]any) { credential(f, 0)["sealed"] = sessionOf(f, 0, 0)["sealed"] }, opens: "session"},
	"another session's":        {change: func(f map[string]any) { sessionOf(f, 0, 0)["sealed"] = sessionOf(f, 0, 1)["sealed"] }, opens: "sign-in"},
	"a session elsewhere":      {change: func(f map[string]any) { sessionOf(f, 0, 0)["sealed"] = sessionOf(f, 1, 0)["sealed"] }, opens: "sign-in"},
	"a session that lives on":  {change: func(f map[string]any) { sessionOf(f, 0, 0)["expires"] = "2030-01-01T00:00:00Z" }, opens: "sign-in"},
	"a session's edited note":  {change: func(f map[string]any) { sessionOf(f, 0, 0)["meta"].(map[string]any)["life"] = "9h" }, opens: "sign-in"},
	"a session's material cut": {change: func(f map[string]any) { sessionOf(f, 0, 0)["sealed"] = "AAAA" }, opens: "sign-in"},
	"a session under another key": {change: func(f map[string]any) {
		sessionOf(f, 0, 0)["key"], sessionOf(f, 0, 1)["key"] = "b", "a"
	}, opens: "sign-in"},
}

func TestWhatWasTamperedWithDoesNotOpen(t *testing.T) {
	for name, c := range tampering {
		t.Run(name, func(t *testing.T) {
			h := twoSignIns(t)
			h.edit(t, c.change)
			v := h.vault()
			list, err := v.List()
			if err != nil {
				t.Fatal(err)
			}
			for _, cred := range list {
				if cred.Name == "two" && cred.Service == "aws" && name != "another name" {
					continue // untouched
				}
				m, err := v.Open(t.Context(), cred)
				if (c.opens == "sign-in") != (err == nil) {
					t.Errorf("%s/%s: %q, %v", cred.Service, cred.Name, m.Field("token"), err)
				}
				if err != nil {
					wantError(t, err, errs.Auth, "skret auth login")
				}
				if m, err = v.OpenSession(t.Context(), cred, "a"); (c.opens == "session") != (err == nil) {
					t.Errorf("%s/%s: session %q, %v", cred.Service, cred.Name, m.Field("token"), err)
				}
			}
		})
	}
}

func TestASignInOfAnOlderGenerationInANewFileDoesNotOpen(t *testing.T) {
	h := newHome(t)
	c := h.put(t, "aws", "work", "old")
	var old any
	h.edit(t, func(f map[string]any) { old = credential(f, 0)["sealed"] })
	if _, err := h.vault().Renew(t.Context(), c, token1("new")); err != nil {
		t.Fatal(err)
	}
	h.edit(t, func(f map[string]any) { credential(f, 0)["sealed"] = old })
	v := h.vault()
	_, err := v.Open(t.Context(), find(t, v, "aws", "work"))
	wantError(t, err, errs.Auth)
}

func TestASessionThatWasTamperedWithDoesNotSurviveARenewal(t *testing.T) {
	h := twoSignIns(t)
	h.edit(t, func(f map[string]any) { sessionOf(f, 0, 0)["expires"] = "2030-01-01T00:00:00Z" })
	if _, err := h.vault().Renew(t.Context(), find(t, h.vault(), "aws", "one"), token1("new")); err != nil {
		t.Fatal(err)
	}
	h.wantSessions(t, "aws", "one", map[string]string{"b": "marker-b-one"})
}

func TestNoBitOfTheFileCanBeTurnedUnnoticed(t *testing.T) {
	h := newHome(t)
	h.putSession(t, h.put(t, "aws", "one", "marker"), session("a", h.now.Add(time.Hour)), "marker-a")
	text := h.read(t)
	want := find(t, h.vault(), "aws", "one")
	for i := range len(text) * 8 {
		b := []byte(text)
		b[i/8] ^= 1 << (i % 8)
		h.write(t, string(b))
		v := h.vault()
		list, err := v.List()
		if err != nil || len(list) == 0 {
			if errs.KindOf(err) == errs.NotFound {
				t.Fatalf("bit %d: %v", i, err)
			}
			continue
		}
		m, err := v.Open(t.Context(), list[0])
		if err != nil {
			continue
		}
		s, err := v.OpenSession(t.Context(), list[0], list[0].Sessions[0].Key)
		if err != nil {
			continue
		}
		if fmt.Sprintf("%+v", list[0]) != fmt.Sprintf("%+v", want) || m.Field("token") != "marker" || s.Field("token") != "marker-a" {
			t.Fatalf("bit %d of %q was turned: %+v", i, text[max(0, i/8-20):min(len(text), i/8+20)], list[0])
		}
	}
}

func TestMaterialInClearCannotBeSlippedIntoASealedFile(t *testing.T) {
	for name, change := range map[string]func(f map[string]any){
		"beside": func(f map[string]any) { credential(f, 0)["plain"] = map[string]any{"token": "evil"} },
		"instead": func(f map[string]any) {
			c := credential(f, 0)
			delete(c, "sealed")
			c["plain"] = map[string]any{"token": "evil"}
		},
		"session": func(f map[string]any) {
			s := sessionOf(f, 0, 0)
			delete(s, "sealed")
			s["plain"] = map[string]any{"token": "evil"}
		},
		"nothing":    func(f map[string]any) { delete(credential(f, 0), "sealed") },
		"plaintext":  func(f map[string]any) { f["store"] = "plaintext" },
		"other key":  func(f map[string]any) { f["key"].(map[string]any)["id"] = "ANOTHER" },
		"no key":     func(f map[string]any) { delete(f, "key") },
		"no store":   func(f map[string]any) { delete(f, "store") },
		"passphrase": func(f map[string]any) { f["store"] = "passphrase" },
	} {
		h := twoSignIns(t)
		h.edit(t, change)
		v := h.vault()
		c, err := v.Find("aws", "one")
		if err == nil {
			_, err = v.Open(t.Context(), c)
		}
		if kind := errs.KindOf(err); err == nil || kind != errs.Unclassified && kind != errs.Auth {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMaterialPrintsItselfNowhere(t *testing.T) {
	m := token1("marker").With("secret", "marker")
	if m.Field("token") != "marker" || m.Field("secret") != "marker" || m.Field("none") != "" || (vault.Material{}).Field("x") != "" {
		t.Error("a field is lost")
	}
	type holder struct {
		Public  vault.Material
		private vault.Material
		P       *vault.Material
		List    []vault.Material
	}
	h := holder{m, m, &m, []vault.Material{m}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, x := range []any{m, &m, h, &h, []vault.Material{m}, map[string]vault.Material{"k": m}, fmt.Errorf("%w %v", errs.New(errs.Auth, "x"), m)} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "m", m, "h", h, "p", &m)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "m", m, "h", h)
	for _, x := range []any{m, &m, h} {
		b, err := json.Marshal(x)
		if err != nil {
			t.Error(err)
		}
		out.Write(b)
	}
	var g bytes.Buffer
	if err := gob.NewEncoder(&g).Encode(m); err != nil {
		t.Error(err)
	}
	out.Write(g.Bytes())
	if strings.Contains(out.String(), "marker") || strings.Contains(out.String(), fmt.Sprintf("%x", "marker")) {
		t.Error(out.String())
	}
}

func TestNoSecretIsInTheFileInClear(t *testing.T) {
	for name, h := range stores(t) {
		h.putSession(t, h.put(t, "aws", "work", "marker-1"), session("a", h.now.Add(time.Hour)), "marker-2")
		if _, err := h.vault().Renew(t.Context(), find(t, h.vault(), "aws", "work"), token1("marker-3")); err != nil {
			t.Fatal(err)
		}
		text := h.read(t)
		if in := strings.Contains(text, "marker"); in != (name == vault.Plaintext) {
			t.Errorf("%s: %s", name, text)
		}
		for _, readable := range []string{`"service": "aws"`, `"name": "work"`, `"method": "sso"`, `"region": "us-east-1"`, `https://acme.example/start?a=b&c=d`, `"store": "` + string(name) + `"`} {
			if !strings.Contains(text, readable) {
				t.Errorf("%s: %s is not readable in %s", name, readable, text)
			}
		}
		if all := strings.Join(h.notices, "\n"); strings.Contains(all, "marker") || strings.Contains(all, "horse") {
			t.Errorf("notices: %s", all)
		}
	}
}
