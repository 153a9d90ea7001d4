// Package query speaks the Query protocol of AWS, signed: the few calls of STS
// and IAM by which skret learns who signs, replaces access keys, and makes users
// and roles. The SDK's client of IAM builds the schemas of all its operations at
// every start; this one weighs nothing until it is used.
//
// # Repeating
//
// A call is made four times at most, with pauses at random that grow, and not
// before the service wants it. What may be repeated depends on the call:
//
//   - what changes nothing, and what ends the same done once or twice (a policy
//     that is put, a key that is switched off), also when the answer was lost;
//   - what deletes, likewise; that the thing is gone is then what was wanted;
//   - what makes something, only when AWS refused the call for the number of
//     calls, or when it never left this machine. When its answer was lost, the
//     error says that nobody knows, and how to look.
//
// A request that AWS refuses for its time is signed again by AWS's clock, once.
//
// # Errors
//
// They have a kind, plain words and a next step, and an [APIError] in their
// chain. Of AWS's own message they hold no more than the words of a denial: who,
// what, on what. Errors of the credentials' provider pass unchanged.
//
// # Limits
//
// IAM tells its regions of a change within seconds: a new user may be unknown to
// the next call, and a new key to STS. Whoever makes them waits. No list is paged:
// a user has two access keys at most, and OIDC providers come at once.
package query

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/skret/skret/internal/httpx"
)

// Options are what a client needs. Credentials, Region, HTTP, Getenv and Log are
// never empty.
type Options struct {
	Credentials     aws.CredentialsProvider
	Region          string
	HTTP            *http.Client // from package httpx
	Getenv          func(string) string
	FIPS, DualStack bool
	UserAgent       string
	Log             *slog.Logger
	Notice          func(msg string)                                 // a line for the user; nil: none
	Now             func() time.Time                                 // nil: time.Now
	Sleep           func(ctx context.Context, d time.Duration) error // nil: a real one

	Who   string // who signs, in words for messages; may be empty
	Renew string // the next step when that has expired; may be empty
}

// Client is a client of STS and IAM, for use by several goroutines.
type Client struct {
	o      Options
	signer *v4.Signer
	skew   atomic.Int64                  // what signatures add to our clock
	ahead  atomic.Pointer[time.Duration] // of AWS's clock against ours; nil: not known
}

// New returns a client. It makes no request.
func New(o Options) *Client {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = httpx.Sleep
	}
	return &Client{o: o, signer: v4.NewSigner()}
}

// ClockAhead returns by how much AWS's clock is ahead of this machine's, if an
// answer said so.
func (c *Client) ClockAhead() (time.Duration, bool) {
	if d := c.ahead.Load(); d != nil {
		return *d, true
	}
	return 0, false
}

// mendClock corrects our clock by AWS's when a signature was refused and they
// differ. It returns whether it did.
func (c *Client) mendClock(e *APIError) bool {
	ahead, ok := c.ClockAhead()
	codes := []string{"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}
	if !ok || !slices.Contains(codes, e.Code) || (ahead-time.Duration(c.skew.Load())).Abs() < 4*time.Minute {
		return false
	}
	c.skew.Store(int64(ahead))
	if ahead.Abs() >= 5*time.Minute {
		way := "behind"
		if ahead < 0 {
			way = "ahead of"
		}
		c.o.Notice(fmt.Sprintf("this machine's clock is %s %s AWS's; please set it", ahead.Abs().Round(time.Minute), way))
	}
	return true
}

// service is one of the two, with the version of its protocol.
type service struct{ name, version string }

var (
	sts = service{"sts", "2011-06-15"}
	iam = service{"iam", "2010-05-08"}
)

// care says when a call may be made again.
type care int

const (
	freely  care = iota // always: done twice, it ends the same
	deletes             // always; once it may have been done, what is not there is gone
	makes               // never, once it may have been done
)

// call is one call with its parameters; those that are empty are not sent.
type call struct {
	service
	action string
	care   care
	params map[string]string
}

// what names the call and what it is about, for messages.
func (k call) what() string {
	words := []string{k.action}
	for _, p := range []string{"UserName", "RoleName", "OpenIDConnectProviderArn", "Url", "PolicyName"} {
		if v := k.params[p]; v != "" {
			words = append(words, v)
		}
	}
	return strings.Join(words, " ")
}
