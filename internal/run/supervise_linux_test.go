package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/errs"
)

// plain is a mask that hides nothing.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

func through(w io.Writer) io.WriteCloser { return plain{w} }

// lineWriter sends every line that is written to it.
type lineWriter struct {
	lines chan string
	rest  []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.lines <- string(line)
		l.rest = rest
	}
}

// children returns our children, zombies included.
func children(t *testing.T) []string {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, task := range tasks {
		list, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		all = append(all, strings.Fields(string(list))...)
	}
	return all
}

func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// 200 times a command is ended and started anew, some of them deaf to TERM: each
// one starts when the one before is gone, and nothing is left of any.
func TestRestartsLeaveNothing(t *testing.T) {
	const restarts = 200
	out := &lineWriter{lines: make(chan string, 1)}
	changes := make(chan Change)
	before := descriptors()
	ended := make(chan error, 1)
	job := Job{
		Path: "/bin/sh", Args: []string{"sh", "-c", `test $(($N % 20)) = 7 && trap '' TERM; echo started $N $$; read line; exit 5`},
		Env: []string{"N=0"}, Mask: through, Out: out, Err: io.Discard, KillAfter: 10 * time.Millisecond, Changes: changes,
	}
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup2(int(in.Fd()), 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Dup2(stdin, 0); _ = unix.Close(stdin) }()
	_ = in.Close()

	go func() { ended <- NewSupervisor().Run(t.Context(), job) }()
	pid := 0
	for i := range restarts {
		was := pid
		var n int
		if _, err := fmt.Sscanf(<-out.lines, "started %d %d", &n, &pid); err != nil || n != i {
			t.Fatalf("start %d: number %d, %v", i, n, err)
		}
		if was != 0 && unix.Kill(was, 0) == nil {
			t.Fatalf("the command before start %d is still there", i)
		}
		if i+1 < restarts {
			changes <- Change{Env: []string{fmt.Sprintf("N=%d", i+1)}}
		}
	}
	_ = keys.Close()
	var status Status
	if err := <-ended; !errors.As(err, &status) || status != 5 {
		t.Errorf("ended with %v", err)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if now := descriptors(); now > before+2 { // the pipe, and the copy of stdin
		t.Errorf("%d descriptors, %d before", now, before)
	}
}

func TestSupervisorSaysWhyNothingStarts(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		path, text string
		mode       os.FileMode
		want       string
	}{
		{"noformat", "echo hello\n", 0o755, "skret starts no shell"},
		{"nointerp", "#!/does/not/exist\n", 0o755, "interpreter"},
		{"nox", "#!/bin/sh\n", 0o644, "chmod +x"},
	} {
		for _, mask := range []func(io.Writer) io.WriteCloser{nil, through} {
			path := write(t, c.mode, c.text, dir, c.path)
			err := NewSupervisor().Run(t.Context(), Job{Path: path, Args: []string{c.path}, Mask: mask, Out: io.Discard, Err: io.Discard})
			e, ok := errors.AsType[*CommandError](err)
			if !ok || e.Code != CodeNotExecutable || !strings.Contains(err.Error()+errs.HintOf(err), c.want) {
				t.Errorf("%s: %v", c.path, err)
			}
		}
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// The end of a context ends the command, and its cause is told.
func TestSupervisorTimesOut(t *testing.T) {
	out := &lineWriter{lines: make(chan string, 1)}
	ctx, cancel := context.WithCancelCause(t.Context())
	job := Job{
		Path: "/bin/sh", Args: []string{"sh", "-c", `trap '' TERM; echo ready; while :; do sleep 0.01; done`},
		Mask: through, Out: out, Err: io.Discard,
	}
	go func() {
		<-out.lines
		cancel(errs.New(errs.Unclassified, "it took too long"))
	}()
	err := NewSupervisor().Run(ctx, job)
	e, ok := errors.AsType[*CommandError](err)
	if !ok || e.Code != CodeTimedOut || err.Error() != `command "sh": it took too long` {
		t.Errorf("%v", err)
	}
}

// What a command has written is all there when Run returns, however much it is,
// and is not waited for when its own children keep the pipe.
func TestSupervisorCopiesAllOutput(t *testing.T) {
	var out, errOut bytes.Buffer
	job := Job{
		Path: "/bin/sh", Args: []string{"sh", "-c", `i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo last >&2; sleep 60 & echo $! >&2`},
		Mask: through, Out: &out, Err: &errOut,
	}
	if err := NewSupervisor().Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 20000 || !strings.HasSuffix(out.String(), "line 19999\n") {
		t.Errorf("%d lines", lines)
	}
	last, sleeper, _ := strings.Cut(errOut.String(), "\n")
	if last != "last" {
		t.Errorf("%q", errOut.String())
	}
	var pid int
	if _, err := fmt.Sscan(sleeper, &pid); err != nil || unix.Kill(pid, unix.SIGKILL) != nil {
		t.Errorf("the command's own child is gone: %v", err)
	}
}

func TestParseSignal(t *testing.T) {
	for name, want := range map[string]os.Signal{"HUP": unix.SIGHUP, "SIGUSR1": unix.SIGUSR1, "usr2": unix.SIGUSR2, "": nil, "NONE": nil, "SIG": nil} {
		got, err := ParseSignal(name)
		if got != want || (err != nil) != (want == nil) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}
