//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs tells whether the file belongs to the user that we act as, to root,
// or, when we are root, to the user sudo.
func ownedByUs(info fs.FileInfo, sudo int) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	owner, us := int(st.Uid), os.Geteuid()
	return owner == us || owner == 0 || us == 0 && owner == sudo
}
