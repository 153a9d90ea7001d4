package sso

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const (
	loopback     = "127.0.0.1"
	callbackPath = "/oauth/callback"

	browserTime = 10 * time.Minute // that the user has in the browser
	pastes      = 3                // that the user has
	maxPaste    = 16 << 10
)

// request is an authorization that was asked for: what makes its answer ours, and
// of use to nobody else.
type request struct {
	state    string
	verifier string
	redirect string // the address that the browser comes back to
}

// newRequest returns a request whose answer comes to host.
func newRequest(host string) request {
	return request{random(), random(), "http://" + host + callbackPath}
}

// random returns 256 bits at random, as 43 characters.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // ends the program rather than fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// address is where the browser starts.
func (q request) address(authorize *url.URL, r Registration) string {
	sum := sha256.Sum256([]byte(q.verifier))
	u := *authorize
	u.RawQuery = url.Values{
		"response_type":         {"code"},
		"client_id":             {r.ClientID},
		"redirect_uri":          {q.redirect},
		"state":                 {q.state},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
		"scopes":                {scope}, // the service's name of it, not OAuth's
	}.Encode()
	return u.String()
}

// answer is what the browser came back with: a code, or why there is none.
type answer struct{ code, refused string }

// answer reads the query of the address that the browser came back to. It is not
// ok when it does not answer this request.
func (q request) answer(query url.Values) (a answer, ok bool) {
	one := func(name string) string {
		if v := query[name]; len(v) == 1 {
			return v[0]
		}
		return ""
	}
	if subtle.ConstantTimeCompare([]byte(one("state")), []byte(q.state)) != 1 {
		return answer{}, false
	}
	a = answer{one("code"), one("error")}
	return a, (a.code == "") != (a.refused == "")
}

// redeem turns an answer into a token.
func (c *Client) redeem(ctx context.Context, r Registration, q request, a answer) (Token, error) {
	if a.refused != "" {
		return Token{}, c.judge(consenting, failure{code: pascal(a.refused)})
	}
	return c.token(ctx, redeeming, r, grant{"grantType": grantCode, "code": a.code, "codeVerifier": q.verifier, "redirectUri": q.redirect})
}

// pascal writes a name of an error of OAuth as AWS does: access_denied is
// AccessDenied.
func pascal(s string) string {
	var b strings.Builder
	for w := range strings.SplitSeq(cleanWord(s), "_") {
		if w != "" {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// PKCE signs in with a browser on this machine. It listens, then calls open with
// the address at which the browser starts; open may fail or take its time, since
// the user can open the address by hand. The browser sees whether it worked.
func (c *Client) PKCE(ctx context.Context, r Registration, open func(authorizeURL string) error) (Token, error) {
	authorize, err := c.authorizeURL()
	if err != nil {
		return Token{}, err
	}
	s, err := listen(ctx, c.o.Log)
	if err != nil {
		return Token{}, err
	}
	defer s.close()
	go func() {
		if err := open(s.request.address(authorize, r)); err != nil {
			c.o.Log.Debug("the browser cannot be opened", "error", err)
		}
	}()
	a, err := c.await(ctx, s)
	if err != nil {
		return Token{}, err
	}
	t, err := c.redeem(ctx, r, s.request, a)
	s.finish(err == nil)
	return t, err
}

var errUnattended = errors.New("the user did not come back")

// await waits for the browser.
func (c *Client) await(ctx context.Context, s *receiver) (answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go s.serve(cancel)
	go func() {
		if c.o.Sleep(ctx, browserTime) == nil {
			cancel(errUnattended)
		}
	}()
	select {
	case a := <-s.answers:
		return a, nil
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); !errors.Is(err, errUnattended) {
		return answer{}, fmt.Errorf("%s: %w", c.doing(consenting), err)
	}
	return answer{}, errs.New(errs.Auth, "%s: the browser did not come back within %d minutes", c.doing(consenting), browserTime/time.Minute).
		WithHint("sign in again; when the browser runs on another machine, with --flow paste or --flow device")
}

// Paste signs in with a browser on any machine. It calls ask with the address at
// which the browser starts; ask returns the address at which it ended. When that
// is another one, ask is called again, three times at most.
func (c *Client) Paste(ctx context.Context, r Registration, ask func(ctx context.Context, authorizeURL string) (string, error)) (Token, error) {
	authorize, err := c.authorizeURL()
	if err != nil {
		return Token{}, err
	}
	// A port at which nobody is likely to answer: a page would hide the address.
	q := newRequest(net.JoinHostPort(loopback, strconv.Itoa(50000+mathrand.IntN(10000))))
	for range pastes {
		text, err := ask(ctx, q.address(authorize, r))
		if err != nil {
			return Token{}, err
		}
		if a, ok := q.pasted(text); ok {
			return c.redeem(ctx, r, q, a)
		}
	}
	return Token{}, errs.New(errs.Invalid, "%s: what was pasted is not the address that the browser ended at", c.doing(consenting)).
		WithHint("copy all of the address bar at the end of the sign-in: it starts with %s and has code= and state= in it", q.redirect)
}

// pasted reads an address that a user copied: perhaps in quotes, perhaps wrapped by
// a terminal, perhaps without http://.
func (q request) pasted(text string) (answer, bool) {
	if len(text) > maxPaste {
		return answer{}, false
	}
	text = strings.Trim(strings.Join(strings.Fields(text), ""), `"'<>`)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	address, query, _ := strings.Cut(text, "?")
	if address != q.redirect {
		return answer{}, false
	}
	query, _, _ = strings.Cut(query, "#")
	values, err := url.ParseQuery(query)
	if err != nil {
		return answer{}, false
	}
	return q.answer(values)
}
