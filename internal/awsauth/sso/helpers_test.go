package sso

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// marker is in everything that is secret.
const marker = "MARKER"

const startURL = "https://acme.awsapps.com/start"

func registration() Registration {
	return Registration{ClientID: "client", ClientSecret: marker + "-client"}
}

// reply is what the service answers to one request.
type reply func(w http.ResponseWriter, r *http.Request)

// gives is a good answer.
func gives(body string) reply {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
}

// refuses is a refusal in the service's form. It quotes the secrets of the
// request, as services have done.
func refuses(status int, code string, members ...string) reply {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/")
		w.WriteHeader(status)
		fields := append([]string{
			`"error":"` + marker + `"`, `"error_description":"` + marker + ` was refused"`, `"message":"` + marker + ` was refused"`,
		}, members...)
		fmt.Fprintf(w, `{%s}`, strings.Join(fields, ","))
	}
}

func drops(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cuts promises more than it sends.
func cuts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "4096")
	fmt.Fprint(w, `{"accessToken":"`+marker)
}

const (
	pendingCode = "AuthorizationPendingException"
	goodToken   = `{"accessToken":"MARKER-access","refreshToken":"MARKER-refresh","tokenType":"Bearer","expiresIn":3600}`
	goodDevice  = `{"deviceCode":"MARKER-device","userCode":"ABCD-EFGH","verificationUri":"https://acme.awsapps.com/start/#/device",` +
		`"verificationUriComplete":"https://acme.awsapps.com/start/#/device?user_code=ABCD-EFGH","expiresIn":600,"interval":2}`
)

// call is a request as the service saw it.
type call struct {
	header http.Header
	query  url.Values
	body   map[string]any
}

func (c call) field(name string) string { s, _ := c.body[name].(string); return s }

// service is a server for both services. For each path it gives one reply after
// the other, the last again and again.
type service struct {
	*httptest.Server
	mu      sync.Mutex
	replies map[string][]reply
	calls   map[string][]call
}

func newService(t *testing.T) *service {
	s := &service{replies: map[string][]reply{}, calls: map[string][]call{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *service) on(path string, replies ...reply) *service {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[path] = replies
	return s
}

func (s *service) seen(path string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	c := call{header: r.Header, query: r.URL.Query()}
	_ = json.NewDecoder(r.Body).Decode(&c.body)
	s.mu.Lock()
	s.calls[r.URL.Path] = append(s.calls[r.URL.Path], c)
	all := s.replies[r.URL.Path]
	if len(all) > 1 {
		s.replies[r.URL.Path] = all[1:]
	}
	s.mu.Unlock()
	if len(all) == 0 {
		http.Error(w, "no such call", http.StatusNotFound)
		return
	}
	all[0](w, r)
}

// clock is a clock that sleeping moves, and that nothing else does.
type clock struct {
	mu         sync.Mutex
	at         time.Time
	slept      []time.Duration
	unattended bool // the user does not come back from the browser
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	if d == browserTime && !c.unattended {
		<-ctx.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() == nil {
		c.at = c.at.Add(d)
		c.slept = append(c.slept, d)
	}
	return ctx.Err()
}

// world is a client of a service, its clock, and what it wrote to the log.
type world struct {
	*Client
	service *service
	clock   *clock
	log     *safeBuffer
}

func newWorld(t *testing.T) *world {
	w := &world{service: newService(t), clock: &clock{at: time.Now()}, log: &safeBuffer{}}
	w.service.on("/client/register", gives(`{"clientId":"client","clientSecret":"MARKER-client","clientSecretExpiresAt":1900000000}`)).
		on("/device_authorization", gives(goodDevice)).on("/token", gives(goodToken))
	w.Client = New(w.options())
	t.Cleanup(func() {
		w.o.HTTP.CloseIdleConnections()
		if strings.Contains(w.log.String(), marker) {
			t.Errorf("a secret is in the log:\n%s", w.log)
		}
	})
	return w
}

func (w *world) options() Options {
	env := map[string]string{"AWS_ENDPOINT_URL_SSO_OIDC": w.service.URL, "AWS_ENDPOINT_URL_SSO": w.service.URL}
	return Options{
		Region: "eu-west-1", HTTP: httpx.Client(httpx.Options{}), Getenv: func(n string) string { return env[n] }, UserAgent: "skret/test",
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: w.clock.now, Sleep: w.clock.sleep,
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// wantError checks an error's kind and words, that it says what to do next, and
// that it holds nothing secret.
func wantError(t *testing.T, err error, kind errs.Kind, words string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		t.Errorf("error of kind %v: %v; want kind %v and %q", errs.KindOf(err), err, kind, words)
		return
	}
	if kind == errs.Auth && errs.HintOf(err) == "" {
		t.Errorf("no next step: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", err, err, err, errs.HintOf(err)); strings.Contains(s, marker) {
		t.Errorf("a secret is in the error: %s", s)
	}
}

// get fetches an address as a browser would, changed by edit.
func get(t *testing.T, method, address string, edit func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	client := httpx.Client(httpx.Options{})
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return 0, nil, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}
