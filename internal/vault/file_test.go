package vault_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

// another is a sign-in to put.
var another = vault.Credential{Service: "aws", Name: "another", Method: "sso"}

func TestABrokenFileIsAnErrorThatSaysWhatToDo(t *testing.T) {
	h := newHome(t)
	h.putSession(t, h.put(t, "aws", "work", "x"), session("a", h.now.Add(time.Hour)), "y")
	good := h.read(t)
	cut := strings.LastIndex(good, `"sessions"`)
	for what, text := range map[string]string{
		"empty": "", "blank": "\n", "cut": good[:cut], "no json": "aws: marker\n", "a list": `["marker"]`, "null": "null", "more": good + "{}",
		"no version": strings.Replace(good, `"version": "1",`, "", 1), "a number": strings.Replace(good, `"version": "1"`, `"version": 1`, 1),
		"bad name": strings.Replace(good, `"name": "work"`, `"name": "../marker"`, 1), "bad type": strings.Replace(good, `"generation": 1`, `"generation": "marker"`, 1),
		"no generation": strings.Replace(good, `"generation": 1`, `"generation": 0`, 1), "bad time": strings.Replace(good, `"2026-05-01T10:00:00Z"`, `"marker"`, 1),
		"no default": strings.Replace(good, `"default": true,`, "", 1), "null sign-in": strings.Replace(good, `"credentials": [`, `"credentials": [null,`, 1),
		"bad store": strings.Replace(good, `"keyfile"`, `"marker"`, 1), "nothing in it": "{}", "deep": strings.Repeat("[", 100000),
	} {
		h.write(t, text)
		v := h.vault()
		_, err := v.Find("aws", "")
		t.Log(what)
		wantError(t, err, errs.Unclassified, h.file(), "move it away")
		if err != nil && strings.Contains(err.Error(), "marker") {
			t.Errorf("the error repeats the file: %v", err)
		}
		_, err = v.Put(t.Context(), another, token1("x"))
		wantError(t, err, errs.Unclassified)
		if h.read(t) != text {
			t.Error("a broken file was overwritten")
		}
	}
}

func TestAFileOfANewerSkretIsLeftToThatOne(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	good := h.read(t)
	for _, text := range []string{
		strings.Replace(good, `"version": "1"`, `"version": "2"`, 1),
		strings.Replace(good, `"version": "1"`, `"version": "2", "credentials": {"k": 1}, "new": []`, 1),
		strings.Replace(good, `"method"`, `"colour": "blue", "method"`, 1),
	} {
		h.write(t, text)
		_, err := h.vault().List()
		wantError(t, err, errs.Config, "skret's newest release")
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	c := another
	c.Meta = map[string]string{"k": strings.Repeat("x", 5<<20)}
	_, err := h.vault().Put(t.Context(), c, token1("x"))
	wantError(t, err, errs.Invalid)
	if err := os.Truncate(h.file(), 1<<40); err != nil {
		t.Skip(err)
	}
	_, err = h.vault().List()
	wantError(t, err, errs.Invalid)
}
