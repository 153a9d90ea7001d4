package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/skret/skret/internal/durable"
	"github.com/skret/skret/internal/errs"
)

// Private looks at files and folders that should be the user's alone. What is not
// there is no matter.
func Private(names ...string) []Finding {
	var bad []Finding
	seen := 0
	for _, name := range names {
		if name == "" {
			continue
		}
		why, err := durable.Exposed(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			bad = append(bad, Finding{What: name, Result: Warning, Detail: "it cannot be looked at: " + err.Error()})
		case why != "":
			bad = append(bad, Finding{What: name, Result: Problem, Detail: why, Mend: lock(name)})
		}
		seen++
	}
	if bad == nil && seen > 0 {
		return []Finding{{Result: OK, Detail: plural(seen, "file or folder is", "files and folders are") + " yours alone"}}
	}
	return bad
}

// lock is the command that takes a file from others.
func lock(name string) string {
	mode := "600"
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		mode = "700"
	}
	return "chmod " + mode + " " + errs.Word(name)
}

// Below returns the folder and all that is in it, to a bounded depth and number.
func Below(dir string) []string {
	var all []string
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d == nil, len(all) >= 10_000:
			return fs.SkipAll
		case err != nil:
			return fs.SkipDir
		}
		all = append(all, name)
		return nil
	})
	return all
}

// Sizes tells how much is in each folder and file of a folder.
func Sizes(dir string) []Finding {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var parts []string
	for _, e := range entries {
		size := int64(0)
		for _, name := range Below(filepath.Join(dir, e.Name())) {
			if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
				size += info.Size()
			}
		}
		parts = append(parts, e.Name()+" "+sized(size))
	}
	if parts == nil {
		return nil
	}
	return []Finding{{What: dir, Result: OK, Detail: strings.Join(parts, ", ")}}
}

func sized(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
