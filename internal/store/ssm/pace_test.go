package ssm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skret/skret/internal/errs"
)

// took returns how long n requests take at p's pace, in virtual time, when the
// service takes them all.
func took(t *testing.T, p *pace, n int) time.Duration {
	t.Helper()
	start := time.Now()
	for range n {
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.went()
	}
	return time.Since(start)
}

func TestReadsStayWithinTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Path: "/x"})
		if d := took(t, s.reads, 30); d != 0 {
			t.Errorf("a small burst takes %v", d)
		}
		if d := took(t, s.reads, 350); d < 9900*time.Millisecond || d > 10100*time.Millisecond {
			t.Errorf("350 more take %v, want 10 s", d)
		}
	})
}

func TestSingleWriteIsNotDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Path: "/x"})
		if d := took(t, s.writes, 3); d != 0 {
			t.Errorf("it takes %v", d)
		}
	})
}

// A service that takes 3 writes a second is not asked for much more, and one
// that takes many is not made to wait.
func TestWritesFindTheirPace(t *testing.T) {
	run := func(t *testing.T, quota float64, n int) (d time.Duration, refused int) {
		s := New(Options{Path: "/x"})
		start := time.Now()
		tokens, last := quota, start
		for done := 0; done < n; {
			if err := s.writes.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			tokens, last = min(quota, tokens+quota*now.Sub(last).Seconds()), now
			if tokens < 1 {
				refused++
				s.writes.throttled()
				time.Sleep(backoff(1, &failure{code: "ThrottlingException"}))
				continue
			}
			tokens--
			done++
			s.writes.went()
		}
		return time.Since(start), refused
	}
	synctest.Test(t, func(t *testing.T) {
		d, refused := run(t, 3, 100)
		if d > 36*time.Second || refused > 10 { // the quota alone takes 32 s
			t.Errorf("100 writes at a quota of 3/s: %v, %d refused", d, refused)
		}
		d, refused = run(t, 1000, 200)
		if d > 8*time.Second || refused > 0 {
			t.Errorf("200 writes without a quota: %v, %d refused", d, refused)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1, 0.1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var err error
		for err == nil {
			err = p.wait(ctx)
		}
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// The first retry is said at once, and no flood of them.
func TestRetriesAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var said []time.Duration
		s := New(Options{Path: "/x", Notice: func(string) { said = append(said, time.Since(start)) }})
		throttle := &failure{op: "GetParameters", code: "ThrottlingException", status: 400}
		for range 20 {
			err := s.repeat(t.Context(), 4, func(int) (bool, error) { return true, throttle })
			if errs.KindOf(s.explain("/x", err)) != errs.Network {
				t.Fatal(err)
			}
		}
		if len(said) == 0 || said[0] != 0 {
			t.Errorf("said at %v", said)
		}
		for i := 1; i < len(said); i++ {
			if said[i]-said[i-1] < 2*time.Second {
				t.Errorf("said at %v and %v", said[i-1], said[i])
			}
		}
	})
}

func TestBackoff(t *testing.T) {
	for attempt := 1; attempt < 12; attempt++ {
		for range 100 {
			if d := backoff(attempt, &failure{code: "TooManyUpdates"}); d < 50*time.Millisecond || d > 5100*time.Millisecond {
				t.Fatalf("attempt %d: %v", attempt, d)
			}
		}
	}
	if d := backoff(1, &failure{status: 503, after: 3 * time.Second}); d < 3*time.Second {
		t.Errorf("Retry-After is not honoured: %v", d)
	}
}
