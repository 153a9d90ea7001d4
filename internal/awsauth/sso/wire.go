package sso

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	attempts = 4       // how often a call is made at most
	maxReply = 1 << 20 // bytes of an answer
	maxAfter = 20 * time.Second
)

// target is where a service is: in the region, or at an address that the
// environment puts in its place.
type target struct {
	override   *string
	fips, dual bool
}

// target checks region and address. id is the SDK's name of the service, host the
// one in messages and hosts.
func (c *Client) target(id, host string) (target, error) {
	if _, err := endpoint.Of(host, endpoint.Options{Region: c.o.Region}); err != nil {
		return target{}, err
	}
	address := endpoint.Override(c.o.Getenv, id)
	if address == "" {
		return target{nil, c.o.FIPS, c.o.DualStack}, nil
	}
	u, err := endpoint.Of(host, endpoint.Options{Override: address})
	if err != nil {
		return target{}, err
	}
	return target{override: aws.String(u.String())}, nil
}

// oidc returns the SDK's client of the service that signs users in.
func (c *Client) oidc() (*ssooidc.Client, error) {
	t, err := c.target("SSO OIDC", "sso-oidc")
	if err != nil {
		return nil, err
	}
	o := ssooidc.Options{
		Region: c.o.Region, BaseEndpoint: t.override, Credentials: aws.AnonymousCredentials{},
		HTTPClient: &wire{c}, Retryer: aws.NopRetryer{},
	}
	o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = t.states()
	return ssooidc.New(o), nil
}

// portal returns the SDK's client of the service that gives role credentials.
func (c *Client) portal() (*sso.Client, error) {
	t, err := c.target("SSO", "sso")
	if err != nil {
		return nil, err
	}
	o := sso.Options{
		Region: c.o.Region, BaseEndpoint: t.override, Credentials: aws.AnonymousCredentials{},
		HTTPClient: &wire{c}, Retryer: aws.NopRetryer{},
	}
	o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = t.states()
	return sso.New(o), nil
}

func (t target) states() (fips aws.FIPSEndpointState, dual aws.DualStackEndpointState) {
	if t.fips {
		fips = aws.FIPSEndpointStateEnabled
	}
	if t.dual {
		dual = aws.DualStackEndpointStateEnabled
	}
	return fips, dual
}

// authorizeURL is the address at which a browser starts. The SDK knows the host,
// and not the call.
func (c *Client) authorizeURL(ctx context.Context) (*url.URL, error) {
	t, err := c.target("SSO OIDC", "sso-oidc")
	if err != nil {
		return nil, err
	}
	e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, ssooidc.EndpointParameters{
		Region: aws.String(c.o.Region), Endpoint: t.override, UseFIPS: aws.Bool(t.fips), UseDualStack: aws.Bool(t.dual),
	})
	if err != nil {
		return nil, errs.New(errs.Config, "IAM Identity Center has no such endpoint in %s", c.o.Region).
			WithHint("check the region, and whether FIPS or dual-stack is switched on")
	}
	u := e.URI.JoinPath("authorize")
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

// wire is the HTTP client that the SDK is given. It reads answers to their end, so
// that an error of it means "no answer", and what follows is about the answer.
type wire struct{ c *Client }

// Do makes one request.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", w.c.o.UserAgent)
	resp, err := w.c.o.HTTP.Do(r)
	if err != nil {
		return nil, lost(r.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, lost(r.URL.Host, err)
	}
	if len(body) > maxReply {
		return nil, lost(r.URL.Host, errs.New(errs.Backend, "the answer of %s is larger than %d MiB", r.URL.Host, maxReply>>20))
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.c.ahead.Store(int64(date.Sub(w.c.o.Now())))
		w.c.told.Store(true)
	}
	w.c.o.Log.Debug("IAM Identity Center answered", "method", r.Method, "path", r.URL.Path, "status", resp.StatusCode)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
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
	f := failureOf(err)
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
