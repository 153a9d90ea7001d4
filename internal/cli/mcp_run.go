package cli

import (
	"bytes"
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/leak"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/secret"
)

const (
	maxOutput = 64 << 10 // bytes that run returns of a command's output
	maxRaw    = 16 << 20 // that are kept of it until the command has ended
)

type mcpRun struct {
	ExitCode  int      `json:"exit_code"`
	Output    string   `json:"output"` // standard output and error, masked
	Cut       bool     `json:"cut"`    // there was more output
	NotMasked []string `json:"not_masked"`
}

func (t *mcpTools) run(ctx context.Context, q struct {
	Command []string `json:"command"`
}) (any, error) {
	if !slices.ContainsFunc(t.allowed, func(words []string) bool { return matches(words, q.Command) }) {
		return nil, errs.New(errs.Invalid, "this command may not be run").WithHint("%s", t.commands())
	}
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	set, err := c.Variables(ctx, t.o.only, t.o.except, t.o.allow)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(set, func(v secret.Variable) bool { return v.File }); i >= 0 {
		return nil, errs.New(errs.Invalid, "%s is a file secret, which this server does not hand over", set[i].Name).
			WithHint("let the person start the server with --except %s", set[i].Name)
	}
	dir, err := t.a.dir()
	if err != nil {
		return nil, err
	}
	program := q.Command[0]
	if filepath.Base(program) != program && !filepath.IsAbs(program) {
		program = filepath.Join(dir, program)
	}
	path, err := run.Look(program, getenv("PATH"))
	if err != nil {
		return nil, err
	}
	env, _, err := run.Environ(set, slices.Insert(environ(), 0, "PWD="+dir), run.Policy{})
	if err := errors.Join(err, run.CheckSize(path, q.Command, env)); err != nil {
		return nil, err
	}
	var mask masker
	result := mcpRun{NotMasked: append([]string{}, mask.learn(set)...)}
	ctx, cancel := context.WithTimeoutCause(ctx, t.o.limit, errs.New(errs.Network, "the command was ended after %s", t.o.limit))
	defer cancel()
	raw := capped{limit: maxRaw}
	if result.ExitCode, err = run.Capture(ctx, path, q.Command, env, dir, &raw); err != nil {
		return nil, err
	}
	text, err := masked(mask.matcher, &raw)
	if err != nil {
		return nil, err
	}
	result.Cut = raw.cut || len(text) > maxOutput
	result.Output = strings.ToValidUTF8(string(text[:min(len(text), maxOutput)]), "\uFFFD")
	return result, nil
}

// masked is the output of a command as it may be told. It is masked in one piece:
// a masker of streams passes on, after a while, what could be half of a value.
func masked(m *leak.Matcher, raw *capped) ([]byte, error) {
	var out bytes.Buffer
	w := m.Mask(&out)
	_, err := w.Write(raw.text)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	text := out.Bytes()
	if raw.cut { // perhaps within a value
		text = text[:max(0, len(text)-m.Longest())]
	}
	return text, nil
}

// matches tells whether a command is what the words allow, each one of its words.
func matches(words, command []string) bool {
	return slices.EqualFunc(words, command, func(w, c string) bool {
		if w == "*" {
			return true
		}
		ok, _ := path.Match(w, c)
		return ok
	})
}

// capped keeps the beginning of what is written.
type capped struct {
	limit int
	text  []byte
	cut   bool // there was more
}

// Write takes everything.
func (c *capped) Write(p []byte) (int, error) {
	rest := min(len(p), c.limit-len(c.text))
	c.text, c.cut = append(c.text, p[:rest]...), c.cut || rest < len(p)
	return len(p), nil
}
