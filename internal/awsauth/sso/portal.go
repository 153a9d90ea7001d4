package sso

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"

	"github.com/skret/skret/internal/errs"
)

const (
	pageSize = 100
	maxPages = 200
	maxName  = 256
)

// Account is an account in which the user has a role.
type Account struct{ ID, Name, Email string }

// Accounts returns the accounts in which the user has a role, by name.
func (c *Client) Accounts(ctx context.Context, access string) ([]Account, error) {
	api, err := c.portal()
	if err != nil {
		return nil, err
	}
	var all []Account
	err = c.pages(ctx, func(next *string) (*string, error) {
		out, err := api.ListAccounts(ctx, &sso.ListAccountsInput{AccessToken: &access, MaxResults: aws.Int32(pageSize), NextToken: next})
		if err != nil {
			return nil, err
		}
		for _, a := range out.AccountList {
			all = append(all, Account{aws.ToString(a.AccountId), cut(aws.ToString(a.AccountName)), cut(aws.ToString(a.EmailAddress))})
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if !accountID(a.ID) {
			return nil, c.nonsense(listing, "an account has no number of twelve digits")
		}
	}
	slices.SortFunc(all, func(a, b Account) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// Roles returns the names of the roles that the user has in an account, sorted.
func (c *Client) Roles(ctx context.Context, access, account string) ([]string, error) {
	if err := checkAccount(account); err != nil {
		return nil, err
	}
	api, err := c.portal()
	if err != nil {
		return nil, err
	}
	var all []string
	err = c.pages(ctx, func(next *string) (*string, error) {
		out, err := api.ListAccountRoles(ctx, &sso.ListAccountRolesInput{AccessToken: &access, AccountId: &account, MaxResults: aws.Int32(pageSize), NextToken: next})
		if err != nil {
			return nil, err
		}
		for _, r := range out.RoleList {
			all = append(all, aws.ToString(r.RoleName))
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(r string) bool { return !roleName(r) }) {
		return nil, c.nonsense(listing, "a role has a name that roles cannot have")
	}
	slices.Sort(all)
	return all, nil
}

// pages calls page with each token that it returned before, until there is none.
func (c *Client) pages(ctx context.Context, page func(next *string) (*string, error)) error {
	seen := map[string]bool{}
	for token := ""; ; {
		var next *string
		if token != "" {
			next = &token
		}
		var after *string
		err := c.call(ctx, listing, false, func() (err error) {
			after, err = page(next)
			return err
		})
		if err != nil {
			return err
		}
		if token = aws.ToString(after); token == "" {
			return nil
		}
		if seen[token] || len(seen) == maxPages {
			return c.nonsense(listing, "the list does not end")
		}
		seen[token] = true
	}
}

// RoleCredentials returns credentials for a role in an account.
func (c *Client) RoleCredentials(ctx context.Context, access, account, role string) (RoleCredentials, error) {
	if err := checkAccount(account); err != nil {
		return RoleCredentials{}, err
	}
	if !roleName(role) {
		return RoleCredentials{}, errs.New(errs.Invalid, "%q is not the name of a role", cut(role)).
			WithHint("give the name of a permission set, such as ReadOnlyAccess, not an ARN")
	}
	api, err := c.portal()
	if err != nil {
		return RoleCredentials{}, err
	}
	var out *sso.GetRoleCredentialsOutput
	err = c.call(ctx, minting, false, func() (err error) {
		out, err = api.GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{AccessToken: &access, AccountId: &account, RoleName: &role})
		return err
	})
	if err != nil {
		return RoleCredentials{}, err
	}
	rc := out.RoleCredentials
	if rc == nil || aws.ToString(rc.AccessKeyId) == "" || aws.ToString(rc.SecretAccessKey) == "" || aws.ToString(rc.SessionToken) == "" || rc.Expiration <= 0 {
		return RoleCredentials{}, c.nonsense(minting, "the answer has no credentials")
	}
	return RoleCredentials{
		AccessKeyID: *rc.AccessKeyId, SecretAccessKey: *rc.SecretAccessKey, SessionToken: *rc.SessionToken, Expires: time.UnixMilli(rc.Expiration),
	}, nil
}

// Logout ends the session at the service. A token that is of no use any more is
// logged out.
func (c *Client) Logout(ctx context.Context, access string) error {
	if access == "" {
		return nil
	}
	api, err := c.portal()
	if err != nil {
		return err
	}
	err = c.call(ctx, ending, false, func() error {
		_, err := api.Logout(ctx, &sso.LogoutInput{AccessToken: &access})
		return err
	})
	if errors.Is(err, ErrUnauthorized) {
		return nil
	}
	return err
}

func checkAccount(id string) error {
	if accountID(id) {
		return nil
	}
	return errs.New(errs.Invalid, "%q is not the number of an account", cut(id)).WithHint("an account's number has twelve digits")
}

func accountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

func roleName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@_-", r))
	})
}

// cut bounds a text of the service's.
func cut(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "") + "..."
}
