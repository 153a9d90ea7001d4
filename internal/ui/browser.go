package ui

import (
	"cmp"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"

	"github.com/cli/browser"
)

// Browser returns what opens an address in a browser on this machine, or nil
// where there is none that the user sees: over ssh, in a container, on a machine
// without a desktop. $BROWSER is believed: commands parted by colons, with %s for
// the address or without.
func Browser(getenv func(string) string) func(address string) error {
	if own := getenv("BROWSER"); own != "" {
		return func(address string) error { return openBy(strings.Split(own, ":"), address) }
	}
	wsl := getenv("WSL_DISTRO_NAME") != ""
	switch {
	case wsl: // the browser is Windows'; xdg-open would find none, or a text browser
		return func(address string) error {
			return openBy([]string{"wslview", "rundll32.exe url.dll,FileProtocolHandler"}, address)
		}
	case getenv("SSH_CONNECTION") != "" || getenv("SSH_TTY") != "":
		return nil
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin" || cmp.Or(getenv("DISPLAY"), getenv("WAYLAND_DISPLAY")) != "":
		return func(address string) error {
			browser.Stdout, browser.Stderr = io.Discard, io.Discard
			return browser.OpenURL(address)
		}
	}
	return nil
}

// openBy opens an address by the first of the commands that there is. It does not
// wait for it: some browsers stay in the foreground.
func openBy(commands []string, address string) error {
	for _, c := range commands {
		words := strings.Fields(c)
		if len(words) == 0 {
			continue
		}
		placed := false
		for i, w := range words[1:] {
			if strings.Contains(w, "%s") {
				words[i+1], placed = strings.ReplaceAll(w, "%s", address), true
			}
		}
		if !placed {
			words = append(words, address)
		}
		cmd := exec.Command(words[0], words[1:]...)
		if cmd.Start() == nil {
			go func() { _ = cmd.Wait() }()
			return nil
		}
	}
	return fmt.Errorf("no browser could be started")
}
