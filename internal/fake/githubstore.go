package fake

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/nacl/box"
)

const notFound = "Not Found"

// answer does what a request asks. What it returns is JSON, or as a text why it is
// refused.
func (g *GitHub) answer(w http.ResponseWriter, r *githubRequest) (status int, out any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if why, status := g.unfit(r); why != "" {
		return status, why
	}
	g.now = g.now.Add(time.Second)
	switch {
	case r.op == "graphql":
		return g.graphQL(r)
	case r.kind == "repository" && r.Method == http.MethodGet:
		return g.repository(r.name)
	}
	p := g.places[r.place]
	if p == nil || r.kind == "variable" && !strings.HasSuffix(r.place, "/actions") && !strings.Contains(r.place, "/environments/") {
		return http.StatusNotFound, notFound
	}
	of := p.secrets
	if r.kind == "variable" {
		of = p.variables
	}
	e := of[r.name]
	switch op, _, _ := strings.Cut(r.op, ":"); op {
	case "public-key":
		return http.StatusOK, map[string]string{"key_id": strconv.Itoa(p.keyID), "key": p.key}
	case "list secrets", "list variables":
		return p.list(w, r, of)
	case "put secret":
		return g.putSecret(p, r)
	case "create variable":
		return g.writeVariable(p, r, nil)
	}
	if e == nil {
		return http.StatusNotFound, notFound
	}
	switch op, _, _ := strings.Cut(r.op, ":"); op {
	case "get secret", "get variable":
		return http.StatusOK, p.show(r, e)
	case "list repositories":
		return g.selected(w, r, p, e)
	case "update variable":
		return g.writeVariable(p, r, e)
	case "delete secret", "delete variable":
		delete(of, r.name)
		return http.StatusNoContent, nil
	}
	return http.StatusNotFound, notFound
}

// unfit tells why a request is refused, whatever it asks.
func (g *GitHub) unfit(r *githubRequest) (why string, status int) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	scheme = strings.ToLower(scheme)
	version := r.Header.Get("X-GitHub-Api-Version")
	switch {
	case r.UserAgent() == "":
		return "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.", http.StatusForbidden
	case token != g.token || scheme != "bearer" && scheme != "token":
		return "Bad credentials", http.StatusUnauthorized
	case version != "" && version != "2022-11-28" && version != "2026-03-10":
		return "This version of the API is not supported", http.StatusBadRequest
	case len(r.body) > 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return "Unsupported Media Type", http.StatusUnsupportedMediaType
	case len(r.body) > 0 && !json.Valid(r.body):
		return "Problems parsing JSON", http.StatusBadRequest
	}
	return "", 0
}

func (g *GitHub) repository(name string) (int, any) {
	id, ok := g.repositories[name]
	if !ok {
		return http.StatusNotFound, notFound
	}
	return http.StatusOK, repositoryJSON(name, id)
}

func repositoryJSON(name string, id int64) map[string]any {
	owner, short, _ := strings.Cut(name, "/")
	return map[string]any{"id": id, "name": short, "full_name": name, "private": true, "owner": map[string]any{"login": owner}}
}

// graphQL answers the one question that gh asks: the ids of repositories.
func (g *GitHub) graphQL(r *githubRequest) (int, any) {
	var in struct{ Query string }
	_ = json.Unmarshal(r.body, &in) // it is valid
	data := map[string]any{}
	for _, m := range githubGraphQL.FindAllStringSubmatch(in.Query, -1) {
		data[m[1]] = map[string]any{"databaseId": g.repositories[strings.ToLower(m[2]+"/"+m[3])]}
	}
	return http.StatusOK, map[string]any{"data": data}
}

// pageOf cuts out the page that is asked for, and links to the others.
func pageOf[T any](w http.ResponseWriter, r *githubRequest, all []T, usual, most int) []T {
	number := func(name string, missing int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return missing
	}
	per, n := min(number("per_page", usual), most), number("page", 1)
	last := max((len(all)+per-1)/per, 1)
	if n < last {
		at := fmt.Sprintf("http://%s%s?per_page=%d", r.Host, r.URL.EscapedPath(), per)
		if r.TLS != nil {
			at = "https" + strings.TrimPrefix(at, "http")
		}
		w.Header().Set("Link", fmt.Sprintf(`<%s&page=%d>; rel="next", <%[1]s&page=%d>; rel="last"`, at, n+1, last))
	}
	from := min((n-1)*per, len(all))
	return all[from:min(from+per, len(all))]
}

