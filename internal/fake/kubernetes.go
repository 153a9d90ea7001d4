package fake

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kubernetes is a cluster that has namespaces and Secrets, as far as kubectl's get
// and server-side apply need it: who owns which key is kept as a real one does.
//
// Its operations are "get:NAME", "apply:NAME", and "discover" for what a client
// asks about the API itself.
type Kubernetes struct {
	source
	Token string // that is accepted

	secrets    map[string]*kubeSecret // by "namespace/name"
	namespaces []string
	version    int
	forbidden  []string
}

// kubeSecret is a Secret.
type kubeSecret struct {
	namespace, name string
	version         int
	immutable       bool
	kind            string
	data            map[string][]byte
	managers        []*kubeManager
}

// kubeManager is who owns keys, by which operation.
type kubeManager struct {
	name, operation string // Apply or Update
	keys            map[string]bool
	whole           bool // it owns that there is data at all
}

// NewKubernetes starts a cluster with the namespaces default and web, and one token.
// Close stops it.
func NewKubernetes() *Kubernetes {
	k := &Kubernetes{Token: "cluster-token", secrets: map[string]*kubeSecret{}, namespaces: []string{"default", "web"}, version: 100}
	k.refuse = refuseKubernetes
	// By https alone: kubectl sends no token by plain http, to this machine neither.
	k.server = httptest.NewUnstartedServer(http.HandlerFunc(k.answer))
	k.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	k.server.StartTLS()
	k.URL = k.server.URL
	return k
}

// Kubeconfig returns a configuration for kubectl with two contexts: ci, the current
// one, whose namespace is web, and locked-out, with a token that is not accepted.
func (k *Kubernetes) Kubeconfig() string {
	ca := base64.StdEncoding.EncodeToString(asPEM("CERTIFICATE", k.server.Certificate().Raw))
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: ci
clusters: [{name: fake, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: ci, user: {token: %q}}, {name: nobody, user: {token: expired}}]
contexts:
- {name: ci, context: {cluster: fake, user: ci, namespace: web}}
- {name: locked-out, context: {cluster: fake, user: nobody}}
`, k.URL, ca, k.Token)
}

// refuseKubernetes writes an error as a cluster does. What is invalid is said in
// details, from which kubectl makes its own words.
func refuseKubernetes(w http.ResponseWriter, status int, reason, message string) {
	out := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "code": status,
	}
	if m := kubeInvalid.FindStringSubmatch(message); m != nil {
		out["details"] = map[string]any{"name": m[1], "kind": "Secret", "causes": []any{
			map[string]any{"reason": "FieldValueInvalid", "field": m[2], "message": m[3]},
		}}
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(out)
}

// Forbid has the token lose the right to a verb: get, patch or create.
func (k *Kubernetes) Forbid(verbs ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forbidden = verbs
}

// Edit has somebody else write a key of a Secret, which is made if it is not there.
// Where that changes the value, nobody else owns the key any more.
func (k *Kubernetes) Edit(namespace, name, manager, key, value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.secrets[namespace+"/"+name]
	if s == nil {
		s = &kubeSecret{namespace: namespace, name: name, kind: "Opaque", data: map[string][]byte{}}
		k.secrets[namespace+"/"+name] = s
		s.manager(manager, "Update").whole = true
	}
	if old, there := s.data[key]; !there || string(old) != value {
		for _, m := range s.managers {
			delete(m.keys, key)
		}
	}
	s.data[key] = []byte(value)
	s.manager(manager, "Update").keys[key] = true
	k.touch(s)
}

// Drop has somebody else remove a key.
func (k *Kubernetes) Drop(namespace, name, key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.secrets[namespace+"/"+name]
	for _, m := range s.managers {
		delete(m.keys, key)
	}
	delete(s.data, key)
	k.touch(s)
}

// Freeze makes a Secret immutable.
func (k *Kubernetes) Freeze(namespace, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.secrets[namespace+"/"+name].immutable = true
}

// Data returns what a Secret has; nil if it is not there.
func (k *Kubernetes) Data(namespace, name string) map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.secrets[namespace+"/"+name]
	if s == nil {
		return nil
	}
	all := map[string]string{}
	for key, v := range s.data {
		all[key] = string(v)
	}
	return all
}

// Owned returns the keys of a Secret that a manager owns, sorted and joined.
func (k *Kubernetes) Owned(namespace, name, manager string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := map[string]bool{}
	for _, m := range k.secrets[namespace+"/"+name].managers {
		if m.name == manager {
			maps.Copy(keys, m.keys)
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(keys)), " ")
}

// Version returns a Secret's resourceVersion, which every change makes another.
func (k *Kubernetes) Version(namespace, name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strconv.Itoa(k.secrets[namespace+"/"+name].version)
}

func (k *Kubernetes) touch(s *kubeSecret) {
	k.version++
	s.version = k.version
}

// manager returns a manager of the Secret, made if there is none.
func (s *kubeSecret) manager(name, operation string) *kubeManager {
	for _, m := range s.managers {
		if m.name == name && m.operation == operation {
			return m
		}
	}
	m := &kubeManager{name: name, operation: operation, keys: map[string]bool{}}
	s.managers = append(s.managers, m)
	return m
}

// others returns who else owns a key.
func (s *kubeSecret) others(me *kubeManager, key string) (names []string) {
	for _, m := range s.managers {
		if m != me && m.keys[key] {
			names = append(names, m.name)
		}
	}
	return names
}

// kubeDiscovery is what the API says of itself.
var kubeDiscovery = map[string]string{
	"/version": `{"major":"1","minor":"32","gitVersion":"v1.32.0"}`,
	"/api":     `{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}`,
	"/apis":    `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
	"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[` +
		`{"name":"secrets","singularName":"secret","namespaced":true,"kind":"Secret","verbs":["create","delete","get","list","patch","update","watch"]}]}`,
}

