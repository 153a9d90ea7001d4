package ui

import "golang.org/x/sys/unix"

// foreground tells whether the terminal is our job's.
func (t *terminal) foreground() bool {
	group, err := unix.IoctlGetUint32(t.fd, unix.TIOCGPGRP)
	return err == nil && int(group) == unix.Getpgrp()
}
