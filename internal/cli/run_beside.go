package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/leak"
	"github.com/skret/skret/internal/run"
	"github.com/skret/skret/internal/secret"
	"github.com/skret/skret/internal/ui"
)

// runBeside runs the command as a child.
func (p *plan) runBeside(ctx context.Context, set secret.Set) (err error) {
	supervisor := run.NewSupervisor()
	if err := p.signals.release(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what ended it is the supervisor's now
	if p.deadline != nil {
		at, _ := p.deadline.Deadline()
		late := errs.New(errs.Unclassified, "timed out after %s", p.global.timeout).WithHint("raise --timeout")
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, at, late)
		defer cancel()
	}
	s := &session{plan: p}
	if p.mount != "" || p.watch || slices.ContainsFunc(set, func(v secret.Variable) bool { return v.File }) {
		if s.files, err = run.NewFiles(getenv("XDG_RUNTIME_DIR")); err != nil {
			return err
		}
		defer func() {
			if err := s.files.Remove(); err != nil {
				p.streams.Notice("secrets are left behind: %v", err)
			}
		}()
	}
	env, err := s.take(set)
	if err != nil {
		return err
	}
	job := run.Job{
		Path: p.path, Args: p.args, Env: env, KillAfter: p.killAfter,
		Out: flushing{p.streams}, Err: p.streams.Err,
		InTTY: p.streams.InTTY, OutTTY: p.streams.OutTTY, ErrTTY: p.streams.ErrTTY,
	}
	if p.masks() {
		job.Mask = s.mask.over
		if p.streams.OutTTY { // whose mode is then the command's to choose
			defer func(was io.Writer) { p.streams.Err = was }(p.streams.Err)
			p.streams.Err = returning{p.streams.Err}
		}
	}
	if err := p.streams.Flush(); err != nil {
		return err
	}
	if p.watch {
		changes, stop, err := s.watchStore(ctx)
		if err != nil {
			return err
		}
		defer stop() // before the files go, which it writes
		job.Changes = changes
	}
	return p.written(supervisor.Run(ctx, job))
}

// written returns how all has ended, where err is how the command has. It may not
// know of a write of its own that we could not pass on.
func (p *plan) written(err error) error {
	ferr := p.streams.Flush()
	switch {
	case ferr == nil:
	case errors.Is(ferr, syscall.EPIPE):
		if err == nil {
			return run.Signaled(syscall.SIGPIPE) // as it would have ended by itself
		}
	case err != nil: // else that is the error
		p.streams.Notice("%v", ferr)
	}
	return err
}

// session is what goes with a command beside skret.
type session struct {
	*plan
	files *run.Files // nil when the command gets none
	mask  masker
	set   secret.Set // what the command has
	disk  bool       // said that files are on a disk
}

// take makes the set that of the command, and returns its environment. All that
// can be wrong with it is found before anything is written.
func (s *session) take(set secret.Set) ([]string, error) {
	env, _, err := s.environ(set)
	if err != nil {
		return nil, err
	}
	var text []byte
	if s.mount != "" {
		if text, err = s.format.Text(set); err != nil {
			return nil, err
		}
	}
	if s.masks() {
		s.learn(set)
	}
	if s.mount != "" { // first, since it may not be ours any more
		path, err := s.abs(s.mount)
		if err != nil {
			return nil, err
		}
		if err := s.files.Mount(path, text); err != nil {
			return nil, err
		}
	}
	if s.files != nil {
		onlyPaths, err := s.files.Write(set)
		if err != nil {
			return nil, err
		}
		if env, _, err = s.environ(onlyPaths); err != nil {
			return nil, err
		}
		s.sayDisk(set)
	}
	s.set = set
	return env, nil
}

// sayDisk says once that file secrets are not in memory alone.
func (s *session) sayDisk(set secret.Set) {
	if s.disk || s.files.InMemory() || !slices.ContainsFunc(set, func(v secret.Variable) bool { return v.File }) {
		return
	}
	s.disk = true
	s.streams.Notice("there is no folder in memory: until the command ends, secrets that are files are on the disk, in %s", s.files.Dir())
}

