package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestFindsTheNearestFile(t *testing.T) {
	const text = "version: \"1\"\nenvironments: {e: {provider: local}}\n"
	for name, c := range map[string]struct {
		files []string // .git/ ends in a slash when it is a folder
		dir   string
		home  string
		want  string // folder of the file found, or "none"
	}{
		"here":                       {[]string{"a/.skret.yaml"}, "a", "", "a"},
		"above":                      {[]string{"a/.skret.yaml", "a/b/c/x"}, "a/b/c", "", "a"},
		"nearest":                    {[]string{"a/.skret.yaml", "a/b/.skret.yaml", "a/b/c/x"}, "a/b/c", "", "a/b"},
		"root of the repository":     {[]string{"a/.skret.yaml", "a/.git/", "a/b/x"}, "a/b", "", "a"},
		"not above the repository":   {[]string{".skret.yaml", "a/.git/", "a/b/x"}, "a/b", "", "none"},
		"not above a worktree":       {[]string{".skret.yaml", "a/.git", "a/b/x"}, "a/b", "", "none"},
		"in a worktree":              {[]string{"a/.skret.yaml", "a/.git", "a/b/x"}, "a/b", "", "a"},
		"not above an inner one":     {[]string{"a/.skret.yaml", "a/.git/", "a/b/.git/", "a/b/c/x"}, "a/b/c", "", "none"},
		"in the home":                {[]string{"home/.skret.yaml", "home/a/x"}, "home/a", "home", "home"},
		"not above the home":         {[]string{".skret.yaml", "home/a/x"}, "home/a", "home", "none"},
		"from the home":              {[]string{".skret.yaml", "home/x"}, "home", "home", "none"},
		"outside of the home":        {[]string{".skret.yaml", "home/x", "srv/a/x"}, "srv/a", "home", "."},
		"a folder of a like name":    {[]string{".skret.yaml", "home/x", "home2/a/x"}, "home2/a", "home", "."},
		"home, by another name":      {[]string{".skret.yaml", "home/a/x"}, "home/a", "link", "none"},
		"started in the link's home": {[]string{".skret.yaml", "home/a/x"}, "link/a", "home", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, ".git"), 0o700); err != nil { // nothing above is found
				t.Fatal(err)
			}
			for _, f := range c.files {
				switch {
				case strings.HasSuffix(f, "/"):
					write(t, "", root, f, "HEAD")
				case strings.HasSuffix(f, Name):
					write(t, text, root, f)
				default:
					write(t, "gitdir: elsewhere\n", root, f)
				}
			}
			if c.home == "link" || strings.HasPrefix(c.dir, "link") {
				if err := os.Symlink("home", filepath.Join(root, "link")); err != nil {
					t.Skip(err)
				}
			}
			in := Input{Dir: filepath.Join(root, c.dir), Home: filepath.Join(root, c.home)}
			if c.home == "" {
				in.Home = ""
			}
			if c.want == "none" {
				if got := refused(t, in, errs.Config); !strings.Contains(got, "there is no "+Name) {
					t.Error(got)
				}
				return
			}
			want := filepath.Join(root, c.want, Name)
			if p := load(t, in); p.File != want || p.Root != filepath.Dir(want) {
				t.Errorf("found %s, want %s", p.File, want)
			}
		})
	}
}

func TestExplicitFile(t *testing.T) {
	in := project(t, good)
	other := "version: \"1\"\nenvironments: {e: {provider: local}}\n"
	file := write(t, other, in.Dir, "sub", "other.yaml")
	for name, c := range map[string]struct {
		flag, variable, origin string
	}{
		"relative flag":     {"sub/other.yaml", "", "flag --config"},
		"absolute flag":     {file, "", "flag --config"},
		"variable":          {"", "sub/other.yaml", "variable SKRET_CONFIG"},
		"flag and variable": {"sub/../sub/other.yaml", "nope", "flag --config"},
	} {
		t.Run(name, func(t *testing.T) {
			in := in
			in.Flags.Config, in.Getenv = c.flag, environ("SKRET_CONFIG="+c.variable)
			p := load(t, in)
			// What the file names is relative to the file.
			if p.File != file || p.Env != "e" || p.Place.File != filepath.Join(in.Dir, "sub", StandardFile) || p.Origins["config"].String() != c.origin {
				t.Errorf("%+v", p)
			}
			// What the user names is relative to the current folder.
			in.Flags.File = "mine.yaml"
			if p := load(t, in); p.Place.File != filepath.Join(in.Dir, "mine.yaml") {
				t.Errorf("%+v", p.Place)
			}
		})
	}
}

