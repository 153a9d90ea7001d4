package query

import (
	"context"
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
