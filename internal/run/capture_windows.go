package run

import "os/exec"

func apart(*exec.Cmd) {}

func endRest(*exec.Cmd) {}

func statusOf(e *exec.ExitError) int { return e.ExitCode() }
