// Package fake has servers that speak the protocols of outside services, for
// tests: real HTTP on loopback, with the services' limits, errors and faults.
//
// A fake records what it is asked. What a test announces with Fault must come
// to pass: [SSM.Unmet] names what did not.
package fake

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the fakes pretend to be.
const (
	Region    = "us-east-1"
	Account   = "111122223333"
	Caller    = "arn:aws:sts::111122223333:assumed-role/app/dev"
	AccessKey = "AKIDFAKEFAKEFAKEFAKE"
	SecretKey = "fakeSecretKeyOfTheTestsOnly"
)

// SSM is a server that speaks the part of SSM that is Parameter Store. Its
// fields may be changed between requests; use [SSM.Set] when a client runs.
type SSM struct {
	URL    string // http://127.0.0.1:port
	OnCall func() // called with each request, before anything else; set it before the first

	Rules

	mu      sync.Mutex
	server  *httptest.Server
	params  map[string]*parameter
	faults  []*Fault
	calls   []Call
	conns   map[net.Conn]int // requests by connection
	readers bucket
	writers bucket
}

// Rules are how the server behaves all the time.
type Rules struct {
	Latency    time.Duration     // before each answer
	ReadRate   float64           // requests a second, with as many at once; 0: no limit
	WriteRate  float64           // the same for PutParameter
	Deny       map[string]string // action ("ssm:PutParameter") to "implicit" or "explicit"
	Unreadable map[string]bool   // names whose KMS key the caller may not use
	Foreign    []string          // names that every ByPath page has too
	EmptyPages bool              // each page is preceded by an empty one with a token
	ShortPages bool              // pages have 3 entries at most
	SameToken  bool              // every page has the same token
	ClockAhead time.Duration     // of the service's clock against ours
	Sessions   map[string]string // valid session tokens by access key; nil: any
	Keys       map[string]string // secret keys by access key
	AnyRegion  bool              // it stands for every region, not for Region alone
}

// Call is one request.
type Call struct {
	Op     string
	Body   map[string]any
	Status int // 0: no answer was given
	Agent  string
}

// NewSSM starts a server. Close stops it.
func NewSSM() *SSM {
	s := newSSM()
	s.server.Start()
	s.URL = s.server.URL
	return s
}

// NewTLS is [NewSSM] with https. The certificate is in PEM; it signs itself.
func NewTLS() (s *SSM, certificate []byte) {
	s = newSSM()
	s.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.server.StartTLS()
	s.URL = s.server.URL
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
}

func newSSM() *SSM {
	s := &SSM{params: map[string]*parameter{}, conns: map[net.Conn]int{}}
	s.Keys = map[string]string{AccessKey: SecretKey}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ConnState = func(c net.Conn, st http.ConnState) {
		if st == http.StateActive {
			s.mu.Lock()
			s.conns[c]++
			s.mu.Unlock()
		}
	}
	return s
}

// Close stops the server, whatever it is doing.
func (s *SSM) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Env returns the variables by which an AWS SDK talks to this server and to
// nothing else, whatever this machine has configured.
func (s *SSM) Env() []string {
	return append(NoAWS(),
		"AWS_ENDPOINT_URL_SSM="+s.URL,
		"AWS_ACCESS_KEY_ID="+AccessKey,
		"AWS_SECRET_ACCESS_KEY="+SecretKey,
		"AWS_REGION="+Region,
	)
}

// NoAWS returns variables that hide what this machine has for AWS.
func NoAWS() []string {
	return []string{
		"AWS_CONFIG_FILE=/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent/credentials",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE=", "AWS_DEFAULT_PROFILE=", "AWS_CA_BUNDLE=",
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=", "AWS_REGION=", "AWS_DEFAULT_REGION=",
		"AWS_ENDPOINT_URL=", "AWS_WEB_IDENTITY_TOKEN_FILE=", "AWS_ROLE_ARN=",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=", "AWS_CONTAINER_CREDENTIALS_FULL_URI=",
	}
}

// Set changes the rules while clients run.
func (s *SSM) Set(change func(*Rules)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.Rules)
}

