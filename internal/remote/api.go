package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// Options are what requests are made with.
type Options struct {
	HTTP      *http.Client      // from httpx: it refuses redirects and plain http, and bounds replies
	UserAgent string            // "skret/1.2.3"
	Notice    func(text string) // for the user; nil: nothing is said
	Log       *slog.Logger      // nil: nothing is logged

	// IDToken returns an identity token (OIDC) of the place where this runs, for an
	// audience, "" being the usual one of who issues it; never one for AWS, where
	// whoever gets it could go with it. nil, or an empty token: there is none.
	IDToken func(ctx context.Context, audience string) (string, error)

	// SignCaller returns a request to AWS STS, GetCallerIdentity, that is signed and
	// not sent: who has it can show for some minutes who signed. The headers are all
	// that it is sent with, Host among them. nil: nobody can sign.
	SignCaller func(ctx context.Context) (method, body string, headers map[string]string, err error)

	Now   func() time.Time                                 // nil: the machine's clock
	Sleep func(ctx context.Context, d time.Duration) error // nil: waits
}

func (o *Options) fill() {
	o.UserAgent = cmp.Or(o.UserAgent, "skret")
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = httpx.Sleep
	}
}

// API makes requests to a service with a token. It is safe for concurrent use.
type API struct {
	o Options
	t Token

	mu     sync.Mutex
	minted access // what requests carry in place of the token's secret
}

// access is a token that was minted from what the user has.
type access struct {
	token   func() string // nil: there is none
	expires time.Time
}

// Client returns the API that the token is for. It makes no request.
func Client(o Options, t Token) *API {
	o.fill()
	return &API{o: o, t: t}
}

// Close ends what requests minted: an access token does not outlive the command
// that it was for. It does so even after ctx was cancelled, and says when it
// could not.
func (a *API) Close(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.minted.token == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := a.t.s.unmint(ctx, a); err != nil && errs.KindOf(err) != errs.Auth {
		a.o.Log.Debug("the access token could not be revoked", "host", hostOf(a.t.Origin), "error", err)
		a.o.Notice("the access token that " + a.t.s.Title + " gave for this command could not be revoked; it ends at " + a.minted.expires.Local().Format("2006-01-02 15:04"))
	}
	a.minted = access{}
}

// Reply is what there is of an answer besides its content.
type Reply struct {
	Status int
	Header http.Header
}

// Do makes a request and decodes the JSON of its answer into out, nil for
// nothing. path is joined to the address of the API: it starts with a slash, its
// parts are escaped (url.PathEscape), and it may have a query. in is sent as
// JSON, url.Values as a form, nil not at all.
//
// An error has its kind: Auth (not accepted, or not allowed), NotFound, Conflict,
// Network (no answer, too many requests) or Backend. Of what the service refused
// or failed at, errors.AsType[*Failure] tells more.
func (a *API) Do(ctx context.Context, method, path string, in, out any) (Reply, error) {
	bearer, err := a.bearer(ctx)
	if err != nil {
		return Reply{}, err
	}
	return a.send(ctx, method, path, bearer, in, out)
}

// bearer returns what requests carry; "" for none.
func (a *API) bearer(ctx context.Context) (string, error) {
	if token := a.t.field("token"); token != "" || a.t.s == nil || a.t.s.mint == nil {
		return token, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.minted.token == nil {
		minted, err := a.t.s.mint(ctx, a)
		if err != nil {
			return "", err
		}
		a.minted = minted
	}
	return a.minted.token(), nil
}

// send makes a request with this bearer, and repeats it where that helps.
func (a *API) send(ctx context.Context, method, path, bearer string, in, out any) (Reply, error) {
	if a.t.s == nil || a.t.Origin != a.t.bound {
		return Reply{}, errs.New(errs.Config, "a request to %s is refused before it is sent: the token is for %s", hostOf(a.t.Origin), cmp.Or(hostOf(a.t.bound), "nothing"))
	}
	u, err := join(a.t.Origin, path)
	if err != nil {
		return Reply{}, err
	}
	body, form, err := encode(in)
	if err != nil {
		return Reply{}, err
	}
	var reply Reply
	err = a.repeat(ctx, method, func() error {
		r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return errs.New(errs.Config, "a request to %s cannot be made", u.Host)
		}
		a.dress(r, bearer, body != nil, form)
		var raw []byte
		if reply, raw, err = a.once(r, bearer, string(body)); err != nil {
			return err
		}
		return a.decode(u.Host, raw, out)
	})
	return reply, err
}

// encode returns in as the body of a request, and whether it is a form.
func encode(in any) (body []byte, form bool, err error) {
	switch in := in.(type) {
	case nil:
		return nil, false, nil
	case url.Values:
		return []byte(in.Encode()), true, nil
	}
	body, err = json.Marshal(in)
	return body, false, err
}

// dress sets the headers.
func (a *API) dress(r *http.Request, bearer string, body, form bool) {
	r.Header.Set("User-Agent", a.o.UserAgent)
	r.Header.Set("Accept", cmp.Or(a.t.s.accept, "application/json"))
	for k, v := range a.t.s.headers {
		r.Header.Set(k, v)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	switch {
	case form:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case body:
		r.Header.Set("Content-Type", "application/json")
	}
}

// maxRefusal bounds what is read of an answer that says no.
const maxRefusal = 64 << 10

// once makes a request once. It returns the content of a success. sent is what no
// error may show again.
func (a *API) once(r *http.Request, sent ...string) (Reply, []byte, error) {
	start := a.o.Now()
	resp, err := a.o.HTTP.Do(r)
	if err != nil {
		return Reply{}, nil, unanswered(r, err)
	}
	defer resp.Body.Close()
	reply := Reply{resp.StatusCode, resp.Header}
	a.o.Log.Debug("request", "service", a.t.s.Name, "method", r.Method, "host", r.URL.Host, "path", r.URL.Path, "status", resp.StatusCode, "took", a.o.Now().Sub(start))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what there is of it
		return reply, nil, a.explain(r, a.failure(resp, raw, sent))
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply, nil, unanswered(r, err)
	}
	if a.t.s.envelope && refusedInside(raw) {
		return reply, nil, a.explain(r, a.failure(resp, raw, sent))
	}
	return reply, raw, nil
}

// unanswered explains that there was no whole answer.
func unanswered(r *http.Request, err error) error {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return context.Canceled
	}
	return httpx.Explain(r.URL.Host, err)
}

// decode reads the content of a success.
func (a *API) decode(host string, raw []byte, out any) error {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 && out == nil:
		return nil
	case len(raw) == 0:
		return errs.New(errs.Backend, "the answer of %s is empty", host).WithHint("try again; is a proxy in between?")
	case raw[0] == '<':
		return errs.New(errs.Backend, "%s answered with a web page in place of data", host).
			WithHint("is that the right address, and is a captive portal or a proxy in between?")
	case out == nil && json.Valid(raw), out != nil && json.Unmarshal(raw, out) == nil:
		return nil
	}
	// The decoder's own words may quote the answer.
	return errs.New(errs.Backend, "the answer of %s is not understood", host).WithHint("is that the address of %s?", a.t.s.Title)
}

// refusedInside tells whether an answer says of itself that it is no success.
func refusedInside(raw []byte) bool {
	var v struct {
		Success *bool `json:"success"`
	}
	return json.Unmarshal(raw, &v) == nil && v.Success != nil && !*v.Success
}
