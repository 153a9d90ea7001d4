// Package browse is the terminal interface: it shows environments and the names of
// their secrets, finds a secret as its name is typed, reveals one value, and has
// secrets edited, deleted and brought back.
//
// [Browser.Run] is a thin loop around a model that knows no terminal: an event and the
// time go in, and what is to be asked of the project comes out; what the screen shows is
// made of the model alone. What is asked runs beside the loop, so that a slow service
// holds nothing up, and can be given up.
//
// What is promised: no value is asked for before the user asks to see it, and then that
// one. It is hidden by the next key that does not scroll it, after 30 seconds, when the
// terminal is given away, and at the end. Names, descriptions, errors and values reach
// the screen neutralised. The terminal is asked nothing.
//
// What is not: who can read the terminal's memory can read what was shown on it.
package browse

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/secret"
)

// Environment is one environment, as the list of them shows it.
type Environment struct {
	Name      string
	Where     string // its place, for people
	Protected bool   // a change is confirmed by its name
	Err       error  // why it cannot be opened; nil if nothing is known against it
}

// Version is one version of a secret, without its value.
type Version struct {
	secret.Entry
	Note string // what is special about it, such as "current"
}

// Verdict says how one secret stands in two environments.
type Verdict uint8

// The verdicts, in the order in which they are shown.
const (
	OnlyFrom  Verdict = iota // the first one alone has it
	Different                // both have it, with different values
	OnlyTo                   // the second one alone has it
	Unknown                  // a value cannot be read
	Same
)

// Difference is the verdict about one secret.
type Difference struct {
	Name    secret.Key
	Verdict Verdict
}

// Reader is what is looked at. Its methods are called by several goroutines, and end
// when ctx does. Environments are meant by their names.
type Reader interface {
	// Names lists an environment without values and without decrypting anything.
	Names(ctx context.Context, env string) ([]secret.Entry, error)
	// Value reads one value; version 0 is the current one.
	Value(ctx context.Context, env string, k secret.Key, version int64) (secret.Entry, error)
	// History lists the versions of a secret, newest first.
	History(ctx context.Context, env string, k secret.Key) ([]Version, error)
	// Compare compares two environments by values, of which it returns none.
	Compare(ctx context.Context, from, to string) ([]Difference, error)
}

// Writer is what changes secrets. The user has confirmed what it is asked to do, but
// for Edit, which asks by itself.
type Writer interface {
	// Edit has the user change a secret, or make it, and says what came of it.
	Edit(ctx context.Context, env string, k secret.Key) (done string, err error)
	Delete(ctx context.Context, env string, k secret.Key) error
	// Rollback brings back a version as a new one, unless the secret changes meanwhile.
	Rollback(ctx context.Context, env string, k secret.Key, version int64) (made int64, err error)
}

// Terminal is what is drawn on.
type Terminal interface {
	Size() (width, height int)
	// Show puts lines on the screen.
	Show(lines []string)
	// Redraw has the next Show write every line.
	Redraw()
	// Suspend stops the job, as ^Z does. Changed tells when it goes on.
	Suspend()
	// Input gives what is typed, as it comes, until the terminal is gone.
	Input() <-chan []byte
	// Changed tells of another size, or, by true, that somebody else had the terminal.
	Changed() <-chan bool
}

// Options say what is browsed.
type Options struct {
	Project      string
	Environments []Environment
	Env          string // the one to begin with; the list of them, if it is none
	Reader       Reader
	Writer       Writer
	Colour       bool
}

// Browser is the interface. It is made before what it shows, which may have something to
// say while it is opened: see [Browser.Notice].
type Browser struct {
	notices chan string
}

// New returns a browser that shows nothing yet.
func New() *Browser { return &Browser{notices: make(chan string, 16)} }

// Notice shows a line of talk. It may be called by any goroutine, and does not wait:
// what nobody can read so fast is dropped.
func (b *Browser) Notice(text string) {
	select {
	case b.notices <- text:
	default:
	}
}

// How long the rest of a key may take, whose start could be a key by itself, and that of
// a paste whose end may have been lost.
const (
	keyWait   = 50 * time.Millisecond
	pasteWait = time.Second
)

