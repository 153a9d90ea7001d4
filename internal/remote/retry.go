package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"
)

const (
	tries   = 4                // of one request
	maxWait = 60 * time.Second // before one of them
)

// repeat does a request, and does it again where that may help and can do no
// harm. It never waits beyond ctx's deadline: then the failure is the answer.
func (a *API) repeat(ctx context.Context, method string, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || ctx.Err() != nil || try == tries || !repeatable(method, err) {
			return err
		}
		wait := backoff(try, err)
		if deadline, ok := ctx.Deadline(); wait > maxWait || ok && wait > time.Until(deadline) {
			return err
		}
		if wait >= time.Second {
			a.o.Notice(fmt.Sprintf("retrying (%d/%d) in %s: %s", try+1, tries, wait.Round(time.Second), briefly(err)))
		}
		if serr := a.o.Sleep(ctx, wait); serr != nil {
			return err
		}
	}
}

// repeatable tells whether a request may be made again. What was refused for
// the number of requests was not carried out; else only what leads to the same
// when it is done twice is.
func repeatable(method string, err error) bool {
	f, answered := errors.AsType[*Failure](err)
	if answered && f.limited {
		return true
	}
	if method != http.MethodGet && method != http.MethodPut {
		return false
	}
	if answered {
		return f.Status >= 500 && f.Status != http.StatusNotImplemented || f.Status == http.StatusRequestTimeout
	}
	// A connection that was lost. A server that lets us wait has had its time.
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// backoff is the time before the next try: at random, up to a bound that
// doubles, and not before the service wants it.
func backoff(try int, err error) time.Duration {
	wait := 200*time.Millisecond + rand.N(400*time.Millisecond<<try)
	if f, ok := errors.AsType[*Failure](err); ok {
		wait = max(wait, f.after)
	}
	return wait
}

func briefly(err error) string {
	f, ok := errors.AsType[*Failure](err)
	switch {
	case !ok:
		return "the connection was lost"
	case f.limited:
		return "the service refuses more requests for now"
	}
	return "the service failed"
}
