package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skret/skret/internal/errs"
)

// A check that fails, or does not end, keeps no other from being made.
func TestChecksAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		good := func(context.Context) []Finding { return []Finding{{Result: OK}} }
		found := Run(t.Context(), []Check{
			{Area: "a", What: "one", Do: good},
			{Area: "b", What: "fails", Do: func(context.Context) []Finding { return []Finding{Of("it", errs.New(errs.Auth, "no").WithHint("do"))} }},
			{Area: "c", What: "deaf", Do: func(context.Context) []Finding { <-never; return nil }},
			{Area: "d", What: "slow", Do: func(ctx context.Context) []Finding { <-ctx.Done(); return []Finding{Of("", ctx.Err())} }},
			{Area: "e", What: "nothing", Do: func(context.Context) []Finding { return nil }},
			{Area: "f", What: "last", Network: true, Do: good},
		}, 10*time.Second, false)
		close(never)
		want := []Finding{
			{Area: "a", What: "one", Result: OK},
			{Area: "b", What: "it", Result: Problem, Detail: "no", Mend: "do", Kind: errs.Auth},
			{Area: "c", What: "deaf", Result: Problem, Detail: "no answer within 10s", Kind: errs.Network},
			{Area: "d", What: "slow", Result: Problem, Detail: "context deadline exceeded", Mend: "is this machine online, and is a proxy in between?", Kind: errs.Network},
			{Area: "f", What: "last", Result: OK},
		}
		if len(found) != len(want) {
			t.Fatalf("%+v", found)
		}
		for i, f := range found {
			if f != want[i] {
				t.Errorf("%+v\nwant %+v", f, want[i])
			}
		}
		err := First(found)
		if errs.KindOf(err) != errs.Auth || err.Error() != "b: it: no" || errs.HintOf(err) != "do" || Suggest(found) != "do" {
			t.Error(err, errs.HintOf(err), Suggest(found))
		}
	})
}

func TestOfflineAsksNobody(t *testing.T) {
	found := Run(t.Context(), []Check{{Area: "a", What: "w", Network: true, Do: func(context.Context) []Finding {
		t.Error("asked")
		return nil
	}}}, time.Second, true)
	if len(found) != 1 || found[0] != (Finding{Area: "a", What: "w", Result: Skipped, Detail: "--offline"}) {
		t.Error(found)
	}
	if First(found) != nil || Suggest(found) != "" {
		t.Error("what is not checked is no problem")
	}
}

func TestEndedByTheUser(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	count := Check{Do: func(context.Context) []Finding { n++; cancel(); return nil }}
	Run(ctx, []Check{count, count}, time.Second, false)
	if n != 1 {
		t.Errorf("%d checks", n)
	}
}

func TestSuggestPutsProblemsFirst(t *testing.T) {
	all := []Finding{{Result: Warning, Mend: "w"}, {Result: Skipped, Mend: "s"}, {Result: Problem}, {Result: Problem, Mend: "p"}}
	if got := Suggest(all); got != "p" {
		t.Error(got)
	}
	if got := Suggest(all[:2]); got != "w" {
		t.Error(got)
	}
}

func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are of Unix")
	}
	dir := t.TempDir()
	file, open, it := filepath.Join(dir, "file"), filepath.Join(dir, "an open folder"), filepath.Join(dir, "missing")
	if err := errors.Join(os.Chmod(dir, 0o700), os.WriteFile(file, nil, 0o600), os.Mkdir(open, 0o700)); err != nil {
		t.Fatal(err)
	}
	found := Private("", dir, file, open, it)
	if len(found) != 1 || found[0].Result != OK || found[0].Detail != "3 files and folders are yours alone" {
		t.Fatal(found)
	}
	if err := errors.Join(os.Chmod(file, 0o640), os.Chmod(open, 0o730)); err != nil {
		t.Fatal(err)
	}
	found = Private(Below(dir)...)
	if len(found) != 2 {
		t.Fatal(found)
	}
	for i, want := range []Finding{
		{What: open, Result: Problem, Detail: "others may write to it", Mend: "chmod 700 '" + open + "'"},
		{What: file, Result: Problem, Detail: "others may read it", Mend: "chmod 600 " + file},
	} {
		if found[i] != want {
			t.Errorf("%+v\nwant %+v", found[i], want)
		}
	}
	if Private(it) != nil {
		t.Error("what is not there is no matter")
	}
}

func TestSizes(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "cache"), 0o700), os.WriteFile(filepath.Join(dir, "cache", "x"), make([]byte, 5<<10), 0o600),
		os.WriteFile(filepath.Join(dir, "y"), []byte("abc"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if found := Sizes(dir); len(found) != 1 || found[0].Detail != "cache 5 KiB, y 3 bytes" {
		t.Error(found)
	}
	if found := Sizes(filepath.Join(dir, "none")); found != nil {
		t.Error(found)
	}
}

func TestDotenv(t *testing.T) {
	for name, want := range map[string]bool{
		".env": true, ".env.local": true, ".env.production": true, ".env.example": false, ".env.prod.sample": false, ".envrc": false, "env": false, ".environment": false,
	} {
		if got := dotenv(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Where there is no git, that is said, and no more.
func TestNoGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	found := Git{Dir: t.TempDir()}.Look(t.Context())
	if len(found) != 1 || found[0].Result != Skipped || !strings.Contains(found[0].Detail, "there is no git") {
		t.Error(found)
	}
}
