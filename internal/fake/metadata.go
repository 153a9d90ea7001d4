package fake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Metadata is a server that speaks the protocol of EC2's instance metadata,
// version 2: a token by PUT first, then the credentials of the role.
type Metadata struct {
	URL    string
	server *httptest.Server

	mu    sync.Mutex
	calls []string
}

// NewMetadata starts a server. mode is "" for an instance with a role, "norole"
// for one without, "v1" for one that knows no tokens, "silent" for one that
// takes connections and never answers. /container is what a container's agent
// answers to the token "container-token".
func NewMetadata(mode string) *Metadata {
	m := &Metadata{}
	const token = "fake-metadata-token"
	m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.calls = append(m.calls, r.Method+" "+r.URL.Path)
		m.mu.Unlock()
		path := strings.TrimPrefix(r.URL.Path, "/latest")
		switch {
		case r.URL.Path == "/container" && r.Header.Get("Authorization") == "container-token":
			fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":"session","Expiration":%q}`,
				AccessKey, SecretKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		case mode == "silent":
			<-r.Context().Done()
		case path == "/api/token" && r.Method == http.MethodPut && mode != "v1":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
			fmt.Fprint(w, token)
		case path == "/api/token":
			http.NotFound(w, r)
		case mode != "v1" && r.Header.Get("X-Aws-Ec2-Metadata-Token") != token:
			w.WriteHeader(http.StatusUnauthorized)
		case mode == "norole":
			http.NotFound(w, r)
		case path == "/meta-data/iam/security-credentials/":
			fmt.Fprint(w, "app-role")
		case path == "/meta-data/iam/security-credentials/app-role":
			fmt.Fprintf(w, `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":%q,"SecretAccessKey":%q,"Token":"session","Expiration":%q}`,
				AccessKey, SecretKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		default:
			http.NotFound(w, r)
		}
	}))
	m.URL = m.server.URL
	return m
}

// Calls returns the requests so far: "PUT /latest/api/token" ...
func (m *Metadata) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.calls...)
}

// Close stops the server.
func (m *Metadata) Close() {
	m.server.CloseClientConnections()
	m.server.Close()
}
