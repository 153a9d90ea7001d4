//go:build unix

package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Look returns the path of the program that name stands for: name itself when
// it has a slash, else the first match in the folders of path, which is the
// PATH that skret was started with. A PATH among the secrets, when one is
// allowed, is for the command to use: it does not choose the command.
//
// A match in a folder of PATH that is relative is refused: it would start a
// different program in each folder. The error is a [CommandError].
func Look(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		err := executable(name)
		switch {
		case err == nil:
			return name, nil
		case missing(err):
			return "", notFound(name, "check the path; a relative one starts from the current folder")
		}
		return "", cannot(name, name, err)
	}
	var found string
	var foundErr error
	for _, dir := range filepath.SplitList(path) {
		if name == "" {
			break
		}
		p := filepath.Join(dir, name)
		err := executable(p)
		switch {
		case err == nil && !filepath.IsAbs(p):
			return "", notExecutable(name, "it was found in the current folder, by a relative folder in PATH", "write ./"+p)
		case err == nil:
			return p, nil
		case !missing(err) && foundErr == nil:
			found, foundErr = p, err
		}
	}
	if foundErr != nil {
		return "", cannot(name, found, foundErr)
	}
	return "", notFound(name, notFoundHint(name, path))
}

func notFoundHint(name, path string) string {
	switch {
	case path == "":
		return "PATH is empty; give the program with its folder"
	case strings.ContainsAny(name, " \t\n;|&"):
		return "the program and its arguments are words of their own; for shell syntax start one: skret run -- sh -c '...'"
	case name != "" && executable("./"+name) == nil:
		return "it is in the current folder: write ./" + name
	}
	return "check its name and PATH"
}

// executable returns nil if p is a file that this process may execute.
func executable(p string) error {
	st, err := os.Stat(p)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return syscall.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, p, unix.X_OK, unix.AT_EACCESS)
}

func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// cannot explains why the program at path, which exists, cannot be executed.
func cannot(name, path string, err error) error {
	if errors.Is(err, syscall.EISDIR) {
		return notExecutable(name, "it is a folder", "check the name")
	}
	if errors.Is(err, fs.ErrPermission) {
		return notExecutable(name, "permission denied on "+path, "make it executable with chmod +x, or start it with its interpreter")
	}
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		err = no // without the operation that found it
	}
	return notExecutable(name, err.Error(), "check "+path)
}

// Exec replaces skret by the program at path, with args, whose first is the
// name that the user called it by, and env. It returns only if that failed.
//
// The program inherits the current folder, the standard streams and whatever
// else the caller of skret left open for it; nothing that skret opened. Signals
// have their default action there, but for INT and HUP when they were ignored
// as skret started (nohup), and the limit of open files is what it was.
func Exec(path string, args, env []string) error {
	return failed(path, args, env, syscall.Exec(path, args, env))
}
