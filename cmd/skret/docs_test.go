package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that SECURITY.md gives as a proof exists.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	var code strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		code.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+(/\w+)?`).FindAllString(string(text), -1) {
		if script, ok := strings.CutPrefix(name, "TestScripts/"); ok {
			if _, err := os.Stat(filepath.Join("testdata", "script", script+".txtar")); err != nil {
				t.Errorf("there is no script %s", script)
			}
		} else if !strings.Contains(code.String(), "func "+name+"(") {
			t.Errorf("there is no test %s", name)
		}
	}
}
