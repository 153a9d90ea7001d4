package sso

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const (
	maxCodes    = 6 // a user who does not come within an hour has left
	usualPoll   = 5 * time.Second
	slowDown    = 5 * time.Second
	usualLife   = 10 * time.Minute
	maxCodeLife = time.Hour
	maxPoll     = time.Minute
	maxURL      = 2048
)

// DevicePrompt is what the user must be shown.
type DevicePrompt struct {
	URL, CompleteURL string    // CompleteURL has the code in it
	Code             string    // to be entered at URL, or compared at CompleteURL
	Expires          time.Time // of the code
	Renewed          bool      // the code before this one has lapsed
}

// Device signs in with a code that the user enters on any machine. It calls show
// with the code, and again with a fresh one when that lapsed.
func (c *Client) Device(ctx context.Context, r Registration, startURL string, show func(DevicePrompt) error) (Token, error) {
	issuer, err := issuerOf(startURL)
	if err != nil {
		return Token{}, err
	}
	slower := time.Duration(0) // by how much the service wants to be asked less often
	for n := range maxCodes {
		d, err := c.start(ctx, r, issuer)
		if err != nil {
			return Token{}, err
		}
		d.prompt.Renewed = n > 0
		if err := show(d.prompt); err != nil {
			return Token{}, err
		}
		t, err := c.poll(ctx, r, d, &slower)
		if !errors.Is(err, errLapsed) {
			return t, err
		}
	}
	return Token{}, errs.New(errs.Auth, "%s: nobody has entered the code", c.doing(redeeming)).WithHint(signInAgain)
}

// device is a sign-in by code under way.
type device struct {
	prompt DevicePrompt
	code   string // the secret one
	every  time.Duration
}

func (c *Client) start(ctx context.Context, r Registration, issuer string) (device, error) {
	asked := c.o.Now()
	var out struct {
		DeviceCode              string `json:"deviceCode"`
		UserCode                string `json:"userCode"`
		VerificationURI         string `json:"verificationUri"`
		VerificationURIComplete string `json:"verificationUriComplete"`
		ExpiresIn               int32  `json:"expiresIn"` // seconds
		Interval                int32  `json:"interval"`  // seconds
	}
	in := map[string]string{"clientId": r.ClientID, "clientSecret": r.ClientSecret, "startUrl": issuer}
	err := c.call(ctx, starting, false, func() error {
		asked = c.o.Now()
		return c.send(ctx, apiCall{service: oidc, method: http.MethodPost, path: "device_authorization", in: in}, &out)
	})
	if err != nil {
		return device{}, err
	}
	d := device{code: out.DeviceCode, every: usualPoll}
	if out.Interval > 0 {
		d.every = min(time.Duration(out.Interval)*time.Second, maxPoll)
	}
	life := usualLife
	if out.ExpiresIn > 0 {
		life = min(time.Duration(out.ExpiresIn)*time.Second, maxCodeLife)
	}
	at := out.VerificationURI
	d.prompt = DevicePrompt{
		URL: at, CompleteURL: cmp.Or(out.VerificationURIComplete, at),
		Code: out.UserCode, Expires: asked.Add(life),
	}
	switch {
	case d.code == "" || !shownCode(d.prompt.Code):
		return device{}, c.nonsense(starting, "the answer has no code")
	case !showable(d.prompt.URL) || !showable(d.prompt.CompleteURL):
		return device{}, c.nonsense(starting, "the address to open is not one with https")
	}
	return d, nil
}

// shownCode tells whether a code is one that a user can be asked to enter.
func shownCode(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// showable tells whether a user can be sent to an address of the service's.
func showable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && safe(u) && len(s) <= maxURL && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

var errLapsed = errors.New("the code has lapsed")

// poll asks until the user has answered, or the code has lapsed by the service's
// clock or ours. No answer, and one that says that the service failed, are as
// good as "not yet".
func (c *Client) poll(ctx context.Context, r Registration, d device, slower *time.Duration) (Token, error) {
	for {
		t, err := c.createToken(ctx, r, grant{"grantType": grantDevice, "deviceCode": d.code})
		if err == nil {
			if t.Access == "" {
				return Token{}, c.nonsense(redeeming, "the answer has no token")
			}
			return t, nil
		}
		if ctx.Err() != nil {
			return Token{}, fmt.Errorf("%s: %w", c.doing(redeeming), ctx.Err())
		}
		f, _ := errors.AsType[failure](err)
		again, after := repeatable(err, false)
		switch {
		case f.code == "ExpiredToken":
			return Token{}, errLapsed
		case f.code == "SlowDown":
			*slower += slowDown
		case f.code == "AuthorizationPending", again:
		default:
			return Token{}, c.explain(redeeming, err)
		}
		left := d.prompt.Expires.Sub(c.o.Now())
		if left <= 0 {
			return Token{}, errLapsed
		}
		if err := c.o.Sleep(ctx, min(left, max(after, d.every+*slower))); err != nil {
			return Token{}, fmt.Errorf("%s: %w", c.doing(redeeming), err)
		}
		if !c.o.Now().Before(d.prompt.Expires) {
			return Token{}, errLapsed
		}
	}
}
