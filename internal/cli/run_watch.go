package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/config"
	"github.com/skret/skret/internal/engine"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// onChange is what is done when the secrets have changed: the command is started
// anew, or gets a signal, or a program is run.
type onChange struct {
	signal  os.Signal
	program []string
	path    string // of the program
}

func parseOnChange(s string) (o onChange, err error) {
	what, arg, _ := strings.Cut(s, "=")
	switch {
	case s == "restart":
	case what == "signal":
		o.signal, err = run.ParseSignal(arg)
	case what == "exec":
		if o.program, err = splitWords(arg); err == nil {
			o.path, err = run.Look(o.program[0], getenv("PATH"))
		}
		if err != nil {
			err = errs.New(errs.Invalid, "--on-change: %w", err)
		}
	default:
		err = errs.New(errs.Invalid, "--on-change: %q is not known", s).WithHint("use restart, signal=HUP or exec=PROGRAM")
	}
	return o, err
}

// splitWords splits a line as a shell does, of whose syntax it knows quotes and
// backslashes alone.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, escaped, open := rune(0), false, false
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\$`", r) {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, open = true, true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, open = r, true
		case quote == 0 && strings.ContainsRune(" \t\n", r):
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	switch {
	case quote != 0 || escaped:
		return nil, errors.New("a quote is not closed")
	case open:
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("no program is named")
	}
	return words, nil
}

const (
	leastInterval = 5 * time.Second        // services count requests, and slow down who makes many
	leastLocal    = 100 * time.Millisecond // a file does not
	longestPause  = 10 * time.Minute       // between two tries when they fail
)

// judgeInterval refuses to ask a service too often, and sets the default.
func (p *plan) judgeInterval(project *config.Project) error {
	least, usual := leastInterval, 30*time.Second
	if project.Place.Provider == config.ProviderLocal {
		least, usual = leastLocal, time.Second
	}
	if p.interval == 0 {
		p.interval = usual
	}
	if p.interval < least {
		return errs.New(errs.Invalid, "--interval: %s is less than %s", p.interval, least)
	}
	return nil
}

// versions returns a text that is another one when a secret is. It decrypts
// nothing.
func versions(ctx context.Context, client *engine.Client) (string, error) {
	es, err := client.Names(ctx, "")
	if err != nil {
		return "", err
	}
	secret.SortEntries(es)
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "%s %d %d\n", e.Key, e.Version, e.Modified.UnixNano())
	}
	return b.String(), nil
}

// watchStore begins to look for changes. The command learns of them by the
// channel. stop ends it, and returns when it has ended.
func (s *session) watchStore(ctx context.Context) (changes <-chan run.Change, stop func(), err error) {
	s.global.noInput = true // from here on the terminal is the command's
	client, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	told, ended := make(chan run.Change), make(chan struct{})
	go func() {
		defer close(ended)
		failures := 0
		for sleep(ctx, pause(s.interval, failures, rand.Float64())) {
			err := s.look(ctx, client, told)
			switch {
			case ctx.Err() != nil:
			case err == nil && failures > 0:
				s.streams.Notice("the secrets can be watched again")
				failures = 0
			case err != nil:
				if failures++; failures == 1 {
					s.streams.Notice("the secrets cannot be watched, which is tried again: %v", err)
				}
			}
		}
	}()
	return told, func() { cancel(); <-ended }, nil
}

// pause returns how long to wait before the next look: the interval, longer after
// failures, and a little more or less each time, so that many that were started
// together do not ask together.
func pause(interval time.Duration, failures int, random float64) time.Duration {
	d := interval << min(failures, 6)
	d = max(interval, min(d, longestPause))
	return time.Duration(float64(d) * (0.9 + 0.2*random))
}

// sleep returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look looks once. An error means that nothing could be seen; secrets that are
// seen and are wrong are told, once.
func (s *session) look(ctx context.Context, client *engine.Client, told chan<- run.Change) error {
	now, err := versions(ctx, client)
	if err != nil || now == s.seen {
		return err
	}
	set, err := client.Variables(ctx, s.only, s.except, s.allow)
	switch errs.KindOf(err) {
	case errs.Network, errs.Auth, errs.Backend:
		return err
	}
	names := changed(s.set, set)
	var env []string
	if err == nil && len(names) > 0 {
		env, err = s.take(set)
	}
	s.seen = now
	if err != nil {
		s.streams.Notice("the secrets have changed, and the command goes on with the old ones:")
		for _, e := range errs.All(err) {
			s.streams.Notice("  %v", e)
		}
		return nil
	}
	if len(names) == 0 {
		return nil
	}
	s.tell(ctx, told, env, strings.Join(names, ", "))
	return nil
}

// tell does what is to be done about a change.
func (s *session) tell(ctx context.Context, told chan<- run.Change, env []string, names string) {
	change := run.Change{Env: env}
	switch {
	case s.change.program != nil:
		s.streams.Notice("secrets have changed (%s): %s is run", names, s.change.program[0])
		if err := s.runProgram(ctx, env); err != nil && ctx.Err() == nil {
			s.streams.Notice("%s: %v", s.change.program[0], err)
		}
		return
	case s.change.signal != nil:
		s.streams.Notice("secrets have changed (%s): the command gets the signal %s", names, strings.TrimPrefix(s.onChange, "signal="))
		change = run.Change{Signal: s.change.signal}
	default:
		s.streams.Notice("secrets have changed (%s): the command is started anew", names)
	}
	select {
	case told <- change:
	case <-ctx.Done():
	}
}

// runProgram runs the program of --on-change. What it says goes to stderr, masked
// as the command's is. What it has left running is not waited for.
func (s *session) runProgram(ctx context.Context, env []string) error {
	c := exec.CommandContext(ctx, s.change.path)
	c.Args, c.Env = s.change.program, env
	c.Stdout, c.Stderr = s.streams.Err, s.streams.Err
	c.WaitDelay = time.Second // for those that still have its output
	if s.masks() {
		w := s.mask.over(s.streams.Err)
		defer func() { _ = w.Close() }()
		c.Stdout, c.Stderr = w, w
	}
	if err := c.Run(); !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	return nil
}

// changed returns the names of the variables that only one of the sets has, or
// that have another value.
func changed(was, is secret.Set) (names []string) {
	old := map[string]secret.Variable{}
	for _, v := range was {
		old[v.Name] = v
	}
	for _, v := range is {
		if o, there := old[v.Name]; !there || !o.Value.Equal(v.Value) || o.File != v.File {
			names = append(names, ui.Safe(v.Name))
		}
		delete(old, v.Name)
	}
	for name := range old {
		names = append(names, ui.Safe(name))
	}
	slices.Sort(names)
	return names
}
