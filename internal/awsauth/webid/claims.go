package webid

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/skret/skret/internal/errs"
)

// Claims reads what a token says of itself: the names that a role's trust policy
// is written with. Nothing is verified, so it is good for messages only.
func Claims(token string) (issuer, subject, audience string, expires time.Time, err error) {
	c, err := parse(strings.TrimSpace(token))
	return c.issuer, c.subject, c.audience, c.expires, err
}

type claims struct {
	issuer, subject, audience string
	expires                   time.Time
}

// parse takes a token apart. Its errors hold nothing of it.
func parse(token string) (claims, error) {
	bad := errs.New(errs.Invalid, "this is no JWT")
	part := strings.SplitN(token, ".", 4)
	if len(token) > maxToken || len(part) != 3 || part[2] == "" || strings.ContainsAny(token, "\r\n") { // which the decoder would skip
		return claims{}, bad
	}
	var decoded [3][]byte
	for i := range part {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part[i]); err != nil {
			return claims{}, bad
		}
	}
	var header map[string]any
	var body struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		Audience audience `json:"aud"`
		Expires  float64  `json:"exp"`
	}
	if json.Unmarshal(decoded[0], &header) != nil || json.Unmarshal(decoded[1], &body) != nil {
		return claims{}, bad
	}
	c := claims{issuer: clean(body.Issuer), subject: clean(body.Subject), audience: clean(strings.Join(body.Audience, ", "))}
	if body.Expires > 0 && body.Expires < 1<<40 { // beyond that it is not a time
		c.expires = time.Unix(int64(body.Expires), 0).UTC()
	}
	return c, nil
}

// audience is one name or several.
type audience []string

// UnmarshalJSON reads a string or a list of strings.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// clean makes a claim fit to be shown.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "..."
	}
	return s
}
