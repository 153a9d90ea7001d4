package cli

import (
	"io"
	"log/slog"

	"github.com/skret/skret/internal/ui"
)

// logLevels are the words of --log-level.
var logLevels = []string{"off", "error", "warn", "info", "debug"}

// newLogger returns the logger of --log-level, which is level, or of SKRET_LOG,
// and of SKRET_LOG_FORMAT. Off is the
// default. A record can hold no secret: values have a type that prints as
// "[redacted]", and requests are logged by name, time, attempt and request id.
func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	name, format := "--log-level", getenv("SKRET_LOG_FORMAT")
	if level == "" {
		name, level = "SKRET_LOG", getenv("SKRET_LOG")
	}
	if level == "" || level == "off" {
		return slog.New(slog.DiscardHandler), nil
	}
	if err := enum(name, level, logLevels...); err != nil {
		return nil, err
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, at slog.Attr) slog.Attr {
		if at.Value.Kind() == slog.KindString {
			at.Value = slog.StringValue(ui.Safe(at.Value.String()))
		}
		return at
	}}
	if format == "" || format == "text" {
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	if err := enum("SKRET_LOG_FORMAT", format, "text", "json"); err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(w, o)), nil
}
