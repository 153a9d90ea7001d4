package durable

import "os"

// Exposed tells in words who else than the user may use a file or a folder, "" if
// nobody. A symbolic link is followed. It changes nothing.
func Exposed(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", err
	case !ours(info):
		return "it belongs to another user", nil
	case othersWrite(info):
		return "others may write to it", nil
	case !private(info):
		return "others may read it", nil
	}
	return "", nil
}
