package fake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// IAM Identity Center has two services: "oidc", by which a user signs in, and
// "sso", the portal, which gives role credentials to who has.

const (
	// StartURL is the only portal that there is.
	StartURL = "https://acme.awsapps.com/start"
	// SSOUser is who signs in.
	SSOUser = "dev"
	// UserCode is what every device shows.
	UserCode = "ABCD-EFGH"

	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
	codeGrant    = "authorization_code"
	refreshGrant = "refresh_token"
	accessScope  = "sso:account:access"
)

// identityCenter is what both services know.
type identityCenter struct {
	clients  map[string]*client
	devices  map[string]*deviceCode
	codes    map[string]*authCode
	refresh  map[string]*refreshToken
	access   map[string]*accessToken
	accounts []*ssoAccount
}

func (i *identityCenter) make() {
	i.clients, i.devices, i.codes = map[string]*client{}, map[string]*deviceCode{}, map[string]*authCode{}
	i.refresh, i.access = map[string]*refreshToken{}, map[string]*accessToken{}
}

type client struct {
	id, secret                string
	scopes, grants, redirects []string
	expires                   time.Time
}

type deviceCode struct {
	client   *client
	expires  time.Time
	interval int
	last     time.Time // of the polls
	polls    int
	approved bool
	denied   bool
	used     bool
}

type authCode struct {
	client              *client
	redirect, challenge string
	expires             time.Time
	used                bool
}

// session is a user's sign-in: what the tokens belong to.
type session struct {
	client *client
	ends   time.Time
	over   bool
}

type refreshToken struct {
	session *session
	used    bool
}

type accessToken struct {
	session *session
	expires time.Time
}

var oidcOperations = map[string]operation{
	"RegisterClient":           (*Cloud).registerClient,
	"StartDeviceAuthorization": (*Cloud).startDevice,
	"CreateToken":              (*Cloud).createToken,
	"Authorize":                (*Cloud).authorize,
	"Device":                   (*Cloud).openDevice,
}

// oidcWords has the word of OAuth for an error.
var oidcWords = map[string]string{
	"InvalidRequestRegionException": "invalid_request", "InternalServerException": "server_error",
	"ExpiredTokenException": "expired_token", "InvalidRedirectUriException": "invalid_redirect_uri",
}

// oidcShape is REST with JSON, with errors as OAuth has them besides.
var oidcShape = shape{
	op: func(r *request) string {
		op := byPath(map[string]string{
			"POST /client/register": "RegisterClient", "POST /device_authorization": "StartDeviceAuthorization", "POST /token": "CreateToken",
			"GET /authorize": "Authorize", "GET /device": "Device",
		})(r)
		if grant := str(r.in, "grantType"); op == "CreateToken" && grant != "" {
			op += ":" + grant[strings.LastIndexByte(grant, ':')+1:]
		}
		return op
	},
	refuse: func(w http.ResponseWriter, e *apiError) {
		body := map[string]string{"error": oidcWords[e.code], "error_description": e.message}
		if body["error"] == "" {
			body["error"] = snake(strings.TrimSuffix(e.code, "Exception"))
		}
		if e.code == "InvalidRequestRegionException" { // its message is the right region
			body["region"], body["endpoint"] = e.message, "https://oidc."+e.message+".amazonaws.com"
			body["error_description"] = "The request was sent to a region that is not the home of the instance"
		}
		w.Header().Set("X-Amzn-Errortype", e.code)
		w.WriteHeader(e.status)
		json.NewEncoder(w).Encode(body)
	},
}

// snake writes SlowDown as slow_down.
func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func (c *Cloud) registerClient(r *request) (any, error) {
	redirects, grants, scopes := list(r.in, "redirectUris"), list(r.in, "grantTypes"), list(r.in, "scopes")
	switch {
	case str(r.in, "clientName") == "":
		return nil, fail("InvalidRequestException", "clientName is required")
	case str(r.in, "clientType") != "public":
		return nil, fail("InvalidClientMetadataException", "clientType must be public")
	case slices.ContainsFunc(grants, func(g string) bool { return !slices.Contains([]string{deviceGrant, codeGrant, refreshGrant}, g) }):
		return nil, fail("UnsupportedGrantTypeException", "an unknown grant type")
	case slices.ContainsFunc(scopes, func(s string) bool { return s != accessScope && !strings.HasPrefix(s, "codewhisperer:") }):
		return nil, fail("InvalidScopeException", "an unknown scope")
	case slices.Contains(grants, codeGrant) && (len(redirects) == 0 || !isStart(str(r.in, "issuerUrl"))):
		return nil, fail("InvalidRequestException", "authorization_code needs redirectUris and the issuerUrl of a portal")
	case slices.ContainsFunc(redirects, func(u string) bool { return u != "http://127.0.0.1/oauth/callback" }):
		return nil, fail("InvalidRedirectUriException", "the redirect URI is not allowed")
	}
	cl := &client{
		id: "client" + rand.Text(), secret: newSecret(), scopes: scopes, grants: grants, redirects: redirects, expires: r.now.Add(c.RegistrationLife),
	}
	c.sso.clients[cl.id] = cl
	return map[string]any{
		"clientId": cl.id, "clientSecret": cl.secret, "clientIdIssuedAt": r.now.Unix(), "clientSecretExpiresAt": cl.expires.Unix(),
	}, nil
}

