package ssm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/httpx"
)

// read makes a request that changes nothing. It is repeated when the SDK's
// standard retryer would repeat it.
func (s *Store) read(ctx context.Context, op string, in, out any) error {
	return s.repeat(ctx, s.o.MaxAttempts, func(attempt int) (bool, error) {
		err := s.send(ctx, op, in, out, attempt)
		return repeatable(err), err
	})
}

// maxRefused is how often a write is tried that the service refuses because
// there are too many.
const maxRefused = 10

// write makes a request that changes something, at its pace. It is repeated
// only if the service said that it did not carry it out; a *lost error says
// that nobody knows.
func (s *Store) write(ctx context.Context, p *pace, op string, in, out any) error {
	return s.repeat(ctx, maxRefused, func(attempt int) (bool, error) {
		if err := p.wait(ctx); err != nil {
			return false, err
		}
		err := s.send(ctx, op, in, out, attempt)
		if throttled(err) {
			p.throttled()
			return true, err
		}
		p.went()
		if f, ok := errors.AsType[*failure](err); ok && f.status >= http.StatusInternalServerError {
			err = &lost{f}
		}
		return false, err
	})
}

// repeat calls do, which tells whether to go on, up to most times.
func (s *Store) repeat(ctx context.Context, most int, do func(attempt int) (again bool, err error)) error {
	for attempt, mended := 1, false; ; attempt++ {
		again, err := do(attempt)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case !mended && s.mendClock(err):
			mended = true
			continue
		case !again || attempt >= most:
			return err
		}
		if s.said.may() {
			s.o.Notice(fmt.Sprintf("retrying (%d/%d): %s", attempt+1, most, briefly(err)))
		}
		if serr := httpx.Sleep(ctx, backoff(attempt, err)); serr != nil {
			return err
		}
	}
}

// repeatable tells whether an error may go away by itself, as the SDK's standard
// retryer has it, and the end of a connection besides.
func repeatable(err error) bool {
	if err == nil {
		return false
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return throttled(f) || slices.Contains([]int{500, 502, 503, 504}, f.status) ||
			slices.Contains([]string{"RequestTimeout", "RequestTimeoutException"}, f.code)
	}
	if u, ok := errors.AsType[unanswered](err); ok && (errors.Is(u.cause, io.EOF) || errors.Is(u.cause, io.ErrUnexpectedEOF)) {
		return true
	}
	return passing(err)
}

// passing tells whether the network may carry the next attempt.
func passing(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && (dns.IsNotFound || dns.IsTemporary) {
		return !dns.IsNotFound
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return true
	}
	text := err.Error()
	if u, ok := errors.AsType[*url.Error](err); ok {
		text = u.Error() // which an explanation hides
	}
	return slices.ContainsFunc([]string{"connection reset", "connection refused", "use of closed network connection"},
		func(part string) bool { return strings.Contains(text, part) })
}

// throttled tells whether the service refused because there was too much. The
// codes are the SDK's; TooManyUpdates is missing in its list.
func throttled(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && (f.status == http.StatusTooManyRequests || slices.Contains([]string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
		"TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown",
		"PriorRequestNotComplete", "EC2ThrottledException", "TooManyUpdates",
	}, f.code))
}

// backoff is the time before the next attempt: at random, up to a bound that
// doubles, and not before the service wants it.
func backoff(attempt int, err error) time.Duration {
	base, after := 50*time.Millisecond, time.Duration(0)
	if throttled(err) {
		base = 200 * time.Millisecond
	}
	if f, ok := errors.AsType[*failure](err); ok {
		after = f.after
	}
	bound := min(base<<(attempt-1), 5*time.Second)
	return max(base/4+rand.N(bound), after)
}

// mendClock corrects our clock by the service's when a signature was refused
// and they differ. It returns whether it did.
func (s *Store) mendClock(err error) bool {
	f, ok := errors.AsType[*failure](err)
	codes := []string{"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure"}
	if !ok || !slices.Contains(codes, f.code) || f.ahead == 0 {
		return false
	}
	if (f.ahead - time.Duration(s.skew.Load())).Abs() < 4*time.Minute {
		return false
	}
	s.skew.Store(int64(f.ahead))
	if f.ahead.Abs() >= 5*time.Minute {
		way := "behind"
		if f.ahead < 0 {
			way = "ahead of"
		}
		s.o.Notice(fmt.Sprintf("this machine's clock is %s %s AWS's; please set it", f.ahead.Abs().Round(time.Minute), way))
	}
	return true
}

// briefly says in a few words what went wrong with an attempt.
func briefly(err error) string {
	if throttled(err) {
		return "throttled"
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return "the service failed (" + cleanWord(f.code) + ")"
	}
	if u, ok := errors.AsType[unanswered](err); ok {
		return u.words.Error()
	}
	return "no answer"
}

// cleanWord makes a word of the service's fit to be shown.
func cleanWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" _.-", r) {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 80)]
}
