package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// CloudflareAccount is the account that Cloudflare has.
const CloudflareAccount = "0123456789abcdef0123456789abcdef"

// Cloudflare is a server that keeps the secrets of Workers and of projects of Pages,
// below /client/v4 as Cloudflare does, for the account [CloudflareAccount].
//
// Its operations are "list secrets:SCRIPT", "write secrets:SCRIPT", "get
// project:NAME", "write project:NAME", "accounts" and "verify". A fault's Code is a
// number.
type Cloudflare struct {
	source
	token    string
	accounts []string
	workers  map[string]*cloudflareWorker
	projects map[string]map[string]*cloudflarePages // by name and environment
}

// cloudflareWorker is a Worker.
type cloudflareWorker struct {
	secrets  map[string]string
	vars     map[string]bool // variables that are no secrets
	versions int
	behind   bool // the newest version is not the deployed one
}

// cloudflarePages is what a project has for one environment.
type cloudflarePages struct {
	vars map[string]CloudflareVariable
	hash string // of wrangler's configuration
}

// CloudflareVariable is a variable of a project.
type CloudflareVariable struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// NewCloudflare starts a server that accepts this token. Close stops it.
func NewCloudflare(token string) *Cloudflare {
	c := &Cloudflare{token: token, accounts: []string{CloudflareAccount}, workers: map[string]*cloudflareWorker{}, projects: map[string]map[string]*cloudflarePages{}}
	c.refuse = func(w http.ResponseWriter, status int, code, message string) {
		n, _ := strconv.Atoi(code)
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{
			"success": false, "result": nil, "messages": []any{}, "errors": []any{map[string]any{"code": n, "message": message}},
		})
	}
	c.start(c.answer)
	return c
}

// AddAccount has the token see one more account, which has nothing.
func (c *Cloudflare) AddAccount(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts = append(c.accounts, id)
}

// AddWorker makes a Worker, deployed, with variables that are no secrets.
func (c *Cloudflare) AddWorker(name string, vars ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &cloudflareWorker{secrets: map[string]string{}, vars: map[string]bool{}, versions: 1}
	for _, v := range vars {
		w.vars[v] = true
	}
	c.workers[name] = w
}

// Upload gives a Worker a newer version that is not deployed.
func (c *Cloudflare) Upload(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers[name].behind = true
}

// Secrets returns the secrets of a Worker, and how many versions it has had.
func (c *Cloudflare) Secrets(name string) (secrets map[string]string, versions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.workers[name].secrets), c.workers[name].versions
}

// AddProject makes a project of Pages. hash is that of wrangler's configuration, ""
// if it is configured in the dashboard.
func (c *Cloudflare) AddProject(name, hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.projects[name] = map[string]*cloudflarePages{
		"production": {vars: map[string]CloudflareVariable{}, hash: hash},
		"preview":    {vars: map[string]CloudflareVariable{}, hash: hash},
	}
}

// SetVariable has somebody else write a variable of a project.
func (c *Cloudflare) SetVariable(project, environment, name string, v CloudflareVariable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.projects[project][environment].vars[name] = v
}

// Variables returns the variables of a project, and the hash of its configuration.
func (c *Cloudflare) Variables(project, environment string) (vars map[string]CloudflareVariable, hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.projects[project][environment].vars), c.projects[project][environment].hash
}

