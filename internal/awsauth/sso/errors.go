package sso

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
)

// What callers tell apart. All are of kind Auth.
var (
	ErrGrant        = errors.New("what was granted is not accepted any more: it was used, has expired or was revoked")
	ErrClient       = errors.New("the registration of skret is not known any more")
	ErrUnauthorized = errors.New("the session has ended, or its token is not valid")
	ErrForbidden    = errors.New("there is no assignment for this")
)

// RegionError says that the instance of IAM Identity Center is in another region.
type RegionError struct {
	Region string // "" when the service did not say which
}

func (e *RegionError) Error() string {
	if e.Region == "" {
		return "there is no instance with this start URL; it may be in another region"
	}
	return "the instance is in " + e.Region
}

// op is what is being done, for messages.
type op string

const (
	registering op = "register with IAM Identity Center"
	starting    op = "start the sign-in with IAM Identity Center"
	consenting  op = "sign in with IAM Identity Center" // what the browser came back with
	redeeming   op = "finish the sign-in with IAM Identity Center"
	renewing    op = "renew the sign-in with IAM Identity Center"
	listing     op = "list accounts and roles of IAM Identity Center"
	minting     op = "get role credentials from IAM Identity Center"
	ending      op = "end the session with IAM Identity Center"
)

// portal tells whether it is a call to the portal, which judges the token.
func (o op) portal() bool { return o == listing || o == minting || o == ending }

func (c *Client) doing(o op) string { return string(o) + " in " + c.o.Region }

const (
	signInAgain = "sign in again with skret auth login aws"
	otherFlow   = "sign in another way, with --flow device, --flow paste or --flow pkce"
)

// failure is an answer that says no.
type failure struct {
	code   string // without "Exception"; "" when the answer is not of this protocol
	status int
	after  time.Duration // how long the service wants to be left alone
	reason string        // of KMS
	region string        // of the instance
}

func (f failure) throttled() bool {
	switch f.code {
	case "SlowDown", "TooManyRequests", "Throttling", "TemporarilyUnavailable":
		return true
	}
	return f.status == http.StatusTooManyRequests
}

// broken tells whether the service failed by itself.
func (f failure) broken() bool {
	return f.status >= http.StatusInternalServerError || f.code == "InternalServer" || f.code == "ServerError"
}

func (f failure) Error() string { return "refused: " + f.code }

// readFailure reads an answer that says no: the name of the error is in a header, or
// in the body.
func readFailure(resp *http.Response, reply []byte) failure {
	f := failure{status: resp.StatusCode, after: retryAfter(resp.Header)}
	var doc struct {
		Type   string `json:"__type"`
		Code   string `json:"code"`
		Reason string `json:"reason"`
		Region string `json:"region"`
	}
	err := json.Unmarshal(reply, &doc)
	code := cmp.Or(resp.Header.Get("X-Amzn-ErrorType"), doc.Code, doc.Type)
	if err != nil && code == "" {
		return f
	}
	code, _, _ = strings.Cut(code, ":")
	code = code[strings.LastIndexByte(code, '#')+1:]
	f.code = cmp.Or(strings.TrimSuffix(code, "Exception"), "UnknownError")
	switch f.code {
	case "AccessDenied", "InvalidRequest":
		f.reason = doc.Reason
	case "InvalidRequestRegion":
		if _, err := endpoint.Of(oidc, endpoint.Options{Region: doc.Region}); err == nil && len(doc.Region) < 64 {
			f.region = doc.Region
		}
	}
	return f
}

// explain gives an error of a call its kind, plain words and the next step.
func (c *Client) explain(o op, err error) error {
	if u, ok := errors.AsType[*unanswered](err); ok {
		return fmt.Errorf("%s: %w", c.doing(o), u.words)
	}
	f, ok := errors.AsType[failure](err)
	if !ok { // no request was made
		return err
	}
	return c.judge(o, f)
}

