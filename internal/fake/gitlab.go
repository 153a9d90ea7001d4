package fake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// GitLab is a server that keeps the CI/CD variables of projects and groups, below
// /api/v4 as GitLab does.
//
// A place is named "projects/acme/app" or "groups/acme". Its operations are "list",
// "get:NAME", "create:NAME", "update:NAME" and "delete:NAME".
type GitLab struct {
	source

	// Set these before the first request.
	OnWrite     func(op string) // after something was written, before that is answered
	NoHidden    bool            // the server is from before 17.4
	NoScopes    bool            // groups have no scopes: without a licence they are left out in silence
	OldMasking  bool            // the server is from before 17: what is raw is masked by the same rule as the rest
	MaxVariable int             // how many a place may have; 0 is 8000

	token  string
	places map[string][]GitLabVariable
	ids    map[string]string // the place that has a number: "projects/7"
}

// GitLabVariable is a variable as GitLab tells it.
type GitLabVariable struct {
	Key         string  `json:"key"`
	Value       string  `json:"value"`
	Type        string  `json:"variable_type"`
	Scope       string  `json:"environment_scope"`
	Masked      bool    `json:"masked"`
	Hidden      bool    `json:"hidden"`
	Protected   bool    `json:"protected"`
	Raw         bool    `json:"raw"`
	Description *string `json:"description"`
}

// NewGitLab starts a server that accepts this token. Close stops it.
func NewGitLab(token string) *GitLab {
	g := &GitLab{token: token, places: map[string][]GitLabVariable{}, ids: map[string]string{}}
	g.refuse = func(w http.ResponseWriter, status int, code, message string) {
		w.WriteHeader(status)
		out := map[string]any{"message": message}
		if strings.HasPrefix(message, "{") {
			out["message"] = json.RawMessage(message)
		}
		if code != "" {
			out = map[string]any{"error": code}
		}
		json.NewEncoder(w).Encode(out)
	}
	g.start(g.answer)
	return g
}

// Add makes a place, and returns its number.
func (g *GitLab) Add(place string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	kind, _, _ := strings.Cut(place, "/")
	g.places[place] = []GitLabVariable{}
	id := strconv.Itoa(len(g.places) + 40)
	g.ids[kind+"/"+id] = place
	return id
}

// Set has somebody else write a variable: its type is env_var and its scope * if they
// are not said.
func (g *GitLab) Set(place string, v GitLabVariable) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v.Type, v.Scope = cmp.Or(v.Type, "env_var"), cmp.Or(v.Scope, "*")
	if i := g.find(place, v.Key, v.Scope); i >= 0 {
		g.places[place][i] = v
		return
	}
	g.places[place] = append(g.places[place], v)
}

// Remove has somebody else delete a variable.
func (g *GitLab) Remove(place, key, scope string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.find(place, key, scope)
	g.places[place] = slices.Delete(g.places[place], i, i+1)
}

func (g *GitLab) find(place, key, scope string) int {
	return slices.IndexFunc(g.places[place], func(v GitLabVariable) bool { return v.Key == key && v.Scope == scope })
}

// Variables returns what a place has, by "NAME" or, of other scopes than *,
// "NAME@SCOPE".
func (g *GitLab) Variables(place string) map[string]GitLabVariable {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]GitLabVariable{}
	for _, v := range g.places[place] {
		name := v.Key
		if v.Scope != "*" {
			name += "@" + v.Scope
		}
		all[name] = v
	}
	return all
}

var gitlabPath = regexp.MustCompile(`^/api/v4/(projects|groups)/([^/]+)/variables(?:/([^/]+))?$`)

