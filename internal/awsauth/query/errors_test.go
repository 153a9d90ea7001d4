package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

func TestRefusalsSayWhatAndWhatNext(t *testing.T) {
	for _, c := range []struct {
		status     int
		code       string
		kind       errs.Kind
		text, hint string
	}{
		{403, "ExpiredToken", errs.Auth, "the credentials of profile dev have expired (ExpiredToken)", "log in again"},
		{403, "ExpiredTokenException", errs.Auth, "the credentials of profile dev have expired", "log in again"},
		{400, "RequestExpired", errs.Auth, "AWS finds the time of the request wrong", "clock"},
		{403, "InvalidClientTokenId", errs.Auth, "AWS does not know the access key of profile dev", "log in again"},
		{403, "SignatureDoesNotMatch", errs.Auth, "the secret key of profile dev is wrong", "log in again"},
		{403, "MissingAuthenticationToken", errs.Auth, "AWS refused the credentials of profile dev (MissingAuthenticationToken)", "log in again"},
		{403, "AccessDenied", errs.Auth, "access denied: profile dev may not do iam:CreateAccessKey on it", `{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"*"}`},
		{404, "NoSuchEntity", errs.NotFound, "CreateAccessKey u: there is none of that name (NoSuchEntity)", ""},
		{409, "EntityAlreadyExists", errs.Conflict, "CreateAccessKey u: there is one of that name already", "choose another name"},
		{409, "DeleteConflict", errs.Conflict, "something is still attached", "first delete"},
		{409, "LimitExceeded", errs.Conflict, "the user has two access keys", "aws iam delete-access-key"},
		{400, "Throttling", errs.Network, "AWS throttled to the end", "later"},
		{400, "MalformedPolicyDocument", errs.Invalid, "IAM does not take the policy", ""},
		{400, "ValidationError", errs.Invalid, "AWS finds the request invalid", ""},
		{404, "", errs.Backend, "what answers does not know the call (HTTP 404)", "AWS_ENDPOINT_URL_IAM"},
		{418, "Something<![CDATA[[31m é\u202e]]>New", errs.Backend, "CreateAccessKey u: AWS refused it (Something31mNew)", ""},
		{400, strings.Repeat("A", 5000), errs.Backend, "(" + strings.Repeat("A", 80) + ")", ""},
	} {
		s := serve(t, refuse(c.status, c.code))
		_, err := dial(t, s.URL, "eu-west-1").CreateAccessKey(t.Context(), "u")
		wantError(t, err, c.kind, c.text, c.hint)
		if e, ok := errors.AsType[*APIError](err); !ok || e.Status != c.status || e.Action != "CreateAccessKey" || strings.Contains(fmt.Sprintf("%+v %q %s", e, e, err), marker) {
			t.Errorf("%s: %+v", c.code, e)
		}
	}
}

func TestALimitSaysOfWhat(t *testing.T) {
	s := serve(t, refuse(409, "LimitExceeded"))
	c := dial(t, s.URL, "eu-west-1")
	wantError(t, c.PutUserPolicy(t.Context(), "u", "p", "{}"), errs.Invalid, "PutUserPolicy u p: its own policies would be larger than IAM allows", "6,144")
	_, err := c.CreateUser(t.Context(), "u")
	wantError(t, err, errs.Conflict, "the account has as many as it may", "")
}

func TestADenialSaysWhoWhatAndOnWhat(t *testing.T) {
	const user, user2 = "arn:aws:iam::123456789012:user/dev", "arn:aws:iam::123456789012:user/u"
	base := "User: " + user + " is not authorized to perform: iam:CreateUser on resource: " + user2
	for _, c := range []struct{ message, text, hint string }{
		{base + " because no identity-based policy allows the iam:CreateUser action", user + " may not do iam:CreateUser on " + user2,
			`needs the statement {"Effect":"Allow","Action":"iam:CreateUser","Resource":"` + user2 + `"}`},
		{base + " with an explicit deny in a service control policy", user + " may not do iam:CreateUser on " + user2, "a service control policy denies it expressly"},
		{base + " with an explicit deny in an identity-based policy", "may not do", "a policy denies it expressly"},
		{"User: \x1b[31m" + marker + "! is not authorized to perform: " + marker + "\" on resource: $(" + marker + ")", "profile dev may not do iam:CreateUser on it", `"Resource":"*"`},
		{"", "profile dev may not do iam:CreateUser on it", "needs the statement"},
	} {
		s := serve(t, refuseSaying(403, "AccessDenied", "<![CDATA["+c.message+"]]>"))
		_, err := dial(t, s.URL, "eu-west-1").CreateUser(t.Context(), "u")
		wantError(t, err, errs.Auth, c.text, c.hint)
	}
}

