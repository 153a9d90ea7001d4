package ui

import (
	"fmt"
	"strings"
	"sync"
)

// Screen is the whole terminal, for a command that draws it line by line and
// reads single keys. What was on it before comes back when it is closed, while
// ^Z holds, and while it is lent.
//
// It asks the terminal nothing: its size comes from the system, and of what it can
// do only what every terminal does is taken for granted.
type Screen struct {
	t        *terminal
	keyboard *keyboard
	input    chan []byte
	changed  chan bool // has room for one; what comes before that is heard is joined to it
	telling  sync.Mutex
	closed   chan struct{}
	unwatch  func()

	lending sync.Mutex // held by whoever has the terminal in our place

	mu      sync.Mutex // over what follows, and over what is written
	ours    bool       // the terminal is as we need it
	stopped bool       // it was given back because the job was stopped
	resume  func()     // has the keys read again after that
	shown   []string   // the lines that are on it
}

const (
	otherScreen = "\x1b[?1049h"
	// Without a cursor and without wrapping of lines, with pastes in brackets, empty.
	prepareScreen = "\x1b[?25l\x1b[?7l\x1b[?2004h" + emptyScreen
	emptyScreen   = "\x1b[0m\x1b[2J"
	leaveScreen   = "\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"

	// A terminal that knows them shows what is between them in one step.
	beginFrame, endFrame = "\x1b[?2026h", "\x1b[?2026l"
)

// OpenScreen takes the controlling terminal. The screen must be closed.
func (s *Streams) OpenScreen() (*Screen, error) {
	t, err := openTerminal()
	if err != nil {
		return nil, noTerminal("draw on the terminal", err)
	}
	k, err := newKeyboard(t)
	if err != nil {
		t.close()
		return nil, fmt.Errorf("read from the terminal: %w", err)
	}
	sc := &Screen{t: t, keyboard: k, input: make(chan []byte), changed: make(chan bool, 1), closed: make(chan struct{})}
	if err := sc.enter(); err != nil {
		k.close()
		t.close()
		return nil, err
	}
	sc.unwatch = sc.watch()
	go sc.read()
	return sc, nil
}

// Input gives what is typed, as it comes. It is closed when the terminal is gone.
func (s *Screen) Input() <-chan []byte { return s.input }

// Changed tells that all has to be drawn anew: true when somebody else had the
// terminal meanwhile, false when only its size is another.
func (s *Screen) Changed() <-chan bool { return s.changed }

// Size returns how many columns and lines there are.
func (s *Screen) Size() (width, height int) {
	w, h := s.t.size()
	if w <= 0 || h <= 0 {
		return 80, 24 // a terminal that does not know
	}
	return w, h
}

// Show puts these lines on the screen, from its top. They may hold the sequences
// that colour text; nothing in them may come from outside without [Safe]. Only
// lines that changed are written.
func (s *Screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ours {
		s.write(lines)
	}
}

func (s *Screen) write(lines []string) {
	var b strings.Builder
	for i := range max(len(lines), len(s.shown)) {
		var was, is string
		if i < len(s.shown) {
			was = s.shown[i]
		}
		if i < len(lines) {
			is = lines[i]
		}
		if is != was {
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[0m\x1b[2K%s", i+1, is)
		}
	}
	s.shown = lines
	if b.Len() > 0 {
		s.put(beginFrame + b.String() + "\x1b[0m" + endFrame)
	}
}

// Redraw has the next Show write every line.
func (s *Screen) Redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ours {
		s.shown = nil
		s.put(emptyScreen)
	}
}

// Lend gives the terminal back as it was found, for f to ask something on it or to
// run a program there, and takes it again.
func (s *Screen) Lend(f func() error) error {
	s.lending.Lock()
	defer s.lending.Unlock()
	resume := s.keyboard.pause()
	defer resume()
	s.mu.Lock()
	s.leave()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		_ = s.enter() // as far as it goes: the keys tell when the terminal is gone
		s.mu.Unlock()
		s.tell(true)
	}()
	return f()
}

// Close gives the terminal back. It may be called again.
func (s *Screen) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	s.unwatch()
	s.leave()
	close(s.closed) // from here on the reader gives up the terminal
	s.keyboard.stop()
	if s.stopped {
		s.stopped = false
		s.resume()
	}
}

// enter makes the terminal ours, also when it is but somebody changed its mode; the
// caller has the lock.
func (s *Screen) enter() error {
	select {
	case <-s.closed:
		return nil
	default:
	}
	if err := s.keyboard.raw(); err != nil {
		return fmt.Errorf("take the terminal: %w", err)
	}
	if !s.ours {
		s.put(otherScreen)
	}
	s.ours, s.stopped, s.shown = true, false, nil
	s.put(prepareScreen)
	return nil
}

// leave gives the terminal back; the caller has the lock. What we showed is wiped
// first, since not every terminal has another screen.
func (s *Screen) leave() {
	if !s.ours {
		return
	}
	s.write(nil)
	s.put(leaveScreen)
	s.keyboard.restore()
	s.ours = false
}

// put writes to the terminal. That it is gone, the keys tell.
func (s *Screen) put(text string) { _, _ = s.t.out.WriteString(text) }

// tell says that something changed, and does not wait for anybody to hear it.
func (s *Screen) tell(away bool) {
	s.telling.Lock()
	defer s.telling.Unlock()
	select {
	case was := <-s.changed:
		away = away || was
	default:
	}
	s.changed <- away
}

// read hands on what is typed until the screen is closed or the terminal is gone.
func (s *Screen) read() {
	defer close(s.input)
	defer s.keyboard.close()
	for {
		b, resized, err := s.keyboard.read()
		select {
		case <-s.closed:
			return
		default:
		}
		if err != nil {
			return
		}
		if resized {
			s.tell(false)
		}
		if len(b) > 0 {
			select {
			case s.input <- b:
			case <-s.closed:
				return
			}
		}
	}
}
