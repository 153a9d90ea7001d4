package ssm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// failure is an error that the service answered with. Its text is the service's
// and goes no further than explain, which puts it into words of ours.
type failure struct {
	op      string
	code    string
	message string
	status  int
	after   time.Duration // Retry-After
	ahead   time.Duration // of the service's clock against ours; 0 when unknown
}

func (f *failure) Error() string { return f.op + ": " + f.code }

// patience is how long the user waits for an answer without a word from us.
const patience = 2 * time.Second

// lost is an error that leaves open whether the request was carried out.
type lost struct{ error }

func (l *lost) Unwrap() error { return l.error }

// send makes one attempt of one request.
func (s *Store) send(ctx context.Context, op string, in, out any, attempt int) error {
	u, err := endpoint.Of("ssm", endpoint.Options{Region: s.o.Region, Override: s.o.Endpoint, FIPS: s.o.FIPS, DualStack: s.o.DualStack})
	if err != nil {
		return err
	}
	creds, err := s.o.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return errs.New(errs.Config, "the endpoint of SSM is not an address")
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM."+op)
	r.Header.Set("User-Agent", s.o.UserAgent)
	sum := sha256.Sum256(body)
	start := time.Now()
	signed := start.Add(time.Duration(s.skew.Load()))
	if err := s.signer.SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "ssm", s.o.Region, signed.UTC()); err != nil {
		return errs.New(errs.Auth, "%s: sign the request: %w", op, err)
	}
	waiting := time.AfterFunc(patience, func() {
		if s.said.may() {
			s.o.Notice(fmt.Sprintf("still waiting for %s to answer %s", u.Host, op))
		}
	})
	defer waiting.Stop()
	resp, err := s.o.HTTP.Do(r)
	var reply []byte
	status, id := 0, ""
	if err == nil {
		defer resp.Body.Close()
		status, id = resp.StatusCode, resp.Header.Get("X-Amzn-Requestid")
		reply, err = whole(resp)
	}
	s.o.Log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("service", "ssm"), slog.String("operation", op),
		slog.Duration("took", time.Since(start)), slog.Int("attempt", attempt), slog.Int("status", status), slog.String("request_id", id))
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", op, ctx.Err())
		}
		return &lost{unanswered{err, httpx.Explain(u.Host, err)}}
	}
	if status != http.StatusOK {
		return refusal(op, resp, reply, time.Now())
	}
	if err := decode(reply, out); err != nil {
		return &lost{errs.New(errs.Backend, "%s: what %s answered is not an answer of SSM", op, u.Host).
			WithHint("is a proxy or a captive portal in between, and is the endpoint right?")}
	}
	return nil
}

// whole reads a reply, of the usual length into one piece of memory. What it says of
// its length is believed up to a bound.
func whole(resp *http.Response) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, min(max(resp.ContentLength, 4<<10), 64<<10)+bytes.MinRead))
	_, err := b.ReadFrom(resp.Body)
	return b.Bytes(), err
}

// unanswered is an error of the network: repeatable sees the cause, the user
// the explanation.
type unanswered struct{ cause, words error }

func (u unanswered) Error() string   { return u.words.Error() }
func (u unanswered) Unwrap() []error { return []error{u.words, u.cause} }

// decode reads a reply. An operation without a reply of interest has no out.
func decode(reply []byte, out any) error {
	if len(bytes.TrimSpace(reply)) == 0 {
		return io.ErrUnexpectedEOF
	}
	if out == nil {
		out = &struct{}{}
	}
	return json.Unmarshal(reply, out)
}

// refusal reads an error's reply.
func refusal(op string, resp *http.Response, reply []byte, now time.Time) *failure {
	f := &failure{op: op, status: resp.StatusCode}
	var doc struct {
		Type    string `json:"__type"`
		Message string // or message: the decoder takes both
	}
	_ = json.Unmarshal(reply, &doc) // what is no JSON has no code
	f.code, f.message = doc.Type, doc.Message
	if f.code == "" {
		f.code = resp.Header.Get("X-Amzn-Errortype")
	}
	f.code, _, _ = strings.Cut(f.code, ":")
	f.code = f.code[strings.LastIndexByte(f.code, '#')+1:]
	if f.code == "" {
		f.code = "HTTP " + strconv.Itoa(f.status)
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		f.after = time.Duration(n) * time.Second
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		f.ahead = date.Sub(now)
	}
	return f
}
