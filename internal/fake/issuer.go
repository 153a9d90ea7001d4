package fake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"
)

const (
	// GitHubIssuer is the issuer of GitHub Actions, as AWS names it.
	GitHubIssuer = "token.actions.githubusercontent.com"
	// GitHubSubject is whom GitHub's tokens are about.
	GitHubSubject = "repo:acme/app:environment:prod"

	stsAudience = "sts.amazonaws.com"
)

// issuer signs identity tokens, for whatever issuer they name: there is one key.
type issuer struct {
	once  sync.Once
	key   *rsa.PrivateKey
	token string // what a job shows to get one
}

func (i *issuer) signer() *rsa.PrivateKey {
	i.once.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		i.key, i.token = key, newSecret()
	})
	return i.key
}

// sign makes a JWT.
func (i *issuer) sign(claims map[string]any) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "fake"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.signer(), crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// read returns the claims of a JWT that the key has signed.
func (i *issuer) read(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	var raw [3][]byte
	for n, p := range parts {
		raw[n], _ = base64.RawURLEncoding.DecodeString(p)
	}
	header, claims := map[string]any{}, map[string]any{}
	if json.Unmarshal(raw[0], &header) != nil || json.Unmarshal(raw[1], &claims) != nil {
		return nil, fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if str(header, "alg") != "RS256" || rsa.VerifyPKCS1v15(&i.signer().PublicKey, crypto.SHA256, digest[:], raw[2]) != nil {
		return nil, fail("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	return claims, nil
}

// Issuer has the account accept identity tokens of an issuer, by its host, for
// audiences; none means sts.amazonaws.com.
func (c *Cloud) Issuer(host string, audiences ...string) {
	if len(audiences) == 0 {
		audiences = []string{stsAudience}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.providers[host] = audiences
}

// JWT signs an identity token of an issuer that lives 5 minutes; more claims
// replace those.
func (c *Cloud) JWT(host, subject, audience string, more map[string]any) string {
	now := c.Now()
	claims := map[string]any{
		"iss": "https://" + host, "sub": subject, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	}
	maps.Copy(claims, more)
	return c.issuer.sign(claims)
}

// GitHubEnv returns the variables that a job has which may ask for identity
// tokens.
func (c *Cloud) GitHubEnv() []string {
	c.issuer.signer()
	return []string{
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + c.URL("github") + "/token?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + c.issuer.token,
	}
}

var githubOperations = map[string]operation{"GetToken": (*Cloud).githubToken}

func (c *Cloud) githubToken(r *request) (any, error) {
	c.issuer.signer()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case !strings.EqualFold(scheme, "bearer") || token != c.issuer.token:
		return nil, fail("UnauthorizedException", "the token is not good")
	case str(r.in, "api-version") != "2.0":
		return nil, fail("ValidationException", "api-version is missing")
	}
	audience := str(r.in, "audience")
	if audience == "" {
		audience = "https://github.com/acme"
	}
	jwt := c.JWT(GitHubIssuer, GitHubSubject, audience, map[string]any{"repository": "acme/app", "environment": "prod"})
	return map[string]any{"count": len(jwt), "value": jwt}, nil
}
