package query

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/skret/skret/internal/errs"
)

// AccessKey is an access key of an IAM user. It prints itself as its id, and
// leaves its secret out of JSON.
type AccessKey struct {
	ID      string
	Secret  string `json:"-"` // of a key that was made just now
	User    string
	Active  bool
	Created time.Time
}

// String returns the id.
func (k AccessKey) String() string { return k.ID }

// Format writes what String returns, for every verb.
func (k AccessKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.ID) }

// accessKey is one as IAM writes it.
type accessKey struct {
	UserName        string
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string
	CreateDate      string
}

func (k accessKey) read() AccessKey {
	return AccessKey{k.AccessKeyID, k.SecretAccessKey, k.UserName, k.Status == "Active", date(k.CreateDate)}
}

// date reads a time; one that is none is not worth an error.
func date(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// CreateAccessKey makes an access key. Here and below, the user "" is whoever
// signs.
func (c *Client) CreateAccessKey(ctx context.Context, user string) (AccessKey, error) {
	k := call{iam, "CreateAccessKey", makes, map[string]string{"UserName": user}}
	var out struct{ AccessKey accessKey }
	if err := c.do(ctx, k, &out); err != nil {
		return AccessKey{}, err
	}
	if out.AccessKey.AccessKeyID == "" || out.AccessKey.SecretAccessKey == "" {
		return AccessKey{}, c.unsure(k, errs.New(errs.Backend, "the answer has no key"))
	}
	return out.AccessKey.read(), nil
}

// AccessKeys lists the access keys of a user, of which there are two at most.
func (c *Client) AccessKeys(ctx context.Context, user string) ([]AccessKey, error) {
	var out struct {
		Keys []accessKey `xml:"AccessKeyMetadata>member"`
	}
	if err := c.do(ctx, call{iam, "ListAccessKeys", freely, map[string]string{"UserName": user}}, &out); err != nil {
		return nil, err
	}
	keys := make([]AccessKey, len(out.Keys))
	for i, k := range out.Keys {
		keys[i] = k.read()
	}
	return keys, nil
}

// AccessKeyLastUsed returns when an access key was used last, the zero time for
// never. IAM knows it with some hours' delay.
func (c *Client) AccessKeyLastUsed(ctx context.Context, id string) (time.Time, error) {
	var out struct {
		Last string `xml:"AccessKeyLastUsed>LastUsedDate"`
	}
	err := c.do(ctx, call{iam, "GetAccessKeyLastUsed", freely, map[string]string{"AccessKeyId": id}}, &out)
	return date(out.Last), err
}

// SetAccessKeyActive switches an access key on or off.
func (c *Client) SetAccessKeyActive(ctx context.Context, user, id string, active bool) error {
	status := "Inactive"
	if active {
		status = "Active"
	}
	return c.do(ctx, call{iam, "UpdateAccessKey", freely, map[string]string{"UserName": user, "AccessKeyId": id, "Status": status}}, nil)
}

// DeleteAccessKey deletes an access key.
func (c *Client) DeleteAccessKey(ctx context.Context, user, id string) error {
	return c.do(ctx, call{iam, "DeleteAccessKey", deletes, map[string]string{"UserName": user, "AccessKeyId": id}}, nil)
}

// create makes something that has an ARN.
func (c *Client) create(ctx context.Context, action string, params map[string]string) (arn string, err error) {
	var out struct {
		User     string `xml:"User>Arn"`
		Role     string `xml:"Role>Arn"`
		Provider string `xml:"OpenIDConnectProviderArn"`
	}
	k := call{iam, action, makes, params}
	if err := c.do(ctx, k, &out); err != nil {
		return "", err
	}
	if arn = cmp.Or(out.User, out.Role, out.Provider); arn == "" {
		return "", c.unsure(k, errs.New(errs.Backend, "the answer has no ARN"))
	}
	return arn, nil
}

// CreateUser makes a user.
func (c *Client) CreateUser(ctx context.Context, name string) (arn string, err error) {
	return c.create(ctx, "CreateUser", map[string]string{"UserName": name})
}

// DeleteUser deletes a user that has neither keys nor policies any more.
func (c *Client) DeleteUser(ctx context.Context, name string) error {
	return c.do(ctx, call{iam, "DeleteUser", deletes, map[string]string{"UserName": name}}, nil)
}

// PutUserPolicy gives a user a policy of its own, or replaces it.
func (c *Client) PutUserPolicy(ctx context.Context, user, policy, document string) error {
	return c.do(ctx, call{iam, "PutUserPolicy", freely, map[string]string{"UserName": user, "PolicyName": policy, "PolicyDocument": document}}, nil)
}

// DeleteUserPolicy takes a policy of its own from a user.
func (c *Client) DeleteUserPolicy(ctx context.Context, user, policy string) error {
	return c.do(ctx, call{iam, "DeleteUserPolicy", deletes, map[string]string{"UserName": user, "PolicyName": policy}}, nil)
}

// CreateRole makes a role that those may assume whom the document trust names,
// for maxSession at a time: an hour to twelve; 0 leaves it to AWS, an hour.
func (c *Client) CreateRole(ctx context.Context, name, trust, description string, maxSession time.Duration) (arn string, err error) {
	params := map[string]string{"RoleName": name, "AssumeRolePolicyDocument": trust, "Description": description}
	if maxSession > 0 {
		params["MaxSessionDuration"] = strconv.Itoa(int(maxSession.Seconds()))
	}
	return c.create(ctx, "CreateRole", params)
}

// DeleteRole deletes a role that has no policies any more.
func (c *Client) DeleteRole(ctx context.Context, name string) error {
	return c.do(ctx, call{iam, "DeleteRole", deletes, map[string]string{"RoleName": name}}, nil)
}

// PutRolePolicy gives a role a policy of its own, or replaces it.
func (c *Client) PutRolePolicy(ctx context.Context, role, policy, document string) error {
	return c.do(ctx, call{iam, "PutRolePolicy", freely, map[string]string{"RoleName": role, "PolicyName": policy, "PolicyDocument": document}}, nil)
}

// DeleteRolePolicy takes a policy of its own from a role.
func (c *Client) DeleteRolePolicy(ctx context.Context, role, policy string) error {
	return c.do(ctx, call{iam, "DeleteRolePolicy", deletes, map[string]string{"RoleName": role, "PolicyName": policy}}, nil)
}

// OIDCProviders lists the ARNs of the issuers of OIDC tokens that the account
// knows. They end in the issuer's address, without its scheme.
func (c *Client) OIDCProviders(ctx context.Context) ([]string, error) {
	var out struct {
		ARNs []string `xml:"OpenIDConnectProviderList>member>Arn"`
	}
	err := c.do(ctx, call{iam, "ListOpenIDConnectProviders", freely, nil}, &out)
	return out.ARNs, err
}

// CreateOIDCProvider makes an issuer, "https://...", known to the account, with
// the one audience that its tokens must have. Its certificate is checked against
// the authorities that AWS trusts.
func (c *Client) CreateOIDCProvider(ctx context.Context, issuer, audience string) (arn string, err error) {
	return c.create(ctx, "CreateOpenIDConnectProvider", map[string]string{"Url": issuer, "ClientIDList.member.1": audience})
}

// DeleteOIDCProvider makes an issuer unknown again.
func (c *Client) DeleteOIDCProvider(ctx context.Context, arn string) error {
	return c.do(ctx, call{iam, "DeleteOpenIDConnectProvider", deletes, map[string]string{"OpenIDConnectProviderArn": arn}}, nil)
}
