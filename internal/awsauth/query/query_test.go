package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// marker stands for what must never be shown.
const marker = "s3cr3tMarker"

// server answers with one step after the other; the last one stays.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	steps []http.HandlerFunc
	forms []url.Values
	auths []string
}

func serve(t *testing.T, steps ...http.HandlerFunc) *server {
	s := &server{steps: steps}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.mu.Lock()
		step := s.steps[min(len(s.forms), len(s.steps)-1)]
		s.forms, s.auths = append(s.forms, r.PostForm), append(s.auths, r.Header.Get("Authorization"))
		s.mu.Unlock()
		step(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.forms)
}

// client is a client of the server at an address, and what it did besides.
type client struct {
	*Client
	slept   []time.Duration
	notices []string
}

func dial(t *testing.T, address, region string) *client {
	c := &client{}
	hc := httpx.Client(httpx.Options{})
	t.Cleanup(hc.CloseIdleConnections)
	c.Client = New(Options{
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: marker, SessionToken: marker}, nil
		}),
		Region: region, HTTP: hc, UserAgent: "skret/test", Log: slog.New(slog.DiscardHandler),
		Getenv: func(name string) string { return map[string]string{"AWS_ENDPOINT_URL": address}[name] },
		Notice: func(msg string) { c.notices = append(c.notices, msg) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.slept = append(c.slept, d)
			return ctx.Err()
		},
		Who: "profile dev", Renew: "log in again",
	})
	return c
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

// result is an answer of an action as AWS writes it.
func result(action, inner string) http.HandlerFunc {
	if inner != "" {
		inner = "<" + action + "Result>" + inner + "</" + action + "Result>"
	}
	return answer(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + action + `Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">` + inner +
		"<ResponseMetadata><RequestId>7a62c49f</RequestId></ResponseMetadata></" + action + "Response>")
}

func refuse(status int, code string) http.HandlerFunc { return refuseSaying(status, code, marker) }

func refuseSaying(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
	}
}

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// truncated announces more than it sends.
func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, "<GetCallerIdentityResponse>")
}

func whoIs() http.HandlerFunc {
	return result("GetCallerIdentity", "<Arn>arn:aws:iam::123456789012:user/dev</Arn><UserId>AIDA</UserId><Account>123456789012</Account>")
}

// wantError checks an error, and that nothing that AWS or the client has to keep
// to itself is in it.
func wantError(t *testing.T, err error, kind errs.Kind, text, hint string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(errs.HintOf(err), hint) {
		t.Errorf("error of kind %v: %v\nhint: %s\nwant kind %v, %q and %q", errs.KindOf(err), err, errs.HintOf(err), kind, text, hint)
	}
	if err != nil && strings.Contains(err.Error()+errs.HintOf(err), marker) {
		t.Errorf("%v, with hint %q, shows too much", err, errs.HintOf(err))
	}
}

func TestCallsAreSignedForTheirServiceAndRegion(t *testing.T) {
	for _, c := range []struct{ region, sts, iam string }{
		{"eu-west-1", "eu-west-1/sts", "us-east-1/iam"},
		{"cn-northwest-1", "cn-northwest-1/sts", "cn-north-1/iam"},
		{"us-gov-east-1", "us-gov-east-1/sts", "us-gov-west-1/iam"},
	} {
		s := serve(t, whoIs(), result("DeleteUser", ""))
		cl := dial(t, s.URL, c.region)
		who, err := cl.CallerIdentity(t.Context())
		if err != nil || who != (Caller{"123456789012", "arn:aws:iam::123456789012:user/dev", "AIDA"}) {
			t.Errorf("%+v %v", who, err)
		}
		if err := cl.DeleteUser(t.Context(), "x"); err != nil {
			t.Error(err)
		}
		for i, scope := range []string{c.sts, c.iam} {
			if a := s.auths[i]; !strings.Contains(a, "Credential=AKIDEXAMPLE/") || !strings.Contains(a, "/"+scope+"/aws4_request") ||
				!strings.Contains(a, "host") || !strings.Contains(a, "x-amz-security-token") {
				t.Errorf("%s: %s", scope, a)
			}
		}
	}
}

