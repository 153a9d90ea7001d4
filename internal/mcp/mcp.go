// Package mcp serves tools to a program that speaks the Model Context Protocol,
// such as a coding agent, over standard input and output: one JSON-RPC message a
// line.
//
// It knows the protocol and no tool. What a tool returns is sent as JSON, as text
// and as structured content; an error of a tool is a result that says so, as the
// protocol asks, so that the model can read it. Calls run side by side, and the
// client can cancel them.
package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/skret/skret/internal/errs"
)

// versions of the protocol that are spoken, the newest first. They differ in
// nothing that is used here.
var versions = []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

const (
	maxMessage = 4 << 20 // bytes of one message
	maxCalls   = 8       // calls at once
)

// Tool is something that the client can call.
type Tool struct {
	Name        string
	Title       string
	Description string          // for the model
	Input       json.RawMessage // the JSON schema of the arguments, an object
	Changes     bool            // it may change something
	// Call does it. Its result is printed as JSON, of an object. The arguments are
	// what the client sent, {} if nothing.
	Call func(ctx context.Context, arguments json.RawMessage) (any, error)
}

// Server is what is told of itself, and the tools.
type Server struct {
	Name, Version string
	Instructions  string // for the model
	Tools         []Tool
}

// The codes of errors of JSON-RPC.
const (
	parseError     = -32700
	invalidRequest = -32600
	noSuchMethod   = -32601
	invalidParams  = -32602
)

type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"` // a text or a number; absent in a notification
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// connection is one client.
type connection struct {
	*Server
	w       io.Writer
	calls   sync.WaitGroup
	turns   chan struct{}
	writing sync.Mutex
	failed  error // of a write

	mu      sync.Mutex
	running map[string]context.CancelFunc // by the request's id
}

