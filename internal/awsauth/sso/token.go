package sso

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"

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
	api, err := c.oidc()
	if err != nil {
		return Registration{}, err
	}
	in := &ssooidc.RegisterClientInput{
		ClientName: aws.String(clientName), ClientType: aws.String("public"), Scopes: []string{scope},
		GrantTypes: []string{grantDevice, grantRefresh},
	}
	if f != Device {
		in.GrantTypes = []string{grantCode, grantRefresh}
		in.RedirectUris = []string{"http://" + loopback + callbackPath}
		in.IssuerUrl = aws.String(issuer)
	}
	var out *ssooidc.RegisterClientOutput
	err = c.call(ctx, registering, false, func() (err error) {
		out, err = api.RegisterClient(ctx, in)
		return err
	})
	if err != nil {
		return Registration{}, err
	}
	r := Registration{ClientID: aws.ToString(out.ClientId), ClientSecret: aws.ToString(out.ClientSecret)}
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
	t, err := c.token(ctx, renewing, &ssooidc.CreateTokenInput{
		ClientId: &r.ClientID, ClientSecret: &r.ClientSecret, GrantType: aws.String(grantRefresh), RefreshToken: &refresh,
	})
	if err == nil && t.Refresh == "" {
		t.Refresh = refresh
	}
	return t, err
}

// token redeems a grant, which is good for one use.
func (c *Client) token(ctx context.Context, o op, in *ssooidc.CreateTokenInput) (Token, error) {
	api, err := c.oidc()
	if err != nil {
		return Token{}, err
	}
	var t Token
	err = c.call(ctx, o, true, func() (err error) {
		t, err = c.createToken(ctx, api, in)
		return err
	})
	if err == nil && t.Access == "" {
		return Token{}, c.nonsense(o, "the answer has no token")
	}
	return t, err
}

// createToken makes one attempt. The token's end is counted from before it.
func (c *Client) createToken(ctx context.Context, api *ssooidc.Client, in *ssooidc.CreateTokenInput) (Token, error) {
	asked := c.o.Now()
	out, err := api.CreateToken(ctx, in)
	if err != nil {
		return Token{}, err
	}
	if kind := aws.ToString(out.TokenType); kind != "" && !strings.EqualFold(kind, "bearer") {
		return Token{}, nil
	}
	life := min(max(time.Duration(out.ExpiresIn)*time.Second, 0), maxTokenLife)
	return Token{Access: aws.ToString(out.AccessToken), Refresh: aws.ToString(out.RefreshToken), Expires: asked.Add(life)}, nil
}