func isStart(u string) bool {
	return strings.TrimRight(u, "/#") == StartURL
}

// client returns the client of a request, if it may use the grant. One that
// named no grants may use a device.
func (c *Cloud) client(r *request, grant string) (*client, error) {
	cl := c.sso.clients[str(r.in, "clientId")]
	switch {
	case cl == nil || cl.secret != str(r.in, "clientSecret"):
		return nil, fail("InvalidClientException", "the client is not known")
	case !r.now.Before(cl.expires):
		return nil, fail("InvalidClientException", "the client's registration has expired")
	case len(cl.grants) > 0 && !slices.Contains(cl.grants, grant), len(cl.grants) == 0 && grant == codeGrant:
		return nil, fail("UnauthorizedClientException", "the client may not use the grant")
	}
	return cl, nil
}

func (c *Cloud) startDevice(r *request) (any, error) {
	cl, err := c.client(r, deviceGrant)
	if err != nil {
		return nil, err
	}
	if !isStart(str(r.in, "startUrl")) {
		return nil, fail("InvalidRequestException", "the start URL is not known")
	}
	code := newSecret()
	c.sso.devices[code] = &deviceCode{client: cl, expires: r.now.Add(c.DeviceLife), interval: c.Interval}
	verify := c.URL("oidc") + "/device"
	return map[string]any{
		"deviceCode": code, "userCode": UserCode, "verificationUri": verify, "verificationUriComplete": verify + "?user_code=" + UserCode,
		"expiresIn": int(c.DeviceLife.Seconds()), "interval": c.Interval,
	}, nil
}

// openDevice is the page at which a user approves what a device asks: all that
// wait, since all have the same code.
func (c *Cloud) openDevice(r *request) (any, error) {
	if str(r.in, "user_code") != UserCode {
		return page("Enter the code that your device shows."), nil
	}
	c.decide()
	if c.Deny {
		return page("Request denied."), nil
	}
	return page("Request approved. You can close this window."), nil
}

// decide has the user approve, or deny, whatever waits for them.
func (c *Cloud) decide() {
	for _, d := range c.sso.devices {
		if !d.approved {
			d.approved, d.denied = !c.Deny, c.Deny
		}
	}
}

// Approve has the user approve all devices that wait, or deny them.
func (c *Cloud) Approve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decide()
}

// authorize is the page at which a user approves in a browser. They do so
// without further questions.
func (c *Cloud) authorize(r *request) (any, error) {
	cl := c.sso.clients[str(r.in, "client_id")]
	if cl == nil {
		return nil, fail("InvalidClientException", "the client is not known")
	}
	back, err := url.Parse(str(r.in, "redirect_uri"))
	if err != nil || back.Scheme != "http" || back.Hostname() != "127.0.0.1" || back.Port() == "" || back.RawQuery != "" ||
		!slices.Contains(cl.redirects, "http://"+back.Hostname()+back.EscapedPath()) {
		return nil, fail("InvalidRedirectUriException", "the redirect URI is not registered")
	}
	answer := func(values ...string) (any, error) {
		q := url.Values{"state": {str(r.in, "state")}}
		for i := 0; i < len(values); i += 2 {
			q.Set(values[i], values[i+1])
		}
		return redirect(back.String() + "?" + q.Encode()), nil
	}
	scopes := str(r.in, "scopes") + str(r.in, "scope")
	switch {
	case str(r.in, "response_type") != "code", str(r.in, "state") == "", len(str(r.in, "code_challenge")) != 43,
		str(r.in, "code_challenge_method") != "S256":
		return answer("error", "invalid_request", "error_description", "response_type, state, code_challenge or code_challenge_method is wrong")
	case !slices.Contains(cl.grants, codeGrant) || !r.now.Before(cl.expires):
		return answer("error", "unauthorized_client")
	case scopes != "" && !slices.Contains(cl.scopes, scopes):
		return answer("error", "invalid_scope")
	case c.Deny:
		return answer("error", "access_denied", "error_description", "the user denied it")
	}
	code := newSecret()
	c.sso.codes[code] = &authCode{client: cl, redirect: back.String(), challenge: str(r.in, "code_challenge"), expires: r.now.Add(5 * time.Minute)}
	return answer("code", code)
}

// Challenge is the PKCE challenge of a verifier.
func Challenge(verifier string) string {
	h := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(h[:])
}
