package run

import (
	"strings"
	"testing"
)

// The kernel is the judge of what CheckSize says beforehand.
func TestCheckSizeAgreesWithTheKernel(t *testing.T) {
	const path = "/bin/true"
	args := []string{"true"}
	l := systemLimits()
	one := func(n int) []string { return []string{"A=" + strings.Repeat("x", n-2)} }
	all := func(size int) (env []string) { // an environment with which the start takes size bytes
		size -= startSize(path, args, nil)
		for ; size > 60000; size -= 50000 {
			env = append(env, "A="+strings.Repeat("x", 50000-2-9))
		}
		return append(env, "B="+strings.Repeat("x", size-2-9))
	}
	for _, c := range []struct {
		name string
		env  []string
		fits bool
	}{
		{"longest string", one(l.one - 1), true},
		{"string too long", one(l.one), false},
		{"largest start", all(l.total), true},
		{"start too large", all(l.total + 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckSize(path, args, c.env)
			if (err == nil) != c.fits {
				t.Errorf("CheckSize: %v", err)
			}
			out, err := execs(t, c.env, path, args...).CombinedOutput()
			if (err == nil) != c.fits {
				t.Errorf("the kernel: %v %s", err, out)
			}
			if !c.fits && (!strings.Contains(string(out), "the largest variables are ") || !strings.Contains(string(out), "--except")) {
				t.Errorf("message: %s", out)
			}
		})
	}
}