func (g *GitLab) answer(w http.ResponseWriter, r *http.Request) {
	m := gitlabPath.FindStringSubmatch(r.URL.EscapedPath())
	op, key := "unknown", ""
	if m != nil {
		key, _ = url.PathUnescape(m[3])
		op = map[string]string{"GET": "get", "PUT": "update", "DELETE": "delete", "POST": "create"}[r.Method] + ":" + key
		switch {
		case key == "" && r.Method == http.MethodGet:
			op = "list"
		case key == "": // the name is in what is sent
			op += sentKey(r)
		}
	}
	wrote := false
	g.serve(w, r, op, func(body []byte) (any, *apiError) {
		token := cmp.Or(bearerOf(r), r.Header.Get("PRIVATE-TOKEN"))
		if token != g.token {
			return nil, &apiError{http.StatusUnauthorized, "", "401 Unauthorized"}
		}
		if m == nil {
			return nil, &apiError{http.StatusNotFound, "", "404 Not Found"}
		}
		place, _ := url.PathUnescape(m[2])
		place = m[1] + "/" + strings.ToLower(place)
		place = cmp.Or(g.ids[place], place)
		if g.places[place] == nil {
			return nil, &apiError{http.StatusNotFound, "", "404 " + strings.Title(m[1][:len(m[1])-1]) + " Not Found"} //nolint:staticcheck // a word of ASCII
		}
		out, status, e := g.do(w, r, place, key, body)
		if e == nil && r.Method != http.MethodGet {
			wrote = true
		}
		if e == nil && status != http.StatusOK {
			w.WriteHeader(status)
		}
		return out, e
	})
	if wrote && g.OnWrite != nil {
		g.OnWrite(op)
	}
}

// sentKey looks into the body for the name of a variable, and leaves it unread.
func sentKey(r *http.Request) string {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct{ Key string }
	_ = json.Unmarshal(body, &in)
	return in.Key
}

