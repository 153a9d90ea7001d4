package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/secret"
)

// A thousand names with ten values each go through set, get, env and run as
// processes, and come back byte for byte.

const exactNames, exactRounds = 1000, 10

func TestExactThroughLocalStore(t *testing.T) {
	p := newProject(t, "provider: local\n    file: .skret.secrets.yaml")
	r := rand.New(rand.NewPCG(1, 2))
	names := randomNames(r, exactNames)
	for round := range exactRounds {
		// The second half is bytes that are no text: JSON carries them in base64,
		// and `env --format json` would refuse them by name.
		text := round < exactRounds/2
		want := map[string]string{}
		for _, n := range names {
			want[n] = randomValue(r, text)
		}
		p.exact(t, want, text)
	}
}

// SSM keeps text alone. One value a name here; TestRealExactThroughMoto has ten.
func TestExactThroughSSM(t *testing.T) {
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	r := rand.New(rand.NewPCG(3, 4))
	names := ssmNames(r)
	p := newProject(t, "provider: aws\n    path: /app/dev\n    region: us-east-1", aws.Env()...)
	want := map[string]string{}
	for _, n := range names {
		want[n] = randomValue(r, true) + "."
	}
	p.exact(t, want, true)
}

// ssmNames are names that SSM takes.
func ssmNames(r *rand.Rand) []string {
	return slices.DeleteFunc(randomNames(r, exactNames), func(n string) bool {
		n = strings.ToLower(n)
		return strings.HasPrefix(n, "aws") || strings.HasPrefix(n, "ssm")
	})
}

// project is a folder with a .skret.yaml and an environment that holds nothing
// of this machine.
type project struct {
	dir string
	env []string
}

// newProject makes a project whose only environment has these settings.
func newProject(t testing.TB, settings string, env ...string) *project {
	t.Helper()
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	for _, d := range []string{home, filepath.Join(dir, ".git")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	yaml := "version: \"1\"\nenvironments:\n  dev:\n    " + settings + "\n"
	if err := os.WriteFile(filepath.Join(dir, ".skret.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	// A program that is built with the race detector sleeps a second at its end otherwise.
	return &project{dir: dir, env: append([]string{"GORACE=atexit_sleep_ms=0", "HOME=" + home, "USERPROFILE=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}, env...)}
}

// skret runs the command and returns its stdout; a failure ends the test.
func (p *project) skret(t testing.TB, args ...string) []byte {
	t.Helper()
	c := exec.Command("skret", args...)
	c.Dir, c.Env = p.dir, p.env
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("skret %.100q: %v\n%.2000s", args, err, stderr.String())
	}
	return out
}

// exact stores the values and asserts that get, env (for text) and run give
// back the same bytes.
func (p *project) exact(t *testing.T, want map[string]string, text bool) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(want))
	pairs := []string{"set", "--allow-empty", "--"}
	for _, k := range keys {
		pairs = append(pairs, k+"="+want[k])
	}
	p.skret(t, pairs...)

	var docs []struct {
		Key, Value  string
		ValueBase64 []byte `json:"value_base64"`
	}
	if err := json.Unmarshal(p.skret(t, append([]string{"get", "--format", "json"}, keys...)...), &docs); err != nil {
		t.Fatal(err)
	}
	if len(docs) != len(keys) {
		t.Fatalf("get: %d of %d", len(docs), len(keys))
	}
	for _, d := range docs {
		got := d.Value
		if len(d.ValueBase64) > 0 {
			got = string(d.ValueBase64)
		}
		p.same(t, "get", d.Key, got, want[d.Key])
	}

	vars := map[string]string{}
	for _, k := range keys {
		vars[secret.Key(k).EnvName()] = want[k]
	}
	got := map[string]string{}
	for kv := range strings.SplitSeq(string(p.skret(t, "run", "--pristine", "--", "dumpenv")), "\x00") {
		k, v, _ := strings.Cut(kv, "=")
		got[k] = v
	}
	for k, v := range vars {
		p.same(t, "run", k, got[k], v)
	}
	if !text {
		return
	}
	clear(got)
	if err := json.Unmarshal(p.skret(t, "env", "--format", "json"), &got); err != nil {
		t.Fatal(err)
	}
	for k, v := range vars {
		p.same(t, "env", k, got[k], v)
	}
}

func (*project) same(t *testing.T, verb, name, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s %s: %q, want %q", verb, name, got, want)
	}
}

// dumpEnv prints its environment, a NUL after each variable: the child of run.
func dumpEnv() {
	fmt.Print(strings.Join(os.Environ(), "\x00"))
}

// randomNames returns n keys whose variables are distinct and not dangerous.
func randomNames(r *rand.Rand, n int) []string {
	const first, rest = "abcdefghijklmnopqrtuvwxyzBCDEFGHIJKLMNOPQRTUVWXYZ_", "abcXYZ019_.-/"
	var names []string
	seen := map[string]bool{}
	for len(names) < n {
		b := []byte{first[r.IntN(len(first))]}
		for range r.IntN(30) {
			b = append(b, rest[r.IntN(len(rest))])
		}
		k, err := secret.ParseKey(string(b))
		if v := k.EnvName(); err == nil && !seen[v] && secret.Dangerous(v) == "" && strings.Count(string(b), "/") < 8 {
			seen[v] = true
			names = append(names, string(b))
		}
	}
	return names
}

// randomValue returns text with everything that quoting gets wrong, or bytes.
func randomValue(r *rand.Rand, text bool) string {
	pieces := []string{
		"\n", "\r\n", "\r", "\t", " ", "'", "\"", "`", "$HOME", "$(id)", "${X}", "%PATH%", "\\", "\\n", "#", "=", ";", "&", "|", "<", ">", "!",
		"é", "日本", "🔑", "\u202e", "\u2028", "\ufeff", "\x1b[31m", "\x7f", "-----BEGIN KEY-----\n", "null", "~", "0x1F", "- a", "a: b", "}", "{ {",
	}
	var b strings.Builder
	for range r.IntN(12) {
		switch r.IntN(3) {
		case 0:
			b.WriteString(pieces[r.IntN(len(pieces))])
		case 1:
			for range r.IntN(20) {
				b.WriteByte(byte(' ' + r.IntN(95)))
			}
		default:
			if text {
				b.WriteRune(rune(1 + r.IntN(0xd7ff)))
				continue
			}
			for range r.IntN(20) {
				b.WriteByte(byte(1 + r.IntN(255)))
			}
		}
	}
	s := strings.ReplaceAll(b.String(), "{{", "{ {") // a reference, to SSM
	if text && !utf8.ValidString(s) {
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	return s
}
