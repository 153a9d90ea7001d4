package ui

import (
	"sync"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

// size returns how many columns and lines the window has, 0 if it does not know.
func (t *terminal) size() (width, height int) {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(t.out.Fd()), &info) != nil {
		return 0, 0
	}
	return int(info.Window.Right-info.Window.Left) + 1, int(info.Window.Bottom-info.Window.Top) + 1
}

// keyboard reads single keys from the console, and can be told to stop reading:
// what is typed afterwards is left for others.
type keyboard struct {
	t        *terminal
	foundOut uint32
	wake     windows.Handle // is set while nothing is to be read
	readProc *windows.LazyProc
	reading  sync.Mutex
	high     rune // the first half of a character that takes two
}

func newKeyboard(t *terminal) (*keyboard, error) {
	k := &keyboard{t: t, readProc: windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")}
	if err := windows.GetConsoleMode(windows.Handle(t.out.Fd()), &k.foundOut); err != nil {
		return nil, err
	}
	wake, err := windows.CreateEvent(nil, 1, 0, nil)
	k.wake = wake
	return k, err
}

// raw has every key come as it is typed, as terminals elsewhere send it.
func (k *keyboard) raw() error {
	m := k.t.found &^ (windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT)
	m |= windows.ENABLE_VIRTUAL_TERMINAL_INPUT | windows.ENABLE_WINDOW_INPUT
	if err := windows.SetConsoleMode(k.t.handle(), m); err != nil {
		return err
	}
	out := k.foundOut | windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	if err := windows.SetConsoleMode(windows.Handle(k.t.out.Fd()), out); err != nil {
		k.t.restore()
		return err
	}
	return nil
}

func (k *keyboard) restore() {
	_ = windows.SetConsoleMode(windows.Handle(k.t.out.Fd()), k.foundOut)
	k.t.restore()
}

// record is an INPUT_RECORD that is about a key.
type record struct {
	kind uint16
	_    uint16
	down int32
	_    [3]uint16 // how often, which key, its place
	char uint16
	_    uint32
}

const (
	keyEvent  = 1
	sizeEvent = 4
)

// read returns what is typed next, or nothing when it was told to stop, and whether
// the window's size changed. The error says that the console is gone.
func (k *keyboard) read() (b []byte, resized bool, err error) {
	k.reading.Lock()
	defer k.reading.Unlock()
	which, err := windows.WaitForMultipleObjects([]windows.Handle{k.wake, k.t.handle()}, false, windows.INFINITE)
	if err != nil || which == windows.WAIT_OBJECT_0 {
		return nil, false, err
	}
	var records [64]record
	var n uint32
	if ok, _, err := k.readProc.Call(uintptr(k.t.handle()), uintptr(unsafe.Pointer(&records[0])), uintptr(len(records)), uintptr(unsafe.Pointer(&n))); ok == 0 {
		return nil, false, err
	}
	for _, r := range records[:n] {
		switch {
		case r.kind == sizeEvent:
			resized = true
		case r.kind == keyEvent && r.down != 0 && r.char != 0:
			b = k.add(b, rune(r.char))
		}
	}
	return b, resized, nil
}

// add appends a character, or half of one, of UTF-16.
func (k *keyboard) add(b []byte, c rune) []byte {
	if utf16.IsSurrogate(c) && k.high == 0 {
		k.high = c
		return b
	}
	if k.high != 0 {
		c, k.high = utf16.DecodeRune(k.high, c), 0
	}
	return utf8.AppendRune(b, c)
}

// pause returns when nobody reads any more; the function that it returns lets it go on.
func (k *keyboard) pause() (resume func()) {
	k.stop()
	k.reading.Lock()
	return func() {
		_ = windows.ResetEvent(k.wake)
		k.reading.Unlock()
	}
}

// stop ends the read that is under way, and every one after it.
func (k *keyboard) stop() { _ = windows.SetEvent(k.wake) }

// close gives up what the keyboard is made of, and the terminal.
func (k *keyboard) close() {
	_ = windows.CloseHandle(k.wake)
	k.t.close()
}

// watch has nothing to follow: the size comes with the keys, and there is no ^Z.
func (s *Screen) watch() (unwatch func()) { return func() {} }

// Suspend does nothing here.
func (s *Screen) Suspend() {}
