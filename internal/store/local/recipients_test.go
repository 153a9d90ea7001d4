package local_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/store/local"
)

func TestTheIdentityIsMadeAtFirstUseForTheUserAlone(t *testing.T) {
	o := options(t)
	var notices []string
	o.Notice = func(msg string) { notices = append(notices, msg) }
	set(t, o, "A", "x")
	if text := strings.Join(notices, "\n"); !strings.Contains(text, "made your identity, "+o.IdentityFile) || !strings.Contains(text, "sealed for you;") {
		t.Errorf("notices %q", notices)
	}
	text := read(t, o.IdentityFile)
	if !regexp.MustCompile(`^# created: \S+\n# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$`).MatchString(text) {
		t.Error("it is not as age-keygen writes it")
	}
	if ids, err := age.ParseIdentities(strings.NewReader(text)); err != nil || len(ids) != 1 {
		t.Errorf("age reads %d identities: %v", len(ids), err)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]os.FileMode{o.IdentityFile: 0o600, o.Home: 0o700} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v: %v", name, info.Mode(), err)
			}
		}
	}
	id, err := local.New(o).Identity(t.Context())
	if err != nil || id.Made || id.Locked || id.File != o.IdentityFile || !strings.Contains(text, id.Recipients[0]) {
		t.Errorf("%+v %v", id, err)
	}
	// As text it does the same, and no file is needed.
	want(t, local.Options{File: o.File, Identity: text}, "A", "x")
	wantKind(t, listError(t, local.Options{File: o.File}), errs.Config, "SKRET_HOME")
	wantKind(t, listError(t, local.Options{File: o.File, Identity: "AGE-SECRET-KEY-1HUNTER2"}), errs.Auth, "SKRET_IDENTITY")
	if err := listError(t, local.Options{File: o.File, Identity: "AGE-SECRET-KEY-1HUNTER2"}); strings.Contains(err.Error(), "HUNTER2") {
		t.Errorf("the error tells the identity: %v", err)
	}
}

func listError(t testing.TB, o local.Options) error {
	t.Helper()
	_, err := local.New(o).List(t.Context(), "")
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func TestAnIdentityOpenToOthersIsRepairedAloud(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	o := options(t)
	set(t, o, "A", "x")
	if err := os.Chmod(o.IdentityFile, 0o644); err != nil {
		t.Fatal(err)
	}
	var notices []string
	o.Notice = func(msg string) { notices = append(notices, msg) }
	want(t, o, "A", "x")
	if len(notices) != 1 || !strings.Contains(notices[0], "could be read by others") {
		t.Errorf("notices %q", notices)
	}
}

// answers gives them one after the other, and fails the test when there is none.
func answers(t testing.TB, words ...string) func(context.Context, string) ([]byte, error) {
	return func(_ context.Context, prompt string) ([]byte, error) {
		if len(words) == 0 {
			t.Errorf("asked %q too often", prompt)
			return nil, errors.New("no answer")
		}
		w := words[0]
		words = words[1:]
		return []byte(w), nil
	}
}

func TestALockedIdentityOpensByItsPassphrase(t *testing.T) {
	t.Parallel() // with the other slow ones
	o := options(t)
	set(t, o, "A", "x")
	_, err := local.New(o).LockIdentity(t.Context())
	wantKind(t, err, errs.Invalid, "nobody can be asked")
	for _, wrong := range [][]string{{"one", "two"}, {"", ""}} {
		o.AskPassphrase = answers(t, wrong...)
		_, err = local.New(o).LockIdentity(t.Context())
		wantKind(t, err, errs.Invalid, "nothing was changed")
	}
	key := regexp.MustCompile(`AGE-SECRET-KEY-\w+`).FindString(read(t, o.IdentityFile))
	o.AskPassphrase = answers(t, "pass", "pass")
	if id, err := local.New(o).LockIdentity(t.Context()); err != nil || !id.Locked {
		t.Fatalf("%+v %v", id, err)
	}
	if strings.Contains(read(t, o.IdentityFile), key) {
		t.Error("the key is still in clear")
	}
	o.AskPassphrase = answers(t, "pass", "changed", "changed")
	if _, err := local.New(o).LockIdentity(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.AskPassphrase = answers(t, "changed")
	want(t, o, "A", "x")

	// From here on with the work that a test can wait for, as age -p writes it.
	rcpt, err := age.NewScryptRecipient("pass")
	if err != nil {
		t.Fatal(err)
	}
	rcpt.SetWorkFactor(10)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, rcpt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, key+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, o.IdentityFile, out.String())
	o.AskPassphrase = answers(t, "pass") // once, whatever is done
	s := local.New(o)
	for range 2 {
		if es, err := s.List(t.Context(), ""); err != nil || len(es) != 1 {
			t.Errorf("%v %v", es, err)
		}
	}
	o.AskPassphrase = answers(t, "wrong")
	wantKind(t, listError(t, o), errs.Auth, "passphrase is wrong")
	o.AskPassphrase = nil
	wantKind(t, listError(t, o), errs.Auth, "locked by a passphrase", "SKRET_IDENTITY")
	if es, err := local.New(o).Names(t.Context(), ""); err != nil || len(es) != 1 {
		t.Errorf("names need the identity: %v %v", es, err)
	}
}

func TestANewStoreIsSealedForTheConfiguredRecipientsToo(t *testing.T) {
	o, other := options(t), options(t)
	o.Recipients = []string{recipient(t, other), recipient(t, o)}
	set(t, o, "A", "x")
	want(t, o, "A", "x")
	other.File = o.File
	want(t, other, "A", "x")
	if rs, err := local.New(o).Recipients(); err != nil || len(rs) != 2 {
		t.Errorf("%v %v", rs, err)
	}
	o.File += "2"
	o.Recipients = []string{"age1wrong", "AGE-SECRET-KEY-1HUNTER2"}
	_, err := local.New(o).PutAll(t.Context(), nil, whatever)
	wantKind(t, err, errs.Invalid, "age1wrong", "private one")
	if strings.Contains(err.Error(), "HUNTER2") {
		t.Errorf("the error tells the key: %v", err)
	}
}

func sealedLines(text string) []string {
	return regexp.MustCompile(`"sealed": "[^"]*"`).FindAllString(text, -1)
}

func TestAddingARecipientKeepsTheSecretsAndRemovingOneSealsThemAnew(t *testing.T) {
	o, text := sample(t)
	other := options(t)
	theirs := recipient(t, other)
	other.File = o.File
	s := local.New(o)
	wantKind(t, listError(t, other), errs.Auth)

	if added, err := s.AddRecipients(t.Context(), []string{theirs, recipient(t, o)}); err != nil || !slices.Equal(added, []string{theirs}) {
		t.Fatalf("added %v: %v", added, err)
	}
	want(t, other, "A", "fourth", "B", "fifth")
	if !slices.Equal(sealedLines(read(t, o.File)), sealedLines(text)) {
		t.Error("the secrets were sealed anew")
	}
	before := read(t, o.File)
	if added, err := s.AddRecipients(t.Context(), []string{theirs}); err != nil || len(added) != 0 || read(t, o.File) != before {
		t.Errorf("added again: %v %v", added, err)
	}

	if err := s.RemoveRecipients(t.Context(), []string{theirs}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, listError(t, other), errs.Auth, "not for you")
	want(t, o, "A", "fourth", "B", "fifth")
	want := sealedLines(text)
	for _, l := range sealedLines(read(t, o.File)) {
		if slices.Contains(want, l) {
			t.Error("a value has kept its seal")
		}
	}
	if es, err := s.History(t.Context(), "GONE"); err != nil || len(es) != 2 || es[0].Value.Reveal() != "third" || !es[1].Deleted {
		t.Errorf("history %+v %v", es, err)
	}
	wantKind(t, s.RemoveRecipients(t.Context(), []string{theirs}), errs.NotFound, theirs)
	wantKind(t, s.RemoveRecipients(t.Context(), []string{recipient(t, o)}), errs.Invalid, "without access")
	_, err := s.AddRecipients(t.Context(), []string{"nonsense", "age1nonsense"})
	wantKind(t, err, errs.Invalid, `"nonsense"`, `"age1nonsense"`)
	// Whoever cannot open it can change nothing.
	_, err = local.New(other).AddRecipients(t.Context(), []string{theirs})
	wantKind(t, err, errs.Auth, "not for you")
}

// sshKey returns a key pair as ssh-keygen writes it.
func sshKey(t *testing.T, key any, public any, pass string) (private, recipient string) {
	t.Helper()
	var block *pem.Block
	var err error
	if pass == "" {
		block, err = ssh.MarshalPrivateKey(key, "me@here")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "me@here", []byte(pass))
	}
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(pub))) + " me@here"
}

