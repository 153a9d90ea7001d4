// Package realtest finds the programs of others that judge skret in `make
// test-real`. The tests that use it carry the build tag "real". A program that
// is missing fails the test with the line that installs it; nothing is skipped.
package realtest

import (
	"os/exec"
	"testing"
)

// Need returns the path of a program, or fails the test with the command that
// installs it.
func Need(t testing.TB, program, install string) string {
	t.Helper()
	p, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: %s", program, install)
	}
	return p
}
