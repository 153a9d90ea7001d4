//go:build real && linux

package vault_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/vault"
)

// gnome-keyring holds the key, in a session with a bus of its own. The test
// starts itself in there, once with the keyring unlocked, then with it locked.
func TestRealKeyring(t *testing.T) {
	if isHelper(t) {
		map[string]func(*testing.T){"unlocked": keyringUnlocked, "locked": keyringLocked}[os.Getenv("SKRET_TEST_STAGE")](t)
		return
	}
	session := realtest.Need(t, "dbus-run-session", "apt-get install dbus-daemon")
	realtest.Need(t, "gnome-keyring-daemon", "apt-get install gnome-keyring")
	realtest.Need(t, "secret-tool", "apt-get install libsecret-tools")
	home := t.TempDir()
	run := filepath.Join(home, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"unlocked", "locked"} {
		c := helper(t, t.Name(), "HOME="+home, "XDG_RUNTIME_DIR="+run, "SKRET_HOME="+filepath.Join(home, ".skret"), "SKRET_TEST_STAGE="+stage)
		c.Path, c.Args = session, append([]string{session, "--"}, c.Args...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", stage, err, out)
		}
	}
}

func inSession(notice func(string)) *vault.Vault {
	return vault.New(vault.Options{Dir: os.Getenv("SKRET_HOME"), Getenv: os.Getenv, Notice: notice})
}

// daemon starts gnome-keyring for this session and returns when it answers. It
// ends with the bus.
func daemon(t *testing.T, stdin string, args ...string) {
	t.Helper()
	c := exec.Command("gnome-keyring-daemon", append(args, "--components=secrets", "--daemonize")...)
	c.Stdin = strings.NewReader(stdin)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
}

func keyringUnlocked(t *testing.T) {
	daemon(t, "a password", "--unlock")
	v := inSession(func(msg string) { t.Errorf("notice: %s", msg) })
	c, err := v.Put(t.Context(), vault.Credential{Service: "aws", Name: "work", Method: "sso"}, token1("marker"))
	if err != nil {
		t.Fatal(err)
	}
	if s, _, err := v.Backend(); s != vault.Keyring || err != nil {
		t.Errorf("backend %s, %v", s, err)
	}
	v = inSession(nil)
	m, err := v.Open(t.Context(), find(t, v, c.Service, c.Name))
	if err != nil || m.Field("token") != "marker" {
		t.Errorf("opened %q, %v", m.Field("token"), err)
	}

	// One item, and it is the key: neither the probe's, nor the material.
	out, err := exec.Command("secret-tool", "search", "--all", "--unlock", "service", "skret").CombinedOutput()
	text := string(out)
	if err != nil || strings.Count(text, "secret = ") != 1 || strings.Contains(text, "marker") {
		t.Errorf("the keyring holds %v: %s", err, text)
	}
	if file, err := os.ReadFile(filepath.Join(os.Getenv("SKRET_HOME"), "credentials.yaml")); err != nil || strings.Contains(string(file), "marker") {
		t.Errorf("%v: %s", err, file)
	}

	// To the key file and back: the item goes, and another one comes.
	for _, s := range []vault.Store{vault.KeyFile, vault.Keyring} {
		if err := inSession(nil).Choose(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		again, _ := exec.Command("secret-tool", "search", "--all", "--unlock", "service", "skret").CombinedOutput()
		if n := strings.Count(string(again), "secret = "); (s == vault.Keyring) != (n == 1) || string(again) == text {
			t.Errorf("after the move to %s the keyring holds: %s", s, again)
		}
	}
}

// Nobody can unlock this one: there is no display to ask on.
func keyringLocked(t *testing.T) {
	daemon(t, "")
	v := inSession(nil)
	c := find(t, v, "aws", "work")
	began := time.Now()
	_, err := v.Open(t.Context(), c)
	wantError(t, err, errs.Auth, "the OS keyring does not give", "unlock")
	if took := time.Since(began); took > vault.RingWait+5*time.Second {
		t.Errorf("it took %s", took)
	}
	_, err = v.Put(t.Context(), vault.Credential{Service: "aws", Name: "other"}, token1("x"))
	wantError(t, err, errs.Auth, "unlock")

	// Who signs in for the first time gets a key file instead.
	var notices []string
	fresh := vault.New(vault.Options{Dir: filepath.Join(t.TempDir(), "h"), Getenv: os.Getenv, Notice: func(msg string) { notices = append(notices, msg) }})
	if _, err := fresh.Put(t.Context(), c, token1("x")); err != nil {
		t.Fatal(err)
	}
	if s, _, err := fresh.Backend(); s != vault.KeyFile || err != nil || len(notices) != 1 {
		t.Errorf("%s, %q, %v", s, notices, err)
	}
}