func (g *GitLab) do(w http.ResponseWriter, r *http.Request, place, key string, body []byte) (out any, status int, e *apiError) {
	if key == "" {
		switch r.Method {
		case http.MethodGet:
			return g.list(w, r, place), http.StatusOK, nil
		case http.MethodPost:
			out, e = g.write(place, nil, body)
			return out, http.StatusCreated, e
		}
		return nil, 0, &apiError{http.StatusMethodNotAllowed, "", "405 Method Not Allowed"}
	}
	filter := r.URL.Query().Get("filter[environment_scope]")
	if g.unscoped(place) {
		filter = ""
	}
	var found []int
	for i, v := range g.places[place] {
		if v.Key == key && (filter == "" || v.Scope == filter) {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 0:
		return nil, 0, &apiError{http.StatusNotFound, "", "404 Variable Not Found"}
	case len(found) > 1:
		return nil, 0, &apiError{http.StatusConflict, "", "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"}
	}
	v := &g.places[place][found[0]]
	switch r.Method {
	case http.MethodGet:
		return g.show(*v), http.StatusOK, nil
	case http.MethodPut:
		out, e = g.write(place, v, body)
		return out, http.StatusOK, e
	case http.MethodDelete:
		g.places[place] = slices.Delete(g.places[place], found[0], found[0]+1)
		return nil, http.StatusNoContent, nil
	}
	return nil, 0, &apiError{http.StatusMethodNotAllowed, "", "405 Method Not Allowed"}
}

func (g *GitLab) unscoped(place string) bool {
	return g.NoScopes && strings.HasPrefix(place, "groups/")
}

// show is a variable as it is told: a hidden one without its value.
func (g *GitLab) show(v GitLabVariable) map[string]any {
	raw, _ := json.Marshal(v)
	out := map[string]any{}
	_ = json.Unmarshal(raw, &out)
	if v.Hidden {
		out["value"] = nil
	}
	if g.NoHidden {
		delete(out, "hidden")
	}
	return out
}

func (g *GitLab) list(w http.ResponseWriter, r *http.Request, place string) any {
	number := func(name string, missing int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return missing
	}
	per, n := min(number("per_page", 20), 100), number("page", 1)
	all := g.places[place]
	from := min((n-1)*per, len(all))
	to := min(from+per, len(all))
	if to < len(all) {
		w.Header().Set("X-Next-Page", strconv.Itoa(n+1))
	}
	shown := []any{}
	for _, v := range all[from:to] {
		shown = append(shown, g.show(v))
	}
	return shown
}

// gitlabInput is what may be sent.
type gitlabInput struct {
	Key         *string `json:"key"`
	Value       *string `json:"value"`
	Type        *string `json:"variable_type"`
	Scope       *string `json:"environment_scope"`
	Masked      *bool   `json:"masked"`
	Hidden      *bool   `json:"masked_and_hidden"`
	Protected   *bool   `json:"protected"`
	Raw         *bool   `json:"raw"`
	Description *string `json:"description"`
}

var (
	gitlabKey    = regexp.MustCompile(`^[a-zA-Z0-9_]{1,255}$`)
	gitlabScope  = regexp.MustCompile(`^[a-zA-Z0-9_/${}. *-]{1,255}$`)
	gitlabMasked = regexp.MustCompile(`^[a-zA-Z0-9_+=/@:.~-]{8,}$`)
)

// write creates a variable, or changes old.
func (g *GitLab) write(place string, old *GitLabVariable, body []byte) (any, *apiError) {
	bad := func(format string, args ...any) (any, *apiError) {
		return nil, &apiError{http.StatusBadRequest, "", fmt.Sprintf(format, args...)}
	}
	var in gitlabInput
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return bad("400 Bad request - %v", err)
	}
	v := GitLabVariable{Type: "env_var", Scope: "*"}
	if old != nil {
		v = *old
	}
	switch {
	case old == nil && (in.Key == nil || in.Value == nil):
		return bad("key is missing, value is missing")
	case in.Value != nil && (strings.Contains(*in.Value, "\x00") || !utf8.ValidString(*in.Value)):
		return bad("400 Bad request")
	case old == nil:
		v.Key = *in.Key
		v.Hidden = in.Hidden != nil && *in.Hidden && !g.NoHidden
		v.Masked = v.Hidden
	}
	take(&v.Value, in.Value)
	take(&v.Type, in.Type)
	take(&v.Masked, in.Masked)
	take(&v.Protected, in.Protected)
	take(&v.Raw, in.Raw)
	if !g.unscoped(place) {
		take(&v.Scope, in.Scope)
	}
	if in.Description != nil {
		v.Description = in.Description
	}
	taken := slices.ContainsFunc(g.places[place], func(o GitLabVariable) bool { return o.Key == v.Key && o.Scope == v.Scope })
	short := utf8.RuneCountInString(v.Value) < 8 || strings.ContainsAny(v.Value, " \t\n\v\f\r")
	switch {
	case !gitlabKey.MatchString(v.Key):
		return bad(`{"key":["can contain only letters, digits and '_'."]}`)
	case !gitlabScope.MatchString(v.Scope):
		return bad(`{"environment_scope":["is invalid"]}`)
	case v.Masked && v.Raw && !g.OldMasking && short, v.Masked && (!v.Raw || g.OldMasking) && !gitlabMasked.MatchString(v.Value):
		return bad(`{"value":["is invalid"]}`)
	case old != nil && old.Hidden && !v.Masked:
		return bad(`{"base":["Updating masked attribute is not allowed on updates for hidden variables."]}`)
	case (old == nil || old.Scope != v.Scope) && taken:
		return bad(`{"key":["(%s) has already been taken"]}`, v.Key)
	case old == nil && len(g.places[place]) >= cmp.Or(g.MaxVariable, 8000):
		return bad(`{"base":["Maximum number of project ci variables (%d) exceeded"]}`, cmp.Or(g.MaxVariable, 8000))
	}
	if old != nil {
		*old = v
	} else {
		g.places[place] = append(g.places[place], v)
	}
	return g.show(v), nil
}

// take takes what was sent.
func take[T any](into, sent *T) {
	if sent != nil {
		*into = *sent
	}
}
