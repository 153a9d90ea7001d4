//go:build unix

package run

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/skret/skret/internal/errs"
)

// ParseSignal returns the signal of that name, such as HUP or SIGHUP.
func ParseSignal(name string) (os.Signal, error) {
	word := "SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG")
	if sig := unix.SignalNum(word); sig != 0 {
		return sig, nil
	}
	return nil, errs.New(errs.Invalid, "--on-change: there is no signal %q", name).WithHint("use its name, such as HUP or USR1")
}
