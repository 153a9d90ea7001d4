//go:build house

// Package house holds what the linters cannot: what of the rules neither
// depguard nor forbidigo can see, and the proof that each rule bites. It is run
// by `make lint`.
package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

const root = "../.."

// TestTreeKeepsRules applies the rules of this package to the project.
func TestTreeKeepsRules(t *testing.T) {
	for _, f := range check(t, root) {
		t.Errorf("%s:%d: %s", f.file, f.line, f.text)
	}
}

// TestBinaryHoldsNoTestCode looks at everything that is linked into skret.
func TestBinaryHoldsNoTestCode(t *testing.T) {
	for _, target := range []string{"./cmd/skret", "."} {
		cmd := exec.Command("go", "list", "-deps", target)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for pkg := range strings.Lines(string(out)) {
			pkg = strings.TrimSpace(pkg)
			for _, bad := range []string{
				"testing", "net/http/httptest", "github.com/spf13/cobra/doc", "github.com/skret/skret/internal/fake",
				"github.com/skret/skret/internal/realtest", "github.com/skret/skret/internal/store/storetest", "github.com/aws/aws-sdk-go-v2/service/ssm",
			} {
				if pkg == bad || strings.HasPrefix(pkg, bad+"/") {
					t.Errorf("%s links %s", target, pkg)
				}
			}
		}
	}
}

// TestBinaryHoldsOnlyWhatIsCalled fails when something in the binary looks up
// methods by name, as text/template does: the linker then keeps every exported
// method of every type, 3 MB of them.
func TestBinaryHoldsOnlyWhatIsCalled(t *testing.T) {
	cmd := exec.Command("go", "build", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "skret"), "./cmd/skret")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("<ReflectMethod>")) {
			t.Errorf("looks up methods by name: %s", bytes.TrimSpace(line))
		}
	}
}

// TestRulesBite lints a copy of the project with testdata/violations.txtar laid
// over it. Each line there that ends in `// want WORD` must be reported with
// that word in the text, and no other line of those files may be.
func TestRulesBite(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	ar, err := txtar.ParseFile("testdata/violations.txtar")
	if err != nil {
		t.Fatal(err)
	}
	type place struct {
		file string
		line int
	}
	want := map[place][]string{}
	wanted := regexp.MustCompile(`// want (.+)$`)
	for _, f := range ar.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(f.Data), "\n") {
			if m := wanted.FindStringSubmatch(line); m != nil {
				want[place{f.Name, i + 1}] = strings.Fields(m[1])
			}
		}
	}
	ours := func(file string) bool {
		return slices.ContainsFunc(ar.Files, func(f txtar.File) bool { return f.Name == file })
	}
	for _, f := range append(lint(t, dir), check(t, dir)...) {
		if f.linter == "typecheck" {
			t.Fatalf("the violations do not compile: %s:%d: %s", f.file, f.line, f.text)
		}
		if !ours(f.file) {
			continue
		}
		p := place{f.file, f.line}
		i := slices.IndexFunc(want[p], func(w string) bool { return strings.Contains(f.text, w) })
		if i < 0 {
			t.Errorf("reported, and not expected: %s:%d: %s", f.file, f.line, f.text)
			continue
		}
		want[p] = slices.Delete(want[p], i, i+1)
	}
	for p, words := range want {
		for _, w := range words {
			t.Errorf("not reported: %s:%d: %s", p.file, p.line, w)
		}
	}
}

// finding is one report of a rule.
type finding struct {
	file   string // relative to the linted tree
	line   int
	linter string
	text   string
}

// lint runs the project's linters over the tree, the rules' ones only.
func lint(t *testing.T, dir string) []finding {
	t.Helper()
	cmd := exec.Command("golangci-lint", "run", "--allow-parallel-runners", "--enable-only", "depguard,forbidigo,gochecknoinits", "--output.json.path", "stdout", "--show-stats=false", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var report struct {
		Issues []struct {
			FromLinter, Text string
			Pos              struct {
				Filename string
				Line     int
			}
		}
	}
	if jerr := json.Unmarshal(out, &report); jerr != nil {
		t.Fatalf("golangci-lint: %v: %v\n%s%s", err, jerr, out, stderr.Bytes())
	}
	var all []finding
	for _, i := range report.Issues {
		all = append(all, finding{i.Pos.Filename, i.Pos.Line, i.FromLinter, i.Text})
	}
	return all
}

// copyTree copies the project to dir, without what no build needs.
func copyTree(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (name == "testdata" || name == "bin" || name == "docs" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("copy the tree: %w", err))
	}
}