func (c *Client) judge(o op, f failure) error {
	switch {
	case f.throttled():
		return errs.New(errs.Network, "%s: throttled to the end", c.doing(o)).WithHint("try again later")
	case f.broken():
		return errs.New(errs.Backend, "%s: %w (%s)", c.doing(o), errs.ErrFailed, cleanWord(f.code)).
			WithHint("try again later; https://health.aws.amazon.com tells of trouble")
	case f.code == "":
		return c.nonsense(o, "the answer is not one of IAM Identity Center")
	case o.portal():
		return c.judgePortal(o, f)
	case f.reason != "":
		return c.auth(o, fmt.Errorf("it may not use its KMS key (%s)", cleanWord(f.reason)),
			"ask whoever manages IAM Identity Center: its customer managed key must allow it")
	}
	switch f.code {
	case "InvalidRequestRegion":
		return c.region(o, f.region)
	case "InvalidGrant":
		if o == starting || o == consenting {
			return c.region(o, "")
		}
		return c.auth(o, ErrGrant, signInAgain)
	case "InvalidRequest":
		if o == registering || o == starting {
			return c.region(o, "")
		}
	case "ExpiredToken":
		return c.auth(o, ErrGrant, signInAgain)
	case "InvalidClient":
		return c.auth(o, ErrClient, signInAgain)
	case "AccessDenied":
		return c.auth(o, errors.New("access was denied"), "approve the request in the browser, if it was you who started it; "+signInAgain)
	case "UnauthorizedClient", "UnsupportedGrantType", "InvalidScope", "InvalidClientMetadata", "InvalidRedirectUri":
		return c.auth(o, fmt.Errorf("it does not allow to sign in this way (%s)", f.code), otherFlow)
	}
	return errs.New(errs.Backend, "%s: refused (%s)", c.doing(o), cleanWord(f.code)).WithHint(signInAgain)
}

func (c *Client) judgePortal(o op, f failure) error {
	switch {
	case f.code == "Unauthorized" || f.status == http.StatusUnauthorized:
		return c.auth(o, ErrUnauthorized, signInAgain)
	case f.code == "Forbidden" || f.code == "ResourceNotFound" || f.status == http.StatusForbidden || f.status == http.StatusNotFound:
		return c.auth(o, ErrForbidden, "choose another account or role, or ask whoever manages IAM Identity Center for an assignment")
	}
	return errs.New(errs.Backend, "%s: refused (%s)", c.doing(o), cleanWord(f.code)).WithHint("check account and role")
}

// auth is an error of kind Auth. A clock that is wrong is mentioned: many refusals
// come of that.
func (c *Client) auth(o op, cause error, hint string) error {
	if ahead, ok := c.ClockAhead(); ok && ahead.Abs() > 5*time.Minute {
		way := "behind"
		if ahead < 0 {
			way = "ahead of"
		}
		return errs.New(errs.Auth, "%s: %w; this machine's clock is %s %s AWS's", c.doing(o), cause, ahead.Abs().Round(time.Minute), way).
			WithHint("set the clock, then %s", hint)
	}
	return errs.New(errs.Auth, "%s: %w", c.doing(o), cause).WithHint("%s", hint)
}

// region is the error of a wrong region; right is "" when the service does not say
// which is the right one.
func (c *Client) region(o op, right string) error {
	return c.auth(o, &RegionError{right}, fmt.Sprintf(
		"check the start URL, and name the region of IAM Identity Center with --opt region=%s; it is in its console, under Settings", cmp.Or(right, "...")))
}

// nonsense is an error about an answer that is not as it should be.
func (c *Client) nonsense(o op, why string) error {
	return errs.New(errs.Backend, "%s: %s", c.doing(o), why).
		WithHint("is a captive portal or a proxy in between, and is the endpoint right?")
}

// cleanWord makes a name of an error fit to be shown.
func cleanWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r) {
			return r
		}
		return -1
	}, s)
	return cmp.Or(s[:min(len(s), 64)], "no reason given")
}
