package query

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

func TestWhatChangesNothingIsRepeated(t *testing.T) {
	for name, trouble := range map[string]http.HandlerFunc{
		"throttled": refuse(400, "Throttling"),
		"too many":  refuse(429, "TooManyRequestsException"),
		"failed":    refuse(500, "InternalFailure"),
		"no xml": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>"+marker, http.StatusServiceUnavailable)
		},
		"lost":        hangUp,
		"cut in half": truncated,
		"no code":     refuse(502, ""),
	} {
		s := serve(t, trouble, trouble, trouble, whoIs())
		c := dial(t, s.URL, "eu-west-1")
		if _, err := c.CallerIdentity(t.Context()); err != nil || s.count() != 4 || len(c.slept) != 3 {
			t.Errorf("%s: %v after %d requests and %v", name, err, s.count(), c.slept)
		}
		for i, d := range c.slept {
			if d < 0 || d >= 400*time.Millisecond<<i {
				t.Errorf("%s: pause %d is %v", name, i, d)
			}
		}
		s = serve(t, trouble)
		_, err := dial(t, s.URL, "eu-west-1").CallerIdentity(t.Context())
		if kind := errs.KindOf(err); kind != errs.Network && kind != errs.Backend || s.count() != 4 || strings.Contains(err.Error(), marker) {
			t.Errorf("%s: %v after %d requests", name, err, s.count())
		}
	}
}

func TestRetryAfterIsHonouredWithinReason(t *testing.T) {
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "86400": 20 * time.Second, "-5": 0, "99999999999999999999": 0, "soon": 0} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", after)
			refuse(429, "Throttling")(w, r)
		}, whoIs())
		c := dial(t, s.URL, "eu-west-1")
		if _, err := c.CallerIdentity(t.Context()); err != nil || c.slept[0] < want || c.slept[0] > want+time.Second {
			t.Errorf("%s: %v %v", after, c.slept, err)
		}
	}
}

func TestWhatMakesSomethingIsNotRepeatedOnceItMayBeDone(t *testing.T) {
	for name, trouble := range map[string]http.HandlerFunc{
		"failed":      refuse(500, "ServiceFailure"),
		"lost":        hangUp,
		"cut in half": truncated,
		"no answer":   answer("<html>welcome to the hotel</html>"),
		"no key":      result("CreateAccessKey", "<AccessKey><AccessKeyId>AKIA1</AccessKeyId></AccessKey>"),
	} {
		s := serve(t, trouble)
		_, err := dial(t, s.URL, "eu-west-1").CreateAccessKey(t.Context(), "u")
		if !strings.Contains(errs.HintOf(err), "aws iam list-access-keys") || !strings.Contains(err.Error(), "CreateAccessKey u: ") ||
			!strings.Contains(err.Error(), "it is not known whether it was done") || s.count() != 1 {
			t.Errorf("%s: %v after %d requests; %s", name, err, s.count(), errs.HintOf(err))
		}
	}
	for _, create := range []func(*client) (string, error){
		func(c *client) (string, error) { return c.CreateUser(t.Context(), "u") },
		func(c *client) (string, error) { return c.CreateRole(t.Context(), "r", "{}", "", 0) },
		func(c *client) (string, error) { return c.CreateOIDCProvider(t.Context(), "https://i", "a") },
	} {
		s := serve(t, hangUp)
		_, err := create(dial(t, s.URL, "eu-west-1"))
		wantError(t, err, errs.Network, "it is not known whether it was done", "look before you try again: aws iam ")
	}
}

func TestWhatMakesSomethingIsRepeatedWhenItWasNotDone(t *testing.T) {
	made := result("CreateUser", "<User><Arn>arn:aws:iam::123456789012:user/u</Arn></User>")
	s := serve(t, refuse(400, "Throttling"), refuse(409, "EntityTemporarilyUnmodifiable"), made)
	if _, err := dial(t, s.URL, "eu-west-1").CreateUser(t.Context(), "u"); err != nil || s.count() != 3 {
		t.Errorf("%v after %d requests", err, s.count())
	}

	// Nobody listens: nothing can have been done.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := dial(t, "http://"+l.Addr().String(), "eu-west-1")
	_, err = c.CreateUser(t.Context(), "u")
	wantError(t, err, errs.Network, "CreateUser u: no answer from "+l.Addr().String()+": the connection was refused", "")
	if len(c.slept) != 3 || strings.Contains(err.Error(), "not known") {
		t.Errorf("%v after %v", err, c.slept)
	}
}

