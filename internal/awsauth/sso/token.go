package sso

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const (
	clientName = "skret"
	scope      = "sso:account:access" // without it a token cannot be renewed

	grantCode    = "authorization_code"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"

	maxTokenLife = 90 * 24 * time.Hour
)

// Register makes skret known to the service, for one sign-in by flow f.
func (c *Client) Register(ctx context.Context, startURL string, f Flow) (Registration, error) {
	issuer, err := issuerOf(startURL)
	if err != nil {
		return Registration{}, err
	}
	in := map[string]any{
		"clientName": clientName, "clientType": "public", "scopes": []string{scope}, "grantTypes": []string{grantDevice, grantRefresh},
	}
	if f != Device {
		in["grantTypes"] = []string{grantCode, grantRefresh}
		in["redirectUris"] = []string{"http://" + loopback + callbackPath}
		in["issuerUrl"] = issuer
	}
	var out struct {
		ClientID              string `json:"clientId"`
		ClientSecret          string `json:"clientSecret"`
		ClientSecretExpiresAt int64  `json:"clientSecretExpiresAt"` // seconds since 1970
	}
	err = c.call(ctx, registering, false, func() error {
		return c.send(ctx, apiCall{service: oidc, method: http.MethodPost, path: "client/register", in: in}, &out)
	})
	if err != nil {
		return Registration{}, err
	}
	r := Registration{ClientID: out.ClientID, ClientSecret: out.ClientSecret}
	if r.ClientID == "" || r.ClientSecret == "" {
		return Registration{}, c.nonsense(registering, "the answer has no registration")
	}
	if out.ClientSecretExpiresAt > 0 {
		r.Expires = time.Unix(out.ClientSecretExpiresAt, 0)
	}
	return r, nil
}

// issuerOf returns a start URL as the service knows it: without what a browser's
// address bar has behind it.
func issuerOf(startURL string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(startURL))
	if err != nil || !safe(u) || len(startURL) > maxURL {
		return "", errs.New(errs.Invalid, "the start URL is not an address with https").
			WithHint("it looks like https://acme.awsapps.com/start; it is in the console of IAM Identity Center and in your invitation")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// Refresh renews a token. When it fails with an error of kind Network, the
// refresh token may have been used up all the same.
func (c *Client) Refresh(ctx context.Context, r Registration, refresh string) (Token, error) {
	// A connection that the service closed in the meantime would look like an
	// answer that was lost.
	c.o.HTTP.CloseIdleConnections()
	t, err := c.token(ctx, renewing, r, grant{"grantType": grantRefresh, "refreshToken": refresh})
	if err == nil && t.Refresh == "" {
		t.Refresh = refresh
	}
	return t, err
}

// grant is what a token is given for: the members of the request that say so.
type grant map[string]string

// token redeems a grant, which is good for one use.
func (c *Client) token(ctx context.Context, o op, r Registration, g grant) (Token, error) {
	var t Token
	err := c.call(ctx, o, true, func() (err error) {
		t, err = c.createToken(ctx, r, g)
		return err
	})
	if err == nil && t.Access == "" {
		return Token{}, c.nonsense(o, "the answer has no token")
	}
	return t, err
}

// createToken makes one attempt. The token's end is counted from before it.
func (c *Client) createToken(ctx context.Context, r Registration, g grant) (Token, error) {
	in := grant{"clientId": r.ClientID, "clientSecret": r.ClientSecret}
	maps.Copy(in, g)
	var out struct {
		AccessToken  string `json:"accessToken"`
		RefreshToken string `json:"refreshToken"`
		TokenType    string `json:"tokenType"`
		ExpiresIn    int32  `json:"expiresIn"` // seconds
	}
	asked := c.o.Now()
	if err := c.send(ctx, apiCall{service: oidc, method: http.MethodPost, path: "token", in: in}, &out); err != nil {
		return Token{}, err
	}
	if out.TokenType != "" && !strings.EqualFold(out.TokenType, "bearer") {
		return Token{}, nil
	}
	life := min(max(time.Duration(out.ExpiresIn)*time.Second, 0), maxTokenLife)
	return Token{Access: out.AccessToken, Refresh: out.RefreshToken, Expires: asked.Add(life)}, nil
}