func (p *githubPlace) list(w http.ResponseWriter, r *githubRequest, of map[string]*GitHubEntry) (int, any) {
	names := slices.Sorted(maps.Keys(of))
	usual, most := 30, 100
	if r.kind == "variable" {
		usual, most = 10, 30
	}
	shown := []any{}
	for _, name := range pageOf(w, r, names, usual, most) {
		shown = append(shown, p.show(r, of[name]))
	}
	return http.StatusOK, map[string]any{"total_count": len(names), r.kind + "s": shown}
}

func (p *githubPlace) organization() bool { return strings.HasPrefix(p.path, "/orgs/") }

// show is what is told of an entry.
func (p *githubPlace) show(r *githubRequest, e *GitHubEntry) map[string]any {
	out := map[string]any{"name": e.Name, "created_at": e.Created, "updated_at": e.Updated}
	if r.kind == "variable" {
		out["value"] = e.Value
	}
	if p.organization() {
		out["visibility"] = e.Visibility
		if e.Visibility == "selected" {
			scheme := "http"
			if r.TLS != nil {
				scheme = "https"
			}
			out["selected_repositories_url"] = fmt.Sprintf("%s://%s/api/v3%s/%ss/%s/repositories", scheme, r.Host, p.path, r.kind, e.Name)
		}
	}
	return out
}

func (g *GitHub) selected(w http.ResponseWriter, r *githubRequest, p *githubPlace, e *GitHubEntry) (int, any) {
	switch {
	case r.Method != http.MethodGet || !p.organization():
		return http.StatusNotFound, notFound
	case e.Visibility != "selected":
		return http.StatusConflict, "Visibility is not set to selected"
	}
	shown := []any{}
	for _, id := range pageOf(w, r, e.Repositories, 30, 100) {
		for name, known := range g.repositories {
			if known == id {
				shown = append(shown, repositoryJSON(name, id))
			}
		}
	}
	return http.StatusOK, map[string]any{"total_count": len(e.Repositories), "repositories": shown}
}

// githubInput is what may be sent.
type githubInput struct {
	Sealed       *string `json:"encrypted_value"`
	KeyID        *string `json:"key_id"`
	Name         *string `json:"name"`
	Value        *string `json:"value"`
	Visibility   *string `json:"visibility"`
	Repositories *[]any  `json:"selected_repository_ids"`
}

func (r *githubRequest) input() (in githubInput, why string) {
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, "Invalid request. " + err.Error()
	}
	return in, ""
}

// The pattern is that of GitHub's own description of its API.
var githubBase64 = regexp.MustCompile(`^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$`)

var githubName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

const maxGitHubValue = 48 * 1024

func (g *GitHub) putSecret(p *githubPlace, r *githubRequest) (int, any) {
	const unfit = http.StatusUnprocessableEntity
	in, why := r.input()
	old := p.secrets[r.name]
	e := GitHubEntry{Name: r.name}
	switch {
	case why != "":
		return unfit, why
	case !githubName.MatchString(r.name) || strings.HasPrefix(r.name, "GITHUB_"):
		return unfit, "Secret name is invalid"
	case in.Name != nil || in.Value != nil:
		return unfit, "Invalid request. That is not a permitted key"
	case in.Sealed == nil || !githubBase64.MatchString(*in.Sealed):
		return unfit, "Invalid request. encrypted_value does not match"
	case in.KeyID == nil:
		return unfit, `Invalid request. "key_id" wasn't supplied`
	case *in.KeyID != strconv.Itoa(p.keyID):
		return unfit, "Bad request - the key_id is not that of the current key"
	case old == nil && len(p.secrets) >= p.most("secret"):
		return unfit, "Too many secrets"
	}
	raw, err := base64.StdEncoding.DecodeString(*in.Sealed)
	value, ok := box.OpenAnonymous(nil, raw, p.public, p.private)
	if err != nil || !ok {
		return unfit, "Bad request - validation failed due to an improperly encrypted secret"
	}
	if len(value) > maxGitHubValue {
		return unfit, "Secret is too large"
	}
	e.Value = string(value)
	if why := g.access(p, in, true, &e); why != "" {
		return unfit, why
	}
	g.store(p.secrets, e)
	if old != nil {
		return http.StatusNoContent, nil
	}
	return http.StatusCreated, struct{}{}
}

