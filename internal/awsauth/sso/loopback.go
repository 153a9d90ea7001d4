package sso

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/skret/skret/internal/errs"
)

// receiver is the server on loopback that the browser comes back to. Only the
// answer to its request ends the wait, whoever else asks it for what.
type receiver struct {
	request request
	host    string // 127.0.0.1:port
	answers chan answer

	listener net.Listener
	server   *http.Server
	taken    atomic.Bool   // an answer has come
	worked   bool          // whether the sign-in did; read after done
	done     chan struct{} // closed when worked is known
	told     chan struct{} // closed when the browser has its page
}

// listen binds a port of loopback, so that a browser finds it from now on.
func listen(ctx context.Context, log *slog.Logger) (*receiver, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, errs.New(errs.Auth, "sign in with a browser: no port of %s can be listened at: %w", loopback, err).
			WithHint("sign in another way, with --flow paste or --flow device")
	}
	host := l.Addr().String()
	s := &receiver{
		request: newRequest(host), host: host, listener: l,
		answers: make(chan answer, 1), done: make(chan struct{}), told: make(chan struct{}),
	}
	s.server = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      5 * time.Minute, // the page waits until the code is redeemed
		MaxHeaderBytes:    256 << 10,       // the cookies of all that runs on 127.0.0.1 come along
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.server.SetKeepAlivesEnabled(false)
	return s, nil
}

// serve answers until close. When it cannot any more, it calls fail.
func (s *receiver) serve(fail context.CancelCauseFunc) { fail(s.server.Serve(s.listener)) }

// finish gives the browser its page.
func (s *receiver) finish(worked bool) {
	s.worked = worked
	close(s.done)
	select {
	case <-s.told:
	case <-time.After(2 * time.Second): // a browser that does not read is not waited for
	}
}

func (s *receiver) close() { _ = s.server.Close() }

// ServeHTTP answers a request, of the browser's or of anybody's on this machine.
func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	switch {
	case r.Host != s.host: // a name of another's that was made to lead here
		http.Error(w, "this is not the host that was asked for", http.StatusBadRequest)
	case r.URL.Path != callbackPath:
		http.Error(w, "there is nothing here", http.StatusNotFound)
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		http.Error(w, "this can only be read", http.StatusMethodNotAllowed)
	case r.ContentLength != 0:
		http.Error(w, "this takes no body", http.StatusBadRequest)
	default:
		s.receive(w, r)
	}
}

func (s *receiver) receive(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	a, ok := s.request.answer(query)
	if err != nil || !ok {
		http.Error(w, "this does not answer the sign-in that skret waits for", http.StatusBadRequest)
		return
	}
	if !s.taken.CompareAndSwap(false, true) {
		http.Error(w, "the sign-in has been answered already", http.StatusBadRequest)
		return
	}
	defer close(s.told)
	s.answers <- a
	select {
	case <-s.done:
	case <-r.Context().Done():
		return
	}
	page := pageStart + pageFailed + pageEnd
	if s.worked {
		page = pageStart + pageWorked + pageEnd
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page))) // all is sent with the flush
	_, _ = w.Write([]byte(page))
	_ = http.NewResponseController(w).Flush()
}

// The page that the user ends at. It has no scripts and nothing that came with the
// request.
const (
	pageStart = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>skret</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.1rem/1.5 system-ui, sans-serif; color: #1d2733; background: #f3f5f8 }
main { box-sizing: border-box; width: min(30rem, 92vw); padding: 2.5rem; border-radius: 1rem; background: #fff; box-shadow: 0 .5rem 2rem #0002 }
h1 { margin: 0 0 .5rem; font-size: 1.5rem }
p { margin: 0 }
small { display: block; margin-top: 2rem; color: #667483 }
.mark { font-size: 2.5rem; line-height: 1; margin-bottom: 1rem }
.good { color: #1a7f4b }
.bad { color: #b3372a }
@media (prefers-color-scheme: dark) {
body { color: #e4e9ef; background: #12171d }
main { background: #1c232b; box-shadow: none }
small { color: #93a0ae }
.good { color: #4cc38a }
.bad { color: #f2786b }
}
</style>
</head>
<body>
<main>
`
	pageWorked = `<div class="mark good" aria-hidden="true">&#10003;</div>
<h1>You are signed in.</h1>
<p>You can close this window and return to the terminal.</p>
`
	pageFailed = `<div class="mark bad" aria-hidden="true">&#10007;</div>
<h1>You are not signed in.</h1>
<p>The terminal says why. You can close this window and return to it.</p>
`
	pageEnd = `<small>skret &middot; IAM Identity Center</small>
</main>
</body>
</html>
`
)
