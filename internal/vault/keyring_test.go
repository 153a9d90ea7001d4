package vault_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

func TestAKeyringThatDoesNotAnswerIsWaitedForSoLongAndNotLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		began := time.Now()
		_, err := vault.Bounded(t.Context().Done(), vault.RingWait, func() (string, error) {
			<-hang
			return "", nil
		})
		if !errors.Is(err, vault.ErrNoAnswer) || time.Since(began) != vault.RingWait {
			t.Errorf("after %s: %v", time.Since(began), err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err = vault.Bounded(ctx.Done(), vault.RingWait, func() (string, error) {
			<-hang
			return "", nil
		})
		if !errors.Is(err, vault.ErrNoAnswer) || time.Since(began) != time.Second {
			t.Errorf("canceled after %s: %v", time.Since(began), err)
		}
	})
}

func TestAKeyringThatAnswersNonsenseIsAnError(t *testing.T) {
	_, err := vault.Bounded(nil, vault.RingWait, func() (string, error) { panic("interface conversion: marker") })
	if err == nil || strings.Contains(err.Error(), "marker") {
		t.Error(err)
	}
}

func TestTheTextOfAKeyringIsCutAndPrintable(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "x")
	keyring.MockInitWithError(errors.New("no\x1b[31m\n\u202e " + strings.Repeat("x", 1000)))
	v := h.vault()
	_, err := v.Open(t.Context(), find(t, v, "aws", "work"))
	wantError(t, err, errs.Auth, "the OS keyring")
	if strings.ContainsAny(err.Error(), "\x1b\n\u202e") || len(err.Error()) > 300 {
		t.Errorf("%q", err)
	}
}

func TestTheKeyringHoldsOneItemThatIsNotTheMaterial(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "marker")
	h.put(t, "github", "me", "marker")
	h.edit(t, func(f map[string]any) {
		text, err := keyring.Get("skret", f["key"].(map[string]any)["id"].(string))
		if err != nil || len(text) != 43 || strings.Contains(h.read(t), text) {
			t.Errorf("%q, %v", text, err)
		}
	})
	other := newHome(t)
	other.env = h.env
	other.put(t, "aws", "work", "another folder's")
	h.wantToken(t, "aws", "work", "marker")
	other.wantToken(t, "aws", "work", "another folder's")
}

func TestNothingIsAskedOfTheKeyringThatNeedsNoKey(t *testing.T) {
	h := newHome(t).withKeyring()
	h.put(t, "aws", "work", "x")
	h.put(t, "aws", "other", "x")
	keyring.MockInitWithError(errors.New("asked"))
	v := h.vault()
	c := find(t, v, "aws", "")
	_, lerr := v.List()
	_, text, berr := v.Backend()
	stale := c
	stale.LoggedIn = stale.LoggedIn.Add(1)
	_, rerr := v.Renew(t.Context(), stale, token1("y"))
	wantError(t, rerr, errs.Conflict)
	if err := errors.Join(lerr, berr, v.SetDefault(t.Context(), "aws", "other"), v.Delete(t.Context(), "aws", "other"),
		v.PutSession(t.Context(), stale, session("a", h.now), token1("y"))); err != nil || text != "the OS keyring" {
		t.Errorf("%q, %v", text, err)
	}
}

// helper is this test binary, to be started as another process: run names the
// test that plays it.
func helper(t *testing.T, run string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^"+run+"$", "-test.count=1")
	c.Env = append([]string{"SKRET_TEST_HELPER=" + run, "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	return c
}

// isHelper tells whether this process was started by helper for this test.
func isHelper(t *testing.T) bool { return os.Getenv("SKRET_TEST_HELPER") == t.Name() }

// The real client of the keyring starts dbus-launch when it finds no bus. A trap
// of that name tells whether it was started.
func TestWithoutASessionBusNoProcessIsStartedAndNothingIsWaitedFor(t *testing.T) {
	if isHelper(t) {
		v := vault.New(vault.Options{Dir: os.Getenv("SKRET_HOME"), Getenv: os.Getenv})
		c, err := v.Put(t.Context(), vault.Credential{Service: "aws", Name: "work"}, token1("x"))
		if err == nil {
			_, err = vault.New(vault.Options{Dir: os.Getenv("SKRET_HOME"), Getenv: os.Getenv}).Open(t.Context(), c)
		}
		if s, _, berr := v.Backend(); s != vault.KeyFile || err != nil || berr != nil {
			t.Errorf("%s, %v, %v", s, err, berr)
		}
		return
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("the keyring of this system needs no bus")
	}
	bin, trace := t.TempDir(), filepath.Join(t.TempDir(), "started")
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\necho yes >"+trace+"\nsleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	addresses := []string{"disabled:", "unix:path=" + filepath.Join(bin, "no-bus")}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("/run/user", me.Uid, "bus")); err != nil { // else the user's own bus would be found
		addresses = append(addresses, "", "autolaunch:")
	}
	for _, address := range addresses {
		c := helper(t, t.Name(), "DBUS_SESSION_BUS_ADDRESS="+address, "SKRET_HOME="+filepath.Join(t.TempDir(), "h"), "PATH="+bin+":"+os.Getenv("PATH"))
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", address, err, out)
		}
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("dbus-launch was started")
	}
}