// writeVariable creates a variable, or changes old.
func (g *GitHub) writeVariable(p *githubPlace, r *githubRequest, old *GitHubEntry) (int, any) {
	const unfit = http.StatusUnprocessableEntity
	in, why := r.input()
	e := GitHubEntry{Name: r.name}
	if old != nil {
		e = *old
	}
	switch {
	case why != "":
		return unfit, why
	case in.Sealed != nil || in.KeyID != nil:
		return unfit, "Invalid request. That is not a permitted key"
	case old == nil && (in.Name == nil || in.Value == nil):
		return unfit, "Invalid request. name and value are required"
	case old != nil && in.Name != nil && !strings.EqualFold(*in.Name, old.Name):
		return unfit, "the fake renames nothing"
	case !githubName.MatchString(r.name) || strings.HasPrefix(r.name, "GITHUB_"):
		return unfit, "Variable name is invalid"
	case in.Value != nil && len(*in.Value) > maxGitHubValue:
		return unfit, "Variable is too large"
	case old == nil && p.variables[r.name] != nil:
		return http.StatusConflict, "Already exists - Variable already exists"
	case old == nil && len(p.variables) >= p.most("variable"):
		return unfit, "Too many variables"
	}
	if in.Value != nil {
		e.Value = *in.Value
	}
	if why := g.access(p, in, old == nil, &e); why != "" {
		return unfit, why
	}
	g.store(p.variables, e)
	if old != nil {
		return http.StatusNoContent, nil
	}
	return http.StatusCreated, struct{}{}
}

// access reads who is to see what an organization has. Without it, a variable that
// is changed keeps what it has; of a secret it takes the place of all that was.
func (g *GitHub) access(p *githubPlace, in githubInput, must bool, e *GitHubEntry) (why string) {
	switch {
	case !p.organization() && (in.Visibility != nil || in.Repositories != nil):
		return "Invalid request. That is not a permitted key"
	case !p.organization(), in.Visibility == nil && !must:
		return ""
	case in.Visibility == nil:
		return `Invalid request. "visibility" wasn't supplied`
	case !slices.Contains([]string{"all", "private", "selected"}, *in.Visibility):
		return "Invalid request. visibility is not one of all, private, selected"
	case in.Repositories != nil && *in.Visibility != "selected":
		return "Invalid request. Repositories can only be selected when the visibility is selected"
	}
	e.Visibility, e.Repositories = *in.Visibility, nil
	if in.Repositories == nil {
		return ""
	}
	for _, id := range *in.Repositories {
		n, ok := g.repositoryID(p, id)
		if !ok {
			return fmt.Sprintf("Invalid request. %v (%[1]T) is no id of a repository", id)
		}
		e.Repositories = append(e.Repositories, n)
	}
	return ""
}

// repositoryID reads an id, which Dependabot wants as a text and the others as a
// number, of a repository that the organization has.
func (g *GitHub) repositoryID(p *githubPlace, id any) (int64, bool) {
	var n int64
	switch id := id.(type) {
	case string:
		n, _ = strconv.ParseInt(id, 10, 64)
	case float64:
		n = int64(id)
	}
	if _, text := id.(string); text != strings.HasSuffix(p.path, "/dependabot") {
		return 0, false
	}
	owner := strings.Split(p.path, "/")[2]
	for name, known := range g.repositories {
		if known == n && strings.HasPrefix(name, owner+"/") {
			return n, true
		}
	}
	return 0, false
}

// most is how many there may be.
func (p *githubPlace) most(kind string) int {
	switch {
	case p.organization() && !strings.HasSuffix(p.path, "/codespaces"):
		return 1000
	case kind == "variable" && !strings.Contains(p.path, "/environments/"):
		return 500
	}
	return 100
}

// store writes an entry. The lock is held.
func (g *GitHub) store(of map[string]*GitHubEntry, e GitHubEntry) {
	g.now = g.now.Add(time.Second)
	e.Created, e.Updated = g.now, g.now
	if old := of[e.Name]; old != nil {
		e.Created = old.Created
	}
	of[e.Name] = &e
}
