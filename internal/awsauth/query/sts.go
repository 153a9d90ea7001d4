package query

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
)

// Caller is who signs.
type Caller struct{ Account, ARN, UserID string }

// CallerIdentity asks STS who signs. No permission is needed for it.
func (c *Client) CallerIdentity(ctx context.Context) (Caller, error) {
	var out struct {
		Account string
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
	}
	if err := c.do(ctx, call{sts, "GetCallerIdentity", freely, nil}, &out); err != nil {
		return Caller{}, err
	}
	if len(out.Account) != 12 || strings.Trim(out.Account, "0123456789") != "" || !strings.HasPrefix(out.ARN, "arn:") {
		return Caller{}, errs.New(errs.Backend, "GetCallerIdentity: the answer names no account").
			WithHint("check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL")
	}
	return Caller(out), nil
}

// Role is what a role is assumed with; "" and 0 leave a setting out.
type Role struct {
	ARN, SessionName, ExternalID string
	Duration                     time.Duration
	MFASerial, MFACode           string
}

// AssumeRole assumes a role, as whoever signs.
func (c *Client) AssumeRole(ctx context.Context, r Role) (aws.Credentials, error) {
	return c.assume(ctx, call{sts, "AssumeRole", freely, r.params(map[string]string{
		"ExternalId": r.ExternalID, "SerialNumber": r.MFASerial, "TokenCode": r.MFACode,
	})})
}

// AssumeRoleWithWebIdentity assumes a role by an OIDC token. Nobody signs.
func (c *Client) AssumeRoleWithWebIdentity(ctx context.Context, r Role, token string) (aws.Credentials, error) {
	return c.assume(ctx, call{sts, withWebIdentity, freely, r.params(map[string]string{"WebIdentityToken": token})})
}

// withWebIdentity is the one call that is not signed.
const withWebIdentity = "AssumeRoleWithWebIdentity"

func (r Role) params(more map[string]string) map[string]string {
	more["RoleArn"], more["RoleSessionName"] = r.ARN, r.SessionName
	if r.Duration > 0 {
		more["DurationSeconds"] = strconv.Itoa(int(r.Duration / time.Second))
	}
	return more
}

func (c *Client) assume(ctx context.Context, k call) (aws.Credentials, error) {
	var out struct {
		Credentials struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string
			Expiration      time.Time
		}
		AssumedRoleUser struct {
			ARN string `xml:"Arn"`
		}
	}
	if err := c.do(ctx, k, &out); err != nil {
		return aws.Credentials{}, err
	}
	got := out.Credentials
	if got.AccessKeyID == "" || got.SecretAccessKey == "" || got.SessionToken == "" || got.Expiration.IsZero() {
		return aws.Credentials{}, errs.New(errs.Backend, "%s: the answer has no credentials", k.action).
			WithHint("check AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL")
	}
	creds := aws.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.SessionToken, CanExpire: true, Expires: got.Expiration, Source: k.action,
	}
	if parts := strings.Split(out.AssumedRoleUser.ARN, ":"); len(parts) > 4 {
		creds.AccountID = parts[4]
	}
	return creds, nil
}

// SignCallerIdentity returns the request of [Client.CallerIdentity], signed and
// not sent, with its body. Whoever has it can send it for some minutes, and so
// show who signed; it gives no other power.
func (c *Client) SignCallerIdentity(ctx context.Context) (r *http.Request, body string, err error) {
	creds, err := c.o.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, "", err
	}
	if r, err = c.request(ctx, call{sts, "GetCallerIdentity", freely, nil}, creds); err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, "", fmt.Errorf("sign a request: %w", err)
	}
	return r, string(text), nil
}
