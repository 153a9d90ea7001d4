package ssm

import (
	"context"
	"sync"
	"time"
)

// pace spaces requests out so that a quota holds that nobody tells us. The
// first few go at once, and the rate grows quickly until the service throttles
// for the first time. Then it becomes what the service has taken so far, and from
// there on grows slowly and is cut a little each time. To ask a little too often
// costs nothing but the refusals: a service's bucket fills at its own rate.
type pace struct {
	mu      sync.Mutex
	tokens  float64 // requests that may go at once
	burst   float64
	least   float64 // the rate to begin with, and to go on with after the first cut
	rate    float64 // requests a second
	most    float64
	taken   int       // by the service, until it throttled for the first time
	began   time.Time // when the first request went
	cut     time.Time // when the rate was cut last; zero: never
	last    time.Time
	changed chan struct{} // closed when those who wait should look again
}

func newPace(burst, rate, most float64) *pace {
	return &pace{tokens: burst, burst: burst, least: rate, rate: rate, most: most, changed: make(chan struct{})}
}

// wait returns when the next request may go.
func (p *pace) wait(ctx context.Context) error {
	for {
		delay, changed := p.take(time.Now())
		if delay <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// take takes the right to send a request, or tells when to look again.
func (p *pace) take(now time.Time) (delay time.Duration, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		p.began = now
	} else {
		p.tokens = min(p.burst, p.tokens+p.rate*now.Sub(p.last).Seconds())
	}
	p.last = now
	if p.tokens >= 1 {
		p.tokens--
		return 0, nil
	}
	return max(time.Duration((1-p.tokens)/p.rate*float64(time.Second)), time.Microsecond), p.changed
}

// went tells of a request that was not throttled.
func (p *pace) went() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut.IsZero() {
		p.rate = min(p.rate+0.05, p.most)
		return
	}
	p.taken++
	if p.rate < p.most {
		p.rate = min(p.rate*1.5, p.most)
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// oneOverload is how long refusals count as those of one overload: of requests
// that were on the way together.
const oneOverload = 500 * time.Millisecond

// throttled tells of a request that was.
func (p *pace) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.tokens = min(p.tokens, 0)
	switch {
	case p.cut.IsZero():
		p.rate = min(p.rate, max(p.least, float64(p.taken)/max(now.Sub(p.began).Seconds(), 1)))
	case now.Sub(p.cut) < oneOverload:
		return
	default:
		p.rate = max(p.rate*0.8, 0.5)
	}
	p.cut = now
}

// quiet lets one message through in two seconds.
type quiet struct {
	mu   sync.Mutex
	last time.Time
}

func (q *quiet) may() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if !q.last.IsZero() && now.Sub(q.last) < 2*time.Second {
		return false
	}
	q.last = now
	return true
}