func TestFileStaysInTheProject(t *testing.T) {
	outside := t.TempDir()
	write(t, "x", outside, "secrets.yaml")
	text := "version: \"1\"\nenvironments:\n  dev:\n    provider: local\n    file: "
	for name, c := range map[string]struct {
		file  string
		links map[string]string
		ok    bool
	}{
		"a link to a file outside":    {"s.yaml", map[string]string{"s.yaml": outside + "/secrets.yaml"}, false},
		"a link to nothing outside":   {"s.yaml", map[string]string{"s.yaml": outside + "/nope"}, false},
		"a relative link outside":     {"s.yaml", map[string]string{"s.yaml": "../x"}, false},
		"a folder that is a link":     {"d/s.yaml", map[string]string{"d": outside}, false},
		"a link over a link":          {"s.yaml", map[string]string{"s.yaml": "t.yaml", "t.yaml": "../x"}, false},
		"a link inside":               {"s.yaml", map[string]string{"s.yaml": "sub/s.yaml"}, true},
		"a file in a folder to come":  {"new/folder/s.yaml", nil, true},
		"the usual file":              {StandardFile, nil, true},
		"the usual file, not written": {"", map[string]string{StandardFile: "../x"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			whole := text + c.file + "\n"
			if c.file == "" {
				whole = strings.TrimSuffix(text, "    file: ")
			}
			in := project(t, whole)
			for link, to := range c.links {
				if err := os.Symlink(to, filepath.Join(in.Dir, link)); err != nil {
					t.Skip(err)
				}
			}
			if c.ok {
				load(t, in)
				return
			}
			if got := refused(t, in, errs.Config); !strings.Contains(got, "file leads out of the project by a link") {
				t.Error(got)
			}
			// The user's own words may lead anywhere.
			in.Flags.File = filepath.Join(outside, "secrets.yaml")
			load(t, in)
		})
	}
}

// TestRefusesAnotherUsersFile needs root, to make one.
func TestRefusesAnotherUsersFile(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	in := project(t, good)
	file := filepath.Join(in.Dir, Name)
	foreign := func(what string) {
		t.Helper()
		got := refused(t, in, errs.Config)
		if !strings.Contains(got, "belongs to another user") || !strings.Contains(got, "--config "+file) {
			t.Errorf("%s: %s", what, got)
		}
		named := in
		named.Flags.Config = file
		load(t, named)
	}
	if err := os.Chown(file, 12345, 12345); err != nil {
		t.Skip(err)
	}
	foreign("file")
	target := write(t, good, in.Dir, "ours.yaml")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Fatal(err)
	}
	load(t, in)
	if err := os.Lchown(file, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	foreign("link")
}

// TestRefusesAnotherUsersOverlay: also beside a configuration that the user named.
func TestRefusesAnotherUsersOverlay(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	in := project(t, good)
	file := write(t, "project: theirs\n", in.Dir, OverlayName)
	load(t, in)
	if err := os.Chown(file, 12345, 12345); err != nil {
		t.Skip(err)
	}
	for _, in.Flags.Config = range []string{"", filepath.Join(in.Dir, Name)} {
		if got := refused(t, in, errs.Config); !strings.Contains(got, OverlayName+": it belongs to another user | if you trust what is in it, make it yours; else remove it") {
			t.Error(got)
		}
	}
}
