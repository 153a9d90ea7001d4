//go:build unix

package webid

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

func TestCommandPrintsTheToken(t *testing.T) {
	s := source(t, Options{Command: "printf 'one\\r\\ntwo\\nthree' >&2; echo '" + goodToken() + "'"})
	s.wantToken(t, goodToken())
	if want := []string{"the token's command: one", "the token's command: two", "the token's command: three"}; !slices.Equal(s.notices, want) {
		t.Errorf("notices %q", s.notices)
	}
}

// Standard input may hold the value of a secret that is being set.
func TestCommandHasNoStandardInput(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if _, err := out.WriteString("a secret\n"); err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before }()
	source(t, Options{Command: "cat; echo '" + goodToken() + "'"}).wantToken(t, goodToken())
}

func TestWhatACommandPrintsIsNeverShown(t *testing.T) {
	for name, c := range map[string]struct{ command, want string }{
		"it fails":        {"echo MARKER; exit 3", "failed: exit status 3"},
		"it is killed":    {"echo MARKER; kill -9 $$", "failed: signal: killed"},
		"no token":        {"echo MARKER", "is no JWT"},
		"nothing":         {"true", "the command gave none"},
		"too much":        {"while :; do echo MARKERMARKERMARKERMARKERMARKERMARKERMARKER; done", "printed more than 65536 bytes"},
		"no such program": {"/nonexistent/MARKER", "failed: exit status 127"},
	} {
		t.Run(name, func(t *testing.T) {
			source(t, Options{Command: c.command}).wantError(t, errs.Auth, c.want)
		})
	}
}

func TestCommandThatDoesNotEndIsStopped(t *testing.T) {
	s := source(t, Options{Command: "echo MARKER; exec sleep 1000"})
	s.limit = 1 // nanosecond
	s.wantError(t, errs.Auth, "did not end within")
}

func TestCommandEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := source(t, Options{Command: "echo started >&2; exec sleep 1000"})
	s.o.Notice = func(string) { cancel() }
	if _, err := s.Token(ctx); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}

func TestBuildkiteIsAskedByItsAgent(t *testing.T) {
	dir := t.TempDir()
	agent := "#!/bin/sh\nprintf '%s\\n' \"$@\" >&2\necho '" + goodToken() + "'\n"
	if err := os.WriteFile(filepath.Join(dir, buildkiteAgent), []byte(agent), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	s := source(t, Options{Audience: "a b", Getenv: env("BUILDKITE=true")})
	s.wantToken(t, goodToken())
	var want []string
	for _, word := range []string{"oidc", "request-token", "--audience", "a b"} {
		want = append(want, "buildkite-agent: "+word)
	}
	if !slices.Equal(s.notices, want) {
		t.Errorf("notices %q", s.notices)
	}
}
