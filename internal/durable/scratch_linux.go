package durable

import "golang.org/x/sys/unix"

// sharedMemory is the folder in memory that every user may put something in.
const sharedMemory = "/dev/shm"

// inMemory tells whether a folder is in memory.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	kind := uint32(st.Type) // whose type differs from processor to processor
	return kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC
}
