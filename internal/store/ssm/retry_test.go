package ssm

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// judged is a failure in the shape by which the SDK judges errors.
type judged struct{ *failure }

func (j judged) ErrorCode() string   { return j.code }
func (j judged) HTTPStatusCode() int { return j.status }

// What the SDK repeats is repeated, and nothing else: but for too many updates of one
// parameter, and a connection that ended.
func TestRepeatableAsTheSDKHasIt(t *testing.T) {
	theirs := func(err error) bool {
		return retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool()
	}
	codes := []string{"", "ValidationException", "AccessDeniedException", "InternalServerError", "ServiceUnavailable", "ExpiredToken"}
	for code := range retry.DefaultThrottleErrorCodes {
		codes = append(codes, code)
	}
	for code := range retry.DefaultRetryableErrorCodes {
		codes = append(codes, code)
	}
	for _, code := range codes {
		for _, status := range []int{400, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504, 505} {
			f := &failure{op: "Op", code: code, status: status}
			if got, want := repeatable(f), theirs(judged{f}); got != want {
				t.Errorf("%d %s: %v, and the SDK %v", status, code, got, want)
			}
			if _, want := retry.DefaultThrottleErrorCodes[code]; throttled(f) != (want || status == 429) {
				t.Errorf("%d %s: throttled is %v", status, code, throttled(f))
			}
		}
	}

	read := func(err error) error {
		return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)}
	}
	for _, cause := range []error{
		&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", IsNotFound: true}},
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}},
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving"}},
		&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}},
		&net.OpError{Op: "proxyconnect", Net: "tcp", Err: syscall.ECONNREFUSED},
		&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")},
		read(syscall.ECONNRESET), read(syscall.EPIPE), read(os.ErrDeadlineExceeded), net.ErrClosed,
		x509.UnknownAuthorityError{}, context.DeadlineExceeded, errors.New("malformed HTTP response"),
		errs.New(errs.Config, "plain http is refused"),
	} {
		via := &url.Error{Op: "Post", URL: "https://ssm.invalid/", Err: cause}
		for _, err := range []error{
			&lost{unanswered{via, httpx.Explain("ssm.invalid", via)}},
			errs.New(errs.Auth, "no credentials: %w", via), // of the service that has them
		} {
			if got, want := repeatable(err), theirs(err); got != want {
				t.Errorf("%T %v (%v): %v, and the SDK %v", err, err, cause, got, want)
			}
		}
	}

	for _, cause := range []error{io.EOF, io.ErrUnexpectedEOF} {
		if !repeatable(&lost{unanswered{cause, errors.New("closed")}}) {
			t.Errorf("%v is not repeated", cause)
		}
	}
	if many := error(&failure{code: "TooManyUpdates", status: 400}); !repeatable(many) || !throttled(many) {
		t.Error("too many updates are not repeated")
	}
	if repeatable(nil) || repeatable(&lost{errs.New(errs.Backend, "not an answer")}) {
		t.Error("what nothing mends is repeated")
	}
}
