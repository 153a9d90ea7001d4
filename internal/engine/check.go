package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/skret/skret/internal/check"
	"github.com/skret/skret/internal/secret"
)

// Check returns everything for which [Client.Variables] would refuse these filters,
// and how many secrets were judged. With namesOnly nothing is decrypted, and only
// names and presence are judged. What is wrong with no secret, such as no way to
// the store, is the error.
func (c *Client) Check(ctx context.Context, namesOnly bool, only, except, allow []string) (secrets int, faults []check.Fault, err error) {
	judge := c.Variables
	if namesOnly {
		judge = c.checkNames
	}
	set, err := judge(ctx, only, except, allow)
	faults, err = check.Faults(err)
	return len(set), faults, err
}

// checkNames is [Client.Variables] without values.
func (c *Client) checkNames(ctx context.Context, only, except, allow []string) (secret.Set, error) {
	es, err := c.store.Names(ctx, "")
	if err != nil {
		return nil, err
	}
	p := c.Project
	es = append(es, defaults(p.Rules, es)...)
	set, err := secret.Select(es, secret.Policy{Only: only, Except: except, Exclude: p.Exclude, Allow: slices.Concat(p.AllowEnv, allow)})
	return set, errors.Join(err, check.Err(check.Judge(p.Rules, p.Required, judged(es, nil, p.Exclude))))
}
