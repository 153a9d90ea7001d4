//go:build unix

package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/vault"
)

func chmod(t *testing.T, name string, m fs.FileMode) {
	t.Helper()
	if err := os.Chmod(name, m); err != nil {
		t.Fatal(err)
	}
}

func wantMode(t *testing.T, name string, want fs.FileMode) {
	t.Helper()
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
		t.Errorf("%s has the mode %v, want %v: %v", filepath.Base(name), info.Mode(), want, err)
	}
}

func TestWhatOthersCouldReadIsTakenFromThemAndSaid(t *testing.T) {
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	h.notices = nil
	for _, file := range []fs.FileMode{0o600, 0o400, 0o640, 0o644, 0o604, 0o620, 0o666, 0o777} {
		for _, dir := range []fs.FileMode{0o700, 0o750, 0o755, 0o711, 0o770, 0o777, 0o777 | fs.ModeSticky} {
			chmod(t, h.file(), file)
			chmod(t, h.keyFile(), file)
			chmod(t, h.Dir, dir)
			v := h.vault()
			c, err := v.Find("aws", "work")
			if dir&0o022 != 0 {
				wantError(t, err, errs.Unclassified, "chmod go-w "+h.Dir)
				_, perr := h.vault().Put(t.Context(), another, token1("x"))
				wantError(t, perr, errs.Unclassified, "chmod go-w "+h.Dir)
				h.notices = nil
				continue
			}
			if err != nil {
				t.Fatalf("%v in %v: %v", file, dir, err)
			}
			wantMode(t, h.file(), file&0o700)
			wantMode(t, h.Dir, 0o700)
			if _, err := v.Open(t.Context(), c); err != nil {
				t.Errorf("%v in %v: %v", file, dir, err)
			}
			wantMode(t, h.keyFile(), file&0o700)
			var want []string
			if file&0o077 != 0 {
				want = append(want, h.file())
			}
			if dir != 0o700 {
				want = append(want, "the folder "+h.Dir)
			}
			if file&0o077 != 0 {
				want = append(want, h.keyFile())
			}
			h.wantNotices(t, want...)
		}
	}
}

func TestWhatIsMadeIsForTheUserAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	unlock, err := h.vault().Lock(t.Context(), "aws", "work")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	wantMode(t, h.Dir, 0o700)
	wantMode(t, h.file(), 0o600)
	wantMode(t, h.keyFile(), 0o600)
	wantMode(t, filepath.Join(h.Dir, "locks"), 0o700)
	wantMode(t, filepath.Join(h.Dir, "locks", "aws+work"), 0o700)
}

func TestWhatIsNoFileOfOursIsNotReadAsNotSignedIn(t *testing.T) {
	for what, put := range map[string]func(name string) error{
		"link":          func(name string) error { return os.Symlink(name+".moved", name) },
		"dangling link": func(name string) error { return os.Symlink("nowhere", name) },
		"folder":        func(name string) error { return os.Mkdir(name, 0o700) },
		"pipe":          func(name string) error { return syscall.Mkfifo(name, 0o600) },
	} {
		for _, key := range []bool{false, true} {
			t.Logf("%s, key: %v", what, key)
			h := newHome(t)
			c := h.put(t, "aws", "work", "x")
			name, kind := h.file(), errs.Unclassified
			if key {
				name, kind = h.keyFile(), errs.Auth
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Remove(name), os.WriteFile(name+".moved", text, 0o600), put(name)); err != nil {
				t.Fatal(err)
			}
			v := h.vault()
			_, err = v.Open(t.Context(), c)
			wantError(t, err, kind, name)
			_, err = v.Put(t.Context(), another, token1("x"))
			wantError(t, err, kind, name)
		}
	}
}

func TestAnothersFileIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	h := newHome(t)
	h.put(t, "aws", "work", "x")
	if err := os.Chown(h.file(), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := h.vault().Find("aws", "work")
	wantError(t, err, errs.Unclassified, "another user")
}

func TestANamedFileThatIsOpenToOthersIsTakenFromThemIfItIsAKey(t *testing.T) {
	h := newHome(t)
	h.KeyFile = h.writeFile(t, "k", "SKRET-KEY-1 "+strings.Repeat("A", 43)+"\n")
	chmod(t, h.KeyFile, 0o644)
	h.put(t, "aws", "work", "x")
	h.wantNotices(t, h.KeyFile)
	wantMode(t, h.KeyFile, 0o600)
	chmod(t, h.KeyFile, 0o400) // as systemd gives it
	h.wantToken(t, "aws", "work", "x")

	p := newHome(t)
	p.PassphraseFile = p.writeFile(t, "p", passphrase)
	chmod(t, p.PassphraseFile, 0o644)
	_, err := p.vault().Put(t.Context(), another, token1("x"))
	wantError(t, err, errs.Auth, "chmod 600")
	wantMode(t, p.PassphraseFile, 0o644)
}

