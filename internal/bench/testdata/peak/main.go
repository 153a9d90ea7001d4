// Command peak runs a command and prints the most memory that it had, in KiB.
//
// Linux counts what the parent has at the moment of exec to the child. The
// parent must therefore be small, as this one is and a test is not.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kib := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS == "darwin" {
		kib /= 1024
	}
	fmt.Println(kib)
}
