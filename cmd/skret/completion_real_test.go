//go:build real && linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// Tab, in shells that found the script where completion install put it.
func TestRealShellsComplete(t *testing.T) {
	for name, start := range map[string]struct {
		args  []string
		setup string // typed first
	}{
		"bash": {[]string{"--norc", "--noprofile", "-i"}, ". /usr/share/bash-completion/bash_completion"},
		"zsh":  {[]string{"-f", "-i"}, "FPATH_LINE; autoload -Uz compinit; compinit -u; PS1='prompt> '"},
	} {
		t.Run(name, func(t *testing.T) {
			shell := realtest.Need(t, name, "apt-get install "+name)
			p := localProject(t)
			p.skret(t, "set", "DATABASE_URL=x", "OTHER=y")
			setup := start.setup
			if name == "zsh" {
				out := p.skret(t, "completion", "install", name, "--format", "json")
				_, after, _ := strings.Cut(string(out), "before compinit: ")
				line, _, _ := strings.Cut(after, ";")
				setup = strings.Replace(setup, "FPATH_LINE", line, 1)
			} else {
				p.skret(t, "completion", "install", name)
				if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); err != nil {
					t.Fatal("apt-get install bash-completion: ", err)
				}
			}
			c := p.onTerminal(t, nil, shell, start.args...)
			c.send(setup + "; echo rea''dy\r")
			c.wait("ready")
			c.wait("prompt> ")
			c.send("skret renam\t")
			c.wait("skret rename")
			c.send("DATAB\t")
			c.wait("DATABASE_URL")
			_ = c.cmd.Process.Kill()
			c.end()
		})
	}
	t.Run("fish", func(t *testing.T) {
		shell := realtest.Need(t, "fish", "apt-get install fish")
		p := localProject(t)
		p.skret(t, "set", "DATABASE_URL=x", "OTHER=y")
		p.skret(t, "completion", "install", "fish")
		for line, want := range map[string]string{"skret renam": "rename\t", "skret get DATAB": "DATABASE_URL"} {
			c := p.onTerminal(t, nil, shell, "-c", "complete -C '"+line+"'")
			if _, out := c.end(); !strings.Contains(out, want) {
				t.Errorf("%s: %q", line, out)
			}
		}
		if _, err := os.Stat(filepath.Join(p.dir, "home", ".config", "fish", "completions", "skret.fish")); err != nil {
			t.Error(err)
		}
	})
}
