// Command gen writes what is made from the program itself: the reference of
// the commands, the man pages, and the schema of .skret.yaml for editors.
//
//	go run ./internal/gen           writes them
//	go run ./internal/gen -check    names those that differ from what it would write
//
// It is run at the module's root. Nothing in its output depends on the machine,
// the date or the version.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/skret/skret/internal/cli"
)

// owned are the files that are ours alone: one that is no longer made goes.
var owned = []string{"docs/reference/skret*.md", "docs/man/skret*.1"}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file is not what would be written")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it at the module's root: %w", err)
	}
	want, err := generate()
	if err != nil {
		return err
	}
	have := map[string][]byte{}
	for name := range want {
		if b, err := os.ReadFile(name); err == nil {
			have[name] = b
		}
	}
	for _, pattern := range owned {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if have[name], err = os.ReadFile(name); err != nil {
				return err
			}
		}
	}
	var stale []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if old, ok := have[name]; !ok || !bytes.Equal(old, want[name]) {
			stale = append(stale, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[name]; !ok {
			stale = append(stale, name)
		}
	}
	if check {
		if len(stale) > 0 {
			return fmt.Errorf("not up to date, run make generate: %q", stale)
		}
		return nil
	}
	return write(want, stale)
}

// write brings the stale files up to date.
func write(want map[string][]byte, stale []string) error {
	for _, name := range stale {
		data, ok := want[name]
		if !ok {
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns all files by name.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := pages(cli.Tree(), files); err != nil {
		return nil, err
	}
	if err := settings(files); err != nil {
		return nil, err
	}
	return files, nil
}
