package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/skret/skret/internal/errs"
)

// Edit runs the user's editor on the terminal and waits for its end. It has our
// standard streams, and the terminal in the place of an input that is none, and
// of an output that is a file or a pipe: that is for our answer. It is in our
// process group, so that ^Z stops both. When ctx ends it is asked to end, and
// after some seconds made to. What it did to the terminal's mode is undone.
func (s *Streams) Edit(ctx context.Context, command, env []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = env
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 5 * time.Second
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	t, err := openTerminal()
	if err == nil {
		defer t.close()
		defer t.restore()
		if !s.InTTY {
			c.Stdin = t.in
		}
	}
	switch {
	case s.OutTTY:
	case err == nil:
		c.Stdout = t.out
	default:
		c.Stdout = os.Stderr
	}
	err = c.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return errs.New(errs.Unclassified, "the editor %s failed: %s", command[0], exit.Error())
	}
	if err != nil {
		return errs.New(errs.Unclassified, "start the editor: %w", err).WithHint("choose one by VISUAL or EDITOR")
	}
	return nil
}

// Words takes a command line apart as a shell would, without running one: blanks
// part words, quotes keep them together, and nothing is expanded. A backslash
// keeps the next character, unless backslash is false, as for paths of Windows.
func Words(line string, backslash bool) ([]string, error) {
	var words []string
	var word strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && backslash && quote != '\'':
			in, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
		default:
			in = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote or an escape has no end")
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}
