// Package httpx makes the one kind of HTTP client that skret has.
//
// A [Client] speaks HTTP/1.1 over TLS 1.2 or better and keeps its connections.
// It gives up after 5 s without a connection, 5 s without a handshake, 15 s
// without a first byte and 60 s for a whole exchange. It follows no redirect,
// since a request carries a credential that is meant for one host. It sends
// plain HTTP to this machine only. A reply is cut off with an error at
// [MaxReply] bytes. Proxies are those of the environment, unless switched off.
//
// [Explain] says in plain words why a request had no answer.
package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
)

// MaxReply is the size in bytes of the largest reply that is read.
const MaxReply = 16 << 20

// Options are what clients differ in. The zero value is the usual client.
type Options struct {
	Dial      time.Duration // for a connection; 0 means 5 s
	FirstByte time.Duration // for the reply to start; 0 means 15 s
	Timeout   time.Duration // for the whole exchange; 0 means 60 s

	// NoProxy ignores the proxies of the environment: for services that are
	// only meant for this machine, such as a cloud's metadata service, where a
	// proxy would answer for itself.
	NoProxy bool

	// LinkLocal also allows plain HTTP to the addresses at which clouds have
	// their metadata services.
	LinkLocal bool

	// Trust is what the certificates of servers are checked against; nil means
	// the system's trust store.
	Trust *Trust

	// Conns is how many idle connections to a host are kept; 0 means 2.
	Conns int
}

// Client returns a client. It starts nothing and connects to nothing.
func Client(o Options) *http.Client {
	t := &http.Transport{}
	Limit(t)
	if o.Dial > 0 {
		t.DialContext = dialer(o.Dial)
	}
	if o.FirstByte > 0 {
		t.ResponseHeaderTimeout = o.FirstByte
	}
	if o.NoProxy {
		t.Proxy = nil
	}
	if o.Conns > 0 {
		t.MaxIdleConnsPerHost = o.Conns
	}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 60 * time.Second
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: refuseRedirect,
		Transport:     &guard{base: t, trust: o.Trust, linkLocal: o.LinkLocal},
	}
}

// Limit gives a transport the time limits, the proxies and the TLS settings of
// this package: for a client that others make.
func Limit(t *http.Transport) {
	t.Proxy = proxy
	t.DialContext = dialer(5 * time.Second)
	t.TLSHandshakeTimeout = 5 * time.Second
	t.ResponseHeaderTimeout = 15 * time.Second
	t.IdleConnTimeout = 90 * time.Second
	t.MaxResponseHeaderBytes = 1 << 20
	t.DisableCompression = true // what comes is bounded before it could be blown up
	t.ForceAttemptHTTP2 = false
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
}

func dialer(limit time.Duration) func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{Timeout: limit, KeepAlive: 30 * time.Second}).DialContext
}

// proxy is the proxy of the environment. The text of its error is not kept,
// since a proxy's address can hold a password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errs.New(errs.Config, "the proxy for %s is not a valid address", r.URL.Host).
			WithHint("mend HTTPS_PROXY or HTTP_PROXY, or add the host to NO_PROXY")
	}
	return u, nil
}

func refuseRedirect(r *http.Request, via []*http.Request) error {
	return errs.New(errs.Backend, "%s answered with a redirect to %s, which is not followed", via[0].URL.Host, r.URL.Host).
		WithHint("is that the right address, and is a captive portal or a proxy in between?")
}

// guard refuses plain HTTP to other machines, waits for the trust store and
// bounds replies.
type guard struct {
	base      *http.Transport
	trust     *Trust
	once      sync.Once
	trustErr  error
	linkLocal bool
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Scheme {
	case "https":
		g.once.Do(func() {
			if g.trust != nil {
				g.base.TLSClientConfig.RootCAs, g.trustErr = g.trust.load()
			}
		})
		if g.trustErr != nil {
			return nil, refuse(r, g.trustErr)
		}
	case "http":
		if !Loopback(r.URL.Hostname()) && (!g.linkLocal || !metadataHost(r.URL.Hostname())) {
			return nil, refuse(r, errs.New(errs.Config, "plain http to %s is refused: whoever is on the way could read and change everything", r.URL.Host).
				WithHint("use https; plain http is for this machine only"))
		}
	default:
		return nil, refuse(r, errs.New(errs.Config, "%q is not a scheme for requests", r.URL.Scheme).WithHint("use https"))
	}
	resp, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: MaxReply, host: r.URL.Host}
	return resp, nil
}

