package fake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var kubeKey = regexp.MustCompile(`^[-._a-zA-Z0-9]+$`)

const maxKubeSecret = 1 << 20

// kubeApplied is what may be applied: a manifest of which the fake knows all
// fields that skret has a reason to send.
type kubeApplied struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Data map[string][]byte `json:"data"`
}

func (k *Kubernetes) apply(r *http.Request, namespace, name string, body []byte) (any, *apiError) {
	var in kubeApplied
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	query := r.URL.Query()
	bad := func(format string, args ...any) (any, *apiError) {
		return nil, &apiError{http.StatusBadRequest, "BadRequest", fmt.Sprintf(format, args...)}
	}
	switch {
	case r.Header.Get("Content-Type") != "application/apply-patch+yaml":
		return nil, &apiError{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "the body of the request was in an unknown format"}
	case query.Get("fieldManager") == "":
		return bad("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
	case query.Get("force") == "true":
		return bad("the fake lets nobody take a key by force")
	}
	if err := d.Decode(&in); err != nil {
		return bad("error decoding patch: %v", err)
	}
	if in.APIVersion != "v1" || in.Kind != "Secret" || in.Metadata.Name != name || cmp.Or(in.Metadata.Namespace, namespace) != namespace {
		return bad("the manifest is of something else")
	}
	s := k.secrets[namespace+"/"+name]
	if s == nil {
		if in.Metadata.ResourceVersion != "" {
			return nil, &apiError{http.StatusConflict, "Conflict", kubeModified(name)}
		}
		s = &kubeSecret{namespace: namespace, name: name, kind: "Opaque", data: map[string][]byte{}}
	}
	if v := in.Metadata.ResourceVersion; v != "" && v != strconv.Itoa(s.version) {
		return nil, &apiError{http.StatusConflict, "Conflict", kubeModified(name)}
	}
	if e := k.merge(s, query.Get("fieldManager"), in.Data); e != nil {
		return nil, e
	}
	k.secrets[namespace+"/"+name] = s
	return s.show(), nil
}

func kubeModified(name string) string {
	return fmt.Sprintf("Operation cannot be fulfilled on secrets %q: the object has been modified; please apply your changes to the latest version and try again", name)
}

// merge makes data what a manager applies to a Secret: what it no longer names goes,
// unless somebody else owns it, and what others own with another value is a conflict.
// Who first said that there is data, and says it no more, takes all of it away.
func (k *Kubernetes) merge(s *kubeSecret, manager string, data map[string][]byte) *apiError {
	me := s.manager(manager, "Apply")
	after, size := maps.Clone(s.data), 0
	var conflicts []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		old, there := s.data[key]
		for _, other := range s.others(me, key) {
			if there && !bytes.Equal(old, data[key]) {
				conflicts = append(conflicts, fmt.Sprintf("conflict with %q using v1: .data.%s", other, key))
			}
		}
		after[key] = data[key]
	}
	for key := range me.keys {
		if _, named := data[key]; !named && len(s.others(me, key)) == 0 {
			delete(after, key)
		}
	}
	for key, v := range after {
		size += len(v)
		if !kubeKey.MatchString(key) || len(key) > 253 || key == "." || strings.HasPrefix(key, "..") {
			return &apiError{http.StatusUnprocessableEntity, "Invalid", fmt.Sprintf("Secret %q is invalid: data[%s]: Invalid value", s.name, key)}
		}
	}
	alone := !slices.ContainsFunc(s.managers, func(m *kubeManager) bool { return m != me && m.whole })
	if data == nil && me.whole && alone { // there is to be no data, and nobody else says that there is
		after = map[string][]byte{}
	}
	changed := !maps.EqualFunc(after, s.data, bytes.Equal)
	switch {
	case len(conflicts) > 0:
		what := "1 conflict"
		if len(conflicts) > 1 {
			what = strconv.Itoa(len(conflicts)) + " conflicts"
		}
		return &apiError{http.StatusConflict, "Conflict", "Apply failed with " + what + ": " + strings.Join(conflicts, "\n")}
	case size > maxKubeSecret:
		return &apiError{http.StatusUnprocessableEntity, "Invalid", fmt.Sprintf("Secret %q is invalid: data: Too long: must have at most %d bytes", s.name, maxKubeSecret)}
	case s.immutable && changed:
		return &apiError{http.StatusUnprocessableEntity, "Invalid", fmt.Sprintf("Secret %q is invalid: data: Forbidden: field is immutable when `immutable` is set", s.name)}
	}
	keys := map[string]bool{}
	for key := range data {
		keys[key] = true
	}
	if changed || s.version == 0 || !maps.Equal(keys, me.keys) {
		k.touch(s)
	}
	s.data, me.keys, me.whole = after, keys, data != nil
	return nil
}