var (
	cloudflareAccounts = regexp.MustCompile(`^/client/v4/accounts/([^/]+)/(workers/scripts|pages/projects)/([^/]+)(?:/(secrets|secrets-bulk))?$`)
	cloudflareName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (c *Cloudflare) answer(w http.ResponseWriter, r *http.Request) {
	m := cloudflareAccounts.FindStringSubmatch(r.URL.EscapedPath())
	op := map[string]string{"/client/v4/accounts": "accounts", "/client/v4/user/tokens/verify": "verify"}[r.URL.Path]
	if m != nil {
		op = map[string]string{
			"GET workers/scripts secrets": "list secrets:", "PATCH workers/scripts secrets-bulk": "write secrets:",
			"GET pages/projects ": "get project:", "PATCH pages/projects ": "write project:",
		}[r.Method+" "+m[2]+" "+m[4]]
		if op != "" {
			op += m[3]
		}
	}
	c.serve(w, r, op, func(body []byte) (any, *apiError) {
		if bearerOf(r) != c.token {
			return nil, &apiError{http.StatusUnauthorized, "1000", "Invalid API Token"}
		}
		var out any
		var e *apiError
		verb, _, _ := strings.Cut(op, ":")
		switch verb {
		case "accounts":
			all := []any{}
			for _, id := range c.accounts {
				all = append(all, map[string]string{"id": id, "name": "Acme"})
			}
			out = all
		case "verify":
			out = map[string]string{"id": "t1", "status": "active"}
		case "":
			return nil, &apiError{http.StatusNotFound, "7000", "No route for that URI"}
		default:
			out, e = c.of(verb, m[1], m[3], r, body)
		}
		return map[string]any{"success": true, "errors": []any{}, "messages": []any{}, "result": out}, e
	})
}

// of answers about a Worker or a project.
func (c *Cloudflare) of(verb, account, name string, r *http.Request, body []byte) (any, *apiError) {
	if account != CloudflareAccount {
		return nil, &apiError{http.StatusForbidden, "10000", "Authentication error"}
	}
	if kind := r.Header.Get("Content-Type"); len(body) > 0 && kind != "application/json" && kind != "application/merge-patch+json" {
		return nil, &apiError{http.StatusUnsupportedMediaType, "10001", "Content-Type must be application/json"}
	}
	if strings.HasSuffix(verb, "secrets") {
		w := c.workers[name]
		if w == nil {
			return nil, &apiError{http.StatusNotFound, "10007", "This Worker does not exist on your account."}
		}
		if verb == "write secrets" {
			return w.write(body)
		}
		all := []any{}
		for n := range w.secrets {
			all = append(all, map[string]string{"name": n, "type": "secret_text"})
		}
		return all, nil
	}
	p := c.projects[name]
	if p == nil {
		return nil, &apiError{http.StatusNotFound, "8000007", "Project not found. The specified project name does not match any of your existing projects."}
	}
	if verb == "write project" {
		if e := writePages(p, body); e != nil {
			return nil, e
		}
	}
	return showPages(name, p), nil
}

func badCloudflare(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// strictly reads JSON that has no other fields.
func strictly(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// write is one step: secrets that are null go, the others are written, or nothing is.
func (w *cloudflareWorker) write(body []byte) (any, *apiError) {
	var in struct {
		Secrets map[string]*struct {
			Name string  `json:"name"`
			Type string  `json:"type"`
			Text *string `json:"text"`
		} `json:"secrets"`
	}
	if err := strictly(body, &in); err != nil {
		return nil, badCloudflare("10026", "the body is not understood: %v", err)
	}
	if len(in.Secrets) == 0 || len(in.Secrets) > 100 {
		return nil, badCloudflare("10021", "between 1 and 100 operations can be in one request")
	}
	if w.behind {
		return nil, badCloudflare("10215", "Secret edit failed. The latest version of this Worker is not deployed.")
	}
	after := maps.Clone(w.secrets)
	for name, s := range in.Secrets {
		switch {
		case s == nil:
			delete(after, name)
			continue
		case s.Name != name || s.Type != "secret_text" || s.Text == nil || !cloudflareName.MatchString(name):
			return nil, badCloudflare("10021", "the secret %s is not well formed", name)
		case len(*s.Text) > 5<<10:
			return nil, badCloudflare("10054", "the text of %s is too large", name)
		case w.vars[name]:
			return nil, badCloudflare("10053", "Binding name '%s' already in use. Please use a different name and try again.", name)
		}
		after[name] = *s.Text
	}
	if len(after)+len(w.vars) > 128 {
		return nil, badCloudflare("10055", "too many environment variables and secrets")
	}
	w.secrets = after
	w.versions++
	out := map[string]any{}
	for name := range in.Secrets {
		out[name] = map[string]string{"name": name, "type": "secret_text"}
	}
	return out, nil
}

// showPages is a project as it is told: secrets are blank.
func showPages(name string, p map[string]*cloudflarePages) any {
	configs := map[string]any{}
	for environment, of := range p {
		vars := map[string]any{}
		for n, v := range of.vars {
			if v.Type == "secret_text" {
				v.Value = ""
			}
			vars[n] = v
		}
		config := map[string]any{"env_vars": vars, "compatibility_date": "2026-01-01"}
		if len(vars) == 0 {
			config["env_vars"] = nil
		}
		if of.hash != "" {
			config["wrangler_config_hash"] = of.hash
		}
		configs[environment] = config
	}
	return map[string]any{"id": "p1", "name": name, "subdomain": name + ".pages.dev", "deployment_configs": configs}
}

// writePages merges: variables that are null go. What is sent without the hash of
// wrangler's configuration comes from the dashboard.
func writePages(p map[string]*cloudflarePages, body []byte) *apiError {
	var in struct {
		Configs map[string]struct {
			Vars map[string]*CloudflareVariable `json:"env_vars"`
			Hash string                         `json:"wrangler_config_hash"`
		} `json:"deployment_configs"`
	}
	if err := strictly(body, &in); err != nil {
		return badCloudflare("8000001", "the body is not understood: %v", err)
	}
	for environment, config := range in.Configs {
		of := p[environment]
		if of == nil {
			return badCloudflare("8000002", "there is no environment %s", environment)
		}
		after := maps.Clone(of.vars)
		for name, v := range config.Vars {
			switch {
			case v == nil:
				delete(after, name)
				continue
			case !cloudflareName.MatchString(name) || v.Type != "secret_text" && v.Type != "plain_text":
				return badCloudflare("8000003", "the variable %s is not well formed", name)
			case len(v.Value) > 5<<10:
				return badCloudflare("8000004", "the value of %s is too large", name)
			}
			after[name] = *v
		}
		if len(after) > 128 {
			return badCloudflare("8000005", "too many variables")
		}
		of.vars, of.hash = after, config.Hash
	}
	return nil
}
