package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/fake"
)

// shows is a command that shows what it has got, and says when it is told of
// something.
const shows = `trap 'echo term; exit 4' TERM; trap 'echo hup $A $(cat $TLS_KEY).' HUP; trap 'exit 3' USR1
echo ready $$.
echo has $A $(cat $TLS_KEY).
while :; do read line || sleep 0.01; done`

func TestWatchRestarts(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprintf("terminal=%v", terminal), func(t *testing.T) {
			t.Parallel()
			p := matrixProject(t)
			r, _ := p.start(t, terminal, "run", "--watch", "--interval", "100ms", "--", "sh", "-c", shows)
			first := ready(r)
			r.wait("has secret-value-of-a secret-value-of-key.")
			p.skret(t, "set", "A=two", "TLS_KEY=key two")
			r.wait("secrets have changed (A, TLS_KEY): the command is started anew")
			r.wait("term")
			second := ready(r)
			r.wait("has two key two.")
			if alive(first) || first == second {
				t.Error("the first command is still there")
			}

			// What is wrong is told, and the command is not touched.
			p.skret(t, "set", "BASH_ENV=x", "A=three")
			r.wait("the secrets have changed, and the command goes on with the old ones:")
			r.wait(`key "BASH_ENV"`)
			if !alive(second) {
				t.Error("the command was ended for secrets that are wrong")
			}
			p.skret(t, "delete", "BASH_ENV", "--yes")
			third := ready(r)
			r.wait("has three key two.")

			// By its own end the whole ends, with its status.
			_ = unix.Kill(third, unix.SIGUSR1)
			if status, out := r.end(); status.ExitStatus() != 3 || strings.Count(out, "goes on with the old ones") != 1 {
				t.Errorf("status %#x, %q", status, out)
			}
			p.nothingStray(t)
		})
	}
}

