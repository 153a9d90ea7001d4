package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/skret/skret/internal/errs"
)

// isTerminal does not touch the mode of f, which others may share.
func isTerminal(f *os.File) (is bool) {
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = c.Control(func(fd uintptr) { is = term.IsTerminal(int(fd)) })
	return is && err == nil
}

// ReadHidden asks for a line on the controlling terminal, whatever standard
// input is, without echo, and returns its bytes without the newline.
//
// The answer is one line. If more was pasted than that, all of it is discarded
// and the error says so: half a value must not be taken for the whole, nor the
// rest end up in the shell. A line that the terminal may have cut is refused as
// well. Without a terminal the error is of kind Invalid. The terminal is
// restored when ctx ends, and while ^Z holds.
func (s *Streams) ReadHidden(ctx context.Context, prompt string) ([]byte, error) {
	return hidden(ctx, prompt, true)
}

// ReadPassphrase is ReadHidden for what is asked for more than once, and may be
// typed ahead: what follows the line is left for the next question.
func (s *Streams) ReadPassphrase(ctx context.Context, prompt string) ([]byte, error) {
	return hidden(ctx, prompt, false)
}

// Confirm asks a yes/no question on the controlling terminal; the default is no.
func (s *Streams) Confirm(ctx context.Context, question string) (bool, error) {
	t, err := openTerminal()
	if err != nil {
		return false, noTerminal(question, err)
	}
	defer t.close()
	line, err := t.ask(ctx, Safe(question)+"? [y/N] ", false)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(string(line)))
	return answer == "y" || answer == "yes", nil
}

// noTTY is why there is no terminal.
type noTTY struct{ error }

func (n *noTTY) Unwrap() error { return n.error }

// IsNoTerminal tells whether a question failed because there is no terminal.
func IsNoTerminal(err error) bool { _, ok := errors.AsType[*noTTY](err); return ok }

func noTerminal(what string, err error) error {
	return errs.New(errs.Invalid, "no terminal to ask on: %s: %w", strings.TrimRight(what, ": "), &noTTY{err}).
		WithHint("give the answer on the command line, by a pipe or in a file; see --help")
}

func hidden(ctx context.Context, prompt string, alone bool) ([]byte, error) {
	t, err := openTerminal()
	if err != nil {
		return nil, noTerminal(prompt, err)
	}
	defer t.close()
	line, err := t.ask(ctx, Safe(prompt), true)
	if errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "nothing was entered")
	}
	if err != nil {
		return nil, err
	}
	if maxLine > 0 && len(line) >= maxLine {
		return nil, errs.New(errs.Invalid, "the line is too long for a terminal, which may have cut it").
			WithHint("give it by a pipe, or in a file")
	}
	if alone && t.discard() {
		return nil, errs.New(errs.Invalid, "more than one line was entered; all of it is discarded").
			WithHint("give it by a pipe, or in a file")
	}
	return line, nil
}

// ask shows the prompt and reads a line. It returns the cause when ctx ends,
// and io.EOF when the user entered no line but the end of input.
func (t *terminal) ask(ctx context.Context, prompt string, hide bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	signals, stop := suspensions()
	defer stop()
	if hide {
		if err := t.hide(); err != nil {
			return nil, fmt.Errorf("switch off the terminal's echo: %w", err)
		}
		defer t.restore()
	}
	if _, err := io.WriteString(t.out, prompt); err != nil {
		return nil, fmt.Errorf("write to the terminal: %w", err)
	}

	type result struct {
		line []byte
		err  error
	}
	read := make(chan result, 1)
	go func() { // ends with the process if ctx ends first
		line, err := readLine(t.in)
		read <- result{line, err}
	}()
	for {
		select {
		case r := <-read:
			if hide || r.err != nil {
				_, _ = io.WriteString(t.out, "\n")
			}
			return r.line, r.err
		case <-ctx.Done():
			_, _ = io.WriteString(t.out, "\n")
			return nil, context.Cause(ctx)
		case sig := <-signals:
			suspended := isSuspend(sig)
			if suspended {
				t.restore()
				suspend()
			}
			if hide {
				_ = t.hide() // the shell has put its own mode in place meanwhile
			}
			if suspended {
				_, _ = io.WriteString(t.out, prompt)
			}
		}
	}
}

// readLine reads up to a newline, which it takes off. The end of input after
// some bytes ends the line too.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		line = append(line, buf[:n]...)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			return bytes.TrimSuffix(line[:i], []byte("\r")), nil
		}
		switch {
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case err != nil:
			return nil, fmt.Errorf("read from the terminal: %w", err)
		}
	}
}
