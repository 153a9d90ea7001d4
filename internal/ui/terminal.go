package ui

import (
	"context"
	"os"

	"golang.org/x/term"

	"github.com/skret/skret/internal/errs"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// ReadHidden asks for a line on the controlling terminal without echo and
// returns its bytes without the newline. Without a terminal it returns an error
// of kind Invalid. It restores the terminal when ctx ends.
func (s *Streams) ReadHidden(ctx context.Context, prompt string) ([]byte, error) {
	return nil, errs.New(errs.Invalid, "no terminal to ask %q on", prompt)
}

// Confirm asks a yes/no question on the controlling terminal; the default is no.
func (s *Streams) Confirm(ctx context.Context, question string) (bool, error) {
	return false, errs.New(errs.Invalid, "no terminal to ask %q on", question)
}
