package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// ssoAccount is an account in which the user has roles.
type ssoAccount struct {
	id    string
	roles []string
}

var portalOperations = map[string]operation{
	"ListAccounts":       (*Cloud).listAccounts,
	"ListAccountRoles":   (*Cloud).listRoles,
	"GetRoleCredentials": (*Cloud).roleCredentials,
	"Logout":             (*Cloud).logout,
}

// portalShape is REST with JSON. The code is in a header and, as another word,
// in the body.
var portalShape = shape{
	op: byPath(map[string]string{
		"GET /assignment/accounts": "ListAccounts", "GET /assignment/roles": "ListAccountRoles",
		"GET /federation/credentials": "GetRoleCredentials", "POST /logout": "Logout",
	}),
	refuse: func(w http.ResponseWriter, e *apiError) {
		w.Header().Set("X-Amzn-Errortype", e.code)
		w.WriteHeader(e.status)
		json.NewEncoder(w).Encode(map[string]string{"message": e.message, "__type": "com.amazonaws.switchboard.portal#" + e.code})
	},
}

// Assign gives the user of IAM Identity Center a role in an account.
func (c *Cloud) Assign(account, role string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.sso.accounts {
		if a.id == account {
			a.roles = append(a.roles, role)
			return
		}
	}
	c.sso.accounts = append(c.sso.accounts, &ssoAccount{account, []string{role}})
}

// SSORole is the ARN of the identity that a role of IAM Identity Center gives.
func SSORole(account, role string) string {
	return "arn:aws:sts::" + account + ":assumed-role/AWSReservedSSO_" + role + "_0123456789abcdef/" + SSOUser
}

// bearer returns the access token of a request, if it is good.
func (c *Cloud) bearer(r *request) (*accessToken, error) {
	t := c.sso.access[r.Header.Get("X-Amz-Sso_bearer_token")]
	if t == nil || t.session.over || !r.now.Before(t.expires) {
		return nil, fail("UnauthorizedException", "Session token not found or invalid")
	}
	return t, nil
}

// turn cuts one page out of all; the token is put into out.
func (c *Cloud) turn(r *request, all []any, out map[string]any, name string) (any, error) {
	from := 0
	if token := str(r.in, "next_token"); token != "" {
		if _, err := fmt.Sscanf(token, "page:%d", &from); err != nil || from > len(all) {
			return nil, fail("InvalidRequestException", "the token is not good")
		}
	}
	to := min(from+min(c.PageSize, whole(r.in, "max_result", c.PageSize)), len(all))
	if to < len(all) {
		out["nextToken"] = fmt.Sprintf("page:%d", to)
	}
	out[name] = append([]any{}, all[from:to]...)
	return out, nil
}

func (c *Cloud) listAccounts(r *request) (any, error) {
	if _, err := c.bearer(r); err != nil {
		return nil, err
	}
	var all []any
	for _, a := range c.sso.accounts {
		all = append(all, map[string]string{"accountId": a.id, "accountName": "account-" + a.id[:4], "emailAddress": "aws+" + a.id + "@example.com"})
	}
	return c.turn(r, all, map[string]any{}, "accountList")
}

// assigned returns the user's roles in the account of a request.
func (c *Cloud) assigned(r *request) (account string, roles []string, err error) {
	account = str(r.in, "account_id")
	if account == "" {
		return "", nil, fail("InvalidRequestException", "account_id is required")
	}
	for _, a := range c.sso.accounts {
		if a.id == account {
			return account, a.roles, nil
		}
	}
	return account, nil, fail("ForbiddenException", "No access")
}

func (c *Cloud) listRoles(r *request) (any, error) {
	if _, err := c.bearer(r); err != nil {
		return nil, err
	}
	account, roles, err := c.assigned(r)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, role := range roles {
		all = append(all, map[string]string{"roleName": role, "accountId": account})
	}
	return c.turn(r, all, map[string]any{}, "roleList")
}

func (c *Cloud) roleCredentials(r *request) (any, error) {
	if _, err := c.bearer(r); err != nil {
		return nil, err
	}
	account, roles, err := c.assigned(r)
	role := str(r.in, "role_name")
	switch {
	case role == "":
		return nil, fail("InvalidRequestException", "role_name is required")
	case err != nil:
		return nil, err
	case !slices.Contains(roles, role):
		return nil, fail("ForbiddenException", "No access")
	}
	k := c.issue(SSORole(account, role), c.RoleLife)
	return map[string]any{"roleCredentials": map[string]any{
		"accessKeyId": k.ID, "secretAccessKey": k.Secret, "sessionToken": k.Token, "expiration": k.Expires.UnixMilli(),
	}}, nil
}

func (c *Cloud) logout(r *request) (any, error) {
	t, err := c.bearer(r)
	if err != nil {
		return nil, err
	}
	t.session.over = true
	return map[string]any{}, nil
}
