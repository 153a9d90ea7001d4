package fake

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/nacl/box"
)

// GitHub is a server that keeps the secrets and the variables of repositories,
// their environments and organizations, as GitHub does on a server of one's own:
// below /api/v3. It opens every secret that it gets, and has its bytes.
//
// What holds secrets is named by its path in the API: "/repos/acme/app/actions",
// "/repos/acme/app/environments/production", "/orgs/acme/dependabot".
//
// A request has an operation for faults and counts: "list secrets", "public-key",
// "get secret:NAME", "put secret:NAME", "delete secret:NAME", "list variables",
// "create variable:NAME", "update variable:NAME" ..., "list repositories:NAME",
// "get repository:NAME". Besides what every [Fault] can do, here
//
//	secondary  is GitHub's refusal for too much at a time
//	primary    is that for too many requests in an hour, until RetryAfter
//	redirect   goes to the address in Message, with Status
//	html       has Status
type GitHub struct {
	URL string // http://127.0.0.1:port, without /api/v3

	// Set these before the first request. OnCall is called before anything is done,
	// OnWrite after something was written and before that is answered: until they
	// return there is no answer.
	OnCall, OnWrite func(op string)

	token  string
	server *httptest.Server
	secure *httptest.Server

	mu           sync.Mutex
	now          time.Time
	places       map[string]*githubPlace
	repositories map[string]int64
	faults       faults
	calls        []string
}

// GitHubEntry is a secret or a variable.
type GitHubEntry struct {
	Name, Value      string
	Created, Updated time.Time
	Visibility       string  // of what an organization has
	Repositories     []int64 // that are selected
}

// githubPlace has the secrets and variables of one place.
type githubPlace struct {
	path               string
	public, private    *[32]byte
	key                string // what is told of public
	keyID              int
	secrets, variables map[string]*GitHubEntry
}

// NewGitHub starts a server that accepts this token. Close stops it.
func NewGitHub(token string) *GitHub {
	g := &GitHub{
		token: token, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		places: map[string]*githubPlace{}, repositories: map[string]int64{},
	}
	g.server = httptest.NewServer(http.HandlerFunc(g.serve))
	g.URL = g.server.URL
	return g
}

// TLS has the same by https as well. The certificate is in PEM; it signs itself.
func (g *GitHub) TLS() (address string, certificate []byte) {
	g.secure = httptest.NewUnstartedServer(http.HandlerFunc(g.serve))
	g.secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	g.secure.StartTLS()
	return g.secure.URL, asPEM("CERTIFICATE", g.secure.Certificate().Raw)
}

// Close stops the server, whatever it is doing.
func (g *GitHub) Close() {
	for _, s := range []*httptest.Server{g.server, g.secure} {
		if s != nil {
			s.CloseClientConnections()
			s.Close()
		}
	}
}

// AddRepository makes a repository, "acme/app", with environments, and the
// organization that owns it. It returns the repository's id.
func (g *GitHub) AddRepository(name string, environments ...string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	name = strings.ToLower(name)
	owner, _, _ := strings.Cut(name, "/")
	places := []string{}
	for _, app := range []string{"actions", "dependabot", "codespaces"} {
		places = append(places, "/repos/"+name+"/"+app, "/orgs/"+owner+"/"+app)
	}
	for _, e := range environments {
		places = append(places, "/repos/"+name+"/environments/"+strings.ToLower(e))
	}
	for _, path := range places {
		if g.places[path] == nil {
			g.places[path] = &githubPlace{path: path, keyID: 1000 * len(g.places), secrets: map[string]*GitHubEntry{}, variables: map[string]*GitHubEntry{}}
			g.places[path].rotate()
		}
	}
	g.repositories[name] = int64(len(g.repositories) + 1296269)
	return g.repositories[name]
}

// rotate gives the place another key.
func (p *githubPlace) rotate() {
	var err error
	if p.public, p.private, err = box.GenerateKey(rand.Reader); err != nil {
		panic(err)
	}
	p.key = base64.StdEncoding.EncodeToString(p.public[:])
	p.keyID++
}

// place returns a place that must be there. The lock is held.
func (g *GitHub) place(path string) *githubPlace {
	p := g.places[strings.ToLower(path)]
	if p == nil {
		panic("fake: GitHub has no " + path)
	}
	return p
}

// RotateKey gives a place another key: what is sealed to the one before is refused.
func (g *GitHub) RotateKey(place string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.place(place).rotate()
}

// PublicKey has a place tell this in place of its key.
func (g *GitHub) PublicKey(place, key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.place(place).key = key
}

// Secrets returns the secrets of a place by their names.
func (g *GitHub) Secrets(place string) map[string]GitHubEntry {
	return g.entries(place, func(p *githubPlace) map[string]*GitHubEntry { return p.secrets })
}

// Variables returns the variables of a place by their names.
func (g *GitHub) Variables(place string) map[string]GitHubEntry {
	return g.entries(place, func(p *githubPlace) map[string]*GitHubEntry { return p.variables })
}

func (g *GitHub) entries(place string, of func(*githubPlace) map[string]*GitHubEntry) map[string]GitHubEntry {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]GitHubEntry{}
	for name, e := range of(g.place(place)) {
		all[name] = *e
	}
	return all
}

// SetSecret has somebody else write a secret.
func (g *GitHub) SetSecret(place string, e GitHubEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.store(g.place(place).secrets, e)
}

