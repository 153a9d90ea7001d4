package vault

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
)

// redacted is what every printer of a Material prints.
const redacted = "[redacted]"

// Material is the secret part of a sign-in or a session: values by field. It
// cannot print itself: every way that fmt, encoding/json, encoding and log/slog
// have of writing it gives "[redacted]".
type Material struct {
	// A function, since fmt looks into a struct that it cannot call methods on,
	// and prints of a function the address, whatever the verb. It makes Material
	// not comparable, too.
	fields func() map[string]string
}

// NewMaterial returns material with a copy of the fields.
func NewMaterial(fields map[string]string) Material {
	return hold(maps.Clone(fields))
}

// Field returns the field's value, "" if there is none.
func (m Material) Field(name string) string { return m.all()[name] }

// With returns a copy in which the field has this value.
func (m Material) With(name, value string) Material {
	c := make(map[string]string, len(m.all())+1)
	maps.Copy(c, m.all())
	c[name] = value
	return hold(c)
}

func (m Material) all() map[string]string {
	if m.fields == nil {
		return nil
	}
	return m.fields()
}

// hold returns material with these very fields.
func hold(fields map[string]string) Material {
	return Material{fields: func() map[string]string { return fields }}
}

// String returns "[redacted]".
func (Material) String() string { return redacted }

// GoString returns "[redacted]".
func (Material) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Material) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Material) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText returns "[redacted]".
func (Material) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns "[redacted]", so that encoding/gob cannot carry it.
func (Material) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Material) LogValue() slog.Value { return slog.StringValue(redacted) }
