package ui

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminal is the console, and its mode as it was found.
type terminal struct {
	in, out *os.File
	found   uint32
}

func openTerminal() (*terminal, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	t := &terminal{in: in, out: out}
	if err := windows.GetConsoleMode(t.handle(), &t.found); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *terminal) handle() windows.Handle { return windows.Handle(t.in.Fd()) }

func (t *terminal) close() {
	_ = t.in.Close()
	_ = t.out.Close()
}

// hide switches the echo off; the line editing of the console stays.
func (t *terminal) hide() error {
	m := t.found &^ windows.ENABLE_ECHO_INPUT
	return windows.SetConsoleMode(t.handle(), m|windows.ENABLE_LINE_INPUT|windows.ENABLE_PROCESSED_INPUT)
}

func (t *terminal) restore() { _ = windows.SetConsoleMode(t.handle(), t.found) }

// discard throws away what was typed and not read. Whether there was something
// is not known here: the queue holds more than characters.
func (t *terminal) discard() bool {
	_ = windows.FlushConsoleInputBuffer(t.handle())
	return false
}

const maxLine = 0 // no limit

// There is no ^Z on Windows.
func suspensions() (<-chan os.Signal, func()) { return nil, func() {} }
func isSuspend(os.Signal) bool                { return false }
func suspend()                                {}
