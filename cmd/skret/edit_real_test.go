//go:build real && linux

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// What real editors do to a text: its end, the files beside it, the terminal.
func TestRealEditors(t *testing.T) {
	for name, keys := range map[string]string{
		"vim.tiny": "ccsecond\x1b:wq\r",
		"nano":     "\x0bsecond\x0f\r\x18", // cut the line; type; write; leave
	} {
		t.Run(name, func(t *testing.T) {
			editor := realtest.Need(t, name, "apt-get install "+name)
			p, memory := editProject(t, "true\n")
			p.env = append(p.env, "EDITOR="+editor)
			p.skret(t, "set", "KEY=first")
			c := p.onTerminal(t, nil, "skret", "edit", "KEY")
			c.wait("first") // it shows the text
			files := left(t, memory)
			if swap := slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, ".swp") }); name == "vim.tiny" && !swap {
				t.Errorf("where is the swap file? There is %q", files)
			}
			c.send(keys)
			c.wait("the line break at the end is not part of the value")
			c.wait("set KEY, version 3")
			if !c.echo() {
				t.Error("the terminal is left without echo")
			}
			if status, out := c.end(); status.ExitStatus() != 0 {
				t.Errorf("ended with %d\n%s", status.ExitStatus(), out)
			}
			p.wantValue(t, "second")
			if files := left(t, memory); len(files) > 0 {
				t.Errorf("left is %q", files)
			}
		})
	}
}