func TestEveryCallSendsWhatTheServiceWants(t *testing.T) {
	for _, c := range []struct {
		want string // the form, without Action's answer
		do   func(context.Context, *Client) error
	}{
		{"Action=GetCallerIdentity&Version=2011-06-15", func(ctx context.Context, c *Client) error { _, err := c.CallerIdentity(ctx); return err }},
		{"Action=CreateAccessKey&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.CreateAccessKey(ctx, "u"); return err }},
		{"Action=ListAccessKeys&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.AccessKeys(ctx, ""); return err }},
		{"AccessKeyId=AKIA1&Action=GetAccessKeyLastUsed&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.AccessKeyLastUsed(ctx, "AKIA1"); return err }},
		{"AccessKeyId=AKIA1&Action=UpdateAccessKey&Status=Inactive&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.SetAccessKeyActive(ctx, "u", "AKIA1", false) }},
		{"AccessKeyId=AKIA1&Action=UpdateAccessKey&Status=Active&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.SetAccessKeyActive(ctx, "", "AKIA1", true) }},
		{"AccessKeyId=AKIA1&Action=DeleteAccessKey&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteAccessKey(ctx, "u", "AKIA1") }},
		{"Action=CreateUser&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.CreateUser(ctx, "u"); return err }},
		{"Action=DeleteUser&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteUser(ctx, "u") }},
		{`Action=PutUserPolicy&PolicyDocument={"a": "+&"}&PolicyName=p&UserName=u&Version=2010-05-08`, func(ctx context.Context, c *Client) error { return c.PutUserPolicy(ctx, "u", "p", `{"a": "+&"}`) }},
		{"Action=DeleteUserPolicy&PolicyName=p&UserName=u&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteUserPolicy(ctx, "u", "p") }},
		{"Action=CreateRole&AssumeRolePolicyDocument={}&Description=d&MaxSessionDuration=7200&RoleName=r&Version=2010-05-08", func(ctx context.Context, c *Client) error {
			_, err := c.CreateRole(ctx, "r", "{}", "d", 2*time.Hour)
			return err
		}},
		{"Action=CreateRole&AssumeRolePolicyDocument={}&RoleName=r&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.CreateRole(ctx, "r", "{}", "", 0); return err }},
		{"Action=DeleteRole&RoleName=r&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteRole(ctx, "r") }},
		{"Action=PutRolePolicy&PolicyDocument={}&PolicyName=p&RoleName=r&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.PutRolePolicy(ctx, "r", "p", "{}") }},
		{"Action=DeleteRolePolicy&PolicyName=p&RoleName=r&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteRolePolicy(ctx, "r", "p") }},
		{"Action=ListOpenIDConnectProviders&Version=2010-05-08", func(ctx context.Context, c *Client) error { _, err := c.OIDCProviders(ctx); return err }},
		{"Action=CreateOpenIDConnectProvider&ClientIDList.member.1=a&Url=https://i&Version=2010-05-08", func(ctx context.Context, c *Client) error {
			_, err := c.CreateOIDCProvider(ctx, "https://i", "a")
			return err
		}},
		{"Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn=arn:x&Version=2010-05-08", func(ctx context.Context, c *Client) error { return c.DeleteOIDCProvider(ctx, "arn:x") }},
	} {
		// Refused, every one of them is an error; what it sent is looked at here.
		s := serve(t, refuse(400, "Refused"))
		wantError(t, c.do(t.Context(), dial(t, s.URL, "eu-west-1").Client), errs.Backend, "AWS refused it (Refused)", "")
		got, err := url.QueryUnescape(s.forms[0].Encode())
		if err != nil || got != c.want || s.count() != 1 {
			t.Errorf("%d requests: %q\nwant %q", s.count(), got, c.want)
		}
	}
}

func TestAnswersAreRead(t *testing.T) {
	key := "<member><UserName>u</UserName><AccessKeyId>AKIA%d</AccessKeyId><Status>%s</Status><CreateDate>%s</CreateDate></member>"
	s := serve(t,
		result("CreateAccessKey", "<AccessKey><UserName>u</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>"+marker+"</SecretAccessKey><CreateDate>broken</CreateDate></AccessKey>"),
		result("ListAccessKeys", "<UserName>u</UserName><AccessKeyMetadata>"+fmt.Sprintf(key, 1, "Active", "2026-05-08T12:00:00Z")+fmt.Sprintf(key, 2, "Inactive", "2026-05-08T12:00:00+02:00")+"</AccessKeyMetadata><IsTruncated>false</IsTruncated>"),
		result("GetAccessKeyLastUsed", "<UserName>u</UserName><AccessKeyLastUsed><Region>us-east-1</Region><LastUsedDate>2026-05-08T12:00:00Z</LastUsedDate></AccessKeyLastUsed>"),
		result("GetAccessKeyLastUsed", "<AccessKeyLastUsed><ServiceName>N/A</ServiceName></AccessKeyLastUsed>"),
		result("CreateUser", "<User><Path>/</Path><Arn>arn:aws:iam::123456789012:user/u</Arn></User>"),
		result("CreateRole", "<Role><Arn>arn:aws:iam::123456789012:role/r</Arn></Role>"),
		result("ListOpenIDConnectProviders", "<OpenIDConnectProviderList><member><Arn>arn:a</Arn></member><member><Arn>arn:b</Arn></member></OpenIDConnectProviderList>"),
		result("CreateOpenIDConnectProvider", "<OpenIDConnectProviderArn>arn:c</OpenIDConnectProviderArn>"),
	)
	c, ctx := dial(t, s.URL, "eu-west-1"), t.Context()
	noon := time.Date(2026, 5, 8, 12, 0, 0, 0, time.UTC)

	// A date that is none must not lose the key.
	if k, err := c.CreateAccessKey(ctx, "u"); err != nil || k != (AccessKey{ID: "AKIA1", Secret: marker, User: "u", Active: true}) {
		t.Errorf("%v %v", k, err)
	}
	keys, err := c.AccessKeys(ctx, "u")
	if err != nil || len(keys) != 2 || keys[0] != (AccessKey{ID: "AKIA1", User: "u", Active: true, Created: noon}) ||
		keys[1] != (AccessKey{ID: "AKIA2", User: "u", Created: noon.Add(-2 * time.Hour)}) {
		t.Errorf("%v %v", keys, err)
	}
	if at, err := c.AccessKeyLastUsed(ctx, "AKIA1"); err != nil || at != noon {
		t.Errorf("%v %v", at, err)
	}
	if at, err := c.AccessKeyLastUsed(ctx, "AKIA1"); err != nil || !at.IsZero() {
		t.Errorf("never used: %v %v", at, err)
	}
	if arn, err := c.CreateUser(ctx, "u"); err != nil || arn != "arn:aws:iam::123456789012:user/u" {
		t.Errorf("%s %v", arn, err)
	}
	if arn, err := c.CreateRole(ctx, "r", "{}", "", 0); err != nil || arn != "arn:aws:iam::123456789012:role/r" {
		t.Errorf("%s %v", arn, err)
	}
	if arns, err := c.OIDCProviders(ctx); err != nil || strings.Join(arns, " ") != "arn:a arn:b" {
		t.Errorf("%s %v", arns, err)
	}
	if arn, err := c.CreateOIDCProvider(ctx, "https://i", "a"); err != nil || arn != "arn:c" {
		t.Errorf("%s %v", arn, err)
	}
}

func TestProviderErrorsPassUnchanged(t *testing.T) {
	s := serve(t, whoIs())
	c := dial(t, s.URL, "eu-west-1")
	for _, mine := range []error{
		errors.New("not today"),
		fmt.Errorf("the guard: %w", &APIError{Action: "GetCallerIdentity", Code: "Throttling", Status: 400}), // a provider may ask STS itself
	} {
		c.o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, mine })
		if _, err := c.CallerIdentity(t.Context()); !errors.Is(err, mine) || err.Error() != mine.Error() || s.count() != 0 || len(c.slept) != 0 {
			t.Errorf("%v after %d requests", err, s.count())
		}
	}
}

func TestDebugRecordsHoldNoSecret(t *testing.T) {
	var log strings.Builder
	s := serve(t, result("CreateAccessKey", "<AccessKey><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>"+marker+"</SecretAccessKey></AccessKey>"), refuse(400, "Refused"))
	c := dial(t, s.URL, "eu-west-1")
	c.o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, _ = c.CreateAccessKey(t.Context(), "u")
	_, _ = c.CreateAccessKey(t.Context(), "u")
	if got := log.String(); strings.Contains(got, marker) || strings.Count(got, "operation=CreateAccessKey") != 2 || !strings.Contains(got, "status=400") {
		t.Error(got)
	}
}