// SetVariable has somebody else write a variable.
func (g *GitHub) SetVariable(place string, e GitHubEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.store(g.place(place).variables, e)
}

// Remove has somebody else delete a secret and a variable.
func (g *GitHub) Remove(place, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.place(place).secrets, name)
	delete(g.place(place).variables, name)
}

// Fault announces faults.
func (g *GitHub) Fault(more ...Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults.add(more)
}

// Unmet says which faults have not happened.
func (g *GitHub) Unmet() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.faults.unmet()
}

// Calls returns the operations so far.
func (g *GitHub) Calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// Count returns how often an operation was asked for: "put secret" counts all, and
// "put secret:NAME" those of one name.
func (g *GitHub) Count(op string) (n int) {
	for _, c := range g.Calls() {
		if isOp(c, op) {
			n++
		}
	}
	return n
}

// Forget forgets the operations so far.
func (g *GitHub) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// githubRequest is a request, read.
type githubRequest struct {
	*http.Request
	op    string // "put secret:NAME"
	place string // /repos/acme/app/actions
	kind  string // secret, variable, public-key, repository
	name  string // in upper case
	below string // what is asked for below the name: "", repositories
	body  []byte
}

var (
	githubPlaces     = regexp.MustCompile(`^(/repos/[^/]+/[^/]+/(?:actions|dependabot|codespaces|environments/[^/]+)|/orgs/[^/]+/(?:actions|dependabot|codespaces))/(secret|variable)s(?:/([^/]+))?(?:/(repositories))?$`)
	githubRepository = regexp.MustCompile(`^/repos/([^/]+/[^/]+)$`)
	githubGraphQL    = regexp.MustCompile(`(\w+): repository\(owner: "([^"]+)", name: "([^"]+)"\)`)
)

// read takes a request apart. The parts of its path are unescaped after it was cut.
func readGitHub(hr *http.Request) (*githubRequest, error) {
	body, err := io.ReadAll(io.LimitReader(hr.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	r := &githubRequest{Request: hr, body: body, op: "unknown"}
	path, ok := strings.CutPrefix(hr.URL.EscapedPath(), "/api/v3")
	if !ok {
		if hr.URL.Path == "/api/graphql" {
			r.op = "graphql"
		}
		return r, nil
	}
	method := strings.ToLower(hr.Method)
	if m := githubRepository.FindStringSubmatch(path); m != nil {
		r.kind, r.name = "repository", strings.ToLower(m[1])
		r.op = method + " repository:" + r.name
		return r, nil
	}
	m := githubPlaces.FindStringSubmatch(path)
	if m == nil {
		return r, nil
	}
	place, err := url.PathUnescape(m[1])
	if err != nil {
		return nil, err
	}
	r.place, r.kind, r.name, r.below = strings.ToLower(place), m[2], strings.ToUpper(m[3]), m[4]
	verb := map[string]string{"post": "create", "patch": "update"}[method]
	if verb == "" {
		verb = method
	}
	switch {
	case m[3] == "public-key":
		r.kind, r.op = "public-key", "public-key"
	case r.below != "":
		r.op = "list repositories:" + r.name
	case r.name == "" && method == "get":
		r.op = "list " + r.kind + "s"
	case r.name == "": // the name is in what is sent
		var in struct{ Name string }
		_ = json.Unmarshal(body, &in)
		r.name = strings.ToUpper(in.Name)
		r.op = verb + " " + r.kind + ":" + r.name
	default:
		r.op = verb + " " + r.kind + ":" + r.name
	}
	return r, nil
}

func (g *GitHub) serve(w http.ResponseWriter, hr *http.Request) {
	r, err := readGitHub(hr)
	if err != nil {
		return
	}
	if g.OnCall != nil {
		g.OnCall(r.op)
	}
	g.mu.Lock()
	fault := g.faults.take(r.op)
	g.calls = append(g.calls, r.op)
	now := g.now
	g.mu.Unlock()
	w.Header().Set("Date", now.Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if fault.github(w, now) || fault.before(w, hr, func(e *apiError) { refuseGitHub(w, e.status, e.message) }) {
		return
	}
	status, out := g.answer(w, r)
	if g.OnWrite != nil && status < 300 && hr.Method != http.MethodGet {
		g.OnWrite(r.op)
	}
	fault.after(hr)
	if problem, ok := out.(string); ok {
		refuseGitHub(w, status, problem)
		return
	}
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		json.NewEncoder(w).Encode(out)
	}
}

// refuseGitHub writes an error as GitHub does.
func refuseGitHub(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// github does the faults that only GitHub has. It returns whether there is no more
// to do.
func (f *Fault) github(w http.ResponseWriter, now time.Time) bool {
	if f == nil {
		return false
	}
	switch {
	case f.Do == "secondary":
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		refuseGitHub(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	case f.Do == "primary":
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(now.Unix()+int64(f.RetryAfter), 10))
		refuseGitHub(w, http.StatusForbidden, "API rate limit exceeded for user ID 1.")
	case f.Do == "redirect" && f.Status != 0:
		w.Header().Set("Location", f.Message)
		refuseGitHub(w, f.Status, "Moved Permanently")
	case f.Do == "html" && f.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		fmt.Fprint(w, "<html><body><h1>Unicorn!</h1></body></html>")
	default:
		return false
	}
	return true
}
