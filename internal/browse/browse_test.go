package browse

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/secret"
)

// paper is a terminal that keeps what it shows.
type paper struct {
	input   chan []byte
	changed chan bool

	mu            sync.Mutex
	more          *sync.Cond
	width, height int
	text          string
	ended         bool
}

func newPaper() *paper {
	p := &paper{input: make(chan []byte), changed: make(chan bool), width: 80, height: 24}
	p.more = sync.NewCond(&p.mu)
	return p
}

func (p *paper) Size() (width, height int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width, p.height
}

func (p *paper) Show(lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = strings.Join(lines, "\n")
	p.more.Broadcast()
}

func (p *paper) Redraw()              {}
func (p *paper) Suspend()             { p.Show([]string{"stopped"}) }
func (p *paper) Input() <-chan []byte { return p.input }
func (p *paper) Changed() <-chan bool { return p.changed }

// wait returns when the screen shows the text, or the interface has ended.
func (p *paper) wait(t *testing.T, text string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !strings.Contains(p.text, text) {
		if p.ended {
			t.Fatalf("%q never came:\n%s", text, p.text)
		}
		p.more.Wait()
	}
}

// start runs the interface; the function that it returns waits for its end.
func start(ctx context.Context, b *Browser, p *paper, o Options) (end func() error) {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- errors.New("panic")
			}
			p.mu.Lock()
			p.ended = true
			p.more.Broadcast()
			p.mu.Unlock()
		}()
		done <- b.Run(ctx, p, o)
	}()
	return func() error { return <-done }
}

func TestRunUntilQuit(t *testing.T) {
	b, p := New(), newPaper()
	end := start(t.Context(), b, p, newRig(t, newShelf()).o)
	p.wait(t, "PORT")
	p.input <- []byte("\x1b[")
	p.input <- []byte("B\r") // in two pieces: one key, and Enter
	p.wait(t, "line 1")
	b.Notice("something to say")
	p.wait(t, "something to say")
	p.changed <- true
	p.wait(t, "3 secrets")
	p.input <- []byte("?")
	p.wait(t, "everywhere")
	p.input <- []byte("\x1b") // alone: taken as Esc when nothing follows
	p.wait(t, "NAME")
	p.mu.Lock()
	p.width = 40
	p.mu.Unlock()
	p.changed <- false
	p.input <- []byte("\x1a")
	p.wait(t, "NAME")
	p.input <- []byte("q")
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := newPaper()
	end := start(ctx, New(), p, newRig(t, newShelf()).o)
	p.wait(t, "PORT")
	why := errors.New("stopped")
	cancel(why)
	if err := end(); !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestRunEndsWithTheTerminal(t *testing.T) {
	p := newPaper()
	end := start(t.Context(), New(), p, newRig(t, newShelf()).o)
	p.wait(t, "PORT")
	close(p.input)
	if err := end(); err == nil {
		t.Error("no error")
	}
}

// stuck is a service that answers nothing until it is given up.
type stuck struct {
	*shelf
	ended chan struct{}
}

func (s stuck) Value(ctx context.Context, _ string, _ secret.Key, _ int64) (secret.Entry, error) {
	<-ctx.Done()
	close(s.ended)
	return secret.Entry{}, ctx.Err()
}

func (s stuck) Delete(ctx context.Context, _ string, _ secret.Key) error {
	<-ctx.Done()
	close(s.ended)
	return ctx.Err()
}

func (s stuck) History(context.Context, string, secret.Key) ([]Version, error) { panic("a mistake") }

func TestRunGivesUpWhatIsStuck(t *testing.T) {
	s := stuck{newShelf(), make(chan struct{})}
	o := newRig(t, s.shelf).o
	o.Reader, o.Writer = s, s
	p := newPaper()
	end := start(t.Context(), New(), p, o)
	p.wait(t, "PORT")
	p.input <- []byte("\r")
	p.wait(t, "Esc gives up")
	p.input <- []byte("\x1b")
	p.wait(t, "gave up reading DB_URL")
	<-s.ended
	p.input <- []byte("q")
	if err := end(); err != nil {
		t.Error(err)
	}
}

// A change that is under way has ended when the interface has.
func TestRunWaitsForAChange(t *testing.T) {
	s := stuck{newShelf(), make(chan struct{})}
	o := newRig(t, s.shelf).o
	o.Reader, o.Writer = s, s
	p := newPaper()
	end := start(t.Context(), New(), p, o)
	p.wait(t, "PORT")
	p.input <- []byte("dy")
	p.wait(t, "deleting DB_URL")
	p.input <- []byte("\x03")
	if err := end(); err != nil {
		t.Error(err)
	}
	select {
	case <-s.ended:
	default:
		t.Error("it goes on")
	}
}

// A panic beside the loop is one of the loop, whose caller puts the terminal in order.
func TestRunPanicsInTheLoop(t *testing.T) {
	s := stuck{newShelf(), nil}
	o := newRig(t, s.shelf).o
	o.Reader = s
	p := newPaper()
	end := start(t.Context(), New(), p, o)
	p.wait(t, "PORT")
	p.input <- []byte("h")
	if err := end(); err == nil || err.Error() != "panic" {
		t.Error(err)
	}
}

func TestTimersGoOff(t *testing.T) {
	w := newTimer()
	now := time.Now()
	w.set(now.Add(-time.Second), now)
	<-w.C
	w.set(now.Add(time.Hour), now)
	w.set(time.Time{}, now)
	select {
	case <-w.C:
		t.Error("it was switched off")
	default:
	}
}
