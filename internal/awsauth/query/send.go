package query

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	attempts = 4                // of a call
	longest  = 20 * time.Second // that a service may have us wait
)

// do makes a call, again where that is allowed, and reads its result into out,
// which is nil for calls without one.
func (c *Client) do(ctx context.Context, k call, out any) error {
	unsure, mended := false, false // may an attempt have done it; is the clock corrected
	for attempt := 1; ; attempt++ {
		var creds aws.Credentials
		var err error
		if k.action != withWebIdentity {
			if creds, err = c.o.Credentials.Retrieve(ctx); err != nil {
				return err
			}
		}
		if err = c.send(ctx, k, creds, out, attempt); err == nil {
			return nil
		}
		refusal, refused := errors.AsType[*APIError](err)
		lost, isLost := errors.AsType[*unanswered](err)
		switch {
		case !refused && !isLost: // no request was made
			return err
		case refused && refusal.Status < http.StatusInternalServerError, isLost && !lost.sent: // not done
		default:
			unsure = true
		}
		switch {
		case unsure && k.care == makes:
			return c.unsure(k, err)
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", k.what(), ctx.Err())
		case refused && unsure && k.care == deletes && refusal.is("NoSuchEntity"):
			return nil
		case refused && !mended && c.mendClock(refusal):
			mended = true
			continue
		case attempt == attempts,
			refused && refusal.Status < http.StatusInternalServerError && !refusal.passing(),
			isLost && errs.KindOf(err) != errs.Network:
			return c.explain(k, err)
		}
		if serr := c.o.Sleep(ctx, pause(attempt, refusal)); serr != nil {
			return fmt.Errorf("%s: %w", k.what(), serr)
		}
	}
}

// pause is the time before the next attempt: at random, up to a bound that
// doubles, and not before the service wants it.
func pause(attempt int, refusal *APIError) time.Duration {
	d := rand.N(200 * time.Millisecond << attempt)
	if refusal != nil {
		d = max(d, refusal.after)
	}
	return d
}

// unanswered is an error of the network.
type unanswered struct {
	error
	sent bool // the request may have reached AWS
}

func (u *unanswered) Unwrap() error { return u.error }

// send makes one attempt.
func (c *Client) send(ctx context.Context, k call, creds aws.Credentials, out any, attempt int) error {
	var sent atomic.Bool
	r, err := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}), k, creds)
	if err != nil {
		return err
	}
	start := c.o.Now()
	resp, err := c.o.HTTP.Do(r)
	var reply []byte
	status, id := 0, ""
	if err == nil {
		defer resp.Body.Close()
		status, id = resp.StatusCode, resp.Header.Get("X-Amzn-Requestid")
		if date, derr := http.ParseTime(resp.Header.Get("Date")); derr == nil {
			ahead := date.Sub(c.o.Now())
			c.ahead.Store(&ahead)
		}
		reply, err = io.ReadAll(resp.Body)
	}
	c.o.Log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("service", k.name), slog.String("operation", k.action),
		slog.Duration("took", c.o.Now().Sub(start)), slog.Int("attempt", attempt), slog.Int("status", status), slog.String("request_id", id))
	if err != nil {
		return &unanswered{httpx.Explain(r.URL.Host, err), sent.Load()}
	}
	if status != http.StatusOK {
		return refusalOf(k, resp, reply)
	}
	if err := decode(k.action, reply, out); err != nil {
		return &unanswered{errs.New(errs.Backend, "what %s answered is not an answer of AWS", r.URL.Host).
			WithHint("is a proxy or a captive portal in between, and is the endpoint right?"), true}
	}
	return nil
}

// request makes a signed request of a call.
func (c *Client) request(ctx context.Context, k call, creds aws.Credentials) (*http.Request, error) {
	u, err := endpoint.Of(k.name, endpoint.Options{
		Region: c.o.Region, Override: endpoint.Override(c.o.Getenv, k.name), FIPS: c.o.FIPS, DualStack: c.o.DualStack,
	})
	if err != nil {
		return nil, err
	}
	form := url.Values{"Action": {k.action}, "Version": {k.version}}
	for name, v := range k.params {
		if v != "" {
			form.Set(name, v)
		}
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, errs.New(errs.Config, "the endpoint of %s is not an address", strings.ToUpper(k.name))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", c.o.UserAgent)
	if k.action == withWebIdentity {
		return r, nil
	}
	sum := sha256.Sum256([]byte(body))
	at := c.o.Now().Add(time.Duration(c.skew.Load())).UTC()
	if err := c.signer.SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), k.name, endpoint.SigningRegion(k.name, c.o.Region), at); err != nil {
		return nil, errs.New(errs.Auth, "%s: sign the request: %w", k.what(), err)
	}
	return r, nil
}

// decode reads an answer: <ActionResponse><ActionResult>...</ActionResult>, the
// inner one into out. Without an out, there need not be an inner one.
func decode(action string, reply []byte, out any) error {
	d := xml.NewDecoder(bytes.NewReader(reply))
	if root, err := element(d); err != nil || root.Name.Local != action+"Response" {
		return errors.New("no such answer")
	}
	for out != nil {
		e, err := element(d)
		if err != nil {
			return err
		}
		if e.Name.Local != action+"Result" {
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		if err := d.DecodeElement(out, &e); err != nil {
			return err
		}
		break
	}
	return d.Skip()
}

// element returns the next element that starts, or an error when another ends
// first.
func element(d *xml.Decoder) (xml.StartElement, error) {
	for {
		t, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errors.New("no such element")
		}
	}
}

// refusalOf reads the answer of a call that AWS did not do.
func refusalOf(k call, resp *http.Response, reply []byte) *APIError {
	var doc struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	_ = xml.Unmarshal(reply, &doc) // what is no XML has no code
	e := &APIError{Action: k.action, Code: word(doc.Code), Status: resp.StatusCode, message: doc.Message}
	if e.Code == "" {
		e.Code = "HTTP " + strconv.Itoa(resp.StatusCode)
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		e.after = min(time.Duration(min(n, 3600))*time.Second, longest)
	}
	return e
}
