package remote

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/skret/skret/internal/secret"
)

// text is a string of an answer that is taken as it was sent, or not at all. It
// is a value on its way: nobody prints it.
type text struct {
	value   string
	there   bool // it is not null
	damaged bool // it is not what was sent
}

// UnmarshalJSON reads a string or null. The decoder puts a sign of its own for
// what is no text in UTF-8, in silence; here that is noticed.
func (t *text) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil || s == nil {
		return err
	}
	const sign = "\ufffd"
	t.value, t.there = *s, true
	if n := strings.Count(t.value, sign); n > 0 {
		t.damaged = n > bytes.Count(data, []byte(sign))+strings.Count(strings.ToLower(string(data)), `\ufffd`)
	}
	return nil
}

// entry makes a secret of it. hidden is why it is null.
func (t text) entry(key secret.Key, hidden string) secret.Entry {
	switch {
	case !t.there:
		return secret.Entry{Key: key, Hidden: hidden}
	case t.damaged:
		return secret.Entry{Key: key, Hidden: "it is not text in UTF-8, and its bytes did not arrive"}
	}
	return secret.Entry{Key: key, Value: secret.NewValue(t.value)}
}

// isSlug tells whether s may be the short name by which a service knows a
// project, an environment or a folder.
func isSlug(s string) bool {
	return madeOf(s, letters+digits+"_-.", 255) && strings.Trim(s, ".") != ""
}