func TestADeletionIsDoneWhenNothingIsLeftAfterALostAnswer(t *testing.T) {
	for name, trouble := range map[string]http.HandlerFunc{"lost": hangUp, "failed": refuse(500, "ServiceFailure")} {
		s := serve(t, trouble, refuse(404, "NoSuchEntity"))
		if err := dial(t, s.URL, "eu-west-1").DeleteAccessKey(t.Context(), "u", "AKIA1"); err != nil || s.count() != 2 {
			t.Errorf("%s: %v after %d requests", name, err, s.count())
		}
	}
	for name, first := range map[string]http.HandlerFunc{"at once": refuse(404, "NoSuchEntity"), "throttled": refuse(400, "Throttling")} {
		s := serve(t, first, refuse(404, "NoSuchEntity"))
		err := dial(t, s.URL, "eu-west-1").DeleteAccessKey(t.Context(), "u", "AKIA1")
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is put again is not done because it is gone.
	s := serve(t, hangUp, refuse(404, "NoSuchEntity"))
	wantError(t, dial(t, s.URL, "eu-west-1").PutUserPolicy(t.Context(), "u", "p", "{}"), errs.NotFound, "PutUserPolicy u p: there is none of that name", "")
}

// clocked refuses requests that are not signed for a time within five minutes of
// its own, which differs from ours by ahead.
func clocked(ahead time.Duration, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(ahead).UTC()
		w.Header().Set("Date", now.Format(http.TimeFormat))
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(at).Abs() > 5*time.Minute {
			refuse(403, code)(w, r)
			return
		}
		whoIs()(w, r)
	}
}

func TestAWrongClockIsCorrectedAndTheUserTold(t *testing.T) {
	for _, c := range []struct {
		ahead  time.Duration
		code   string
		notice string
	}{
		{10 * time.Minute, "SignatureDoesNotMatch", "this machine's clock is 10m0s behind AWS's"},
		{-3 * time.Hour, "RequestExpired", "this machine's clock is 3h0m0s ahead of AWS's"},
	} {
		s := serve(t, clocked(c.ahead, c.code))
		cl := dial(t, s.URL, "eu-west-1")
		for range 2 { // the second call is right from the start
			if _, err := cl.CallerIdentity(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if s.count() != 3 || len(cl.notices) != 1 || !strings.Contains(cl.notices[0], c.notice) || len(cl.slept) != 0 {
			t.Errorf("%d requests, notices %q, pauses %v", s.count(), cl.notices, cl.slept)
		}
		if ahead, ok := cl.ClockAhead(); !ok || (ahead-c.ahead).Abs() > time.Minute {
			t.Errorf("ahead by %v, %v; want %v", ahead, ok, c.ahead)
		}
	}
}

func TestAClockIsCorrectedOnceAndOnlyWhenItIsWrong(t *testing.T) {
	refused := func(ahead time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			refuse(403, "SignatureDoesNotMatch")(w, r)
		}
	}
	for ahead, requests := range map[time.Duration]int{0: 1, 3 * time.Minute: 1, time.Hour: 2} {
		s := serve(t, refused(ahead))
		_, err := dial(t, s.URL, "eu-west-1").CallerIdentity(t.Context())
		wantError(t, err, errs.Auth, "AWS refused the signature: the secret key of profile dev is wrong", "log in again")
		if s.count() != requests {
			t.Errorf("%v: %d requests, want %d", ahead, s.count(), requests)
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		refuse(403, "SignatureDoesNotMatch")(w, r)
	})
	c := dial(t, s.URL, "eu-west-1")
	_, _ = c.CallerIdentity(t.Context())
	if _, ok := c.ClockAhead(); ok || s.count() != 1 {
		t.Errorf("the clock is known without a date, after %d requests", s.count())
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, refuse(429, "Throttling"))
	c := dial(t, s.URL, "eu-west-1")
	c.o.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if _, err := c.CallerIdentity(ctx); !errors.Is(err, context.Canceled) || s.count() != 1 {
		t.Errorf("%v after %d requests", err, s.count())
	}
	// A call that was stopped on its way may have been done.
	ctx, cancel = context.WithCancel(t.Context())
	s = serve(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := dial(t, s.URL, "eu-west-1").CreateUser(ctx, "u")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "it is not known whether it was done") {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := httpx.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := httpx.Sleep(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
	})
}
