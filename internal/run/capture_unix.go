//go:build unix

package run

import (
	"os/exec"
	"syscall"
)

// apart gives the program a process group of its own, which ends with it. The program
// is told when we die.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	toldOfDeath(c.SysProcAttr)
	c.Cancel = func() error { endRest(c); return nil }
}

// endRest ends what is left of the program's group.
func endRest(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

func statusOf(e *exec.ExitError) int {
	if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return e.ExitCode()
}
