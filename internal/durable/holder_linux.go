package durable

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// holder names the process that has the lock on f, as the kernel lists it.
func holder(f *os.File) string {
	const unknown = "another process"
	info, err := f.Stat()
	if err != nil {
		return unknown
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown
	}
	list, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	inode := fmt.Sprintf(":%d", st.Ino)
	for line := range strings.Lines(string(list)) {
		// 1: FLOCK ADVISORY WRITE 4711 fe:01:131086 0 EOF
		w := strings.Fields(line)
		if len(w) > 5 && w[1] == "FLOCK" && strings.HasSuffix(w[5], inode) {
			return "process " + w[4]
		}
	}
	return unknown
}
