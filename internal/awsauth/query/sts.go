package query

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

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
