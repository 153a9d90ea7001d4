//go:build house

package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// check returns what breaks the rules in ways that only the syntax tree shows. It
// sees the files of every system.
func check(t *testing.T, dir string) []finding {
	t.Helper()
	var all []finding
	fset := token.NewFileSet()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != dir && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(rel, "internal/fake/") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		report := func(n ast.Node, text string) {
			all = append(all, finding{rel, fset.Position(n.Pos()).Line, "house", text})
		}
		if !strings.HasPrefix(rel, "internal/httpx/") {
			clients(file, report)
		}
		startUpWork(file, report)
		builtins(file, report)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// clients reports an HTTP client or transport that is made, by whatever words.
// That a function is handed one is as it should be.
func clients(file *ast.File, report func(ast.Node, string)) {
	const text = "R5: only httpx makes HTTP clients: limits, time-outs, refused redirects; take the one that is handed to you"
	pkg := ""
	for _, i := range file.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p == "net/http" {
			pkg = "http"
			if i.Name != nil {
				pkg = i.Name.Name
			}
		}
	}
	if pkg == "" {
		return
	}
	made := func(e ast.Expr) bool {
		s, ok := e.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := s.X.(*ast.Ident)
		return ok && x.Name == pkg && (s.Sel.Name == "Client" || s.Sel.Name == "Transport")
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if made(n.Type) {
				report(n, text)
			}
		case *ast.ValueSpec:
			if made(n.Type) {
				report(n, text)
			}
		case *ast.Field: // a client by value is a client of its own
			if made(n.Type) {
				report(n, text)
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "new" && len(n.Args) == 1 && made(n.Args[0]) {
				report(n, text)
			}
		}
		return true
	})
}

// cheap are the functions that a package variable may be made with: they do
// nothing but keep their arguments.
var cheap = []string{
	"errors.New", "sync.OnceFunc", "sync.OnceValue", "sync.OnceValues",
	"new", "len", "cap", "min", "max", "byte", "rune", "string", "int", "int64", "uint64",
	"base64.RawStdEncoding.Strict", "base64.StdEncoding.Strict",
}

// startUpWork reports package variables whose value is the result of a call:
// that runs in every start of every command.
func startUpWork(file *ast.File, report func(ast.Node, string)) {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		ast.Inspect(g, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false // runs when it is called
			case *ast.CallExpr:
				switch n.Fun.(type) {
				case *ast.ArrayType, *ast.ParenExpr: // a conversion
					return true
				}
				if !slices.Contains(cheap, name(n.Fun)) {
					report(n, "R10: "+name(n.Fun)+" runs at every start of every command; call it where it is needed, or by sync.OnceValue")
				}
			}
			return true
		})
	}
}

// builtins reports the built-in functions that write to stderr.
func builtins(file *ast.File, report func(ast.Node, string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && (name(c.Fun) == "print" || name(c.Fun) == "println") {
			report(n, "R7: only ui touches the standard streams; use ui.Streams")
		}
		return true
	})
}

// name returns a called function as it is written: "f" or "pkg.F".
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return name(e.X) + "." + e.Sel.Name
	}
	return "a call"
}
