package remote

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/skret/skret/internal/errs"
)

// DeviceOptions are one sign-in by a browser.
type DeviceOptions struct {
	BaseURL  string   // "" for the service's own
	ClientID string   // GitHub: of an OAuth app
	Scopes   []string // GitHub: nil is repo
	Machine  string   // Doppler: what its list of tokens calls this machine; "" is skret

	// Show shows the user the address to open and the code to enter or to compare
	// there. It may open a browser.
	Show func(url, code string) error
}

// device is a sign-in by a browser under way.
type device struct {
	s   *Service
	o   Options
	d   DeviceOptions
	api *API // carries no token
}

// Device has the user make a token in a browser, on any machine, and waits for
// it (RFC 8628, and Doppler's own way).
func (s *Service) Device(ctx context.Context, o Options, d DeviceOptions) (Token, error) {
	if s.device == nil {
		return Token{}, errs.New(errs.Invalid, "%s has no sign-in by a browser for programs", s.Title).WithHint("skret auth login %s asks for a token", s.Name)
	}
	o.fill()
	origin, err := s.Origin(cmp.Or(strings.TrimSpace(d.BaseURL), s.home))
	if err != nil {
		return Token{}, err
	}
	d.Machine = cmp.Or(d.Machine, "skret")
	at := origin
	if s.Name == "github" {
		at = githubWeb(origin)
	}
	none := Token{s: s, Origin: at, bound: at, From: "the sign-in by a browser", mend: "start it again"}
	fields, err := s.device(ctx, &device{s, o, d, Client(o, none)})
	if err != nil {
		return Token{}, err
	}
	t := Token{Method: MethodDevice, Origin: origin, From: "the sign-in by a browser", mend: "skret auth login " + s.Name}
	t.Expires, _ = time.Parse(time.RFC3339, fields["expires"])
	return s.finish(t, func(name string) string { return fields[name] })
}

// show shows what the service sent, once it is known to be an address of the
// service's and a code.
func (d *device) show(address, code, secret string) error {
	u, err := url.Parse(address)
	if err != nil || unfit(address) != "" || u.User != nil || !d.s.owns(u, d.api.t.Origin) {
		return errs.New(errs.Backend, "%s sent an address to open that is not its own", hostOf(d.api.t.Origin)).
			WithHint("is that the address of %s?", d.s.Title)
	}
	if code == "" || secret == "" || len(code) > 100 || unfit(code) != "" {
		return errs.New(errs.Backend, "%s sent no code for the sign-in", hostOf(d.api.t.Origin)).WithHint("is that the address of %s?", d.s.Title)
	}
	return d.d.Show(address, code)
}

// owns tells whether an address is one of those who run the API at origin: its
// own host, or for the service's own API one of the service's.
func (s *Service) owns(u *url.URL, origin string) bool {
	scheme, _, _ := strings.Cut(origin, "://")
	return u.Scheme == scheme && (u.Host == hostOf(origin) || origin == s.home && s.site != "" && strings.HasSuffix(u.Host, s.site))
}

// answer is where a sign-in stands.
type answer int

const (
	pending answer = iota
	slowDown
	granted
	denied
	expired
)

// slower is what RFC 8628 adds to the time between two questions.
const slower = 5 * time.Second

// poll asks until the user has decided or the code has ended. A question that
// gets no answer is asked again, at longer intervals.
func (d *device) poll(ctx context.Context, every, limit time.Duration, ask func() (answer, error)) error {
	end := d.o.Now().Add(limit)
	for {
		if err := d.o.Sleep(ctx, every); err != nil {
			return err
		}
		if !d.o.Now().Before(end) {
			return d.expired()
		}
		got, err := ask()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !passing(err):
			return err
		case err != nil, got == slowDown:
			every += slower
		case got == granted:
			return nil
		case got == denied:
			return errs.New(errs.Auth, "the sign-in was refused in the browser").WithHint("start it again, and allow it there")
		case got == expired:
			return d.expired()
		}
	}
}

func (d *device) expired() error {
	return errs.New(errs.Auth, "the code has ended before the sign-in was allowed in the browser").WithHint("start it again: skret auth login %s", d.s.Name)
}

// passing tells whether an error may go away by itself.
func passing(err error) bool {
	return errs.KindOf(err) == errs.Network || hasStatus(err, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout)
}

// deviceCode is the first answer of RFC 8628.
type deviceCode struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	URL      string `json:"verification_uri"`
	Expires  int64  `json:"expires_in"`
	Interval int64  `json:"interval"`
	Error    string `json:"error"`
}

// token shows the code and waits for the token, as RFC 8628 says.
func (d *device) token(ctx context.Context, path string, code deviceCode) (map[string]string, error) {
	if err := d.show(code.URL, code.User, code.Device); err != nil {
		return nil, err
	}
	every := time.Duration(min(max(code.Interval, 1), 60)) * time.Second
	limit := time.Duration(min(max(code.Expires, 60), 1800)) * time.Second
	in := url.Values{"client_id": {d.d.ClientID}, "device_code": {code.Device}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}}
	fields := map[string]string{}
	err := d.poll(ctx, every, limit, func() (answer, error) {
		var v struct {
			Token   string `json:"access_token"`
			Seconds int64  `json:"expires_in"`
			Error   string `json:"error"`
		}
		_, err := d.api.Do(ctx, http.MethodPost, path, in, &v)
		if word := cmp.Or(v.Error, codeOf(err)); word != "" {
			return d.read(word, err)
		}
		if err != nil {
			return pending, err
		}
		if v.Token == "" {
			return pending, errs.New(errs.Backend, "the answer of %s has no token", hostOf(d.api.t.Origin))
		}
		fields["token"] = v.Token
		if v.Seconds > 0 {
			fields["expires"] = d.o.Now().Add(time.Duration(min(v.Seconds, 1<<31)) * time.Second).UTC().Format(time.RFC3339)
		}
		return granted, nil
	})
	return fields, err
}

// read understands an error word of RFC 8628.
func (d *device) read(word string, err error) (answer, error) {
	switch word {
	case "authorization_pending":
		return pending, nil
	case "slow_down":
		return slowDown, nil
	case "access_denied":
		return denied, nil
	case "expired_token":
		return expired, nil
	}
	if err == nil {
		err = errs.New(errs.Backend, "%s refused the sign-in%s", d.s.Title, d.because(word)).WithHint("start it again, or use --method token")
	}
	return pending, err
}

// because puts an error word in brackets, if it is one.
func (d *device) because(word string) string {
	if !isCode(word) {
		return ""
	}
	return " (" + word + ")"
}
