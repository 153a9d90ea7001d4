package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every printer of a Value prints.
const redacted = "[redacted]"

// Value is the bytes of a secret. It cannot print itself: every way that fmt,
// encoding/json, encoding and log/slog have of writing it gives "[redacted]".
// The bytes are reached by [Value.Reveal] alone, which the lint allows in a
// listed set of files.
//
// The zero Value is absent: a listing of names has entries without values. An
// empty value is present and has no bytes.
type Value struct {
	// A pointer, since fmt prints the fields of a struct that it cannot call
	// methods on, and of a pointer within it only the address.
	p *string
	_ [0]func() // not comparable: == would compare the pointers
}

// NewValue returns the value whose bytes are s.
func NewValue(s string) Value { return Value{p: &s} }

// Reveal returns the bytes of the value; "" when it is absent.
func (v Value) Reveal() string {
	if v.p == nil {
		return ""
	}
	return *v.p
}

// Present tells whether there is a value, perhaps an empty one.
func (v Value) Present() bool { return v.p != nil }

// Len returns the number of bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// Equal tells whether both are absent, or both present with the same bytes.
func (v Value) Equal(o Value) bool {
	return v.Present() == o.Present() && v.Reveal() == o.Reveal()
}

// String returns "[redacted]".
func (Value) String() string { return redacted }

// GoString returns "[redacted]".
func (Value) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Value) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText returns "[redacted]".
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns "[redacted]", so that encoding/gob cannot carry it.
func (Value) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }
