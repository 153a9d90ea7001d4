package main

import (
	"io"
	"os/exec"
	"testing"
)

// What is written to skret mask comes out while more may follow: lines, a prompt
// without a line end, and also what begins like a value and does not go on.
func TestMaskPassesAtOnce(t *testing.T) {
	p := newProject(t, "provider: local")
	p.skret(t, "set", "TOKEN=tok-3f9a8b7c6d5e")
	c := exec.CommandContext(t.Context(), "skret", "mask")
	c.Dir, c.Env = p.dir, p.env
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ in, out string }{
		{"a line\n", "a line\n"}, {"Name? ", "Name? "}, {"it is tok-3", "it is tok-3"}, {"\nTOKEN=tok-3f9a8b7c6d5e\r\n", "\nTOKEN=***\r\n"}, {"tok-", "tok-"},
	} {
		if _, err := io.WriteString(in, step.in); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(step.out))
		if _, err := io.ReadFull(out, got); err != nil || string(got) != step.out {
			t.Fatalf("%q became %q, want %q: %v", step.in, got, step.out, err)
		}
	}
	_ = in.Close()
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("at the end: %q %v", rest, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
