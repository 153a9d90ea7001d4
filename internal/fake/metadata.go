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
	Cloud  *Cloud // if there is one, it makes the keys; set it before the first request
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
			m.tell(w)
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
			m.tell(w)
		default:
			http.NotFound(w, r)
		}
	}))
	m.URL = m.server.URL
	return m
}

// tell writes the credentials of the role.
func (m *Metadata) tell(w http.ResponseWriter) {
	k := Key{ID: AccessKey, Secret: SecretKey, Token: "session", Expires: time.Now().Add(time.Hour)}
	if m.Cloud != nil {
		k = m.Cloud.Issue("arn:aws:sts::"+Account+":assumed-role/app-role/i-0123456789abcdef0", time.Hour)
	}
	fmt.Fprintf(w, `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`,
		k.ID, k.Secret, k.Token, stamp(k.Expires))
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
