package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

const passphrase = "correct horse"

// stores returns a home for each store, chosen by name.
func stores(t *testing.T) map[vault.Store]*home {
	all := map[vault.Store]*home{
		vault.Keyring: newHome(t).withKeyring(), vault.KeyFile: newHome(t), vault.Plaintext: newHome(t),
		vault.Passphrase: newHome(t).withAnswers(passphrase),
	}
	for s, h := range all {
		h.choose(t, s)
	}
	return all
}

func (h *home) choose(t *testing.T, s vault.Store) {
	t.Helper()
	if err := h.vault().Choose(t.Context(), s); err != nil {
		t.Fatalf("choose %s: %v", s, err)
	}
}

func (h *home) wantBackend(t *testing.T, s vault.Store, words string) {
	t.Helper()
	got, text, err := h.vault().Backend()
	if got != s || !strings.Contains(text, words) || err != nil {
		t.Errorf("backend %q, %q, want %q, %q: %v", got, text, s, words, err)
	}
}

func (h *home) wantNotices(t *testing.T, want ...string) {
	t.Helper()
	if len(h.notices) != len(want) {
		t.Errorf("notices %q, want %q", h.notices, want)
		return
	}
	for i, w := range want {
		if !strings.Contains(h.notices[i], w) {
			t.Errorf("notice %q does not say %q", h.notices[i], w)
		}
	}
	h.notices = nil
}

// writeFile makes a private file beside the folder of skret.
func (h *home) writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(h.Dir), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryStoreKeepsSignIns(t *testing.T) {
	for s, h := range stores(t) {
		t.Log(s)
		c := h.put(t, "aws", "work", "one")
		h.put(t, "github", "me", "two")
		h.putSession(t, c, session("a", h.now.Add(time.Hour)), "three")
		if _, err := h.vault().Renew(t.Context(), c, token1("four")); err != nil {
			t.Error(err)
		}
		h.wantToken(t, "aws", "work", "four")
		h.wantToken(t, "github", "", "two")
		h.wantSessions(t, "aws", "work", map[string]string{"a": "three"})
	}
}

func TestWithoutAChoiceTheKeyIsInTheKeyringWhereThereIsOne(t *testing.T) {
	h := newHome(t).withKeyring()
	h.wantBackend(t, vault.Keyring, "the OS keyring")
	h.put(t, "aws", "work", "x")
	h.wantNotices(t)
	if _, err := os.Stat(h.keyFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a key file, too: %v", err)
	}
	h.wantToken(t, "aws", "work", "x")
	h.wantBackend(t, vault.Keyring, "the OS keyring")
}

