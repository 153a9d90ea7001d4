package fake

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

// server is one service of a [Cloud]: what they all have in common.
type server struct {
	name  string
	cloud *Cloud
	shape shape
	do    map[string]operation
	http  *httptest.Server

	// Guarded by the cloud's lock.
	faults faults
	calls  []Call
}

// operation does what a request asks. It is called with the cloud's lock held.
// Its result is written by its type: redirect, document (XML), page (HTML),
// created (JSON with status 201), else JSON.
type operation func(c *Cloud, r *request) (any, error)

type (
	redirect string
	document string
	page     string
	created  struct{ body any }
)

// request is a request, read.
type request struct {
	*http.Request
	op   string
	body []byte
	in   map[string]any // its query and its form, or the members of its JSON
	now  time.Time
	call *Call // its record
}

// shape is how a protocol names operations and writes errors.
type shape struct {
	op     func(r *request) string
	refuse func(w http.ResponseWriter, e *apiError)
}

func newServer(c *Cloud, name string, sh shape, do map[string]operation) *server {
	s := &server{name: name, cloud: c, shape: sh, do: do}
	s.http = httptest.NewServer(s)
	return s
}

// ServeHTTP answers one request.
func (s *server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, 1<<20))
	if err != nil {
		return
	}
	r := &request{Request: hr, body: body, in: readInput(hr, body)}
	r.op = s.shape.op(r)
	if s.cloud.OnCall != nil {
		s.cloud.OnCall(s.name, r.op)
	}
	c := s.cloud
	c.mu.Lock()
	r.now = c.Now()
	fault := s.faults.take(r.op)
	s.calls = append(s.calls, Call{Op: r.op, Body: r.in, Agent: hr.UserAgent()})
	at := len(s.calls) - 1
	c.mu.Unlock()
	w.Header().Set("Date", r.now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("00000000-0000-4000-8000-%012d", at+1))
	if fault.before(w, hr, func(e *apiError) { s.shape.refuse(w, e) }) {
		return
	}
	out, err := s.answer(r, at)
	fault.after(hr)
	status := s.write(w, r, out, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at < len(s.calls) { // nobody has forgotten it
		s.calls[at].Status = status
	}
}

// answer does the work.
func (s *server) answer(r *request, at int) (any, error) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	r.call = &Call{}
	if at < len(s.calls) {
		r.call = &s.calls[at]
	}
	name, _, _ := strings.Cut(r.op, ":")
	do := s.do[name]
	if do == nil {
		return nil, &apiError{http.StatusNotFound, "UnknownOperationException", r.Method + " " + r.URL.Path}
	}
	return do(s.cloud, r)
}

// write writes the answer and returns its status.
func (s *server) write(w http.ResponseWriter, r *request, out any, err error) int {
	if e, ok := err.(*apiError); ok { //nolint:errorlint // ours, never wrapped
		s.shape.refuse(w, e)
		return e.status
	}
	status := http.StatusOK
	switch o := out.(type) {
	case redirect:
		http.Redirect(w, r.Request, string(o), http.StatusFound)
		return http.StatusFound
	case document:
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, string(o))
		return status
	case page:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>AWS access portal</title><p>"+escape(string(o)))
		return status
	case created:
		status, out = http.StatusCreated, o.body
	}
	reply, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	w.WriteHeader(status)
	w.Write(reply)
	return status
}

// readInput returns the query and the form, or the members of the JSON. A wrong
// body has none, so that what is required is missing.
func readInput(r *http.Request, body []byte) map[string]any {
	in := map[string]any{}
	values := []url.Values{r.URL.Query()}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		values = append(values, form)
	} else {
		_ = json.Unmarshal(body, &in)
	}
	for _, vs := range values {
		for k := range vs {
			in[k] = vs.Get(k)
		}
	}
	return in
}

// whole reads a number, from JSON or from a form; other is for none.
func whole(in map[string]any, k string, other int) int {
	switch v := in[k].(type) {
	case float64:
		return int(v)
	case string:
		n := other
		fmt.Sscan(v, &n)
		return n
	}
	return other
}

// byPath names operations by method and path.
func byPath(names map[string]string) func(r *request) string {
	return func(r *request) string { return names[r.Method+" "+r.URL.Path] }
}

// formShape is the query protocol of STS and IAM.
var formShape = shape{
	op: func(r *request) string {
		if r.URL.Path != "/" {
			return ""
		}
		return str(r.in, "Action")
	},
	refuse: func(w http.ResponseWriter, e *apiError) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(e.status)
		fmt.Fprint(w, element("ErrorResponse", element("Error",
			leaf("Type", "Sender")+leaf("Code", e.code)+leaf("Message", e.message))+leaf("RequestId", "0")))
	},
}

// restShape is REST with JSON. The code is in a header.
var restShape = shape{
	op: byPath(map[string]string{
		"POST /sessions": "CreateSession", "GET /credentials": "GetCredentials", "GET /token": "GetToken",
	}),
	refuse: func(w http.ResponseWriter, e *apiError) {
		w.Header().Set("X-Amzn-Errortype", e.code)
		w.WriteHeader(e.status)
		json.NewEncoder(w).Encode(map[string]string{"message": e.message})
	},
}

// answerForm is an answer of the query protocol.
func answerForm(op, result string) document {
	return document(element(op+"Response", element(op+"Result", result)+element("ResponseMetadata", leaf("RequestId", "0"))))
}

func element(name, inner string) string { return "<" + name + ">" + inner + "</" + name + ">" }
func leaf(name, text string) string     { return element(name, escape(text)) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
