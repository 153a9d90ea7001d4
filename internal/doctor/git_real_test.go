//go:build real

package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/realtest"
)

// repository is a repository with these files, NAME CONTENT ..., all of them tracked
// but those whose name begins with ?.
func repository(t *testing.T, files ...string) string {
	t.Helper()
	git := realtest.Need(t, "git", "apt-get install git")
	dir := t.TempDir()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	run := func(args ...string) {
		if out, err := exec.Command(git, append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	run("init", "-q")
	for i := 0; i < len(files); i += 2 {
		base, untracked := strings.CutPrefix(files[i], "?")
		name := filepath.Join(dir, base)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if !untracked {
			run("add", "-f", base)
		}
	}
	return dir
}

const identity = "# public key: age1x\nAGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ\n"

func TestRealGitHygiene(t *testing.T) {
	dir := repository(t,
		"ok.go", "package ok // AGE-SECRET-KEY-1... is how one begins",
		".env.example", "A=",
		"sub/.env", "A=1", "sub/.skret.local.yaml", "x", "clear.yaml", "secrets:", "keys/it's mine.txt", identity,
		"sub/credentials.key", "SKRET-KEY-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
	)
	found := Git{Dir: dir, Clear: []string{filepath.Join(dir, "clear.yaml")}, Local: ".skret.local.yaml"}.Look(t.Context())
	want := map[string]string{
		"clear.yaml":            "skret local encrypt; what it held is in the history, so change those secrets",
		"keys/it's mine.txt":    `git rm --cached 'keys/it'\''s mine.txt'; make a new identity, and change the secrets`,
		"sub/.env":              "skret import --from dotenv --file sub/.env, then git rm --cached sub/.env; what it held is in the history, so change those secrets",
		"sub/.skret.local.yaml": "git rm --cached sub/.skret.local.yaml, and add it to .gitignore",
		"sub/credentials.key":   "git rm --cached sub/credentials.key; make a new identity, and change the secrets",
	}
	if len(found) != len(want) {
		t.Fatalf("%+v", found)
	}
	for _, f := range found {
		if f.Result != Problem || f.Kind != errs.Leak || f.Mend != want[f.What] {
			t.Errorf("%+v", f)
		}
	}
	// From a folder below, the same files under the names that they have from there.
	below := Git{Dir: filepath.Join(dir, "sub"), Clear: []string{filepath.Join(dir, "clear.yaml")}, Local: ".skret.local.yaml"}.Look(t.Context())
	if len(below) != len(want) {
		t.Errorf("%+v", below)
	}
}

func TestRealGitIgnores(t *testing.T) {
	dir := repository(t, "ok.txt", "", "?.skret.local.yaml", "", "?.env", "")
	found := Git{Dir: dir, Local: ".skret.local.yaml"}.Look(t.Context())
	if len(found) != 2 || found[0].Result != Warning || found[0].Mend != "echo .skret.local.yaml >> .gitignore" || found[1].What != ".env" {
		t.Fatalf("%+v", found)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(".env\n.skret.local.yaml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found = Git{Dir: dir, Local: ".skret.local.yaml"}.Look(t.Context())
	if len(found) != 1 || found[0].Result != OK {
		t.Fatalf("%+v", found)
	}
}

// A repository's own settings run no program.
func TestRealGitRunsNothingOfTheRepository(t *testing.T) {
	dir := repository(t, "ok.txt", "x", ".gitattributes", "* diff=evil filter=evil\n")
	canary := filepath.Join(dir, "canary")
	settings := "[core]\n\tfsmonitor = touch " + canary + "\n\tpager = touch " + canary +
		"\n[diff \"evil\"]\n\ttextconv = touch " + canary + "\n[filter \"evil\"]\n\tclean = touch " + canary + "\n\tsmudge = touch " + canary + "\n"
	f, err := os.OpenFile(filepath.Join(dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	f.Close()
	Git{Dir: dir, Local: ".skret.local.yaml"}.Look(t.Context())
	if _, err := os.Stat(canary); err == nil {
		t.Error("a program was run")
	}
}

func TestRealNoRepository(t *testing.T) {
	realtest.Need(t, "git", "apt-get install git")
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	found := Git{Dir: t.TempDir()}.Look(t.Context())
	if len(found) != 1 || found[0].Result != Skipped || found[0].Detail != "this is no git repository" {
		t.Errorf("%+v", found)
	}
}
