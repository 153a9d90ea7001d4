package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Progress is a line on the terminal of stderr that says how far something is:
// a bar, counts, the rate, and how often something had to be tried again. It is
// gone when it ends. Its methods may be called by several goroutines.
type Progress struct {
	w     io.Writer
	now   func() time.Time
	start time.Time

	mu      sync.Mutex
	what    string
	ended   int
	total   int
	failed  int
	retries int
	shown   bool
}

// Progress begins a line about total things; what says which. Nothing is shown
// before the first of them has ended.
func (s *Streams) Progress(what string, total int) *Progress {
	return &Progress{w: s.Err, now: time.Now, start: time.Now(), what: Safe(what), total: total}
}

const barWidth = 24

// Step tells that so many have ended, and so many of these have failed.
func (p *Progress) Step(ended, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.failed = ended, failed
	p.draw()
}

// Notice writes a line above the bar. retry counts it as a repeated try.
func (p *Progress) Notice(text string, retry bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if retry {
		p.retries++
	}
	p.clear()
	fmt.Fprintf(p.w, "skret: %s\n", Safe(text))
	p.draw()
}

// End takes the line away.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *Progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
		p.shown = false
	}
}

func (p *Progress) draw() {
	if p.total == 0 {
		return
	}
	p.clear()
	full := barWidth * p.ended / p.total
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s%s] %d/%d", p.what, strings.Repeat("#", full), strings.Repeat("-", barWidth-full), p.ended, p.total)
	if took := p.now().Sub(p.start); took > time.Second/2 {
		fmt.Fprintf(&b, "  %.1f/s", float64(p.ended)/took.Seconds())
	}
	if p.failed > 0 {
		fmt.Fprintf(&b, "  %d failed", p.failed)
	}
	if p.retries > 0 {
		fmt.Fprintf(&b, "  %d retries", p.retries)
	}
	_, _ = io.WriteString(p.w, b.String())
	p.shown = true
}
