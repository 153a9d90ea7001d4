package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// source is what the fakes have in common of services that secrets are read from.
//
// Besides what every [Fault] can do, here redirect goes to the address in Message,
// with Status, and html has Status.
type source struct {
	URL string // http://127.0.0.1:port

	// OnCall is called before anything is done: until it returns there is no
	// answer. Set it before the first request.
	OnCall func(op string)

	server *httptest.Server
	refuse func(w http.ResponseWriter, status int, code, message string)

	mu     sync.Mutex
	faults faults
	ops    []string
	calls  []ServiceCall
}

func (s *source) start(h http.HandlerFunc) {
	s.server = httptest.NewServer(h)
	s.URL = s.server.URL
}

// Close stops the server, whatever it is doing.
func (s *source) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Fault announces faults.
func (s *source) Fault(more ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.add(more)
}

// Unmet says which faults have not happened.
func (s *source) Unmet() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.unmet()
}

// Calls returns the requests so far.
func (s *source) Calls() []ServiceCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Ops returns the operations so far.
func (s *source) Ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ops)
}

// serve records a request, does the faults, and else writes an answer as JSON.
// The lock is held while it is made.
func (s *source) serve(w http.ResponseWriter, r *http.Request, op string, answer func(body []byte) (out any, e *apiError)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.ops = append(s.ops, op)
	s.calls = append(s.calls, ServiceCall{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	fault := s.faults.take(op)
	s.mu.Unlock()
	if s.OnCall != nil {
		s.OnCall(op)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	refuse := func(e *apiError) { s.refuse(w, e.status, e.code, e.message) }
	switch {
	case fault != nil && fault.Do == "redirect" && fault.Status != 0:
		w.Header().Set("Location", fault.Message)
		w.WriteHeader(fault.Status)
		return
	case fault != nil && fault.Do == "html" && fault.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(fault.Status)
		fmt.Fprint(w, "<html><body><h1>Bad gateway</h1></body></html>")
		return
	case fault.before(w, r, refuse):
		return
	}
	s.mu.Lock()
	out, e := answer(body)
	s.mu.Unlock()
	fault.after(r)
	if e != nil {
		refuse(e)
		return
	}
	json.NewEncoder(w).Encode(out)
}

// bearerOf returns the token of a request, "" if it has none.
func bearerOf(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// Doppler is a server that has the configs of projects, and gives their secrets to
// those who have a token, as Doppler does.
//
// Its operations are "secrets", "me" and "revoke".
type Doppler struct {
	source
	configs map[[2]string]map[string]DopplerSecret // by project and config
	tokens  map[string]*dopplerToken
	leases  int
}

// DopplerSecret is a secret in a config.
type DopplerSecret struct {
	Raw        string // with references: ${NAME}, ${config.NAME}, ${project.config.NAME}
	Restricted bool   // its value is given to nobody
	Dynamic    bool   // to read it is to issue a lease
}

// dopplerToken is a token, for one config or for all.
type dopplerToken struct {
	config  [2]string
	revoked bool
}

// NewDoppler starts a server that has nothing. Close stops it.
func NewDoppler() *Doppler {
	d := &Doppler{configs: map[[2]string]map[string]DopplerSecret{}, tokens: map[string]*dopplerToken{}}
	d.refuse = func(w http.ResponseWriter, status int, _, message string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"success": false, "messages": []string{message}})
	}
	d.start(d.answer)
	return d
}

// AddToken has the server accept a token that can read every config.
func (d *Doppler) AddToken(token string) { d.AddServiceToken(token, "", "") }

// AddServiceToken has the server accept a token that reads one config, whatever is
// asked for.
func (d *Doppler) AddServiceToken(token, project, config string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens[token] = &dopplerToken{config: [2]string{project, config}}
}

// Set writes a secret. Its project and its config are made.
func (d *Doppler) Set(project, config, name string, s DopplerSecret) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := [2]string{project, config}
	if d.configs[at] == nil {
		d.configs[at] = map[string]DopplerSecret{}
	}
	d.configs[at][name] = s
}

// Delete deletes a secret.
func (d *Doppler) Delete(project, config, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.configs[[2]string{project, config}], name)
}

// Leases returns how many leases were issued.
func (d *Doppler) Leases() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leases
}

