//go:build real && linux

package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// G2: the order in which a write reaches the disk, as the kernel sees it. The new
// file is flushed before it takes the old one's place, the folder is flushed
// after that, and only then it is said that the secret is set.
func TestRealWriteIsFlushedBeforeItIsAcknowledged(t *testing.T) {
	strace := realtest.Need(t, "strace", "apt-get install strace")
	p := localProject(t)
	p.skret(t, "set", "A=1")
	trace := filepath.Join(p.dir, "trace")
	c := exec.Command(strace, "-f", "-y", "-o", trace, "-e", "trace=flock,openat,write,fsync,fdatasync,rename,renameat,renameat2", "skret", "set", "A=2")
	c.Dir, c.Env = p.dir, p.env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(b)
	dir := regexp.QuoteMeta(p.dir)
	for _, step := range []string{
		`flock\(\d+<` + dir + `>, LOCK_EX\|LOCK_NB\) += 0`,
		`openat\([^\n]*secrets\.yaml\.\w+\.skret-tmp", O_WRONLY\|O_CREAT\|O_EXCL\|O_NOFOLLOW\|O_CLOEXEC, `,
		`write\(\d+<[^>]*\.skret-tmp>`,
		`fsync\(\d+<[^>]*\.skret-tmp>\) += 0`,
		`renameat2?\([^\n]*\.skret-tmp", [^\n]*/\.skret\.secrets\.yaml"[^\n]*\) += 0`,
		`fsync\(\d+<` + dir + `>\) += 0`,
		`write\(2<[^\n]*skret: set A, version 2`,
	} {
		at := regexp.MustCompile(step).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("%s does not come where it should in\n%s", step, b)
		}
		rest = rest[at[1]:]
	}
	if strings.Contains(string(b), "O_TRUNC") {
		t.Errorf("something was truncated:\n%s", b)
	}
}

// age itself reads the identity that skret made, and opens the data key with it;
// and skret takes what age-keygen and ssh-keygen make.
func TestRealAgeAndSSHKeysFitBothWays(t *testing.T) {
	age := realtest.Need(t, "age", "apt-get install age")
	ageKeygen := realtest.Need(t, "age-keygen", "apt-get install age")
	sshKeygen := realtest.Need(t, "ssh-keygen", "apt-get install openssh-client")
	p := localProject(t)
	p.skret(t, "set", "A=1")
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir, c.Env = p.dir, p.env
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", name, args, err)
		}
		return strings.TrimSpace(string(out))
	}
	text, err := os.ReadFile(filepath.Join(p.dir, ".skret.secrets.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`(?m)^"key": "(.*)"$`).FindStringSubmatch(string(text))
	if key == nil {
		t.Fatalf("no key in\n%s", text)
	}
	wrapped, err := base64.RawStdEncoding.DecodeString(key[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "wrapped.age"), wrapped, 0o600); err != nil {
		t.Fatal(err)
	}
	run(age, "-d", "-i", "home/.skret/identity.txt", "-o", "key", "wrapped.age")
	if b, err := os.ReadFile(filepath.Join(p.dir, "key")); err != nil || len(b) != 32 {
		t.Errorf("age found %d bytes: %v", len(b), err)
	}
	if got := run(ageKeygen, "-y", "home/.skret/identity.txt"); got != run("skret", "local", "identity") {
		t.Errorf("age-keygen says the public key is %s", got)
	}

	run(ageKeygen, "-o", "age.txt")
	run(sshKeygen, "-q", "-t", "ed25519", "-N", "", "-f", "ed", "-C", "me@here")
	run(sshKeygen, "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", "rsa")
	run("sh", "-c", `skret local recipients add "$(age-keygen -y age.txt)" "$(cat ed.pub)" "$(cat rsa.pub)"`)
	for _, file := range []string{"age.txt", "ed", "rsa"} {
		if got := run("sh", "-c", "SKRET_IDENTITY_FILE=$1 exec skret get A", "sh", filepath.Join(p.dir, file)); got != "1" {
			t.Errorf("%s reads %q", file, got)
		}
	}
}
