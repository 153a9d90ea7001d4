//go:build unix

package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// A signal ends a command that waits for a service, at once and in plain words.
func TestSignalsEndTheWaitForAService(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131} {
		for _, args := range [][]string{{"list"}, {"set", "KEY=value"}, {"run", "--", "true"}} {
			aws := fake.NewSSM()
			t.Cleanup(aws.Close)
			asked := make(chan struct{}, 8)
			aws.OnCall = func() { asked <- struct{}{} }
			aws.Fault(fake.Fault{Do: "hang", Times: -1})
			p := newProject(t, "provider: aws\n    path: /app/dev", aws.Env()...)
			c := exec.CommandContext(t.Context(), "skret", args...)
			var out strings.Builder
			c.Dir, c.Env, c.Stdout, c.Stderr = p.dir, p.env, &out, &out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait()
			if got := c.ProcessState.ExitCode(); got != code || !strings.Contains(out.String(), sig.String()) || strings.Contains(out.String(), "goroutine") {
				t.Errorf("%q, %v: exit code %d, %s", args, sig, got, &out)
			}
		}
	}
}
