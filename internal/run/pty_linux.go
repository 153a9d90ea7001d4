package run

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// unlockPTY lets the other end of a terminal be opened, and returns its name.
func unlockPTY(fd int) (name string, err error) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	return fmt.Sprintf("/dev/pts/%d", n), err
}
