package durable

import (
	"io/fs"
	"testing"
)

// What root gives is judged here, since a test can be root or not, and not both.
func TestWhatRootGivesIsTakenIfItIsForUs(t *testing.T) {
	for m, want := range map[fs.FileMode]bool{
		0o400: true, 0o600: true, 0o440: true, 0o640: true, // the group's right is how an access list shows
		0o460: false, 0o444: false, 0o644: false, 0o602: false, 0o401: false, 0o450: true,
		0o400 | fs.ModeSymlink: false, 0o400 | fs.ModeNamedPipe: false, 0o500 | fs.ModeDir: false,
	} {
		if got := givenByRoot(true, m); got != want {
			t.Errorf("%v: %v", m, got)
		}
		if givenByRoot(false, m) {
			t.Errorf("%v of a user who is not root", m)
		}
	}
}