var (
	kubePath      = regexp.MustCompile(`^/api/v1/namespaces/([a-z0-9-]+)/secrets/([a-z0-9.-]+)$`)
	kubeNamespace = regexp.MustCompile(`^/api/v1/namespaces/([a-z0-9-]+)$`)
	kubeInvalid   = regexp.MustCompile(`^Secret "([^"]*)" is invalid: (\S+): (.*)$`)
)

func (k *Kubernetes) answer(w http.ResponseWriter, r *http.Request) {
	m := kubePath.FindStringSubmatch(r.URL.Path)
	op := "discover"
	if m != nil {
		op = map[string]string{http.MethodGet: "get", http.MethodPatch: "apply"}[r.Method] + ":" + m[2]
	}
	k.serve(w, r, op, func(body []byte) (any, *apiError) {
		switch {
		case bearerOf(r) != k.Token:
			return nil, &apiError{http.StatusUnauthorized, "Unauthorized", "Unauthorized"}
		case m == nil && r.Method == http.MethodGet && kubeDiscovery[r.URL.Path] != "":
			return json.RawMessage(kubeDiscovery[r.URL.Path]), nil
		case m == nil && r.Method == http.MethodGet && kubeNamespace.MatchString(r.URL.Path):
			name := kubeNamespace.FindStringSubmatch(r.URL.Path)[1]
			if !slices.Contains(k.namespaces, name) {
				return nil, &apiError{http.StatusNotFound, "NotFound", fmt.Sprintf("namespaces %q not found", name)}
			}
			return map[string]any{"kind": "Namespace", "apiVersion": "v1", "metadata": map[string]any{"name": name}}, nil
		case m == nil:
			return nil, &apiError{http.StatusNotFound, "NotFound", "the server could not find the requested resource"}
		}
		return k.secret(r, m[1], m[2], body)
	})
}

// secret answers about one Secret.
func (k *Kubernetes) secret(r *http.Request, namespace, name string, body []byte) (any, *apiError) {
	s := k.secrets[namespace+"/"+name]
	verbs := []string{"get"}
	if r.Method == http.MethodPatch {
		verbs = []string{"patch"}
		if s == nil {
			verbs = []string{"patch", "create"}
		}
	}
	for _, verb := range verbs {
		if slices.Contains(k.forbidden, verb) {
			return nil, &apiError{http.StatusForbidden, "Forbidden", fmt.Sprintf("secrets %q is forbidden: User \"ci\" cannot %s resource \"secrets\" in API group \"\" in the namespace %q", name, verb, namespace)}
		}
	}
	switch {
	case r.Method == http.MethodGet && s == nil:
		return nil, &apiError{http.StatusNotFound, "NotFound", fmt.Sprintf("secrets %q not found", name)}
	case r.Method == http.MethodGet:
		return s.show(), nil
	case r.Method != http.MethodPatch:
		return nil, &apiError{http.StatusMethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource"}
	case !slices.Contains(k.namespaces, namespace):
		return nil, &apiError{http.StatusNotFound, "NotFound", fmt.Sprintf("namespaces %q not found", namespace)}
	}
	return k.apply(r, namespace, name, body)
}

// show is a Secret as it is told.
func (s *kubeSecret) show() map[string]any {
	managed := []any{}
	for _, m := range s.managers {
		fields := map[string]any{}
		for key := range m.keys {
			fields["f:"+key] = map[string]any{}
		}
		if m.whole {
			fields["."] = map[string]any{}
		}
		managed = append(managed, map[string]any{
			"manager": m.name, "operation": m.operation, "apiVersion": "v1", "time": "2026-03-01T12:00:00Z",
			"fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:data": fields},
		})
	}
	out := map[string]any{"kind": "Secret", "apiVersion": "v1", "type": s.kind, "data": s.data, "metadata": map[string]any{
		"name": s.name, "namespace": s.namespace, "uid": "uid-" + s.name, "resourceVersion": strconv.Itoa(s.version),
		"creationTimestamp": "2026-03-01T12:00:00Z", "managedFields": managed,
	}}
	if len(s.data) == 0 {
		delete(out, "data")
	}
	if s.immutable {
		out["immutable"] = true
	}
	return out
}
