package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// home is a folder of skret's, and what a Vault in it is told.
type home struct {
	vault.Options
	now     time.Time
	notices []string
	env     map[string]string
	asked   []string // prompts
	answers []string // to prompts; the last one stays
}

var start = time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)

func newHome(t *testing.T) *home {
	h := &home{now: start, env: map[string]string{"DBUS_SESSION_BUS_ADDRESS": "disabled:"}}
	h.Options = vault.Options{
		Dir:    filepath.Join(t.TempDir(), ".skret"),
		Getenv: func(name string) string { return h.env[name] },
		Notice: func(msg string) { h.notices = append(h.notices, msg) },
		Now:    func() time.Time { return h.now },
	}
	return h
}

// withKeyring gives h a keyring that is empty. The keyring is one for all tests
// of the process, which therefore do not run at the same time.
func (h *home) withKeyring() *home {
	keyring.MockInit()
	h.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/a/bus/of/tests"
	return h
}

// withAnswers gives h a user who answers prompts.
func (h *home) withAnswers(answers ...string) *home {
	h.answers = answers
	h.AskPassphrase = func(_ context.Context, prompt string) ([]byte, error) {
		h.asked = append(h.asked, prompt)
		a := h.answers[0]
		if len(h.answers) > 1 {
			h.answers = h.answers[1:]
		}
		return []byte(a), nil
	}
	return h
}

// vault returns a Vault as a new process has it.
func (h *home) vault() *vault.Vault { return vault.New(h.Options).Cheaply() }

func (h *home) file() string    { return filepath.Join(h.Dir, "credentials.yaml") }
func (h *home) keyFile() string { return filepath.Join(h.Dir, "credentials.key") }

func (h *home) read(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(h.file())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (h *home) write(t *testing.T, text string) {
	t.Helper()
	replace(t, h.file(), text)
}

func token1(s string) vault.Material { return vault.NewMaterial(map[string]string{"token": s}) }

// put signs in with a token.
func (h *home) put(t *testing.T, service, name, token string) vault.Credential {
	t.Helper()
	c, err := h.vault().Put(t.Context(), vault.Credential{
		Service: service, Name: name, Method: "sso", Meta: map[string]string{"region": "us-east-1", "url": "https://acme.example/start?a=b&c=d"},
	}, token1(token))
	if err != nil {
		t.Fatalf("put %s/%s: %v", service, name, err)
	}
	return c
}

func find(t *testing.T, v *vault.Vault, service, name string) vault.Credential {
	t.Helper()
	c, err := v.Find(service, name)
	if err != nil {
		t.Fatalf("find %s/%s: %v", service, name, err)
	}
	return c
}

// wantToken fails unless a new process opens the sign-in, and it has the token.
func (h *home) wantToken(t *testing.T, service, name, want string) {
	t.Helper()
	v := h.vault()
	m, err := v.Open(t.Context(), find(t, v, service, name))
	if err != nil || m.Field("token") != want {
		t.Errorf("%s/%s has the token %q, want %q: %v", service, name, m.Field("token"), want, err)
	}
}

// wantError fails unless the error has the kind and says all of the words, in
// its text or its hint.
func wantError(t *testing.T, err error, kind errs.Kind, words ...string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind {
		t.Errorf("error of kind %v, want %v: %v", errs.KindOf(err), kind, err)
		return
	}
	for _, w := range words {
		if text := err.Error() + "\n" + errs.HintOf(err); !strings.Contains(text, w) {
			t.Errorf("the error does not say %q: %s", w, text)
		}
	}
}

func TestWhatIsPutIsFoundAndOpenedByAnotherProcess(t *testing.T) {
	h := newHome(t)
	c := h.put(t, "aws", "work", "marker")
	if !c.Default || c.Generation != 1 || !c.LoggedIn.Equal(start) {
		t.Errorf("put returned %+v", c)
	}
	got := find(t, h.vault(), "aws", "work")
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c) || got.Method != "sso" || got.Meta["url"] != "https://acme.example/start?a=b&c=d" {
		t.Errorf("found %+v, want %+v", got, c)
	}
	h.wantToken(t, "aws", "work", "marker")
	h.wantToken(t, "aws", "", "marker")
}

