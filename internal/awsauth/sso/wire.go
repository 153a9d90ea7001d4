package sso

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	attempts = 4       // how often a call is made at most
	maxReply = 1 << 20 // bytes of an answer
	maxAfter = 20 * time.Second
)

// The two services, by the name that they have in hosts, and by AWS's name in the
// variables that put another address in their place.
const (
	oidc   = "oidc" // signs users in
	portal = "portal.sso"
)

// address returns where a service is: in the region, or where the environment says.
func (c *Client) address(service string) (*url.URL, error) {
	id, name := "SSO OIDC", "sso-oidc" // name is for messages
	if service == portal {
		id, name = "SSO", "sso"
	}
	u, err := endpoint.Of(service, endpoint.Options{Region: c.o.Region, FIPS: c.o.FIPS, DualStack: c.o.DualStack})
	if instead := endpoint.Override(c.o.Getenv, id); err == nil && instead != "" {
		u, err = endpoint.Of(name, endpoint.Options{Override: instead})
	}
	return u, err
}

// authorizeURL is the address at which a browser starts.
func (c *Client) authorizeURL() (*url.URL, error) {
	u, err := c.address(oidc)
	if err != nil {
		return nil, err
	}
	u = u.JoinPath("authorize")
	if !safe(u) {
		return nil, errs.New(errs.Config, "the endpoint of SSO OIDC is not safe to sign in at: it is plain http to another machine").
			WithHint("use https in AWS_ENDPOINT_URL_SSO_OIDC")
	}
	return u, nil
}

// safe tells whether a browser may be sent to an address.
func safe(u *url.URL) bool {
	return u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && httpx.Loopback(u.Hostname()))
}

// apiCall is one call: of oidc with a body, of the portal with a token and a query.
type apiCall struct {
	service, method, path string
	query                 url.Values
	access                string // the token, in the portal's header
	in                    any    // nil: no body
}

// send makes one attempt of a call, and reads the answer into out, unless that is
// nil. It reads answers to their end, so that an *unanswered error means "no
// answer", and a failure is about the answer.
func (c *Client) send(ctx context.Context, k apiCall, out any) error {
	u, err := c.address(k.service)
	if err != nil {
		return err
	}
	u = u.JoinPath(k.path)
	u.RawQuery = k.query.Encode()
	var body io.Reader
	if k.in != nil {
		data, err := json.Marshal(k.in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", c.o.UserAgent)
	if k.in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if k.access != "" {
		r.Header.Set("X-Amz-Sso_bearer_token", k.access)
	}
	resp, err := c.o.HTTP.Do(r)
	if err != nil {
		return lost(u.Host, err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return lost(u.Host, err)
	}
	if len(reply) > maxReply {
		return lost(u.Host, errs.New(errs.Backend, "the answer of %s is larger than %d MiB", u.Host, maxReply>>20))
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.ahead.Store(int64(date.Sub(c.o.Now())))
		c.told.Store(true)
	}
	c.o.Log.Debug("IAM Identity Center answered", "method", r.Method, "path", r.URL.Path, "status", resp.StatusCode)
	if resp.StatusCode/100 != 2 {
		return readFailure(resp, reply)
	}
	if out != nil && json.Unmarshal(reply, out) != nil {
		return failure{status: resp.StatusCode}
	}
	return nil
}

// unanswered is a request that had no whole answer.
type unanswered struct {
	words  error // in plain words, with a kind
	unsent bool  // the service cannot have carried it out
}

func (u *unanswered) Error() string { return u.words.Error() }
func (u *unanswered) Unwrap() error { return u.words }

func lost(host string, err error) error {
	op, connecting := errors.AsType[*net.OpError](err)
	connecting = connecting && (op.Op == "dial" || op.Op == "proxyconnect")
	return &unanswered{httpx.Explain(host, err), connecting}
}

// call makes a call, again when it may help. A call that is careful is made again
// only when the one before cannot have been carried out.
func (c *Client) call(ctx context.Context, o op, careful bool, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", c.doing(o), ctx.Err())
		}
		again, after := repeatable(err, careful)
		if !again || attempt == attempts {
			return c.explain(o, err)
		}
		c.o.Log.Debug("IAM Identity Center is asked again", "attempt", attempt+1)
		if err := c.o.Sleep(ctx, max(after, 100*time.Millisecond<<attempt+rand.N(200*time.Millisecond))); err != nil {
			return fmt.Errorf("%s: %w", c.doing(o), err)
		}
	}
}

// repeatable tells whether an error may go away by itself, and how long the
// service wants to be left alone.
func repeatable(err error, careful bool) (again bool, after time.Duration) {
	if u, ok := errors.AsType[*unanswered](err); ok {
		return u.unsent || !careful && errs.KindOf(u.words) == errs.Network, 0
	}
	f, _ := errors.AsType[failure](err)
	return f.throttled() || !careful && f.broken(), f.after
}

// retryAfter reads a number of seconds.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, int(maxAfter/time.Second))) * time.Second
}