func TestWhatIsNoAnswerOfAWSIsRefused(t *testing.T) {
	for name, reply := range map[string]http.HandlerFunc{
		"empty":           answer(""),
		"a web page":      answer("<html><body>" + marker + "</body></html>"),
		"json":            answer(`{"Account": "123456789012"}`),
		"another answer":  result("GetSessionToken", "<Account>123456789012</Account>"),
		"no result":       result("GetCallerIdentity", ""),
		"cut":             answer("<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1234567"),
		"cut after it":    answer("<GetCallerIdentityResponse><GetCallerIdentityResult></GetCallerIdentityResult>"),
		"no account":      result("GetCallerIdentity", "<Arn>arn:aws:iam::1:user/x</Arn>"),
		"a long account":  result("GetCallerIdentity", "<Arn>arn:aws:iam::1:user/x</Arn><Account>1234567890123</Account>"),
		"a false account": result("GetCallerIdentity", "<Arn>arn:aws:iam::1:user/x</Arn><Account>12345678901\u0662</Account>"),
		"no arn":          result("GetCallerIdentity", "<Arn>"+marker+"</Arn><Account>123456789012</Account>"),
		"entities":        answer(`<!DOCTYPE x [<!ENTITY a "b">]><GetCallerIdentityResponse><GetCallerIdentityResult><Account>&a;</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`),
	} {
		s := serve(t, reply)
		_, err := dial(t, s.URL, "eu-west-1").CallerIdentity(t.Context())
		if wantError(t, err, errs.Backend, "", ""); s.count() != 1 {
			t.Errorf("%s: %d requests", name, s.count())
		}
	}
	// A call without a result is not done because a hotel says hello.
	s := serve(t, answer("<html/>"))
	wantError(t, dial(t, s.URL, "eu-west-1").DeleteUser(t.Context(), "u"), errs.Backend, "is not an answer of AWS", "captive portal")
}

func TestAHugeAnswerIsCutOff(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for range httpx.MaxReply>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := dial(t, s.URL, "eu-west-1").CallerIdentity(t.Context())
	wantError(t, err, errs.Backend, "is larger than 16 MiB", "")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := dial(t, s.URL, "eu-west-1").CallerIdentity(t.Context())
	if wantError(t, err, errs.Backend, "answered with a redirect", "captive portal"); reached || s.count() != 1 {
		t.Errorf("%d requests, reached: %v", s.count(), reached)
	}
}

func TestABadEndpointOrRegionIsAMatterOfConfiguration(t *testing.T) {
	_, err := dial(t, "ftp://"+marker+"@host", "eu-west-1").CallerIdentity(t.Context())
	wantError(t, err, errs.Config, "the endpoint of STS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	_, err = dial(t, "", "not a region").CallerIdentity(t.Context())
	wantError(t, err, errs.Config, "not the name of a region", "")
	_, err = dial(t, "http://192.0.2.1", "eu-west-1").CallerIdentity(t.Context())
	wantError(t, err, errs.Config, "plain http", "https")
}

func TestAnAccessKeyDoesNotPrintItsSecret(t *testing.T) {
	k := AccessKey{ID: "AKIA1", Secret: marker, User: "u"}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, k, &k, []AccessKey{k})
	}
	fmt.Fprint(&out, k, &k, fmt.Errorf("%v %w", k, errors.New(k.String())))
	b, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("made", "key", k, "pointer", &k)
	}
	if got := out.String(); strings.Contains(got, marker) || strings.Contains(got, fmt.Sprintf("%x", marker)) || !strings.Contains(got, "AKIA1") {
		t.Error(got)
	}
}