// CloseIdleConnections makes that of http.Client work.
func (g *guard) CloseIdleConnections() { g.base.CloseIdleConnections() }

// refuse closes the request's body, as a RoundTripper must.
func refuse(r *http.Request, err error) error {
	if r.Body != nil {
		r.Body.Close()
	}
	return err
}

// bounded is a body that ends with an error after so many bytes.
type bounded struct {
	io.ReadCloser
	left int64
	host string
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 { // one more than allowed, to know of it
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errs.New(errs.Backend, "the reply of %s is larger than %d MiB", b.host, MaxReply>>20)
	}
	return n, err
}

// Loopback tells whether a host, without a port, is this machine.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// metadataHost tells whether host is an address of a cloud's metadata service:
// link-local, or Amazon's in IPv6 (fd00:ec2::/32).
func metadataHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLinkLocalUnicast() || netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0, 0x0e, 0xc2}), 32).Contains(a))
}

// Trust is a set of certificate authorities that is loaded while other work
// goes on: the system's takes 10 ms and more.
type Trust struct {
	load func() (*x509.CertPool, error)
}

// Preload starts loading the authorities of a PEM file in place of the
// system's, or the system's when the name is empty, and returns at once. Its
// errors come with the first request to https.
func Preload(caBundle string) *Trust {
	if caBundle == "" {
		// crypto/x509 loads them once and waits for whoever does so already.
		go func() { _, _ = x509.SystemCertPool() }()
		return &Trust{load: func() (*x509.CertPool, error) { return nil, nil }}
	}
	t := Bundle(caBundle)
	go func() { _, _ = t.load() }()
	return t
}

// Bundle is [Preload] for a client that may not be used: nothing is loaded before
// the first request.
func Bundle(caBundle string) *Trust {
	if caBundle == "" {
		return nil
	}
	return &Trust{load: sync.OnceValues(func() (*x509.CertPool, error) { return readBundle(caBundle) })}
}

func readBundle(name string) (*x509.CertPool, error) {
	bad := func(err error) error {
		return errs.New(errs.Config, "certificate authorities (AWS_CA_BUNDLE or ca_bundle): %w", err).
			WithHint("name a file of certificates in PEM, or unset it to use the system's")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, bad(err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, MaxReply))
	if err != nil {
		return nil, bad(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, bad(fmt.Errorf("%s holds no certificate", name))
	}
	return pool, nil
}

// Explain returns an error of kind Network that says in plain words why there
// was no whole answer from host; errors that have a kind already keep it.
func Explain(host string, err error) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e // without the method and address that net/http puts in front
	}
	why, hint := reason(err)
	e := errs.New(errs.Network, "no answer from %s: %w", host, &cause{text: why, err: err})
	if hint != "" {
		return e.WithHint("%s", hint)
	}
	return e
}

// cause is an error with its text put into plain words.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

func reason(err error) (why, hint string) {
	const online = "is this machine online, and is the address right?"
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the name is not known", "check the region and the endpoint; " + online
		}
		return "the name could not be looked up", online
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is not signed by a trusted authority",
			"behind a proxy that opens TLS, name its certificate in AWS_CA_BUNDLE or SSL_CERT_FILE"
	}
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not valid: " + v.Err.Error(), "is this machine's clock right, and the address?"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS", "is the address meant to start with http:// or https://?"
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "timed out", online
	}
	text := err.Error()
	for _, known := range []struct{ part, why, hint string }{
		{"connection refused", "the connection was refused", online},
		{"connection reset", "the connection was reset", ""},
		{"Proxy Authentication Required", "the proxy wants a password", "set it in HTTPS_PROXY"},
		{"network is unreachable", "the network is unreachable", online},
		{"no route to host", "there is no route to it", online},
		{"malformed HTTP", "it does not speak HTTP", "is the address right?"},
	} {
		if strings.Contains(text, known.part) {
			return known.why, known.hint
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed before the answer was complete", ""
	}
	// What is left may quote a proxy's address or what a server sent.
	return "the request failed", "see --log-level debug"
}
