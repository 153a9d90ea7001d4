package remote

import (
	"context"
	"strings"
	"time"
	"unicode"
)

// Identity is who a token is, as far as its service tells. Its words come from
// the service; what could steer a terminal is taken out.
type Identity struct {
	Who       string    // a user, a machine, or what the token is called
	Workspace string    // the organisation, the account ... that it belongs to
	Scopes    []string  // what it may do; nil when the service does not tell
	Expires   time.Time // zero when it does not, or when that is not told
}

// Verify asks the service who the token is. That is one cheap request, seldom
// two, and shows that the token works.
func (s *Service) Verify(ctx context.Context, o Options, t Token) (Identity, error) {
	a := Client(o, t)
	defer a.Close(ctx)
	id, err := s.verify(ctx, a)
	if err != nil {
		return Identity{}, err
	}
	id.Who, id.Workspace = a.shown(id.Who), a.shown(id.Workspace)
	for i, scope := range id.Scopes {
		id.Scopes[i] = a.shown(scope)
	}
	if id.Expires.IsZero() {
		id.Expires = t.Expires
	}
	return id, nil
}

// Revoke ends the token at the service. left says what stays valid, and where it
// is ended by hand; it is "" when nothing does. Whatever else uses the token is
// cut off, too: see [Token.Made].
func (s *Service) Revoke(ctx context.Context, o Options, t Token) (left string, err error) {
	a := Client(o, t)
	defer a.Close(ctx)
	return s.revoke(ctx, a)
}

const maxShown = 100

// shown makes a server's text fit to be shown: printable, short, and not a
// secret that it sent back.
func (a *API) shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
	if a.t.tells(text) {
		return ""
	}
	if r := []rune(text); len(r) > maxShown {
		text = string(r[:maxShown])
	}
	return strings.TrimSpace(text)
}
