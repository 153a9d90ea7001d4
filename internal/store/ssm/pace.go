package ssm

import (
	"context"
	"sync"
	"time"

	"github.com/skret/skret/internal/httpx"
)

// pace spaces requests out so that a quota holds that nobody tells us. The
// first few go at once. The rate grows quickly until the service throttles for
// the first time, is then cut, and from there on grows slowly.
type pace struct {
	mu     sync.Mutex
	tokens float64 // requests that may go at once; below zero: how many wait
	burst  float64
	rate   float64 // requests a second
	most   float64
	cut    bool // the service has throttled
	last   time.Time
}

func newPace(burst, rate, most float64) *pace {
	return &pace{tokens: burst, burst: burst, rate: rate, most: most}
}

// wait returns when the next request may go.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if !p.last.IsZero() {
		p.tokens = min(p.burst, p.tokens+p.rate*now.Sub(p.last).Seconds())
	}
	p.last = now
	p.tokens--
	delay := time.Duration(-p.tokens / p.rate * float64(time.Second))
	p.mu.Unlock()
	return httpx.Sleep(ctx, delay)
}

// went tells of a request that was not throttled.
func (p *pace) went() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		p.rate += 0.05
	} else {
		p.rate *= 1.2
	}
	p.rate = min(p.rate, p.most)
}

// throttled tells of one that was. What was saved up is void.
func (p *pace) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.rate = max(p.rate*0.7, 0.5)
	p.tokens = min(p.tokens, 0)
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
