package httpx_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// get makes a request and reads its reply.
func get(t *testing.T, c *http.Client, url string) ([]byte, error) {
	t.Helper()
	defer c.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, httpx.Explain("the.host", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, httpx.Explain("the.host", err)
	}
	return b, nil
}

// quiet is for servers whose clients are meant to fail.
var quiet = log.New(io.Discard, "", 0)

func wantError(t *testing.T, err error, kind errs.Kind, words string) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind || !strings.Contains(err.Error(), words) {
		t.Errorf("error of kind %v: %v; want kind %v and %q", errs.KindOf(err), err, kind, words)
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	var reached bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.RedirectHandler(other.URL, code))
		_, err := get(t, httpx.Client(httpx.Options{}), s.URL)
		wantError(t, err, errs.Backend, "answered with a redirect")
		s.Close()
	}
	if reached {
		t.Error("a redirect was followed")
	}
}

func TestRepliesAreBounded(t *testing.T) {
	size := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, size))
	}))
	defer s.Close()
	size = httpx.MaxReply
	if b, err := get(t, httpx.Client(httpx.Options{}), s.URL); err != nil || len(b) != size {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	size++
	_, err := get(t, httpx.Client(httpx.Options{}), s.URL)
	wantError(t, err, errs.Backend, "larger than 16 MiB")
}

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	for _, url := range []string{"http://192.0.2.1/", "http://example.invalid/", "http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://localhost.example.invalid/"} {
		_, err := get(t, httpx.Client(httpx.Options{}), url)
		wantError(t, err, errs.Config, "plain http")
	}
	_, err := get(t, httpx.Client(httpx.Options{LinkLocal: true}), "http://192.0.2.1/")
	wantError(t, err, errs.Config, "plain http")
	_, err = get(t, httpx.Client(httpx.Options{}), "ftp://127.0.0.1/")
	wantError(t, err, errs.Config, "scheme")
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "localhost": true, "app.localhost": true,
		"10.0.0.1": false, "0.0.0.0": false, "localhost.com": false, "": false,
	} {
		if httpx.Loopback(host) != want {
			t.Errorf("Loopback(%q) is not %v", host, want)
		}
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	// Loopback is never proxied, and the variables are read once in a process:
	// what can be seen is that a transport asks for them, or does not.
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	var tr http.Transport
	httpx.Limit(&tr)
	if tr.Proxy == nil {
		t.Fatal("the proxy of the environment is not asked for")
	}
	if u, err := tr.Proxy(r); u != nil || err != nil {
		t.Errorf("proxy %v for loopback: %v", u, err)
	}
	if tr.TLSClientConfig.MinVersion != tls.VersionTLS12 || tr.TLSClientConfig.InsecureSkipVerify {
		t.Error("TLS is not as promised")
	}
	if tr.ResponseHeaderTimeout == 0 || tr.TLSHandshakeTimeout == 0 || tr.DialContext == nil {
		t.Error("a wait has no limit")
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	defer s.Close()
	_, err := get(t, httpx.Client(httpx.Options{Trust: httpx.Preload("")}), s.URL)
	wantError(t, err, errs.Network, "not signed by a trusted authority")

	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(bundle, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := get(t, httpx.Client(httpx.Options{Trust: httpx.Preload(bundle)}), s.URL); err != nil || string(b) != "ok" {
		t.Errorf("%q %v", b, err)
	}
	// The name must fit, too.
	_, err = get(t, httpx.Client(httpx.Options{Trust: httpx.Preload(bundle)}), strings.Replace(s.URL, "127.0.0.1", "localhost", 1))
	wantError(t, err, errs.Network, "its certificate is not valid")

	for _, content := range []string{"", "no certificate"} {
		if err := os.WriteFile(bundle, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = get(t, httpx.Client(httpx.Options{Trust: httpx.Preload(bundle)}), s.URL)
		wantError(t, err, errs.Config, "holds no certificate")
	}
	_, err = get(t, httpx.Client(httpx.Options{Trust: httpx.Preload(bundle + "x")}), s.URL)
	wantError(t, err, errs.Config, "AWS_CA_BUNDLE")
}

func TestOldTLSIsRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = quiet
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // that is the test
	s.StartTLS()
	defer s.Close()
	if _, err := get(t, httpx.Client(httpx.Options{}), s.URL); errs.KindOf(err) != errs.Network {
		t.Errorf("%v", err)
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	conns := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { conns[r.RemoteAddr] = true }))
	defer s.Close()
	c := httpx.Client(httpx.Options{})
	for range 5 {
		resp, err := c.Post(s.URL, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	c.CloseIdleConnections()
	if len(conns) != 1 {
		t.Errorf("%d connections", len(conns))
	}
}

func TestExplain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + listener.Addr().String()
	listener.Close()
	_, err = get(t, httpx.Client(httpx.Options{}), refused)
	wantError(t, err, errs.Network, "no answer from the.host: the connection was refused")

	closed := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer closed.Close()
	_, err = get(t, httpx.Client(httpx.Options{}), closed.URL)
	wantError(t, err, errs.Network, "closed before the answer")
	_, err = get(t, httpx.Client(httpx.Options{}), strings.Replace(closed.URL, "http", "https", 1))
	wantError(t, err, errs.Network, "does not speak TLS")

	for _, c := range []struct {
		err   error
		words string
	}{
		{&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "the name is not known"},
		{&net.DNSError{Err: "server misbehaving", Name: "x"}, "could not be looked up"},
		{fmt.Errorf("Post: %w", context.DeadlineExceeded), "timed out"},
		{errors.New("net/http: TLS handshake timeout http://user:hunter2@proxy"), "the request failed"},
		{io.ErrUnexpectedEOF, "closed before the answer"},
	} {
		err := httpx.Explain("the.host", c.err)
		wantError(t, err, errs.Network, c.words)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password is shown: %v", err)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%v: the cause is lost", c.err)
		}
	}
}

func TestSilentServerEnds(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
		<-r.Context().Done()
	}))
	defer s.Close()
	_, err := get(t, httpx.Client(httpx.Options{FirstByte: 20 * time.Millisecond}), s.URL)
	wantError(t, err, errs.Network, "timed out")
	_, err = get(t, httpx.Client(httpx.Options{Timeout: 20 * time.Millisecond}), s.URL)
	wantError(t, err, errs.Network, "timed out")
}
