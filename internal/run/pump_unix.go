//go:build unix

package run

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pump copies what a command writes, until nobody is left who could write, or
// until finish finds nothing more.
type pump struct {
	wake *os.File // closing it ends the wait for more
	done chan struct{}
}

func newPump(from *os.File, to io.WriteCloser) *pump {
	p := &pump{done: make(chan struct{})}
	woken, wake, err := os.Pipe()
	if err != nil { // out of descriptors: then nothing is copied, and the command sees that
		_ = from.Close()
		_ = to.Close()
		close(p.done)
		return p
	}
	p.wake = wake
	go func() {
		defer close(p.done)
		defer func() { _ = woken.Close() }()
		copyAll(from, to, woken)
	}()
	return p
}

// copyAll closes both ends at last. Where nobody takes the output, the command
// learns so at its next write, as if there were nothing in between.
func copyAll(from *os.File, to io.WriteCloser, woken *os.File) {
	defer func() { _ = to.Close() }()
	defer func() { _ = from.Close() }()
	buf := make([]byte, 32<<10)
	fd, quit := int(from.Fd()), int(woken.Fd())
	for await(fd, quit) {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			return // the end, which a terminal tells by EIO
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// finish copies what there is, and ends.
func (p *pump) finish() {
	if p.wake != nil {
		_ = p.wake.Close()
	}
	<-p.done
}

// await returns true when fd can be read, and false when it cannot while quit
// can. It waits by select, which knows terminals on every system.
func await(fd, quit int) bool {
	for {
		var set unix.FdSet
		set.Set(fd)
		set.Set(quit)
		_, err := unix.Select(max(fd, quit)+1, &set, nil, nil, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return false
		default:
			return set.IsSet(fd)
		}
	}
}