// Run shows the interface until the user leaves it or ctx ends, whose cause is the
// error then.
func (b *Browser) Run(ctx context.Context, t Terminal, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	l := &loop{ctx: ctx, terminal: t, options: o, model: newModel(o), answers: make(chan answer), stop: map[int]context.CancelFunc{}}
	defer l.writing.Wait()
	defer cancel()
	l.width, l.height = t.Size()
	l.do(l.begin(time.Now()))
	wake, rest := newTimer(), newTimer()
	for !l.left {
		if w, h := t.Size(); w != l.width || h != l.height {
			t.Redraw()
			l.do(l.update(resized{w, h}, time.Now()))
		}
		now := time.Now()
		t.Show(l.screen(now, o.Colour))
		wake.set(l.wake(now), now)
		select {
		case typed, ok := <-t.Input():
			if !ok {
				return errs.New(errs.Unclassified, "read from the terminal: it is gone")
			}
			l.typed = append(l.typed, typed...)
			l.keys(false)
			rest.set(l.restBy(time.Now()), time.Now())
		case <-rest.C:
			l.keys(true)
		case away := <-t.Changed():
			t.Redraw()
			if away {
				l.do(l.update(returned{}, time.Now()))
			}
		case text := <-b.notices:
			l.do(l.update(notice(text), time.Now()))
		case a := <-l.answers:
			if a.panicked != "" {
				panic(a.panicked)
			}
			delete(l.stop, a.id)
			l.do(l.update(a, time.Now()))
		case <-wake.C:
			l.do(l.update(passed{}, time.Now()))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// loop is what a running interface has besides its model.
type loop struct {
	*model
	ctx      context.Context
	terminal Terminal
	options  Options
	typed    []byte // bytes that are no whole key yet
	answers  chan answer
	stop     map[int]context.CancelFunc // of what is being asked
	writing  sync.WaitGroup             // what may change something is not left before it has ended
	left     bool
}

// keys hands on the keys that were typed. With all, what is there of the last one is all
// of it.
func (l *loop) keys(all bool) {
	for len(l.typed) > 0 && !l.left {
		k, n := decode(l.typed, all)
		if n == 0 {
			return
		}
		l.typed = l.typed[n:]
		l.do(l.update(k, time.Now()))
	}
}

// restBy returns when the rest of a key must be there.
func (l *loop) restBy(now time.Time) time.Time {
	switch {
	case len(l.typed) == 0:
		return time.Time{}
	case pasting(l.typed):
		return now.Add(pasteWait)
	}
	return now.Add(keyWait)
}

// do does what the model wants done.
func (l *loop) do(e effect) {
	for _, id := range e.cancel {
		l.stop[id]()
		delete(l.stop, id)
	}
	if e.redraw {
		l.terminal.Redraw()
	}
	if e.stop {
		l.terminal.Suspend()
	}
	if e.leave {
		l.left = true
	}
	if e.call == nil {
		return
	}
	ctx, stop := context.WithCancel(l.ctx)
	l.stop[e.call.id] = stop
	ask := func() {
		defer stop()
		a := perform(ctx, l.options, *e.call)
		select {
		case l.answers <- a:
		case <-l.ctx.Done():
		}
	}
	if e.call.writes() {
		l.writing.Go(ask)
	} else {
		go ask()
	}
}

// perform asks the project. A panic is handed to the loop, which ends with the terminal
// in order.
func perform(ctx context.Context, o Options, c call) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{id: c.id, panicked: fmt.Sprintf("%v\n%s", r, debug.Stack())}
		}
	}()
	a.id = c.id
	switch c.what {
	case callNames:
		a.entries, a.err = o.Reader.Names(ctx, c.env)
	case callValue:
		a.entry, a.err = o.Reader.Value(ctx, c.env, c.key, c.version)
	case callHistory:
		a.versions, a.err = o.Reader.History(ctx, c.env, c.key)
	case callCompare:
		a.differences, a.err = o.Reader.Compare(ctx, c.env, c.to)
	case callEdit:
		a.said, a.err = o.Writer.Edit(ctx, c.env, c.key)
	case callDelete:
		a.err = o.Writer.Delete(ctx, c.env, c.key)
	case callRollback:
		a.made, a.err = o.Writer.Rollback(ctx, c.env, c.key, c.version)
	}
	return a
}

// timer is a timer that can be switched off.
type timer struct{ *time.Timer }

func newTimer() timer {
	t := timer{time.NewTimer(time.Hour)}
	t.Stop()
	return t
}

// set has the timer go off at a time; the zero time switches it off.
func (t timer) set(at, now time.Time) {
	if t.Stop(); !at.IsZero() {
		t.Reset(at.Sub(now))
	}
}