func TestWithoutAKeyringTheKeyIsInAFileAndThatIsSaidOnce(t *testing.T) {
	broken := newHome(t).withKeyring()
	keyring.MockInitWithError(errors.New("the bus has no keyring"))
	for _, h := range []*home{newHome(t), broken} {
		h.wantBackend(t, vault.KeyFile, "key file "+h.keyFile())
		h.wantNotices(t)
		h.put(t, "aws", "work", "x")
		h.wantNotices(t, h.keyFile())
		h.put(t, "aws", "other", "y")
		h.wantToken(t, "aws", "work", "x")
		h.wantNotices(t)
		info, err := os.Stat(h.keyFile())
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

func TestAChoiceIsRememberedAndSaysNothing(t *testing.T) {
	h := newHome(t).withKeyring()
	h.choose(t, vault.KeyFile)
	h.put(t, "aws", "work", "x")
	h.wantNotices(t)
	h.wantBackend(t, vault.KeyFile, h.keyFile())
	wantError(t, h.vault().Choose(t.Context(), "cloud"), errs.Invalid, "passphrase")
}

func TestChoosingMovesEverythingAndRemovesTheOldKey(t *testing.T) {
	all := []vault.Store{vault.Keyring, vault.KeyFile, vault.Passphrase, vault.Plaintext}
	for _, from := range all {
		for _, to := range all {
			t.Logf("%s to %s", from, to)
			h := newHome(t).withKeyring().withAnswers(passphrase)
			h.choose(t, from)
			h.putSession(t, h.put(t, "aws", "work", "one"), session("a", h.now.Add(time.Hour)), "two")
			h.put(t, "github", "me", "three")
			before := h.read(t)
			h.choose(t, to)
			h.wantToken(t, "aws", "work", "one")
			h.wantToken(t, "github", "me", "three")
			h.wantSessions(t, "aws", "work", map[string]string{"a": "two"})
			h.wantNotices(t)
			if from == to && h.read(t) != before {
				t.Error("the file was written for nothing")
			}
			if strings.Contains(h.read(t), `"two"`) != (to == vault.Plaintext) {
				t.Error(h.read(t))
			}
			if _, err := os.Stat(h.keyFile()); errors.Is(err, fs.ErrNotExist) != (to != vault.KeyFile) {
				t.Errorf("the key file: %v", err)
			}
			if in := keyring.DeleteAll("skret"); in != nil {
				t.Error(in)
			}
			v := h.vault()
			if _, err := v.Open(t.Context(), find(t, v, "aws", "work")); (err != nil) != (to == vault.Keyring) {
				t.Errorf("without the keyring: %v", err)
			}
		}
	}
}

func TestTheOldKeyOpensNothingAfterAMove(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	old, err := os.ReadFile(h.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	h.withAnswers(passphrase).choose(t, vault.Passphrase)
	h.KeyFile = h.writeFile(t, "old.key", string(old))
	v := h.vault()
	_, err = v.Open(t.Context(), find(t, v, "aws", "work"))
	wantError(t, err, errs.Auth, "SKRET_KEY_FILE", "unset")
}

func TestANamedKeyFileIsMadeOnceAndUsed(t *testing.T) {
	h := newHome(t).withKeyring()
	h.KeyFile = filepath.Join(t.TempDir(), "ci.key")
	h.wantBackend(t, vault.KeyFile, h.KeyFile)
	h.put(t, "aws", "work", "x")
	h.wantNotices(t)
	h.wantToken(t, "aws", "work", "x")
	if _, err := os.Stat(h.keyFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is another key file: %v", err)
	}
	// Another folder may share the key, and neither opens what is of the other.
	other := newHome(t)
	other.KeyFile = h.KeyFile
	other.put(t, "aws", "work", "y")
	other.wantToken(t, "aws", "work", "y")
	h.wantToken(t, "aws", "work", "x")

	for what, change := range map[string]func(){
		"gone":    func() { _ = os.Remove(h.KeyFile) },
		"another": func() { h.KeyFile = h.writeFile(t, "k", "SKRET-KEY-1 "+strings.Repeat("A", 43)+"\n") },
		"none":    func() { h.KeyFile = h.writeFile(t, "k", "marker") },
		"empty":   func() { h.KeyFile = h.writeFile(t, "k", "") },
		"folder":  func() { h.KeyFile = t.TempDir() },
	} {
		change()
		t.Log(what)
		v := h.vault()
		_, err := v.Open(t.Context(), find(t, v, "aws", "work"))
		wantError(t, err, errs.Auth)
		if err != nil && strings.Contains(err.Error()+errs.HintOf(err), "marker") {
			t.Errorf("the content of the file is in %v", err)
		}
		_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "new"}, token1("y")) // it may be named by mistake
		wantError(t, err, errs.Auth)
	}
}

func TestANamedKeyFileWinsOverThePlaceInTheFileIfItsKeyFits(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	key, err := os.ReadFile(h.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	h.edit(t, func(f map[string]any) { f["store"] = "keyring" }) // as if made in a desktop session that is not here
	v := h.vault()
	_, err = v.Open(t.Context(), find(t, v, "aws", "work"))
	wantError(t, err, errs.Auth, "session bus", "SKRET_KEY_FILE")
	_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "new"}, token1("y"))
	wantError(t, err, errs.Auth, "session bus")

	h.KeyFile = h.writeFile(t, "copy.key", string(key))
	h.wantToken(t, "aws", "work", "x")
	h.wantBackend(t, vault.KeyFile, h.KeyFile)
}

func TestChoosingAKeyFileThatIsNamedMovesThere(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "x")
	h.KeyFile = filepath.Join(t.TempDir(), "ci.key")
	h.choose(t, vault.KeyFile)
	h.wantToken(t, "aws", "work", "x")
	h.wantNotices(t)
}

func TestAPassphraseIsAskedOnceAProcessAndTwiceForANewOne(t *testing.T) {
	h := newHome(t).withAnswers(passphrase)
	h.choose(t, vault.Passphrase)
	if len(h.asked) != 2 {
		t.Errorf("asked %q", h.asked)
	}
	h.put(t, "aws", "work", "x")
	h.asked = nil
	v := h.vault()
	c := find(t, v, "aws", "work")
	if len(h.asked) != 0 {
		t.Errorf("asked %q to find", h.asked)
	}
	for range 3 {
		if _, err := v.Open(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.asked) != 1 {
		t.Errorf("asked %q", h.asked)
	}

	h.withAnswers("marker")
	v = h.vault()
	_, err := v.Open(t.Context(), c)
	if wantError(t, err, errs.Auth, "wrong"); strings.Contains(err.Error(), "marker") {
		t.Error(err)
	}
	_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "new"}, token1("y")) // a typing error drops nothing
	wantError(t, err, errs.Auth, "wrong")

	h.AskPassphrase = nil
	v = h.vault()
	_, err = v.Open(t.Context(), c)
	wantError(t, err, errs.Auth, "SKRET_PASSPHRASE_FILE")
}

