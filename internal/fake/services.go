package fake

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// InfisicalAccess is the access token that Services gives for an Infisical machine
// identity.
const InfisicalAccess = "eyJmaW50ZWQ.minted.access-token"

// Services is a server that is Doppler, Infisical, GitHub, Cloudflare and GitLab
// at once, each below the path that its API has on a server of one's own. It
// knows one token, answers what signing in and out needs, and whatever it is told
// to answer. It keeps every request.
type Services struct {
	URL    string
	server *httptest.Server
	token  string

	mu      sync.Mutex
	answers map[string][]ServiceAnswer
	calls   []ServiceCall
}

// ServiceAnswer is what Services answers.
type ServiceAnswer struct {
	Status int // 0 means 200
	Header map[string]string
	Body   string
	Drop   bool // the connection is closed, with no answer
}

// ServiceCall is a request that Services got.
type ServiceCall struct {
	Method, Path string // the path is escaped, with the query
	Header       http.Header
	Body         string
}

// NewServices starts a server that accepts this token; "" is any, and none.
func NewServices(token string) *Services {
	s := &Services{token: token, answers: map[string][]ServiceAnswer{}}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	for route, body := range map[string]string{
		"GET /v3/me":                                 `{"name":"laptop","slug":"s1","type":"personal","workplace":{"name":"Acme","slug":"w1"}}`,
		"POST /v3/auth/revoke":                       `{"success":true}`,
		"GET /v3/auth/cli/generate/2":                `{"code":"happy-tree","polling_code":"polling-code-1","auth_url":"` + s.URL + `/auth"}`,
		"GET /api/v1/identities/details":             `{"identityDetails":{"organization":{"id":"o1","name":"Acme","slug":"acme"}}}`,
		"GET /api/v2/service-token":                  `{"name":"ci","workspace":"w1","expiresAt":"2030-01-02T00:00:00Z","scopes":[{"environment":"prod","secretPath":"/app"}]}`,
		"POST /api/v1/auth/token/revoke":             `{"message":"done"}`,
		"GET /api/v3/user":                           `{"login":"octocat","id":1}`,
		"POST /login/device/code":                    `{"device_code":"device-code-1","user_code":"WDJB-MJHT","verification_uri":"` + s.URL + `/login/device","expires_in":900,"interval":5}`,
		"GET /client/v4/accounts":                    `{"success":true,"errors":[],"result":[{"id":"0123456789abcdef0123456789abcdef","name":"Acme"}]}`,
		"GET /api/v4/user":                           `{"id":1,"username":"tanuki"}`,
		"DELETE /api/v4/personal_access_tokens/self": ``,

		"POST /api/v1/auth/universal-auth/login":                                 `{"accessToken":"` + InfisicalAccess + `","expiresIn":7200,"accessTokenMaxTTL":7200,"tokenType":"Bearer"}`,
		"GET /api/v3/installation/repositories":                                  `{"total_count":1,"repositories":[{"full_name":"acme/app","owner":{"login":"acme"}}]}`,
		"GET /client/v4/user/tokens/verify":                                      `{"success":true,"errors":[],"result":{"id":"t1","status":"active","expires_on":"2030-01-02T00:00:00Z"}}`,
		"GET /api/v4/personal_access_tokens/self":                                `{"id":1,"name":"ci","active":true,"revoked":false,"scopes":["api"],"expires_at":"2030-01-02"}`,
		"GET /client/v4/accounts/0123456789abcdef0123456789abcdef/tokens/verify": `{"success":true,"errors":[],"result":{"id":"t2","status":"active"}}`,
	} {
		s.answers[route] = []ServiceAnswer{{Body: body}}
	}
	return s
}

// On says what is answered to a route, such as "GET /v3/me": one answer after the
// other, and the last for ever.
func (s *Services) On(route string, answers ...ServiceAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[route] = answers
}

// Calls returns the requests so far.
func (s *Services) Calls() []ServiceCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ServiceCall(nil), s.calls...)
}

// Routes returns the requests so far as On names them.
func (s *Services) Routes() []string {
	var routes []string
	for _, c := range s.Calls() {
		path, _, _ := strings.Cut(c.Path, "?")
		routes = append(routes, c.Method+" "+path)
	}
	return routes
}

// Close stops the server.
func (s *Services) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// ServeHTTP answers a request.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a := s.take(r, string(body))
	if a.Drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for k, v := range a.Header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(max(a.Status, http.StatusOK))
	fmt.Fprint(w, a.Body)
}

// take records a request and returns the answer to it.
func (s *Services) take(r *http.Request, body string) ServiceAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, ServiceCall{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
	route := r.Method + " " + r.URL.EscapedPath()
	known := s.answers[route]
	switch {
	case !s.accepts(r):
		return ServiceAnswer{Status: http.StatusUnauthorized, Body: `{"success":false,"messages":["Invalid token"],"message":"Bad credentials","errors":[{"code":1000}]}`}
	case len(known) == 0:
		return ServiceAnswer{Status: http.StatusNotFound, Body: `{"success":false,"message":"Not Found"}`}
	case len(known) > 1:
		s.answers[route] = known[1:]
	}
	return known[0]
}

// accepts tells whether a request may be made: with the token, or to sign in.
func (s *Services) accepts(r *http.Request) bool {
	for _, open := range []string{"/v3/auth/cli/", "/api/v1/auth/universal-auth/", "/login/"} {
		if strings.HasPrefix(r.URL.Path, open) {
			return true
		}
	}
	got := r.Header.Get("Authorization")
	return s.token == "" || got == "Bearer "+s.token || strings.HasPrefix(r.URL.Path, "/api/v") && got == "Bearer "+InfisicalAccess
}
