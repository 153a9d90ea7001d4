package remote

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Failure is what a service answered that was no success.
type Failure struct {
	Status int
	Code   string // the service's word or number for it; "" if it gave none that can be shown

	limited bool          // it refuses because there are too many requests
	after   time.Duration // how long it wants to be left alone; 0: it does not say
	sso     bool          // an organisation at GitHub wants the token to be authorised
}

func (f *Failure) Error() string {
	if f.Code == "" {
		return fmt.Sprintf("status %d", f.Status)
	}
	return fmt.Sprintf("status %d, %s", f.Status, f.Code)
}

// Quota tells whether the service refuses because there were too many requests:
// more of them would be refused as well.
func (f *Failure) Quota() bool { return f.limited }

// failure reads what a service answered. sent is what the request carried.
func (a *API) failure(resp *http.Response, raw []byte, sent []string) *Failure {
	f := &Failure{Status: resp.StatusCode, Code: a.code(raw, sent), sso: resp.Header.Get("X-GitHub-SSO") != ""}
	now := a.o.Now()
	if server, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now = server // by its own clock, since this machine's may be wrong
	}
	f.after = waitFor(resp.Header, now)
	switch f.Status {
	case http.StatusTooManyRequests:
		f.limited = true
	case http.StatusForbidden:
		secondary := bytes.Contains(bytes.ToLower(raw), []byte("secondary rate limit"))
		f.limited = f.after > 0 || secondary
		if f.limited {
			f.after = cmp.Or(f.after, time.Minute)
		}
	}
	return f
}

// waitFor returns how long a service wants to be left alone.
func waitFor(h http.Header, now time.Time) time.Duration {
	if v := h.Get("Retry-After"); v != "" {
		if n, err := strconv.ParseUint(v, 10, 31); err == nil {
			return max(time.Duration(n)*time.Second, time.Second)
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(at.Sub(now), time.Second)
		}
	}
	for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
		if h.Get(prefix+"Remaining") != "0" {
			continue
		}
		if n, err := strconv.ParseInt(h.Get(prefix+"Reset"), 10, 63); err == nil {
			return max(time.Unix(n, 0).Sub(now), time.Second)
		}
	}
	return 0
}

// code returns the word or the number by which a service names a failure. It is
// short and plain, and no part of a secret: a server may send back what it got.
func (a *API) code(raw []byte, sent []string) string {
	var v struct {
		Error  any `json:"error"`
		Code   any `json:"code"`
		Errors []struct {
			Code any `json:"code"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(raw, &v) // of another shape, there is no code
	candidates := []any{v.Error, v.Code}
	for _, e := range v.Errors {
		candidates = append(candidates, e.Code)
	}
	for _, c := range candidates {
		var word string
		switch c := c.(type) {
		case string:
			word = c
		case float64:
			word = strconv.FormatFloat(c, 'f', -1, 64)
		}
		if isCode(word) && !a.t.tells(word, sent...) {
			return word
		}
	}
	return ""
}

func isCode(s string) bool {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return n < 1e8
	}
	return len(s) > 0 && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// explain gives a failure its kind, plain words and the next step.
func (a *API) explain(r *http.Request, f *Failure) error {
	host, from := r.URL.Host, a.t.From
	switch {
	case f.limited:
		return errs.New(errs.Network, "%s refuses more requests for now: %w", host, f).WithHint("try again %s", when(f.after))
	case f.Status == http.StatusUnauthorized || slices.Contains(a.t.s.invalid, f.Code):
		hint := a.t.mend
		if a.t.s.aside != "" && a.t.Origin == a.t.s.home {
			hint += "; " + a.t.s.aside
		}
		return errs.New(errs.Auth, "%s is not accepted by %s: %w", from, host, f).WithHint("%s", hint)
	case f.sso:
		return errs.New(errs.Auth, "an organisation at %s wants %s to be authorised for its single sign-on: %w", host, from, f).
			WithHint("%s, at the token: Configure SSO", a.t.s.manage(a.t.Origin))
	case f.Status == http.StatusForbidden:
		return errs.New(errs.Auth, "%s may not %s %s at %s: %w", from, r.Method, r.URL.Path, host, f).
			WithHint("give it the permission, or use another: %s", a.t.s.manage(a.t.Origin))
	case f.Status == http.StatusNotFound:
		return errs.New(errs.NotFound, "there is no %s at %s, or %s may not see it: %w", r.URL.Path, host, from, f).
			WithHint("check the names; a service hides what a token has no permission for")
	case f.Status == http.StatusConflict:
		return errs.New(errs.Conflict, "%s refused %s %s, since it is in use or was changed: %w", host, r.Method, r.URL.Path, f)
	case f.Status == http.StatusRequestTimeout:
		return errs.New(errs.Network, "%s gave up waiting for the request: %w", host, f)
	case f.Status >= 500:
		return errs.New(errs.Backend, "%s failed: %w", host, f).WithHint("try again %s", when(f.after))
	}
	return errs.New(errs.Backend, "%s refused %s %s: %w", host, r.Method, r.URL.Path, f)
}

func when(d time.Duration) string {
	if d <= 0 || d > 24*time.Hour {
		return "later"
	}
	return "in " + d.Round(time.Second).String()
}

// codeOf returns the code of the failure in err, "" if there is none.
func codeOf(err error) string {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Code
	}
	return ""
}

// hasStatus tells whether a service refused with one of these, and not for the
// number of requests.
func hasStatus(err error, statuses ...int) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && !f.limited && slices.Contains(statuses, f.Status)
}

// gone takes the refusal to end a token for what was wanted, when it says that
// the token is not valid.
func gone(err error) error {
	if hasStatus(err, http.StatusUnauthorized) {
		return nil
	}
	return err
}