func (d *Doppler) answer(w http.ResponseWriter, r *http.Request) {
	op := map[string]string{
		"GET /v3/configs/config/secrets": "secrets", "GET /v3/me": "me", "POST /v3/auth/revoke": "revoke",
	}[r.Method+" "+r.URL.Path]
	d.serve(w, r, op, func(body []byte) (any, *apiError) {
		t := d.tokens[bearerOf(r)]
		switch {
		case op == "":
			return nil, &apiError{http.StatusNotFound, "", "Not found"}
		case t == nil || t.revoked:
			return nil, &apiError{http.StatusUnauthorized, "", "Invalid Auth token"}
		case op == "me":
			return map[string]any{"success": true, "name": "ci", "slug": "s1", "type": "service_token", "workplace": map[string]string{"name": "Acme", "slug": "w1"}}, nil
		case op == "revoke":
			var in struct{ Token string }
			_ = json.Unmarshal(body, &in)
			if gone := d.tokens[in.Token]; gone != nil {
				gone.revoked = true
				return map[string]any{"success": true}, nil
			}
			return nil, &apiError{http.StatusBadRequest, "", "Token is required"}
		}
		return d.list(r, t)
	})
}

// list is the list of a config's secrets.
func (d *Doppler) list(r *http.Request, t *dopplerToken) (any, *apiError) {
	query := r.URL.Query()
	is := map[string]bool{"include_dynamic_secrets": true, "include_managed_secrets": true}
	for name, values := range query {
		_, flag := is[name]
		switch {
		case len(values) != 1 || !flag && name != "project" && name != "config" && name != "secrets" && name != "dynamic_secrets_ttl_sec":
			return nil, &apiError{http.StatusBadRequest, "", "Unrecognized parameter " + name}
		case flag && values[0] != "true" && values[0] != "false":
			return nil, &apiError{http.StatusBadRequest, "", name + " must be a boolean"}
		case flag:
			is[name] = values[0] == "true"
		}
	}
	at := t.config
	if at[0] == "" {
		at = [2]string{query.Get("project"), query.Get("config")}
	}
	config, ok := d.configs[at]
	switch {
	case at[0] == "" || at[1] == "":
		return nil, &apiError{http.StatusBadRequest, "", "You must specify a project and a config"}
	case !ok:
		return nil, &apiError{http.StatusNotFound, "", fmt.Sprintf("Could not find requested config '%s'", at[1])}
	}
	config = maps.Clone(config)
	if is["include_managed_secrets"] {
		env, _, _ := strings.Cut(at[1], "_")
		maps.Copy(config, map[string]DopplerSecret{"DOPPLER_PROJECT": {Raw: at[0]}, "DOPPLER_CONFIG": {Raw: at[1]}, "DOPPLER_ENVIRONMENT": {Raw: env}})
	}
	list := map[string]any{}
	for name, s := range config {
		if s.Dynamic && is["include_dynamic_secrets"] {
			d.leases++
		} else if s.Dynamic {
			continue
		}
		list[name] = d.show(at, s)
	}
	return map[string]any{"success": true, "secrets": list}, nil
}

// show is a secret as it is sent.
func (d *Doppler) show(at [2]string, s DopplerSecret) map[string]any {
	kind := map[string]string{"type": "string"}
	v := map[string]any{
		"raw": s.Raw, "computed": d.resolve(at, s.Raw, 0), "note": "a note",
		"rawVisibility": "masked", "computedVisibility": "masked", "rawValueType": kind, "computedValueType": kind,
	}
	if s.Restricted {
		v["raw"], v["computed"], v["rawVisibility"], v["computedVisibility"] = nil, nil, "restricted", "restricted"
	}
	return v
}

var dopplerReference = regexp.MustCompile(`\$\{([\w.-]+)\}`)

// resolve puts values in the place of references. What refers to nothing stays.
func (d *Doppler) resolve(at [2]string, raw string, depth int) string {
	return dopplerReference.ReplaceAllStringFunc(raw, func(reference string) string {
		parts := strings.Split(reference[2:len(reference)-1], ".")
		there := at
		copy(there[max(0, 3-len(parts)):], parts[:len(parts)-1])
		s, ok := d.configs[there][parts[len(parts)-1]]
		if !ok || len(parts) > 3 || depth > 9 {
			return reference
		}
		return d.resolve(there, s.Raw, depth+1)
	})
}
