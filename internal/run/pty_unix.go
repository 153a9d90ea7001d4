//go:build unix

package run

import (
	"fmt"
	"os"

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
	name, err := unlockPTY(fd)
	if err == nil {
		slave, err = openSlave(name)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("make a terminal for the command: %w", err)
	}
	return master, slave, nil
}
