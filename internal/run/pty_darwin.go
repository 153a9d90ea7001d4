package run

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unlockPTY lets the other end of a terminal be opened, and returns its name.
func unlockPTY(fd int) (name string, err error) {
	var text [128]byte
	err = unix.IoctlSetInt(fd, unix.TIOCPTYGRANT, 0)
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TIOCPTYUNLK, 0)
	}
	if err == nil {
		if _, _, no := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCPTYGNAME, uintptr(unsafe.Pointer(&text))); no != 0 { //nolint:staticcheck // there is no wrapper
			err = no
		}
	}
	until, _, _ := bytes.Cut(text[:], []byte{0})
	return string(until), err
}