func TestSSHKeysAreRecipientsAndIdentities(t *testing.T) {
	t.Parallel() // with the other slow ones
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edText, edRecipient := sshKey(t, ed, edPublic, "")
	rsaText, rsaRecipient := sshKey(t, rsaKey, &rsaKey.PublicKey, "")
	lockedText, _ := sshKey(t, ed, edPublic, "pass")
	o, _ := sample(t)
	wantKind(t, listError(t, local.Options{File: o.File, Identity: edText}), errs.Auth, "recipients add 'ssh-ed25519 ")
	if added, err := local.New(o).AddRecipients(t.Context(), []string{edRecipient, rsaRecipient}); err != nil || len(added) != 2 {
		t.Fatalf("%v %v", added, err)
	}
	for _, id := range []string{edText, rsaText} {
		want(t, local.Options{File: o.File, Identity: id}, "A", "fourth", "B", "fifth")
	}
	want(t, local.Options{File: o.File, Identity: lockedText, AskPassphrase: answers(t, "pass")}, "A", "fourth", "B", "fifth")
	wantKind(t, listError(t, local.Options{File: o.File, Identity: lockedText, AskPassphrase: answers(t, "wrong")}), errs.Auth, "passphrase is wrong")
	wantKind(t, listError(t, local.Options{File: o.File, Identity: lockedText}), errs.Auth, "nobody can be asked")
	// The key alone names a recipient, without its comment.
	if err := local.New(o).RemoveRecipients(t.Context(), []string{strings.TrimSuffix(edRecipient, " me@here")}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, listError(t, local.Options{File: o.File, Identity: edText}), errs.Auth)
	want(t, local.Options{File: o.File, Identity: rsaText}, "A", "fourth", "B", "fifth")
	// Locking an identity does not touch a key of ssh.
	mine := options(t)
	mine.AskPassphrase = answers(t)
	write(t, mine.IdentityFile, edText)
	_, err = local.New(mine).LockIdentity(t.Context())
	wantKind(t, err, errs.Invalid, "key of ssh", "ssh-keygen -p")
	if read(t, mine.IdentityFile) != edText {
		t.Error("the key was changed")
	}
	// A store made by somebody who has only an ssh key is his.
	alone := options(t)
	alone.Identity = rsaText
	set(t, alone, "A", "x")
	want(t, alone, "A", "x")
}