// learn has the values masked, and says what cannot be.
func (s *session) learn(set secret.Set) {
	untold := s.mask.learn(set)
	if getenv("GITHUB_ACTIONS") == "true" {
		masked := slices.DeleteFunc(slices.Clone(set), func(v secret.Variable) bool { return s.mask.skipped[v.Name] })
		_, _ = s.streams.Err.Write(format.Masks(masked))
	}
	if len(untold) > 0 {
		s.streams.Notice("not masked, being too short or too common: %s", strings.Join(untold, ", "))
	}
}

// masker masks what a command writes, also when its secrets change meanwhile: those
// of now, and all of before, which the command may have still.
type masker struct {
	mu      sync.Mutex
	matcher *leak.Matcher
	past    []leak.Secret   // all that was ever learnt, without names
	skipped map[string]bool // the names of those of now that are not masked
}

// learn takes a set in, and returns the names of the values that are not masked,
// unless they were not before.
func (m *masker) learn(set secret.Set) (untold []string) {
	var now []leak.Secret
	for _, v := range set {
		now = append(now, leak.Secret{Name: v.Name, Value: v.Value})
	}
	m.past = slices.DeleteFunc(m.past, func(p leak.Secret) bool {
		return slices.ContainsFunc(now, func(n leak.Secret) bool { return n.Value.Equal(p.Value) })
	})
	matcher, skipped := leak.New(slices.Concat(now, m.past), leak.Options{MinLength: leak.MinMask})
	for _, n := range now {
		m.past = append(m.past, leak.Secret{Value: n.Value})
	}
	before := m.skipped
	m.skipped = map[string]bool{}
	for _, s := range skipped {
		if s.Name == "" {
			continue // it was told while it was of now
		}
		if !before[s.Name] {
			untold = append(untold, s.Name)
		}
		m.skipped[s.Name] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.matcher = matcher
	return untold
}

// over returns a writer to w that masks.
func (m *masker) over(w io.Writer) io.WriteCloser { return &maskedOutput{by: m, to: w} }

type maskedOutput struct {
	by      *masker
	to      io.Writer
	matcher *leak.Matcher
	w       io.WriteCloser
}

func (m *maskedOutput) Write(p []byte) (int, error) {
	m.by.mu.Lock()
	now := m.by.matcher
	m.by.mu.Unlock()
	if m.matcher != now {
		if err := m.Close(); err != nil {
			return 0, err
		}
		m.matcher, m.w = now, now.Mask(m.to)
	}
	return m.w.Write(p)
}

func (m *maskedOutput) Close() error {
	if m.w == nil {
		return nil
	}
	w := m.w
	m.w, m.matcher = nil, nil
	return w.Close()
}

// flushing writes to stdout without keeping anything back.
type flushing struct{ streams *ui.Streams }

func (f flushing) Write(p []byte) (int, error) {
	_, _ = f.streams.Out.Write(p) // Flush tells
	return len(p), f.streams.Flush()
}

// returning ends lines as a terminal in raw mode needs it.
type returning struct{ w io.Writer }

func (r returning) Write(p []byte) (int, error) {
	if _, err := r.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// mountFormat returns the format of that name, or the one that the file's name
// says.
func mountFormat(file, name string) (format.Format, error) {
	if name != "" {
		f, ok := format.Lookup(name)
		if !ok {
			return f, enum("--mount-format", name, format.Names()...)
		}
		return f, nil
	}
	base := filepath.Base(file)
	if base == ".env" || strings.HasPrefix(base, ".env.") {
		base = "x.env"
	}
	f, ok := format.Lookup(map[string]string{
		".env": "dotenv", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".tfvars": "tfvars",
		".properties": "properties", ".csv": "csv", ".sh": "shell", ".fish": "fish", ".ps1": "powershell",
	}[filepath.Ext(base)])
	if !ok {
		return f, errs.New(errs.Invalid, "--mount: the name %q says no format", file).
			WithHint("say it with --mount-format: %s", strings.Join(format.Names(), ", "))
	}
	return f, nil
}