// What ends skret while a command is being ended for new secrets ends it all.
func TestWatchIsEndedDuringARestart(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--interval", "100ms", "--", "sh", "-c",
		`trap 'echo term' TERM; echo ready $$.; while :; do read line || sleep 0.01; done`)
	child := ready(r)
	p.skret(t, "set", "A=two")
	r.wait("term")
	_ = process.Signal(unix.SIGTERM)
	r.wait("term")
	_ = unix.Kill(child, unix.SIGKILL)
	if status, out := r.end(); status.Signal() != unix.SIGKILL || strings.Count(out, "ready") != 1 {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// With a signal the command goes on, and its files are new, in one step each.
func TestWatchSignals(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--interval", "100ms", "--on-change", "signal=HUP", "--mount", "all.json", "--", "sh", "-c", shows)
	child := ready(r)
	r.wait("has ")
	for _, v := range []string{"two", "three"} {
		p.skret(t, "set", "TLS_KEY="+v)
		r.wait("hup secret-value-of-a " + v + ".")
		if text, err := os.ReadFile(filepath.Join(p.dir, "all.json")); err != nil || !strings.Contains(string(text), `"TLS_KEY": "`+v+`"`) {
			t.Errorf("%q, %v", text, err)
		}
	}
	p.skret(t, "set", "A=x", "--description", "the same") // another version, of which the command hears
	r.wait("hup secret-value-of-a three.")
	if !alive(child) {
		t.Error("the command was ended")
	}
	_ = process.Signal(unix.SIGUSR1)
	if status, out := r.end(); status.ExitStatus() != 3 || strings.Count(out, "ready") != 1 {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// A command that is not started anew has the old values for good, and they stay
// masked however often the secrets change.
func TestWatchMasksWhatTheCommandHasStill(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--mask", "--interval", "100ms", "--on-change", "signal=HUP", "--", "sh", "-c", shows)
	ready(r)
	r.wait("has *** ***.")
	for _, value := range []string{"value-two", "value-three", "value-four"} {
		p.skret(t, "set", "A="+value)
		r.wait("secrets have changed (A): the command gets the signal HUP\n")
		r.wait("hup *** ***.")
	}
	_ = process.Signal(unix.SIGUSR1)
	if status, out := r.end(); status.ExitStatus() != 3 || strings.Contains(out, "secret-value") {
		t.Errorf("status %#x, %q", status, out)
	}
}

// A mounted file that another program has changed is left alone, and then so are
// the file secrets: the command goes on with the old ones.
func TestWatchLeavesAChangedMount(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--mount", "all.env", "--interval", "100ms", "--on-change", "signal=HUP",
		"--", "sh", "-c", "echo changed > all.env; "+shows)
	ready(r)
	p.skret(t, "set", "A=two", "TLS_KEY=key two")
	r.wait("goes on with the old ones:")
	r.wait("all.env was changed by another program")
	_ = process.Signal(unix.SIGHUP)
	r.wait("hup secret-value-of-a secret-value-of-key.")
	_ = process.Signal(unix.SIGUSR1)
	if status, out := r.end(); status.ExitStatus() != 3 {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// A program is run with the new secrets; what it says is masked as the command's is.
func TestWatchRunsAProgram(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--mask", "--interval", "100ms", "--on-change", `exec=sh -c 'echo "now ${#A}" $A "$0".; exit 5' "two words"`,
		"--", "sh", "-c", shows)
	ready(r)
	p.skret(t, "set", "A=another-value")
	r.wait("secrets have changed (A): sh is run")
	r.wait("now 13 ***")
	r.wait(" two words.")
	r.wait("sh: exit status 5")
	_ = process.Signal(unix.SIGUSR1)
	if status, out := r.end(); status.ExitStatus() != 3 || strings.Contains(out, "another-value") || strings.Contains(out, "secret-value") {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// What the program has left running with its output is waited for by nobody: the
// next change is seen, and the end of the command is the end.
func TestWatchRunsAProgramThatLeavesSomethingRunning(t *testing.T) {
	t.Parallel()
	p := matrixProject(t)
	r, process := p.start(t, false, "run", "--watch", "--mask", "--interval", "100ms", "--on-change", `exec=sh -c 'sleep 1000 & echo ready $!.'`,
		"--", "sh", "-c", shows)
	ready(r)
	for _, value := range []string{"another-value", "the-third-value"} {
		p.skret(t, "set", "A="+value)
		r.wait("secrets have changed (A): sh is run")
		sleeper := ready(r)
		t.Cleanup(func() { _ = unix.Kill(sleeper, unix.SIGKILL) })
	}
	_ = process.Signal(unix.SIGUSR1)
	if status, out := r.end(); status.ExitStatus() != 3 || strings.Contains(out, "sh: ") {
		t.Errorf("status %#x, %q", status, out)
	}
	p.nothingStray(t)
}

// A service is asked for names, and for values only when something has changed.
func TestWatchAsksAServiceForNames(t *testing.T) {
	t.Parallel()
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	p := newProject(t, "provider: aws\n    path: /app/dev", aws.Env()...)
	p.skret(t, "set", "A=one")
	r, process := p.start(t, false, "run", "--watch", "--interval", "5s", "--", "sh", "-c", `echo has $A.; while :; do read line || sleep 0.01; done`)
	r.wait("has one.")
	aws.Forget()
	aws.Put("/app/dev/A", "two")
	r.wait("has two.")
	var decrypts []any
	for _, c := range aws.Calls() {
		decrypts = append(decrypts, c.Body["WithDecryption"])
	}
	if fmt.Sprint(decrypts) != "[false true]" && fmt.Sprint(decrypts) != "[<nil> true]" {
		t.Errorf("requests with decryption: %v", decrypts)
	}
	_ = process.Signal(unix.SIGTERM)
	if status, out := r.end(); status.Signal() != unix.SIGTERM {
		t.Errorf("status %#x, %q", status, out)
	}
}
