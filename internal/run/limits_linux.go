package run

import (
	"os"

	"golang.org/x/sys/unix"
)

// systemLimits follows execve(2): 32 pages for one string, and for all a
// quarter of the stack's limit, at least 128 KiB and at most 6 MiB.
func systemLimits() limits {
	l := limits{one: 32 * os.Getpagesize()}
	var stack unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_STACK, &stack) == nil {
		l.total = int(max(128<<10, min(stack.Cur/4, 6<<20)))
	}
	return l
}
