package query

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// APIError is an error that AWS answered with.
type APIError struct {
	Action, Code string
	Status       int

	message string        // AWS's own; it is read, and goes no further
	after   time.Duration // Retry-After
}

// Error returns the action and the code.
func (e *APIError) Error() string { return e.Action + ": " + e.Code }

// AboutMFA tells whether AWS wanted a code of an MFA device, or refused the one that it
// got.
func (e *APIError) AboutMFA() bool { return strings.Contains(e.message, "MultiFactorAuthentication") }

// is tells whether the error is one of these, with or without "Exception" behind.
func (e *APIError) is(codes ...string) bool {
	return slices.Contains(codes, strings.TrimSuffix(e.Code, "Exception"))
}

// busy tells whether AWS did nothing, and would if it were asked later.
func (e *APIError) busy() bool {
	return e.Status == http.StatusTooManyRequests || e.is("Throttling", "Throttled", "RequestLimitExceeded", "RequestThrottled", "TooManyRequests", "SlowDown",
		"PriorRequestNotComplete", "EntityTemporarilyUnmodifiable", "ConcurrentModification")
}

// passing tells whether another attempt may go well although AWS did nothing in this
// one: also when it could not get the keys of a token's issuer.
func (e *APIError) passing() bool {
	return e.busy() || e.is("IDPCommunicationError", "InvalidIdentityToken")
}

// worded is AWS's error in our words.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

// explain gives an error its kind, plain words and the next step. Those that are
// not AWS's have them.
func (c *Client) explain(k call, err error) error {
	e, ok := errors.AsType[*APIError](err)
	if !ok {
		return fmt.Errorf("%s: %w", k.what(), err)
	}
	what, who := k.what(), cmp.Or(c.o.Who, "this identity")
	say := func(kind errs.Kind, hint, format string, args ...any) error {
		text := fmt.Sprintf(format, args...) + " (" + e.Code + ")"
		return errs.New(kind, "%w", &worded{text, e}).WithHint("%s", hint)
	}
	renew := cmp.Or(c.o.Renew, "renew it where it comes from")
	switch {
	case e.is("ExpiredToken", "TokenRefreshRequired"):
		return say(errs.Auth, renew, "the credentials of %s have expired", who)
	case e.is("RequestExpired", "RequestTimeTooSkewed"):
		return say(errs.Auth, "set this machine's clock", "%s: AWS finds the time of the request wrong", what)
	case e.is("InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId"):
		return say(errs.Auth, renew, "AWS does not know the access key of %s", who)
	case e.is("SignatureDoesNotMatch", "InvalidSignature"):
		return say(errs.Auth, renew, "AWS refused the signature: the secret key of %s is wrong, or something in between changed the request", who)
	case e.is("MissingAuthenticationToken", "IncompleteSignature", "OptInRequired", "RegionDisabled"):
		return say(errs.Auth, renew, "AWS refused the credentials of %s", who)
	case e.is("AccessDenied", "UnauthorizedOperation"):
		d := readDenial(e.message)
		return say(errs.Auth, d.hint(k), "access denied: %s may not do %s on %s",
			cmp.Or(d.user, who), cmp.Or(d.action, k.name+":"+k.action), cmp.Or(d.resource, "it"))
	case e.busy():
		return say(errs.Network, "try again later", "%s: AWS throttled to the end", what)
	case e.Status >= http.StatusInternalServerError:
		return errs.New(errs.Backend, "%w", &worded{what + ": AWS failed (" + e.Code + ")", errors.Join(e, errs.ErrFailed)}).
			WithHint("try again later; https://health.aws.amazon.com tells of trouble")
	}
	kind, text, hint := aboutIt(k, e)
	return say(kind, hint, "%s: %s", what, text)
}

