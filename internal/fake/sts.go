package fake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"
)

// STS is a server that speaks the part of STS by which roles are assumed. It
// gives the keys that [SSM] accepts.
type STS struct {
	URL    string
	server *httptest.Server

	mu    sync.Mutex
	calls []url.Values
	fail  [2]string // code, message
}

// NewSTS starts a server. A role with mfa_serial is given for the code 123456.
func NewSTS() *STS {
	s := &STS{}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.server.URL
	return s
}

// Fail lets every request fail from now on.
func (s *STS) Fail(code, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = [2]string{code, message}
}

// Calls returns the parameters of the requests so far.
func (s *STS) Calls() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]url.Values(nil), s.calls...)
}

// Close stops the server.
func (s *STS) Close() { s.server.Close() }

func (s *STS) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	s.calls = append(s.calls, r.PostForm)
	fail := s.fail
	s.mu.Unlock()
	action := r.PostForm.Get("Action")
	switch {
	case fail[0] != "":
	case action != "AssumeRole" && action != "AssumeRoleWithWebIdentity":
		fail = [2]string{"InvalidAction", "no such action"}
	case r.PostForm.Get("SerialNumber") != "" && r.PostForm.Get("TokenCode") != "123456":
		fail = [2]string{"AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code."}
	}
	w.Header().Set("Content-Type", "text/xml")
	if fail[0] != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>0</RequestId></ErrorResponse>`,
			escape(fail[0]), escape(fail[1]))
		return
	}
	fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><AssumedRoleUser><Arn>%[2]s</Arn><AssumedRoleId>AROA:dev</AssumedRoleId></AssumedRoleUser>`+
		`<Credentials><AccessKeyId>%[3]s</AccessKeyId><SecretAccessKey>%[4]s</SecretAccessKey><SessionToken>session</SessionToken><Expiration>%[5]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, Caller, AccessKey, SecretKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}
