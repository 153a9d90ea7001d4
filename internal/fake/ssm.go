// Package fake has servers that speak the protocols of outside services, for
// tests: real HTTP on loopback, with the services' limits, errors and faults.
//
// A fake records what it is asked. What a test announces with Fault must come
// to pass: [SSM.Unmet] names what did not.
package fake

import (
	"cmp"
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

	// Cloud, if there is one, knows more access keys than Rules.Keys, and has the
	// clock. Set it before the first request.
	Cloud *Cloud

	Rules

	mu      sync.Mutex
	server  *httptest.Server
	params  map[string]*parameter
	faults  faults
	caller  string // ARN of who asks, while an answer is made
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
	Body   map[string]any // the members of its JSON, its form or its query
	Status int            // 0: no answer was given
	Agent  string
	KeyID  string // the access key that signed it; "" if none did, or badly
	ARN    string // whose key that is
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
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=",
		"AWS_ENDPOINT_URL_SSM=", "AWS_ENDPOINT_URL_STS=", "AWS_ENDPOINT_URL_SSO=", "AWS_ENDPOINT_URL_SSO_OIDC=", "AWS_ENDPOINT_URL_IAM=",
		"AWS_ENDPOINT_URL_ROLESANYWHERE=", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=", "AWS_USE_FIPS_ENDPOINT=", "AWS_USE_DUALSTACK_ENDPOINT=",
		"ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=",
	}
}

// Fault announces faults. Of several for one request the first that is left
// happens.
func (s *SSM) Fault(fs ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.add(fs)
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
		if isOp(c.Op, op) {
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
	return s.faults.unmet()
}

// apiError is an error as the service tells it.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(code, format string, args ...any) *apiError {
	return &apiError{cmp.Or(statuses[code], http.StatusBadRequest), code, fmt.Sprintf(format, args...)}
}

// statuses has the status of errors that are not sent with 400.
var statuses = map[string]int{
	"InvalidClientException": 401, "UnauthorizedException": 401,
	"AccessDenied": 403, "ExpiredToken": 403, "ForbiddenException": 403, "InvalidClientTokenId": 403, "MissingAuthenticationToken": 403, "SignatureDoesNotMatch": 403,
	"NoSuchEntity": 404, "ResourceNotFoundException": 404,
	"DeleteConflict": 409, "EntityAlreadyExists": 409, "LimitExceeded": 409,
	"TooManyRequestsException": 429,
	"InternalServerException":  500, "ServiceUnavailable": 503,
}

func (s *SSM) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	onCall := s.OnCall
	s.mu.Unlock()
	if onCall != nil {
		onCall()
	}
	op, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	in := map[string]any{}
	jsonErr := json.Unmarshal(body, &in)

	s.mu.Lock()
	latency, fault := s.Latency, s.faults.take(op)
	s.calls = append(s.calls, Call{Op: op, Body: in, Agent: r.UserAgent()})
	call := len(s.calls) - 1
	now := s.now()
	s.mu.Unlock()
	// What the work below takes is part of the latency.
	wait := func() { time.Sleep(latency - time.Since(start)) }
	if fault != nil {
		wait()
	}

	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("00000000-0000-4000-8000-%012d", call+1))
	if fault.before(w, r, func(e *apiError) {
		reply, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.ssm#" + e.code, "Message": e.message})
		w.WriteHeader(e.status)
		w.Write(reply)
	}) {
		return
	}
	var out any
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		err = &apiError{http.StatusNotFound, "UnknownOperationException", ""}
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || jsonErr != nil || !ours:
		err = fail("SerializationException", "")
	default:
		out, err = s.answer(r, body, call, in, now)
	}
	fault.after(r)
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
func (s *SSM) answer(r *http.Request, body []byte, call int, in map[string]any, now time.Time) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	if err := s.identify(r, body, call, now); err != nil {
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
		return nil, s.denied("ssm:"+op, resource(in), how)
	}
	return do(s, in, now)
}

// identify checks the signature and notes who signed.
func (s *SSM) identify(r *http.Request, body []byte, call int, now time.Time) error {
	s.caller = Caller
	region := Region
	if s.AnyRegion {
		region = ""
	}
	check := signature{service: "ssm", region: region, must: []string{"x-amz-target"}, now: now, secret: func(id, token string) (string, error) {
		secret, ok := s.Keys[id]
		switch want, fixed := s.Sessions[id]; {
		case !ok && s.Cloud != nil:
			k, err := s.Cloud.lookup(id, token, "ssm")
			s.caller = k.ARN
			return k.Secret, err
		case !ok:
			return "", fail("UnrecognizedClientException", "The security token included in the request is invalid.")
		case fixed && want != token:
			return "", fail("ExpiredTokenException", "The security token included in the request is expired")
		}
		return secret, nil
	}}
	id, err := check.check(r, body)
	if err == nil && call < len(s.calls) {
		s.calls[call].KeyID, s.calls[call].ARN = id, s.caller
	}
	return err
}

// now is the service's time.
func (s *SSM) now() time.Time {
	now := time.Now()
	if s.Cloud != nil {
		now = s.Cloud.Now()
	}
	return now.Add(s.ClockAhead)
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

func (s *SSM) denied(action, resource, how string) *apiError {
	why := "because no identity-based policy allows the " + action + " action"
	if how == "explicit" {
		why = "with an explicit deny in a service control policy"
	}
	return fail("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", s.caller, action, resource, why)
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
