package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// signals are those that end a command: INT, TERM, HUP and QUIT. At first they
// have their default action, which costs nothing at the start, and is right as
// long as nobody is waited for. From [signals.watch] on, which is called before a
// question and before a service is asked, the first one ends ctx, with an
// [interrupted] as its cause: a terminal is put back in order, what was written
// is told, and ^\ shows no goroutines. The second one has its default action. A
// signal that was ignored when we started (nohup, a background job) stays
// ignored.
type signals struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	once       sync.Once
	ch         chan os.Signal
	quit, done chan struct{}

	others atomic.Bool // INT and QUIT are for another program on the terminal
}

func newSignals(parent context.Context) *signals {
	ctx, cancel := context.WithCancelCause(parent)
	return &signals{ctx: ctx, cancel: cancel}
}

func (s *signals) watch() {
	s.once.Do(func() {
		var sigs []os.Signal
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
			if !signal.Ignored(sig) {
				sigs = append(sigs, sig)
			}
		}
		s.ch, s.quit, s.done = make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
		signal.Notify(s.ch, sigs...) // never empty: only INT and HUP can be seen to be ignored
		go func() {
			defer close(s.done)
			for {
				select {
				case sig := <-s.ch:
					if s.others.Load() && (sig == os.Interrupt || sig == syscall.SIGQUIT) {
						continue
					}
					s.cancel(interrupted{sig})
					signal.Stop(s.ch)
				case <-s.quit:
				}
				return
			}
		}()
	})
}

// release gives the signals their default action back, for good. Its error is
// the interruption that came before, so that none is lost on the way.
func (s *signals) release() error {
	s.once.Do(func() {}) // there is nothing to watch for any more
	if s.quit == nil {
		return nil
	}
	signal.Stop(s.ch) // a signal that is on its way is in ch afterwards
	close(s.quit)
	<-s.done
	s.quit = nil
	select {
	case sig := <-s.ch:
		s.cancel(interrupted{sig})
	default:
	}
	stopped, ok := errors.AsType[interrupted](context.Cause(s.ctx))
	s.cancel(nil)
	if ok {
		return stopped
	}
	return nil
}
