package config

import "io/fs"

// ownedByUs does not know owners on Windows: an access control list keeps others
// out of folders there.
func ownedByUs(fs.FileInfo, int) bool { return true }
