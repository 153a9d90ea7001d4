package audit

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/skret/skret/internal/secret"
)

// line writes the record as a line of JSON, as encoding/json would. By hand: the
// first value that encoding/json writes costs a start a tenth of a millisecond.
func (r Record) line() []byte {
	b := append(make([]byte, 0, 512), `{"time":"`...)
	b = append(r.Time.AppendFormat(b, time.RFC3339Nano), '"')
	text := func(name, value string) {
		if value != "" {
			b = quote(append(b, `,"`+name+`":`...), value)
		}
	}
	names := func(name string, keys []secret.Key) {
		for i, k := range keys {
			if i == 0 {
				b = append(b, `,"`+name+`":[`...)
			} else {
				b = append(b, ',')
			}
			b = quote(b, string(k))
		}
		if len(keys) > 0 {
			b = append(b, ']')
		}
	}
	number := func(name string, n int) { b = strconv.AppendInt(append(b, `,"`+name+`":`...), int64(n), 10) }
	text("command", r.Command)
	text("environment", r.Env)
	text("place", r.Place)
	text("identity", r.Identity)
	names("read", r.Read)
	names("written", r.Written)
	names("deleted", r.Deleted)
	names("named", r.Named)
	if r.More > 0 {
		number("more", r.More)
	}
	text("outcome", r.Outcome)
	number("code", r.Code)
	number("pid", r.PID)
	text("program", r.Program)
	text("reason", r.Reason)
	return append(b, "}\n"...)
}

// quote appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
