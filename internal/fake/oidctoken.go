package fake

import (
	"slices"
	"time"
)

func (c *Cloud) createToken(r *request) (any, error) {
	grant := str(r.in, "grantType")
	grants := map[string]func(*Cloud, *request, *client) (any, error){
		deviceGrant: (*Cloud).tokenForDevice, codeGrant: (*Cloud).tokenForCode, refreshGrant: (*Cloud).renewToken,
	}
	give := grants[grant]
	if give == nil {
		return nil, fail("UnsupportedGrantTypeException", "an unknown grant type")
	}
	cl, err := c.client(r, grant)
	if err != nil {
		return nil, err
	}
	return give(c, r, cl)
}

func (c *Cloud) tokenForDevice(r *request, cl *client) (any, error) {
	d := c.sso.devices[str(r.in, "deviceCode")]
	if d == nil || d.client != cl || d.used {
		return nil, fail("InvalidGrantException", "the device code is not known")
	}
	early := !c.Lax && !d.last.IsZero() && r.now.Sub(d.last) < time.Duration(d.interval)*time.Second
	d.last = r.now
	d.polls++
	if !d.denied && c.Polls >= 0 && d.polls >= c.Polls {
		d.approved, d.denied = !c.Deny, c.Deny
	}
	switch {
	case !r.now.Before(d.expires):
		return nil, fail("ExpiredTokenException", "the device code has expired")
	case early:
		d.interval += 5
		return nil, fail("SlowDownException", "polled before the interval was over")
	case d.denied:
		return nil, fail("AccessDeniedException", "the user denied it")
	case !d.approved:
		return nil, fail("AuthorizationPendingException", "the user has not decided yet")
	}
	d.used = true
	return c.signedIn(r, cl), nil
}

func (c *Cloud) tokenForCode(r *request, cl *client) (any, error) {
	a := c.sso.codes[str(r.in, "code")]
	switch {
	case a == nil, a.client != cl, a.used, !r.now.Before(a.expires):
		return nil, fail("InvalidGrantException", "the code is not good, or not any more")
	case str(r.in, "redirectUri") != a.redirect:
		return nil, fail("InvalidGrantException", "the redirect URI is another one than before")
	}
	a.used = true // also if the verifier is wrong
	if v := str(r.in, "codeVerifier"); len(v) < 43 || len(v) > 128 || Challenge(v) != a.challenge {
		return nil, fail("InvalidGrantException", "the code verifier is not that of the challenge")
	}
	return c.signedIn(r, cl), nil
}

// signedIn begins a session.
func (c *Cloud) signedIn(r *request, cl *client) any {
	s := &session{client: cl, ends: r.now.Add(c.SessionLife)}
	out := c.newAccess(r, s)
	// Who did not ask for the scope, or named grants without this one, cannot renew.
	if !c.NoRefresh && slices.Contains(cl.scopes, accessScope) && (len(cl.grants) == 0 || slices.Contains(cl.grants, refreshGrant)) {
		out["refreshToken"] = c.newRefresh(s)
	}
	return out
}

func (c *Cloud) newAccess(r *request, s *session) map[string]any {
	token := newSecret()
	life := min(c.TokenLife, s.ends.Sub(r.now))
	c.sso.access[token] = &accessToken{s, r.now.Add(life)}
	return map[string]any{"accessToken": token, "tokenType": "Bearer", "expiresIn": int(life.Seconds())}
}

func (c *Cloud) newRefresh(s *session) string {
	token := newSecret()
	c.sso.refresh[token] = &refreshToken{session: s}
	return token
}

func (c *Cloud) renewToken(r *request, cl *client) (any, error) {
	t := c.sso.refresh[str(r.in, "refreshToken")]
	switch {
	case t == nil, t.session.client != cl, t.session.over, !r.now.Before(t.session.ends):
		return nil, fail("InvalidGrantException", "the refresh token is not good, or not any more")
	case t.used && !c.Reusable:
		t.session.over = c.ReuseEnds
		return nil, fail("InvalidGrantException", "the refresh token has been used")
	}
	out := c.newAccess(r, t.session)
	if !c.OmitRefresh {
		t.used = true
		out["refreshToken"] = c.newRefresh(t.session)
	}
	return out, nil
}

// Revoke ends all sessions with IAM Identity Center, as an administrator does:
// neither access nor refresh tokens are good any more.
func (c *Cloud) Revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.sso.access {
		t.session.over = true
	}
}

// Sessions returns how many sessions with IAM Identity Center there are that
// have not ended.
func (c *Cloud) Sessions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := map[*session]bool{}
	for _, t := range c.sso.access {
		if !t.session.over && c.Now().Before(t.session.ends) {
			open[t.session] = true
		}
	}
	return len(open)
}