// Calls returns the requests so far.
func (s *SSM) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count returns how many requests there were for an operation; "" counts all.
func (s *SSM) Count(op string) int {
	n := 0
	for _, c := range s.Calls() {
		if op == "" || c.Op == op {
			n++
		}
	}
	return n
}

// Conns returns how many connections carried a request.
func (s *SSM) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Forget drops the recorded requests and connections.
func (s *SSM) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	clear(s.conns)
}

// Unmet returns the announced faults that have not happened.
func (s *SSM) Unmet() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, f := range s.faults {
		if f.Times > 0 {
			left = append(left, fmt.Sprintf("%d times %s %s%s", f.Times, f.Op, f.Do, f.Code))
		}
	}
	return left
}

// apiError is an error as the service tells it.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func (s *SSM) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	if s.OnCall != nil {
		s.OnCall()
	}
	op, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	in := map[string]any{}
	jsonErr := json.Unmarshal(body, &in)

	s.mu.Lock()
	latency, fault := s.Latency, s.takeFault(op)
	s.calls = append(s.calls, Call{Op: op, Body: in, Agent: r.UserAgent()})
	call := len(s.calls) - 1
	now := time.Now().Add(s.ClockAhead)
	s.mu.Unlock()
	// What the work below takes is part of the latency.
	wait := func() { time.Sleep(latency - time.Since(start)) }
	if fault != nil {
		wait()
	}

	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("00000000-0000-4000-8000-%012d", call+1))
	if fault.before(w, r) {
		return
	}
	var out any
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		err = &apiError{http.StatusNotFound, "UnknownOperationException", ""}
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || jsonErr != nil || !ours:
		err = fail("SerializationException", "")
	default:
		out, err = s.answer(r, body, op, in, now)
	}
	if fault.after(w, r) {
		return
	}
	status := http.StatusOK
	if e, ok := err.(*apiError); ok { //nolint:errorlint // ours, never wrapped
		status, out = e.status, map[string]string{"__type": e.code, "message": e.message}
	}
	reply, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	if call < len(s.calls) {
		s.calls[call].Status = status
	}
	s.mu.Unlock()
	wait()
	w.WriteHeader(status)
	w.Write(reply)
}

// answer checks who asks and how often, and does what is asked.
func (s *SSM) answer(r *http.Request, body []byte, op string, in map[string]any, now time.Time) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkSignature(r, body, s.Rules, now); err != nil {
		return nil, err
	}
	do, ok := operations[op]
	if !ok {
		return nil, fail("UnknownOperationException", "")
	}
	limit, rate := &s.readers, s.ReadRate
	if op == "PutParameter" {
		limit, rate = &s.writers, s.WriteRate
	}
	if op != "DeleteParameters" && op != "AddTagsToResource" && !limit.take(rate, time.Now()) {
		return nil, fail("ThrottlingException", "Rate exceeded")
	}
	if how := s.Deny["ssm:"+op]; how != "" {
		return nil, denied("ssm:"+op, resource(in), how)
	}
	return do(s, in, now)
}

// resource is the ARN that a request is about.
func resource(in map[string]any) string {
	name := "*"
	for _, k := range []string{"Path", "Name", "ResourceId"} {
		if v, ok := in[k].(string); ok {
			name = v
		}
	}
	if v, ok := in["Names"].([]any); ok && len(v) > 0 {
		name, _ = v[0].(string)
	}
	return arn(name)
}

func arn(name string) string {
	return "arn:aws:ssm:" + Region + ":" + Account + ":parameter/" + strings.TrimPrefix(name, "/")
}

func denied(action, resource, how string) *apiError {
	why := "because no identity-based policy allows the " + action + " action"
	if how == "explicit" {
		why = "with an explicit deny in a service control policy"
	}
	return fail("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", Caller, action, resource, why)
}

// bucket is a token bucket that holds what one second gives.
type bucket struct {
	tokens float64
	last   time.Time
}

func (b *bucket) take(rate float64, now time.Time) bool {
	if rate == 0 {
		return true
	}
	if b.last.IsZero() {
		b.tokens = rate
	} else {
		b.tokens = min(rate, b.tokens+rate*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// names returns the names of all parameters, sorted.
func (s *SSM) names() []string { return slices.Sorted(maps.Keys(s.params)) }
