package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// ReadLine asks for a line on the controlling terminal, with echo, and returns it
// without blanks around. standard is what an empty answer means; without one the
// question is asked again.
func (s *Streams) ReadLine(ctx context.Context, question, standard string) (string, error) {
	prompt := Safe(question) + ": "
	if standard != "" {
		prompt = Safe(question) + " [" + Safe(standard) + "]: "
	}
	t, err := openTerminal()
	if err != nil {
		return "", noTerminal(question, err)
	}
	defer t.close()
	for {
		line, err := t.ask(ctx, prompt, false)
		if errors.Is(err, io.EOF) {
			return "", errs.New(errs.Invalid, "nothing was entered")
		}
		if err != nil {
			return "", err
		}
		switch answer := strings.TrimSpace(string(line)); {
		case answer != "":
			return answer, nil
		case standard != "":
			return standard, nil
		}
	}
}

// Choose shows choices on the controlling terminal and returns the one that the
// user picks, by its number or by a part of it that no other has.
func (s *Streams) Choose(ctx context.Context, question string, choices []string) (string, error) {
	t, err := openTerminal()
	if err != nil {
		return "", noTerminal(question, err)
	}
	defer t.close()
	var list strings.Builder
	digits := len(strconv.Itoa(len(choices)))
	for i, c := range choices {
		fmt.Fprintf(&list, "  %*d  %s\n", digits, i+1, Safe(c))
	}
	prompt := list.String() + Safe(question) + ", by number or by a part of its name: "
	for {
		line, err := t.ask(ctx, prompt, false)
		if errors.Is(err, io.EOF) {
			return "", errs.New(errs.Invalid, "nothing was entered")
		}
		if err != nil {
			return "", err
		}
		c, why := chosen(choices, strings.TrimSpace(string(line)))
		if why == "" {
			return c, nil
		}
		prompt = why + "; " + Safe(question) + ": "
	}
}

// chosen finds the choice that an answer means, or says why there is none.
func chosen(choices []string, answer string) (choice, why string) {
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(choices) {
		return choices[n-1], ""
	}
	var fit []string
	for _, c := range choices {
		if c == answer {
			return c, ""
		}
		if answer != "" && strings.Contains(strings.ToLower(c), strings.ToLower(answer)) {
			fit = append(fit, c)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], ""
	case 0:
		return "", "none is meant by that"
	}
	return "", fmt.Sprintf("%d are meant by that", len(fit))
}

// Tell writes text of several lines to stderr, neutralised line by line: what a
// person is to read who signs in.
func (s *Streams) Tell(text string) { fmt.Fprintf(s.Err, "%s\n", SafeLines(text)) }
