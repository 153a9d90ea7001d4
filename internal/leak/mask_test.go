package leak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// write returns what Mask makes of data, written in pieces of these sizes, the
// last of which repeats, or all at once.
func write(m *Matcher, data []byte, sizes ...int) []byte {
	var out bytes.Buffer
	w := &masker{m: m, w: &out, tick: time.Hour}
	for len(sizes) > 0 && len(data) > 0 {
		n := min(sizes[0], len(data))
		_, _ = w.Write(data[:n])
		if data = data[n:]; len(sizes) > 1 {
			sizes = sizes[1:]
		}
	}
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}

// masked is Mask by trying every pattern at every place.
func masked(m *Matcher, data []byte) []byte {
	cover := make([]bool, len(data))
	for i := range data {
		for _, p := range m.patterns {
			if bytes.HasPrefix(data[i:], []byte(p.text)) {
				for j := range len(p.text) {
					cover[i+j] = true
				}
			}
		}
	}
	var out []byte
	stars := false
	for i, c := range data {
		switch {
		case !cover[i], c == '\n', c == '\r':
			out, stars = append(out, c), false
		case !stars:
			out, stars = append(out, mark...), true
		}
	}
	return out
}

// A million times: values and encodings of them among random bytes, cut in two at
// every place. No matter where, the values are masked and nothing else is.
func TestMillionCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	var names []string
	for name := range encoders {
		names = append(names, name)
	}
	for cases := pick(1_000_000, 50_000); cases > 0; {
		values := []string{randomValue(random), randomValue(random)}
		if random.IntN(4) == 0 {
			values[0] += "\n" + values[1]
		}
		m := matcher(values...)
		for range 3 {
			var text []byte
			for range 1 + random.IntN(3) {
				for range random.IntN(6) {
					text = append(text, byte(random.Uint32()))
				}
				value := values[random.IntN(2)]
				text = append(text, encoders[names[random.IntN(len(names))]](value[random.IntN(2)*random.IntN(len(value)):])...)
			}
			want := masked(m, text)
			for cut := range len(text) + 1 {
				if got := write(m, text, cut, len(text)); !bytes.Equal(got, want) {
					t.Fatalf("values %q: %q cut at %d became %q, want %q", values, text, cut, got, want)
				}
				cases--
			}
			if got := write(m, text, 1); !bytes.Equal(got, want) {
				t.Fatalf("values %q: %q byte by byte became %q, want %q", values, text, got, want)
			}
		}
	}
}

// The same over 64 KB, written in pieces of every size up to that of a pipe.
func TestLargePieces(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	some := secretsOf(100)
	m, _ := New(some, Options{})
	text := texts(pick(1<<20, 1<<17))["source"]
	var want bytes.Buffer
	var in bytes.Buffer
	for len(text) > 0 {
		n := min(random.IntN(5000), len(text))
		value := some[random.IntN(len(some))].Value.Reveal()
		in.Write(text[:n])
		want.Write(text[:n])
		in.WriteString("<" + value + ">")
		want.WriteString("<***>")
		text = text[n:]
	}
	for _, size := range []int{1, 2, 3, 7, 100, 511, 512, 4096, 65535, 65536} {
		if got := write(m, in.Bytes(), size); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("in pieces of %d something else came out", size)
		}
	}
}

// log is a writer that says when it was written to.
type log struct {
	mu    sync.Mutex
	start time.Time
	lines []string
	err   error
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	l.lines = append(l.lines, fmt.Sprintf("%v %s", time.Since(l.start), p))
	return len(p), nil
}

// fail has every later write fail.
func (l *log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// told returns what was written since the last time, and when.
func (l *log) told() string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.Join(l.lines, "|")
	l.lines = nil
	return text
}

// Output comes at once, unless a value may begin at its end; then in less than
// 50 ms. If the rest of the value comes after that, the rest is masked.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &log{start: time.Now()}
		w := matcher("Pass-word-1", "pass").Mask(out)
		for _, step := range []struct {
			wait time.Duration
			in   string
			want string
		}{
			{0, "Name: ", "0s Name: "},
			{0, "a line\n", "0s a line\n"},
			{0, "Pass", ""},
			{0, "age\n", "0s Passage\n"},
			{0, "> Pass", "0s > "},
			{20 * time.Millisecond, "-word", ""},
			{20 * time.Millisecond, "-1", "40ms ***"},
			{0, "> Pass", "40ms > "},
			{40 * time.Millisecond, "", "70ms Pass"},
			{10 * time.Millisecond, "-wo", ""},
			{40 * time.Millisecond, "", "120ms -wo"},
			{10 * time.Millisecond, "rd-1 ok\n", "140ms *** ok\n"},
			{0, "pas", ""},
			{40 * time.Millisecond, "", "170ms pas"},
			{0, "t\n", "180ms t\n"},
		} {
			time.Sleep(step.wait)
			if step.in != "" {
				if n, err := io.WriteString(w, step.in); n != len(step.in) || err != nil {
					t.Fatal(n, err)
				}
			}
			if got := out.told(); got != step.want {
				t.Errorf("%v, then %q: %q, want %q", step.wait, step.in, got, step.want)
			}
		}
		_, _ = io.WriteString(w, "Pass")
		if err := w.Close(); err != nil || out.told() != "180ms Pass" {
			t.Error("the end is missing", err)
		}
		time.Sleep(time.Second)
		if got := out.told(); got != "" {
			t.Errorf("after Close: %q", got)
		}
	})
}

// The error of the writer below comes back, whenever it happened, and for good.
func TestMaskReturnsErrors(t *testing.T) {
	full := errors.New("disk full")
	synctest.Test(t, func(t *testing.T) {
		for name, fail := range map[string]func(w io.WriteCloser, out *log) error{
			"Write": func(w io.WriteCloser, out *log) error { out.fail(full); _, err := io.WriteString(w, "x"); return err },
			"late": func(w io.WriteCloser, out *log) error {
				_, err := io.WriteString(w, "hun")
				out.fail(full)
				time.Sleep(time.Second)
				if err != nil {
					return err
				}
				_, err = io.WriteString(w, "x")
				return err
			},
			"Close": func(w io.WriteCloser, out *log) error {
				_, _ = io.WriteString(w, "hun")
				out.fail(full)
				return w.Close()
			},
		} {
			out := &log{}
			w := matcher("hunter2").Mask(out)
			if err := fail(w, out); !errors.Is(err, full) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := io.WriteString(w, "x"); err == nil {
				t.Errorf("%s: a later write worked", name)
			}
			_ = w.Close()
		}
		w := matcher("hunter2").Mask(io.Discard)
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Errorf("Close, twice: %v", err)
		}
		if _, err := io.WriteString(w, "x"); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write after Close: %v", err)
		}
	})
}

// Several goroutines write whole lines, while what is held is passed on by time.
func TestMaskTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := matcher("hunter2-hunter2").Mask(&out)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for i := range 200 {
					_, _ = io.WriteString(w, "<hunter2-hunter2>\n")
					time.Sleep(time.Duration(i%60) * time.Millisecond)
					_, _ = io.WriteString(w, "<hunter\n")
				}
			})
		}
		all.Wait()
		_ = w.Close()
		if n := strings.Count(out.String(), "<***>\n"); n != 800 || strings.Count(out.String(), "<hunter\n") != 800 {
			t.Errorf("%d lines masked", n)
		}
	})
}