// aboutIt words the errors of IAM that are about what a call named.
func aboutIt(k call, e *APIError) (kind errs.Kind, text, hint string) {
	switch {
	case e.is("NoSuchEntity"):
		return errs.NotFound, "there is none of that name", ""
	case e.is("EntityAlreadyExists"):
		return errs.Conflict, "there is one of that name already", "choose another name, or delete that one"
	case e.is("DeleteConflict"):
		return errs.Conflict, "something is still attached to it", "first delete its access keys and its own policies, and detach the others"
	case e.is("LimitExceeded") && k.action == "CreateAccessKey":
		return errs.Conflict, "the user has two access keys, and may not have a third",
			"see them with aws iam list-access-keys, and delete the one that is not used with aws iam delete-access-key --access-key-id ID"
	case e.is("LimitExceeded") && k.params["PolicyDocument"] != "":
		return errs.Invalid, "its own policies would be larger than IAM allows: 2,048 characters for a user, 10,240 for a role",
			"give each environment an identity of its own, or attach a managed policy, which may have 6,144"
	case e.is("LimitExceeded"):
		return errs.Conflict, "the account has as many as it may", "delete what is not needed any more, or have the quota raised"
	case e.is("MalformedPolicyDocument"):
		return errs.Invalid, "IAM does not take the policy", "check the names in it; whom a role trusts must exist"
	case e.is("InvalidInput", "ValidationError", "InvalidParameterValue"):
		return errs.Invalid, "AWS finds the request invalid", "names have letters, digits and _+=,.@- only: 64 for users and roles, 128 for policies"
	case e.is("InvalidAction") || e.Status == http.StatusNotFound:
		return errs.Backend, "what answers does not know the call", "check AWS_ENDPOINT_URL_" + strings.ToUpper(k.name) + " and AWS_ENDPOINT_URL"
	}
	return errs.Backend, "AWS refused it", ""
}

// unsure is the error of a call of which nobody knows whether it was done.
func (c *Client) unsure(k call, err error) error {
	err = c.explain(k, err)
	look := map[string]string{
		"CreateAccessKey": "aws iam list-access-keys; a key whose secret nobody has is of no use, and can be deleted",
		"CreateUser":      "aws iam get-user --user-name " + k.params["UserName"],
		"CreateRole":      "aws iam get-role --role-name " + k.params["RoleName"],
	}[k.action]
	return errs.New(errs.KindOf(err), "%w; it is not known whether it was done", err).WithHint("look before you try again: %s", cmp.Or(look, "aws iam list-open-id-connect-providers"))
}

// denial is what an AccessDenied says, as far as it could be read.
type denial struct {
	user, action, resource string
	explicit               string // who denies: "a service control policy"; "" when nobody allows
}

// readDenial takes apart "User: U is not authorized to perform: A on resource: R
// because ...". A part that does not look like one is left empty.
func readDenial(message string) (d denial) {
	part := func(after string) string {
		_, rest, _ := strings.Cut(message, after)
		w, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/_+=,.@*-") != "" || len(w) > 2048 {
			return ""
		}
		return w
	}
	d.user, d.action, d.resource = part("User: "), part("is not authorized to perform: "), part("on resource: ")
	if _, by, ok := strings.Cut(message, "with an explicit deny"); ok {
		d.explicit = "a policy"
		for _, p := range []string{"service control policy", "resource control policy", "permissions boundary", "session policy"} {
			if strings.Contains(by, p) {
				d.explicit = "a " + p
			}
		}
	}
	return d
}

// hint gives the statement that would allow what was denied.
func (d denial) hint(k call) string {
	if d.explicit != "" {
		return d.explicit + " denies it expressly, so that allowing it elsewhere does not help: ask whoever manages it"
	}
	b, err := json.Marshal(struct{ Effect, Action, Resource string }{"Allow", cmp.Or(d.action, k.name+":"+k.action), cmp.Or(d.resource, "*")})
	if err != nil {
		return ""
	}
	return "a policy of that identity needs the statement " + string(b)
}

// word makes a word of AWS's fit to be shown.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 80)]
}
