package ui

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
)

func streams(tty bool) (*Streams, *bytes.Buffer) {
	var out bytes.Buffer
	return &Streams{Out: bufio.NewWriter(&out), OutTTY: tty}, &out
}

func TestTable(t *testing.T) {
	headers := []string{"KEY", "WHO", "NOTE"}
	rows := [][]string{
		{"A", "日本", "wide"},
		{"LONGER", "x", ""},
		{"e\u0301", "", "note"},
		{"tab\there", "\x1b[31m", "line\nbreak"},
	}
	for _, c := range []struct {
		tty  bool
		want string
	}{
		{true, "KEY        WHO       NOTE\n" +
			"A          日本      wide\n" +
			"LONGER     x\n" +
			"e\u0301                    note\n" +
			`tab\there  \x1b[31m  line\nbreak` + "\n"},
		{false, "A\t日本\twide\nLONGER\tx\t\ne\u0301\t\tnote\n" + `tab\there` + "\t" + `\x1b[31m` + "\t" + `line\nbreak` + "\n"},
	} {
		s, out := streams(c.tty)
		if err := s.Table(headers, rows); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(); err != nil || out.String() != c.want {
			t.Errorf("terminal %v: %v\n%s\nwant\n%s", c.tty, err, out, c.want)
		}
	}
}

// failing fails from the write on that passes after bytes, and counts.
type failing struct{ after, writes int }

func (f *failing) Write(p []byte) (int, error) {
	f.writes++
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("no space")
	}
	return len(p), nil
}

func TestFlushReportsEveryFailedWrite(t *testing.T) {
	for _, size := range []int{10, 100_000} {
		w := &failing{after: 5}
		s := &Streams{Out: bufio.NewWriter(w)}
		_ = s.Table([]string{"A"}, [][]string{{strings.Repeat("x", size)}})
		if err := s.Flush(); err == nil || !strings.Contains(err.Error(), "standard output: no space") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestTableIsOneWrite(t *testing.T) {
	w := &failing{after: 1 << 20}
	s := &Streams{Out: bufio.NewWriterSize(w, 16<<10), OutTTY: true}
	var rows [][]string
	for range 300 {
		rows = append(rows, []string{"KEY", "VALUE", ""})
	}
	if err := s.Table([]string{"A", "B", "C"}, rows); err != nil || s.Flush() != nil || w.writes != 1 {
		t.Errorf("%v, %d writes", err, w.writes)
	}
}

func TestJSONIsExactAndIndented(t *testing.T) {
	s, out := streams(false)
	if err := s.JSON(map[string]string{"a": "<&>\x1b\u2028"}); err != nil || s.Flush() != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"a\": \"<&>\\u001b\\u2028\"\n}\n"; out.String() != want {
		t.Errorf("%q", out)
	}
}