// processes runs n helpers at once and returns when all have ended.
func processes(t *testing.T, n int, name, dir string) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		c := helper(t, name, "SKRET_HOME="+dir, fmt.Sprintf("SKRET_TEST_NUMBER=%d", i), "DBUS_SESSION_BUS_ADDRESS=disabled:")
		wg.Go(func() {
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
		})
	}
	wg.Wait()
}

func TestManyProcessesThatSignInAtOnceLoseNothing(t *testing.T) {
	const all, rounds = 16, 4
	if isHelper(t) {
		n := os.Getenv("SKRET_TEST_NUMBER")
		v := vault.New(vault.Options{Dir: os.Getenv("SKRET_HOME"), Getenv: os.Getenv})
		c, err := v.Put(t.Context(), vault.Credential{Service: "aws", Name: "p" + n}, token1("0"))
		for i := range rounds {
			if err != nil {
				break
			}
			err = v.PutSession(t.Context(), c, session(fmt.Sprint(i), time.Now().Add(time.Hour)), token1(n))
			if err == nil {
				c, err = v.Renew(t.Context(), c, token1(fmt.Sprint(i)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	h := newHome(t)
	processes(t, all, t.Name(), h.Dir)
	v := h.vault()
	for i := range all {
		name := fmt.Sprintf("p%d", i)
		c := find(t, v, "aws", name)
		m, err := v.Open(t.Context(), c)
		if err != nil || c.Generation != rounds+1 || m.Field("token") != fmt.Sprint(rounds-1) || len(c.Sessions) != rounds {
			t.Errorf("%+v, %v", c, err)
		}
		for _, s := range c.Sessions {
			if m, err := v.OpenSession(t.Context(), c, s.Key); err != nil || m.Field("token") != fmt.Sprint(i) {
				t.Errorf("session %s: %v", s.Key, err)
			}
		}
	}
}

func TestManyGoroutinesLoseNothing(t *testing.T) {
	const all = 64
	h := newHome(t)
	h.Notice = nil
	v := h.vault()
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			name := fmt.Sprintf("g%d", i)
			c, err := v.Put(t.Context(), vault.Credential{Service: "aws", Name: name}, token1(name))
			if err == nil {
				err = v.PutSession(t.Context(), c, session("a", start.Add(time.Hour)), token1(name))
			}
			if err == nil {
				c, err = v.Find("aws", name)
			}
			m, oerr := v.OpenSession(t.Context(), c, "a")
			if err = errors.Join(err, oerr); err != nil || m.Field("token") != name {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	if list, err := v.List(); err != nil || len(list) != all {
		t.Errorf("%d sign-ins: %v", len(list), err)
	}
}

// A writer is killed at some moment. What it has said to be written is there, and
// at every moment the file can be read, and opened.
func TestKilledWritersTearNothing(t *testing.T) {
	if isHelper(t) {
		v := vault.New(vault.Options{Dir: os.Getenv("SKRET_HOME"), Getenv: os.Getenv})
		c, err := v.Find("aws", "work")
		for err == nil {
			if c, err = v.Renew(t.Context(), c, token1(fmt.Sprint(c.Generation+1))); err == nil {
				fmt.Printf("wrote %d\n", c.Generation)
			}
		}
		t.Fatal(err)
	}
	h := newHome(t)
	h.put(t, "aws", "work", "1")
	for range 30 {
		c := helper(t, t.Name(), "SKRET_HOME="+h.Dir, "DBUS_SESSION_BUS_ADDRESS=disabled:")
		said := killAfter(t, c, 1+rand.IntN(20))
		v := h.vault()
		cred := find(t, v, "aws", "work")
		m, err := v.Open(t.Context(), cred)
		if err != nil || m.Field("token") != fmt.Sprint(cred.Generation) || cred.Generation < said {
			t.Fatalf("after %d was written: %+v, %v", said, cred, err)
		}
	}
	h.put(t, "aws", "work", "x")
	if left, _ := filepath.Glob(filepath.Join(h.Dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// killAfter starts a writer, kills it when it has written n times, and returns
// the last generation that it said it wrote.
func killAfter(t *testing.T, c *exec.Cmd, n int) (said int64) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for killed := false; ; {
		k, err := out.Read(buf)
		all.Write(buf[:k])
		if err != nil {
			break
		}
		if !killed && strings.Count(all.String(), "wrote ") >= n {
			killed = true
			_ = c.Process.Kill()
		}
	}
	_ = c.Wait()
	for line := range strings.Lines(all.String()) {
		if strings.HasSuffix(line, "\n") {
			_, _ = fmt.Sscanf(line, "wrote %d", &said)
		}
	}
	if said == 0 {
		t.Fatalf("the writer wrote nothing: %s", all.String())
	}
	return said
}
