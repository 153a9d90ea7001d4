//go:build unix

package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCaptureTellsOutputAndStatus(t *testing.T) {
	for script, want := range map[string]struct {
		out    string
		status int
	}{
		"echo a; echo b >&2; exit 3": {"a\nb\n", 3},
		"kill -9 $$":                 {"", 137},
		"cat; pwd":                   {"", 0}, // no input
	} {
		var out bytes.Buffer
		dir := t.TempDir()
		status, err := Capture(t.Context(), "/bin/sh", []string{"sh", "-c", script}, nil, dir, &out)
		if err != nil || status != want.status || !strings.HasPrefix(out.String(), want.out) || strings.Contains(script, "pwd") && !strings.Contains(out.String(), filepath.Base(dir)) {
			t.Errorf("%s: %q, %d, %v", script, out.String(), status, err)
		}
	}
}

// What a program has left running ends with it, and so it does when nobody waits for
// the program any more: a pipe that only that holds open is closed.
func TestCaptureLeavesNothingRunning(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	for _, last := range []string{"true", "echo waits; sleep 1000"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		closed := make(chan error)
		go func() {
			f, err := os.Open(pipe)
			if err == nil {
				_, err = io.Copy(io.Discard, f)
				f.Close()
			}
			closed <- err
		}()
		_, err := Capture(ctx, "/bin/sh", []string{"sh", "-c", "exec 9>" + pipe + "; sleep 1000 >/dev/null 2>&1 & " + last}, os.Environ(), "/", writing(func() { cancel(gone) }))
		if want := last != "true"; errors.Is(err, gone) != want || !want && err != nil {
			t.Errorf("%s: %v", last, err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		cancel(nil)
	}
}

// writing is called for each write.
type writing func()

func (w writing) Write(p []byte) (int, error) { w(); return len(p), nil }
