package webid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

const buildkiteAgent = "buildkite-agent"

// shell runs the user's command.
func (s *Source) shell(ctx context.Context) (string, error) {
	if runtime.GOOS == "windows" {
		return s.run(ctx, "cmd.exe", "/C", s.o.Command)
	}
	return s.run(ctx, "sh", "-c", s.o.Command)
}

// run returns what a program prints. It has no standard input, which may hold a
// secret that is being piped in; what it writes to standard error is the user's
// to see.
func (s *Source) run(ctx context.Context, program string, args ...string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	c := exec.CommandContext(limited, program, args...)
	var out bounded
	stderr := &lines{each: func(line string) { s.o.Notice(s.who() + ": " + line) }}
	c.Stdout, c.Stderr = &out, stderr
	c.WaitDelay = time.Second
	err := c.Run()
	stderr.flush()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("oidc token: %s: %w", s.who(), ctx.Err())
	case limited.Err() != nil:
		return "", s.failed("did not end within %s", s.limit)
	case out.over:
		return "", s.failed("printed more than %d bytes", maxToken)
	case err != nil:
		return "", s.failed("%s", ended(err))
	}
	return string(out.data), nil
}

func (s *Source) who() string {
	if s.o.Kind == Buildkite {
		return buildkiteAgent
	}
	return "the token's command"
}

func (s *Source) failed(format string, args ...any) error {
	return errs.New(errs.Auth, "oidc token: "+s.who()+" "+format, args...).WithHint("run it by hand to see more")
}

// ended says how a program ended, or why it did not start, without its words.
func ended(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "failed: " + exit.Error()
	}
	if start, ok := errors.AsType[*exec.Error](err); ok {
		return "did not start: " + start.Error()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return "ended, and left something running that could still print"
	}
	return "failed"
}

// bounded keeps what is written, up to the size of a token.
type bounded struct {
	data []byte
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > maxToken {
		b.over = true
		return 0, errors.New("too much")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// lines calls each for every line that is written.
type lines struct {
	each func(string)
	part []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		l.each(strings.TrimRight(string(line), "\r"))
		l.part = rest
	}
	if len(l.part) > 4096 {
		l.flush()
	}
	return len(p), nil
}

// flush passes a line on that has no end.
func (l *lines) flush() {
	if len(l.part) > 0 {
		l.each(string(l.part))
		l.part = nil
	}
}
