// Package sso speaks the protocols of AWS IAM Identity Center: how a user signs
// in, how a sign-in is renewed, and how it is turned into credentials for a role.
// It keeps nothing. What it returns is for the caller to seal and store, and the
// browser, the terminal and the clock are handed in.
//
// A sign-in starts with [Client.Register], anew each time: a sign-in cannot
// outlive its registration. Then the user authorizes it, in one of three ways:
//
//   - [Client.PKCE]: a browser on this machine comes back to an address on
//     loopback. The code that it brings is of use to nobody else.
//   - [Client.Paste]: the same with a browser on another machine, whose final
//     address the user pastes. As safe, and needs no port.
//   - [Client.Device]: the user enters a code on any machine. Whoever talks the
//     user into entering a code of theirs is signed in as the user; it is for
//     where the others do not work.
//
// [Client.Refresh] renews the token. Refresh tokens are treated as good for one
// use: the request is made once, and repeated only when it cannot have been
// carried out. [Client.RoleCredentials], [Client.Accounts] and [Client.Roles] use
// the token, and [Client.Logout] ends the session for everybody who has it.
//
// Other calls are repeated, up to four times, when the service throttles or fails
// or does not answer. Answers are bounded, and what does not look as it should is
// an error. Errors have a kind, plain words and a next step, and never quote what
// the service sent, except for the name of an error. Tokens, registrations and
// credentials do not print themselves.
package sso

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/skret/skret/internal/httpx"
)

// Flow is a way to have the user authorize a sign-in.
type Flow string

// The flows.
const (
	PKCE   Flow = "pkce"
	Paste  Flow = "paste"
	Device Flow = "device"
)

// Options are what a client needs. Region, HTTP and Getenv are never empty.
type Options struct {
	Region          string // of IAM Identity Center
	HTTP            *http.Client
	Getenv          func(string) string // for the addresses that stand in for the service's
	FIPS, DualStack bool
	Log             *slog.Logger // nil: none
	UserAgent       string

	Now   func() time.Time                                 // nil: time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil: a real one
}

// Client is a client of IAM Identity Center. It is safe for use by several
// goroutines.
type Client struct {
	o     Options
	ahead atomic.Int64 // of the service's clock against ours
	told  atomic.Bool  // whether it is known
}

// New returns a client. It makes no request.
func New(o Options) *Client {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = httpx.Sleep
	}
	return &Client{o: o}
}

// ClockAhead returns how far the service's clock is ahead of ours, by its last
// answer.
func (c *Client) ClockAhead() (time.Duration, bool) {
	return time.Duration(c.ahead.Load()), c.told.Load()
}

// Registration is skret as the service knows it. A token can be renewed only with
// the registration that it was made with.
type Registration struct {
	hidden
	ClientID, ClientSecret string
	Expires                time.Time // by the service's clock; zero when it did not say
}

// Token is a sign-in.
type Token struct {
	hidden
	Access  string
	Refresh string    // "" when the sign-in cannot be renewed
	Expires time.Time // of Access, by our clock, however wrong that is
}

// RoleCredentials sign requests as a role.
type RoleCredentials struct {
	hidden
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time // by the service's clock
}

// hidden makes the struct that it is embedded in print as "[redacted]".
type hidden struct{}

const redacted = "[redacted]"

func (hidden) String() string               { return redacted }
func (hidden) GoString() string             { return redacted }
func (hidden) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (hidden) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (hidden) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (hidden) MarshalText() ([]byte, error) { return []byte(redacted), nil }
