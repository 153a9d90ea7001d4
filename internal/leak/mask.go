package leak

import (
	"io"
	"slices"
	"sync"
	"time"
)

// mark stands for what was masked: in each line once for a stretch of it, however
// long. It is that of GitHub's runner, and needs no escaping within quotes, JSON or
// a URL.
const mark = "***"

// tick is half of the time that what may become a match waits for the rest of it:
// two ticks without a Write. One would not do, since it also passes when the machine
// was busy and the rest is there already, about to be read.
const tick = 15 * time.Millisecond

// Mask returns a writer that passes to w what is written to it, with every match
// replaced by ***. Line ends within a match stay. Only the end of what was
// written is held back, and only if a match may begin there: until Close at the
// latest, and for less than 50 ms after the last Write. What was passed on
// because of time is remembered: should the rest of a match come later, the rest
// is masked. An error of w is returned by the next Write, or Close, which does
// not close w. The writer may be used by several goroutines.
func (m *Matcher) Mask(w io.Writer) io.WriteCloser { return &masker{m: m, w: w, tick: tick} }

type masker struct {
	m    *Matcher
	w    io.Writer
	tick time.Duration

	mu     sync.Mutex
	timer  *time.Timer // runs while something is held
	ticks  int         // since the last Write
	closed bool
	err    error  // what ends everything
	held   []byte // the end of what was written, as long as it may become a match
	sent   int    // how many bytes of held were passed on or masked
	cover  int    // how many bytes of held are part of a match that began in it or before
	stars  bool   // the byte before held[sent] was masked
	out    []byte
}

// Write passes p on, but for what may become a match.
func (k *masker) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return 0, k.err
	}
	k.held = append(k.held, p...)
	if k.pass(false); k.err != nil {
		return 0, k.err
	}
	k.ticks = 0
	switch {
	case k.sent < len(k.held) && k.timer == nil:
		k.timer = time.AfterFunc(k.tick, k.late)
	case k.sent < len(k.held):
		k.timer.Reset(k.tick)
	case k.timer != nil:
		k.timer.Stop()
	}
	return len(p), nil
}

// late passes on what has waited long enough.
func (k *masker) late() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return
	}
	if k.ticks++; k.ticks < 2 {
		k.timer.Reset(k.tick)
		return
	}
	k.pass(true)
}

// Close passes on what is held.
func (k *masker) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	if k.timer != nil {
		k.timer.Stop()
	}
	if k.err == nil {
		k.pass(true)
	}
	err := k.err
	k.err = io.ErrClosedPipe
	return err
}

// pass hands w what is held: all of it, or what can be no match's beginning.
func (k *masker) pass(all bool) {
	keep := len(k.held) // where the first match may begin that is not there yet
	s := search{Matcher: k.m, data: k.held}
	for i := 0; ; i++ {
		place, found, open := s.next(i, keep == len(k.held))
		if i = place; i == len(k.held) {
			break
		}
		if open {
			if keep = i; !all {
				break
			}
		}
		if found >= 0 {
			k.emit(i)
			k.cover = max(k.cover, i+len(k.m.patterns[found].text))
		}
	}
	if all {
		k.emit(len(k.held))
	} else {
		k.emit(keep)
	}
	k.held = slices.Delete(k.held, 0, keep)
	k.sent, k.cover = k.sent-keep, max(k.cover-keep, 0)
	if len(k.out) > 0 {
		_, k.err = k.w.Write(k.out)
		k.out = k.out[:0]
	}
}

// emit puts held up to end into out, what is covered masked.
func (k *masker) emit(end int) {
	for ; k.sent < min(k.cover, end); k.sent++ {
		switch c := k.held[k.sent]; {
		case c == '\n' || c == '\r':
			k.out = append(k.out, c)
			k.stars = false
		case !k.stars:
			k.out = append(k.out, mark...)
			k.stars = true
		}
	}
	if k.sent < end {
		k.out = append(k.out, k.held[k.sent:end]...)
		k.sent, k.stars = end, false
	}
}
