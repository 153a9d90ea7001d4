package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts are the specification: they run the real binary (this test
// binary, started as skret) with real child processes, in a folder and a home
// of their own and an environment that holds nothing of this machine.

// withSignals runs the tests with INT and HUP as they are by default, also when
// whoever started us had them ignored (nohup, a job in the background): the
// commands under test would inherit that.
type withSignals struct{ *testing.M }

func (m withSignals) Run() int {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	return m.M.Run()
}

func TestMain(m *testing.M) {
	testscript.Main(withSignals{m}, map[string]func(){"skret": judged, "dumpenv": dumpEnv, "browse": browse, "probe": probe, "jobshell": jobShell})
}

// scriptCommand is a command that scripts have besides testscript's own.
type scriptCommand = func(ts *testscript.TestScript, neg bool, args []string)

// scriptCommands is filled from the files of this package that define some.
func scriptCommands() map[string]scriptCommand {
	all := map[string]scriptCommand{}
	for _, some := range []map[string]scriptCommand{
		{"exits": exits}, ssmCommands(), awsCommands(), serviceCommands(),
	} {
		maps.Copy(all, some)
	}
	return all
}

// exits runs a command and asserts its exit code: exits CODE PROGRAM [ARG ...].
// Its output is there for stdout and stderr, as with exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Cmds:                scriptCommands(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			if err := os.Mkdir(home, 0o700); err != nil {
				return err
			}
			e.Values["T"] = e.T() // for what fails after the script's end
			// A repository of its own, so that nothing above it is found.
			e.Setenv("HOME", home)
			e.Setenv("USERPROFILE", home)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // with the race detector a program sleeps a second at its end otherwise
			return os.Mkdir(filepath.Join(e.WorkDir, ".git"), 0o700)
		},
	})
}
