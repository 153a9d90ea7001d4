package sso

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	var all []Account
	err := c.pages(ctx, "assignment/accounts", access, url.Values{}, func(p listPart) {
		for _, a := range p.Accounts {
			all = append(all, Account{a.ID, cut(a.Name), cut(a.Email)})
		}
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
	var all []string
	err := c.pages(ctx, "assignment/roles", access, url.Values{"account_id": {account}}, func(p listPart) {
		for _, r := range p.Roles {
			all = append(all, r.Name)
		}
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

// listPart is a part of a list of accounts, or of roles.
type listPart struct {
	Accounts []struct {
		ID    string `json:"accountId"`
		Name  string `json:"accountName"`
		Email string `json:"emailAddress"`
	} `json:"accountList"`
	Roles []struct {
		Name string `json:"roleName"`
	} `json:"roleList"`
	Next string `json:"nextToken"`
}

// pages asks for a list, part by part.
func (c *Client) pages(ctx context.Context, path, access string, query url.Values, each func(listPart)) error {
	query.Set("max_result", strconv.Itoa(pageSize))
	seen := map[string]bool{}
	for {
		var p listPart
		err := c.call(ctx, listing, false, func() error {
			p = listPart{}
			return c.send(ctx, apiCall{service: portal, method: http.MethodGet, path: path, query: query, access: access}, &p)
		})
		if err != nil {
			return err
		}
		each(p)
		if p.Next == "" {
			return nil
		}
		if seen[p.Next] || len(seen) == maxPages {
			return c.nonsense(listing, "the list does not end")
		}
		seen[p.Next] = true
		query.Set("next_token", p.Next)
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
	var out struct {
		RoleCredentials struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
			Expiration      int64  `json:"expiration"` // milliseconds since 1970
		} `json:"roleCredentials"`
	}
	err := c.call(ctx, minting, false, func() error {
		return c.send(ctx, apiCall{
			service: portal, method: http.MethodGet, path: "federation/credentials", access: access,
			query: url.Values{"account_id": {account}, "role_name": {role}},
		}, &out)
	})
	if err != nil {
		return RoleCredentials{}, err
	}
	rc := out.RoleCredentials
	if rc.AccessKeyID == "" || rc.SecretAccessKey == "" || rc.SessionToken == "" || rc.Expiration <= 0 {
		return RoleCredentials{}, c.nonsense(minting, "the answer has no credentials")
	}
	return RoleCredentials{
		AccessKeyID: rc.AccessKeyID, SecretAccessKey: rc.SecretAccessKey, SessionToken: rc.SessionToken, Expires: time.UnixMilli(rc.Expiration),
	}, nil
}

// Logout ends the session at the service. A token that is of no use any more is
// logged out.
func (c *Client) Logout(ctx context.Context, access string) error {
	if access == "" {
		return nil
	}
	err := c.call(ctx, ending, false, func() error {
		return c.send(ctx, apiCall{service: portal, method: http.MethodPost, path: "logout", access: access}, nil)
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
