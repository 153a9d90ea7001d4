package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// answers serves the lines and returns what came back, by id.
func answers(t *testing.T, s *Server, lines ...string) map[string]map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := s.Serve(t.Context(), strings.NewReader(strings.Join(lines, "\n")), &out); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for line := range bytes.Lines(out.Bytes()) {
		var doc map[string]any
		if err := json.Unmarshal(line, &doc); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if doc["jsonrpc"] != "2.0" {
			t.Errorf("no version: %s", line)
		}
		id, _ := json.Marshal(doc["id"])
		all[string(id)] = doc
	}
	return all
}

func echo() *Server {
	return &Server{Name: "test", Version: "1", Instructions: "read", Tools: []Tool{
		{Name: "echo", Input: json.RawMessage(`{"type":"object"}`), Call: func(_ context.Context, a json.RawMessage) (any, error) {
			return map[string]any{"got": a}, nil
		}},
		{Name: "fail", Changes: true, Input: json.RawMessage(`{"type":"object"}`), Call: func(context.Context, json.RawMessage) (any, error) {
			return nil, errs.New(errs.NotFound, "there is none").WithHint("make one")
		}},
	}}
}

func TestServerAnswersByTheProtocol(t *testing.T) {
	got := answers(t, echo(),
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"1999-01-01"}}`,
		`{"jsonrpc":"2.0","id":"x","method":"tools/list"}`,
		``,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"fail"}}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"none"}}`,
		`{"jsonrpc":"2.0","id":6,"method":"resources/list"}`,
		`{"jsonrpc":"2.0","id":7,"method":"ping"}`,
	)
	for _, c := range []struct {
		id, want string
	}{
		{"1", `"protocolVersion":"2025-06-18"`},
		{"2", `"protocolVersion":"2025-11-25"`},
		{`"x"`, `"readOnlyHint":false`},
		{"3", `"structuredContent":{"got":{"a":1}}`},
		{"4", `"text":"error: there is none\nhint: make one"`},
		{"4", `"isError":true`},
		{"5", `"code":-32602`},
		{"6", `"code":-32601`},
		{"7", `"result":{}`},
	} {
		text, _ := json.Marshal(got[c.id])
		if !strings.Contains(string(text), c.want) {
			t.Errorf("answer %s is %s, want %s in it", c.id, text, c.want)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d answers, want 8: a notification has none", len(got))
	}
}

func TestServerRefusesWhatIsNoRequest(t *testing.T) {
	for line, code := range map[string]float64{
		"{": parseError, "[]": invalidRequest, "7": invalidRequest, `{"id":1}`: invalidRequest,
		`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`: invalidRequest,
	} {
		got := answers(t, echo(), line)["null"]
		if e, _ := got["error"].(map[string]any); e["code"] != code {
			t.Errorf("%s: %v, want code %v", line, got, code)
		}
	}
}

// A call that the client cancels ends, is not answered, and holds up no other.
func TestCancelledCallEndsWithoutAnAnswer(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	s := &Server{Tools: []Tool{{Name: "wait", Call: func(ctx context.Context, _ json.RawMessage) (any, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}}}}
	in, w := io.Pipe()
	var out bytes.Buffer
	served := make(chan error)
	go func() { served <- s.Serve(t.Context(), in, &out) }()
	io.WriteString(w, `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"wait"}}`+"\n")
	<-started
	io.WriteString(w, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}`+"\n")
	<-ended
	w.Close()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("answered: %s", out.Bytes())
	}
}

// The end of the server's context ends the calls, although the client is there.
func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	in, _ := io.Pipe()
	cause := errs.New(errs.Unclassified, "stopped")
	cancel(cause)
	if err := echo().Serve(ctx, in, io.Discard); !errors.Is(err, cause) {
		t.Errorf("ended with %v", err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}`))
	f.Add([]byte("{\n[]\n\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		_ = echo().Serve(t.Context(), bytes.NewReader(in), &out)
		if lines := slices.Collect(bytes.Lines(out.Bytes())); slices.ContainsFunc(lines, func(l []byte) bool { return !json.Valid(l) }) {
			t.Errorf("not JSON: %q", out.Bytes())
		}
	})
}
