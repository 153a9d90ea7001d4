//go:build unix

package ui

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// asking counts the questions that are on the terminal: they look after ^Z
// themselves.
var asking atomic.Int32

// size returns how many columns and lines the terminal has, 0 if it does not know.
func (t *terminal) size() (width, height int) {
	ws, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(ws.Col), int(ws.Row)
}

// keyboard reads single keys from the terminal, and can be told to stop reading:
// what is typed afterwards is left for others.
type keyboard struct {
	t       *terminal
	reading sync.Mutex
	wake    *os.File // has a byte while nothing is to be read
	woken   *os.File
}

func newKeyboard(t *terminal) (*keyboard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &keyboard{t: t, wake: w, woken: r}, nil
}

// raw has every key come as it is typed, also those with a meaning for the system.
func (k *keyboard) raw() error {
	m := *k.t.found
	m.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	m.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN | unix.ISIG
	m.Cflag &^= unix.CSIZE | unix.PARENB
	m.Cflag |= unix.CS8
	m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(k.t.fd, setTermios, &m)
}

func (k *keyboard) restore() { k.t.restore() }

// read returns what is typed next, or nothing when it was told to stop. The error
// says that the terminal is gone. The size is told of by a signal.
func (k *keyboard) read() (b []byte, resized bool, err error) {
	k.reading.Lock()
	defer k.reading.Unlock()
	woken := int(k.woken.Fd())
	var ready unix.FdSet
	ready.Set(k.t.fd)
	ready.Set(woken)
	// Not poll, which on macOS does not know terminals.
	if _, err := unix.Select(max(k.t.fd, woken)+1, &ready, nil, nil, nil); err != nil {
		return nil, false, unless(err, unix.EINTR)
	}
	if ready.IsSet(woken) {
		return nil, false, nil
	}
	buf := make([]byte, 4096)
	n, err := unix.Read(k.t.fd, buf)
	switch {
	case err != nil:
		return nil, false, unless(err, unix.EINTR)
	case n == 0:
		return nil, false, io.EOF
	}
	return buf[:n], false, nil
}

// unless returns err, or nil where it is only that.
func unless(err, only error) error {
	if errors.Is(err, only) {
		return nil
	}
	return err
}

// pause returns when nobody reads any more; the function that it returns lets it go on.
func (k *keyboard) pause() (resume func()) {
	k.stop()
	k.reading.Lock()
	return func() {
		_, _ = k.woken.Read(make([]byte, 1))
		k.reading.Unlock()
	}
}

// stop ends the read that is under way, and every one after it.
func (k *keyboard) stop() { _, _ = k.wake.Write([]byte{0}) }

// close gives up what the keyboard is made of, and the terminal.
func (k *keyboard) close() {
	_ = k.wake.Close()
	_ = k.woken.Close()
	k.t.close()
}

// watch follows the signals by which the size of the terminal changes and a job is
// stopped and continued. The function that it returns ends that.
func (s *Screen) watch() (unwatch func()) {
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, unix.SIGWINCH, unix.SIGTSTP, unix.SIGCONT)
	go func() {
		for {
			select {
			case <-s.closed:
				return
			case sig := <-ch:
				s.signalled(sig)
			}
		}
	}()
	return func() { signal.Stop(ch) }
}

// Suspend does what ^Z does: the terminal is given back, and then the job stopped, with
// whoever waits for us in it. It may return before that; the screen is ours again when
// [Screen.Changed] says so.
func (s *Screen) Suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ours {
		return
	}
	// Not by the terminal, since then the shell would have it before we have given it
	// back, and not by TSTP, which we catch.
	s.stop(func() { _ = unix.Kill(0, unix.SIGTTIN) })
	s.goOnSoon() // where nobody could continue us, nothing stops us
}

func (s *Screen) signalled(sig os.Signal) {
	switch sig {
	case unix.SIGWINCH:
		s.tell(false)
	case unix.SIGTSTP:
		s.mu.Lock()
		if s.ours {
			s.stop(suspend)
		} else if asking.Load() == 0 {
			suspend() // with the program that has the terminal
		}
		s.mu.Unlock()
		s.goOn()
	case unix.SIGCONT:
		s.goOn()
	}
}

// stop gives the terminal back for as long as the job stands; the caller has the lock.
func (s *Screen) stop(stop func()) {
	s.resume = s.keyboard.pause()
	s.leave()
	s.stopped = true
	stop()
}

func (s *Screen) goOnSoon() { time.AfterFunc(time.Second/5, s.goOn) }

// goOn takes the terminal again. Who is continued in the background has to wait for it,
// and hears nothing when it comes.
func (s *Screen) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ours && !s.stopped:
		return
	case !s.t.foreground():
		s.goOnSoon()
		return
	}
	if s.stopped {
		s.resume()
	}
	_ = s.enter() // the shell has put its own mode in place meanwhile
	s.tell(true)
}
