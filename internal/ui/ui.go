// Package ui is the only package that touches the standard streams and the
// terminal.
//
// stdout is data: it is buffered, and [Streams.Flush] reports the first write
// that failed, so that a full disk or a closed pipe never ends in success.
// stderr is talk. Prompts go to the controlling terminal. Nothing here asks the
// terminal a question, and untrusted text reaches it only through [Safe].
package ui

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Streams are a command's standard streams.
type Streams struct {
	In  io.Reader
	Out *bufio.Writer
	Err io.Writer

	// Whether each is a terminal.
	InTTY, OutTTY, ErrTTY bool
}

// Std returns the process's streams. None of them can be a file of ours: in
// place of one that was closed when we started, the runtime opens the null
// device before anything else is opened.
func Std() *Streams {
	return &Streams{
		In: os.Stdin, Out: bufio.NewWriterSize(os.Stdout, 16<<10), Err: os.Stderr,
		InTTY: isTerminal(os.Stdin), OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr),
	}
}

// Flush writes what is buffered for stdout. Its error is the first that a write
// to stdout met. A pipe whose reader has gone ends the process by PIPE.
func (s *Streams) Flush() error {
	if err := s.Out.Flush(); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// Notice writes one line of talk to stderr, neutralised, behind "skret: ".
func (s *Streams) Notice(format string, args ...any) {
	fmt.Fprintf(s.Err, "skret: %s\n", Safe(fmt.Sprintf(format, args...)))
}

// JSON writes v to stdout as indented JSON with a final newline.
func (s *Streams) JSON(v any) error {
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
