package run

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openPTY makes a terminal: what is written to slave can be read from master, and
// the other way round.
func openPTY() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a terminal for the command: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	var name [128]byte
	err = unix.IoctlSetInt(fd, unix.TIOCPTYGRANT, 0)
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TIOCPTYUNLK, 0)
	}
	if err == nil {
		if _, _, no := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCPTYGNAME, uintptr(unsafe.Pointer(&name))); no != 0 { //nolint:staticcheck // there is no wrapper
			err = no
		}
	}
	if err == nil {
		text, _, _ := bytes.Cut(name[:], []byte{0})
		slave, err = openSlave(string(text))
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("make a terminal for the command: %w", err)
	}
	return master, slave, nil
}