// Serve answers until r ends, and returns when all calls have. Its error is that
// of reading, of writing, or of ctx.
func (s *Server) Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &connection{Server: s, w: w, turns: make(chan struct{}, maxCalls), running: map[string]context.CancelFunc{}}
	defer c.calls.Wait()
	defer cancel()
	lines := make(chan []byte)
	read := make(chan error, 1)
	go func() { // it ends with r, which may be after us
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 64<<10), maxMessage)
		for in.Scan() {
			select {
			case lines <- bytes.Clone(in.Bytes()):
			case <-ctx.Done():
				return
			}
		}
		read <- in.Err()
	}()
	for {
		select {
		case line := <-lines:
			if line = bytes.TrimSpace(line); len(line) > 0 {
				c.handle(ctx, line)
			}
			if err := c.writeError(); err != nil {
				return err
			}
		case err := <-read:
			if errors.Is(err, bufio.ErrTooLong) {
				err = errs.New(errs.Invalid, "a message of the client is larger than %d bytes", maxMessage)
			}
			if err == nil {
				c.calls.Wait() // what was asked is answered
				err = c.writeError()
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *connection) handle(ctx context.Context, line []byte) {
	var q request
	if err := json.Unmarshal(line, &q); err != nil {
		code, what := parseError, "this is no JSON"
		if json.Valid(line) {
			code, what = invalidRequest, "this is no request"
		}
		c.send(response{ID: json.RawMessage("null"), Error: &rpcError{code, what}})
		return
	}
	notification := len(q.ID) == 0
	switch {
	case q.JSONRPC != "2.0" || q.Method == "" && notification:
		c.send(response{ID: json.RawMessage("null"), Error: &rpcError{invalidRequest, "this is no request"}})
	case q.Method == "": // an answer: we ask for nothing
	case q.Method == "notifications/cancelled":
		c.cancel(q.Params)
	case notification:
	case q.Method == "tools/call":
		c.call(ctx, q)
	default:
		result, err := c.answer(q)
		c.send(response{ID: q.ID, Result: result, Error: err})
	}
}

// answer is the result of everything that takes no time.
func (c *connection) answer(q request) (any, *rpcError) {
	switch q.Method {
	case "initialize":
		var p struct{ ProtocolVersion string }
		_ = json.Unmarshal(q.Params, &p) // then we name ours
		if !slices.Contains(versions, p.ProtocolVersion) {
			p.ProtocolVersion = versions[0]
		}
		return map[string]any{
			"protocolVersion": p.ProtocolVersion,
			"capabilities":    map[string]any{"tools": map[string]any{}},
			"serverInfo":      map[string]string{"name": c.Name, "version": c.Version},
			"instructions":    c.Instructions,
		}, nil
	case "ping":
		return map[string]any{}, nil
	case "tools/list":
		tools := make([]map[string]any, 0, len(c.Tools))
		for _, t := range c.Tools {
			tools = append(tools, map[string]any{
				"name": t.Name, "title": t.Title, "description": t.Description, "inputSchema": t.Input,
				"annotations": map[string]any{"readOnlyHint": !t.Changes, "openWorldHint": t.Changes},
			})
		}
		return map[string]any{"tools": tools}, nil
	}
	return nil, &rpcError{noSuchMethod, fmt.Sprintf("there is no method %q", q.Method)}
}

// call runs a tool beside others.
func (c *connection) call(ctx context.Context, q request) {
	var p struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	err := json.Unmarshal(q.Params, &p)
	i := slices.IndexFunc(c.Tools, func(t Tool) bool { return t.Name == p.Name })
	if err != nil || i < 0 {
		c.send(response{ID: q.ID, Error: &rpcError{invalidParams, fmt.Sprintf("there is no tool %q", p.Name)}})
		return
	}
	if len(p.Arguments) == 0 || string(p.Arguments) == "null" {
		p.Arguments = json.RawMessage("{}")
	}
	ctx, cancel := context.WithCancel(ctx)
	id := string(q.ID)
	c.mu.Lock()
	_, twice := c.running[id]
	if !twice {
		c.running[id] = cancel
	}
	c.mu.Unlock()
	if twice {
		cancel()
		c.send(response{ID: q.ID, Error: &rpcError{invalidRequest, "this id is that of a call that runs"}})
		return
	}
	c.calls.Go(func() {
		defer func() {
			c.mu.Lock()
			delete(c.running, id)
			c.mu.Unlock()
			cancel()
		}()
		select {
		case c.turns <- struct{}{}:
			defer func() { <-c.turns }()
		case <-ctx.Done():
			return
		}
		result := outcome(c.Tools[i].Call(ctx, p.Arguments))
		if ctx.Err() == nil { // a call that was cancelled is not answered
			c.send(response{ID: q.ID, Result: result})
		}
	})
}

// outcome is the result of a call as the protocol has it.
func outcome(v any, err error) map[string]any {
	var text []byte
	if err == nil {
		text, err = json.MarshalIndent(v, "", "  ")
	}
	content := func(text string) []map[string]string { return []map[string]string{{"type": "text", "text": text}} }
	if err != nil {
		return map[string]any{"content": content(describe(err)), "isError": true}
	}
	return map[string]any{"content": content(string(text)), "structuredContent": v, "isError": false}
}

// describe says what is wrong, and what to do about it.
func describe(err error) string {
	var b strings.Builder
	for i, e := range errs.All(err) {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("error: " + e.Error())
		if h := errs.HintOf(e); h != "" {
			b.WriteString("\nhint: " + h)
		}
	}
	return b.String()
}

func (c *connection) cancel(params json.RawMessage) {
	var p struct {
		RequestID json.RawMessage `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.running[string(p.RequestID)]; cancel != nil {
		cancel()
	}
}

// send writes one message. JSON has no line break outside of texts.
func (c *connection) send(r response) {
	r.JSONRPC = "2.0"
	data, err := json.Marshal(r)
	c.writing.Lock()
	defer c.writing.Unlock()
	if err == nil && c.failed == nil {
		_, err = c.w.Write(append(data, '\n'))
	}
	if err != nil {
		c.failed = err
	}
}

func (c *connection) writeError() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.failed
}
