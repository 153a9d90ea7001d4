package run

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
)

// Look returns the path of the program that name stands for, by the rules of
// Windows: PATH, PATHEXT, and not the current folder unless name says so. It
// uses the PATH of this process; the error is a [CommandError].
func Look(name, _ string) (string, error) {
	p, err := exec.LookPath(name)
	switch {
	case errors.Is(err, exec.ErrDot):
		return "", notExecutable(name, "it was found in the current folder", `write .\`+name)
	case errors.Is(err, os.ErrPermission):
		return "", notExecutable(name, "permission denied", "check the file")
	case err != nil:
		return "", notFound(name, "check its name and PATH")
	}
	return p, nil
}

// Exec starts the program at path as a child with the same console and waits
// for it: Windows cannot replace a process. It returns nil, or the [Status] of
// the child when that is not 0. ^C reaches the child by the console; skret
// outlives it to pass the status on, and the child does not outlive a skret that is
// killed.
func Exec(path string, args, env []string) error {
	dropped := make(chan os.Signal, 1)
	signal.Notify(dropped, os.Interrupt)
	c := command(path, args, env)
	if err := c.Start(); err != nil {
		return notExecutable(args[0], err.Error(), "check "+path)
	}
	_, release := confine(c.Process)
	defer release()
	err := c.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return Status(exit.ExitCode())
	}
	return err
}

// command is a command with our standard streams.
func command(path string, args, env []string) *exec.Cmd {
	return &exec.Cmd{Path: path, Args: args, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}