func TestWhereNobodySignedInThereIsNothingAndNothingIsMade(t *testing.T) {
	h := newHome(t)
	v := h.vault()
	if list, err := v.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	_, err := v.Find("aws", "")
	wantError(t, err, errs.NotFound, "skret auth login aws")
	_, err = v.Find("aws", "work")
	wantError(t, err, errs.NotFound, "skret auth login aws --name work")
	wantError(t, v.Delete(t.Context(), "aws", "work"), errs.NotFound)
	wantError(t, v.SetDefault(t.Context(), "aws", "work"), errs.NotFound)
	if err := v.PutSession(t.Context(), vault.Credential{Service: "aws", Name: "work"}, vault.Session{Key: "k"}, token1("x")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(h.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestListIsByServiceThenTheDefaultThenName(t *testing.T) {
	h := newHome(t)
	for _, n := range []string{"github/b", "aws/z", "aws/a", "aws/m", "github/a"} {
		service, name, _ := strings.Cut(n, "/")
		h.put(t, service, name, "x")
	}
	list, err := h.vault().List()
	var got []string
	for _, c := range list {
		got = append(got, c.Service+"/"+c.Name)
	}
	if want := []string{"aws/z", "aws/a", "aws/m", "github/b", "github/a"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %v", got, want, err)
	}
}

func TestWhatIsReturnedIsACopy(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	v := h.vault()
	c := find(t, v, "aws", "work")
	c.Meta["region"] = "elsewhere"
	if _, err := v.Open(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestAnOlderGenerationIsAConflict(t *testing.T) {
	h := newHome(t)
	old := h.put(t, "aws", "work", "one")
	v := h.vault()
	renewed, err := v.Renew(t.Context(), old, token1("two"))
	if err != nil || renewed.Generation != 2 || !renewed.LoggedIn.Equal(old.LoggedIn) || !renewed.Default {
		t.Errorf("%+v, %v", renewed, err)
	}
	for _, v := range []*vault.Vault{v, h.vault()} {
		_, err = v.Open(t.Context(), old)
		wantError(t, err, errs.Conflict)
		_, err = v.Renew(t.Context(), old, token1("three"))
		wantError(t, err, errs.Conflict)
	}
	h.wantToken(t, "aws", "work", "two")
	h.put(t, "aws", "work", "four") // the clock stands, and it is another sign-in nevertheless
	_, err = v.Renew(t.Context(), renewed, token1("five"))
	wantError(t, err, errs.Conflict)
	if c := find(t, v, "aws", "work"); c.LoggedIn.Equal(renewed.LoggedIn) || c.Generation != 3 {
		t.Errorf("after a new login: %+v", c)
	}
	if err := v.Delete(t.Context(), "aws", "work"); err != nil {
		t.Fatal(err)
	}
	_, err = h.vault().Open(t.Context(), renewed)
	wantError(t, err, errs.Conflict)
}

func session(key string, ends time.Time) vault.Session {
	return vault.Session{Key: key, Expires: ends, Meta: map[string]string{"life": "1h"}}
}

func (h *home) putSession(t *testing.T, c vault.Credential, s vault.Session, token string) {
	t.Helper()
	if err := h.vault().PutSession(t.Context(), c, s, token1(token)); err != nil {
		t.Fatal(err)
	}
}

func (h *home) wantSessions(t *testing.T, service, name string, want map[string]string) {
	t.Helper()
	v := h.vault()
	c := find(t, v, service, name)
	got := map[string]string{}
	for _, s := range c.Sessions {
		m, err := v.OpenSession(t.Context(), c, s.Key)
		if err != nil || s.Meta["life"] != "1h" {
			t.Errorf("session %s: %+v, %v", s.Key, s, err)
		}
		got[s.Key] = m.Field("token")
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sessions %v, want %v", got, want)
	}
}

func TestSessionsAreReplacedExpireAndOutliveARenewal(t *testing.T) {
	h := newHome(t)
	c := h.put(t, "aws", "work", "x")
	h.putSession(t, c, session("1/dev", h.now.Add(time.Hour)), "dev")
	h.putSession(t, c, session("1/ops", h.now.Add(2*time.Hour)), "ops")
	h.putSession(t, c, session("1/dev", h.now.Add(90*time.Minute)), "dev again")
	h.wantSessions(t, "aws", "work", map[string]string{"1/dev": "dev again", "1/ops": "ops"})

	c.Meta["region"] = "eu-west-1"
	renewed, err := h.vault().Renew(t.Context(), c, token1("y"))
	if err != nil || len(renewed.Sessions) != 2 || renewed.Meta["region"] != "eu-west-1" {
		t.Errorf("%+v, %v", renewed, err)
	}
	h.wantSessions(t, "aws", "work", map[string]string{"1/dev": "dev again", "1/ops": "ops"})

	h.now = h.now.Add(100 * time.Minute)
	h.putSession(t, c, session("2/dev", h.now.Add(time.Hour)), "new") // by an older generation of the same sign-in
	h.wantSessions(t, "aws", "work", map[string]string{"1/ops": "ops", "2/dev": "new"})
	h.wantToken(t, "aws", "work", "y")

	h.put(t, "aws", "work", "z")
	before := h.read(t)
	h.putSession(t, renewed, session("3/dev", h.now.Add(time.Hour)), "of the sign-in before")
	if h.read(t) != before {
		t.Error("a session of another sign-in was written")
	}
	h.wantSessions(t, "aws", "work", map[string]string{})
}

func TestASessionThatChangedIsAConflict(t *testing.T) {
	h := newHome(t)
	c := h.put(t, "aws", "work", "x")
	h.putSession(t, c, session("k", h.now.Add(time.Hour)), "one")
	v := h.vault()
	c = find(t, v, "aws", "work")
	_, err := v.OpenSession(t.Context(), c, "other")
	wantError(t, err, errs.NotFound)
	h.putSession(t, c, session("k", h.now.Add(2*time.Hour)), "two")
	find(t, v, "aws", "work") // reads the file anew
	_, err = v.OpenSession(t.Context(), c, "k")
	wantError(t, err, errs.Conflict)
}

func TestADefaultIsAlwaysThere(t *testing.T) {
	h := newHome(t)
	for _, n := range []string{"b", "c", "a"} {
		h.put(t, "aws", n, n)
	}
	v := h.vault()
	wantDefault := func(want string) {
		t.Helper()
		if c := find(t, v, "aws", ""); c.Name != want {
			t.Errorf("the default is %s, want %s", c.Name, want)
		}
	}
	wantDefault("b")
	if err := v.SetDefault(t.Context(), "aws", "c"); err != nil {
		t.Fatal(err)
	}
	wantDefault("c")
	h.put(t, "aws", "c", "again")
	wantDefault("c")
	for _, gone := range []string{"c", "b"} {
		if err := v.Delete(t.Context(), "aws", gone); err != nil {
			t.Fatal(err)
		}
		wantDefault("a")
	}
	if err := v.Delete(t.Context(), "aws", "a"); err != nil {
		t.Fatal(err)
	}
	_, err := v.Find("aws", "")
	wantError(t, err, errs.NotFound)
	h.put(t, "aws", "z", "z")
	wantDefault("z")
}

func TestNamesThatAreNoFileNamesAreRefused(t *testing.T) {
	h := newHome(t)
	v := h.vault()
	for _, bad := range []string{"", ".", "..", "../x", "a/b", `a\b`, "-x", "a b", "é", "a\n", strings.Repeat("x", 65)} {
		_, err := v.Put(t.Context(), vault.Credential{Service: "aws", Name: bad}, token1("x"))
		wantError(t, err, errs.Invalid)
		_, err = v.Put(t.Context(), vault.Credential{Service: bad, Name: "work"}, token1("x"))
		wantError(t, err, errs.Invalid)
		_, err = v.Find(bad, "")
		wantError(t, err, errs.Invalid)
		wantError(t, v.Delete(t.Context(), "aws", bad), errs.Invalid)
		wantError(t, v.SetDefault(t.Context(), "aws", bad), errs.Invalid)
		_, err = v.Lock(t.Context(), "aws", bad)
		wantError(t, err, errs.Invalid)
		_, _, err = v.TryLock(bad, "work")
		wantError(t, err, errs.Invalid)
	}
	h.put(t, "a", "A.b_c-9"+strings.Repeat("x", 57), "x")
}

func TestWhatIsNotTextIsRefusedAndNotRepeated(t *testing.T) {
	v := newHome(t).vault()
	for what, put := range map[string]func(c vault.Credential) error{
		"meta": func(c vault.Credential) error {
			c.Meta = map[string]string{"k": "mark\xff"}
			_, err := v.Put(t.Context(), c, token1("x"))
			return err
		},
		"material": func(c vault.Credential) error {
			_, err := v.Put(t.Context(), c, token1("mark\xff"))
			return err
		},
		"session": func(c vault.Credential) error {
			return v.PutSession(t.Context(), c, vault.Session{Key: "mark\xff"}, token1("x"))
		},
		"key": func(c vault.Credential) error { return v.PutSession(t.Context(), c, vault.Session{}, token1("x")) },
	} {
		err := put(vault.Credential{Service: "aws", Name: "work"})
		if wantError(t, err, errs.Invalid); err != nil && strings.Contains(err.Error(), "mark") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWithoutAFolderEveryCallSaysWhatToSet(t *testing.T) {
	for _, dir := range []string{"", "relative"} {
		v := vault.New(vault.Options{Dir: dir})
		ctx, c := t.Context(), vault.Credential{Service: "aws", Name: "work"}
		calls := map[string]error{}
		_, calls["list"] = v.List()
		_, calls["find"] = v.Find("aws", "")
		_, calls["open"] = v.Open(ctx, c)
		_, calls["put"] = v.Put(ctx, c, token1("x"))
		_, calls["renew"] = v.Renew(ctx, c, token1("x"))
		calls["session"] = v.PutSession(ctx, c, vault.Session{Key: "k"}, token1("x"))
		calls["delete"] = v.Delete(ctx, "aws", "work")
		calls["default"] = v.SetDefault(ctx, "aws", "work")
		_, calls["lock"] = v.Lock(ctx, "aws", "work")
		_, _, calls["trylock"] = v.TryLock("aws", "work")
		_, _, calls["backend"] = v.Backend()
		calls["choose"] = v.Choose(ctx, vault.KeyFile)
		for call, err := range calls {
			t.Log(call)
			wantError(t, err, errs.Config, "SKRET_HOME")
		}
	}
}