func TestANewPassphraseThatIsEmptyOrNotRepeatedIsRefused(t *testing.T) {
	for _, answers := range [][]string{{""}, {"one", "two"}} {
		h := newHome(t).withAnswers(answers...)
		wantError(t, h.vault().Choose(t.Context(), vault.Passphrase), errs.Invalid)
		if _, err := os.Stat(h.file()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file was made: %v", err)
		}
	}
}

func TestAPassphraseComesFromTheFirstLineOfItsFile(t *testing.T) {
	h := newHome(t)
	h.PassphraseFile = h.writeFile(t, "pass", passphrase+"\r\nsecond line\n")
	h.wantBackend(t, vault.Passphrase, "passphrase")
	h.put(t, "aws", "work", "x")
	h.PassphraseFile = h.writeFile(t, "pass", passphrase)
	h.wantToken(t, "aws", "work", "x")
	for what, name := range map[string]string{"empty": h.writeFile(t, "empty", "\n"), "gone": h.file() + "x", "folder": h.Dir} {
		t.Log(what)
		h.PassphraseFile = name
		v := h.vault()
		_, err := v.Open(t.Context(), find(t, v, "aws", "work"))
		wantError(t, err, errs.Auth)
	}
}

func TestALoginMendsALostKeyAndSaysWhatIsDropped(t *testing.T) {
	for what, lose := range map[string]func(t *testing.T, h *home){
		"key file gone":     func(_ *testing.T, h *home) { _ = os.Remove(h.keyFile()) },
		"another key file":  func(t *testing.T, h *home) { replace(t, h.keyFile(), "SKRET-KEY-1 "+strings.Repeat("A", 43)+"\n") },
		"keyring cleared":   func(*testing.T, *home) { _ = keyring.DeleteAll("skret") },
		"another in it":     func(t *testing.T, h *home) { h.inKeyring(t, strings.Repeat("A", 43)) },
		"nonsense in there": func(t *testing.T, h *home) { h.inKeyring(t, "marker") },
	} {
		t.Log(what)
		h := newHome(t)
		if strings.Contains(what, "in") {
			h.withKeyring()
		}
		c := h.put(t, "aws", "work", "one")
		h.put(t, "github", "me", "two")
		h.notices = nil
		lose(t, h)

		v := h.vault()
		_, err := v.Open(t.Context(), c)
		wantError(t, err, errs.Auth, "skret auth login")
		_, err = v.Renew(t.Context(), c, token1("three")) // no login: nothing is dropped
		wantError(t, err, errs.Auth)
		if list, err := v.List(); len(list) != 2 || err != nil {
			t.Errorf("%v, %v", list, err)
		}

		h.put(t, "aws", "work", "four")
		h.wantNotices(t, "github/me")
		h.wantToken(t, "aws", "work", "four")
		_, err = h.vault().Find("github", "")
		wantError(t, err, errs.NotFound)
	}
}

func replace(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inKeyring replaces what is in the keyring for h.
func (h *home) inKeyring(t *testing.T, text string) {
	t.Helper()
	h.edit(t, func(f map[string]any) {
		if err := keyring.Set("skret", f["key"].(map[string]any)["id"].(string), text); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatCannotBeOpenedCanBeLoggedOutOf(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "x")
	keyring.MockInitWithError(errors.New("locked"))
	v := h.vault()
	_, err := v.Open(t.Context(), find(t, v, "aws", "work"))
	wantError(t, err, errs.Auth, "locked", "unlock")
	_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "new"}, token1("y")) // locked is not lost
	wantError(t, err, errs.Auth, "locked")
	if err := v.Delete(t.Context(), "aws", "work"); err != nil {
		t.Fatal(err)
	}
	_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "new"}, token1("y"))
	wantError(t, err, errs.Auth, "--store keyfile")
	h.choose(t, vault.KeyFile)
	h.put(t, "aws", "new", "y")
	h.wantToken(t, "aws", "new", "y")
}

func TestALostKeyIsNoReasonNotToChooseAnotherStore(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	h.notices = nil
	if err := os.Remove(h.keyFile()); err != nil {
		t.Fatal(err)
	}
	h.withAnswers(passphrase).choose(t, vault.Passphrase)
	h.wantNotices(t, "aws/work")
}

func TestAFailedWriteTakesTheNewKeyBack(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "x")
	h.edit(t, func(f map[string]any) { credential(f, 0)["generation"] = 7 }) // does not open
	before := h.read(t)
	wantError(t, h.vault().Choose(t.Context(), vault.KeyFile), errs.Auth)
	if h.read(t) != before {
		t.Error("the file was changed")
	}
	h.edit(t, func(f map[string]any) { credential(f, 0)["generation"] = 1 })
	h.wantToken(t, "aws", "work", "x")
}
