package awsauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

// processProvider runs a credential_process.
func (o Options) processProvider(command string) aws.CredentialsProvider {
	return processcreds.NewProviderCommand(processcreds.NewCommandBuilderFunc(func(ctx context.Context) (*exec.Cmd, error) {
		return o.shell(ctx, command, "credential_process"), nil
	}))
}

// shell makes the shell's run of a command of the user's, by the setting that it
// is in. It has no standard input, which may hold a secret that is being piped in
// or belong to the command that is started next; what it writes to stderr is
// shown line by line.
func (o Options) shell(ctx context.Context, command, setting string) *exec.Cmd {
	shell := []string{"sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd.exe", "/C"}
	}
	c := exec.CommandContext(ctx, shell[0], append(shell[1:], command)...)
	c.Stderr = &lines{each: func(line string) { o.Notice(setting + ": " + line) }}
	c.WaitDelay = time.Second
	return c
}

// lines calls each for every line that is written.
type lines struct {
	each func(string)
	part []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		l.each(string(bytes.TrimRight(line, "\r")))
		l.part = rest
	}
	if len(l.part) > 4096 {
		l.each(string(l.part))
		l.part = nil
	}
	return len(p), nil
}

// metadataClient talks to the metadata service of an EC2 instance, and
// remembers what came of it: the SDK's errors do not tell.
type metadataClient struct {
	http *http.Client

	mu     sync.Mutex
	host   string
	err    error // of the last request
	status int   // of the last answer; 0 when there never was one
	done   bool  // credentials came
}

// newMetadataClient returns a client. Where there is no metadata service, that
// is known within a second.
func newMetadataClient() *metadataClient {
	return &metadataClient{http: httpx.Client(httpx.Options{
		NoProxy: true, LinkLocal: true, Dial: 250 * time.Millisecond, FirstByte: 600 * time.Millisecond, Timeout: 2 * time.Second,
	})}
}

// provider gives the role of the instance. address and mode, which is IPv4 or IPv6,
// are "" unless they are configured.
func (m *metadataClient) provider(address, mode string) aws.CredentialsProvider {
	p := ec2rolecreds.New(func(r *ec2rolecreds.Options) {
		r.Client = imds.New(imds.Options{Endpoint: address}, func(i *imds.Options) {
			_ = i.EndpointMode.SetFromString(mode) // judged already
			i.HTTPClient = m
			i.EnableFallback = aws.FalseTernary // version 1 answers to whoever can make this machine send a GET
			i.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
				s.Retryables = []retry.IsErrorRetryable{
					retry.RetryableError{},
					retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
					retry.IsErrorRetryableFunc(m.slow),
				}
				s.MaxBackoff = 200 * time.Millisecond
			})
		})
	})
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := p.Retrieve(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done = err == nil
		return c, err
	})
}

// Do is that of http.Client.
func (m *metadataClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := m.http.Do(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.host, m.err = r.URL.Host, err
	if err == nil {
		m.status = resp.StatusCode
	}
	return resp, err
}

// slow makes a time-out worth another try once the service is known to exist.
func (m *metadataClient) slow(err error) aws.Ternary {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		m.mu.Lock()
		defer m.mu.Unlock()
		return aws.BoolTernary(m.status != 0)
	}
	return aws.UnknownTernary
}

// gave tells whether credentials came.
func (m *metadataClient) gave() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

// problem says why the service gave no credentials.
func (m *metadataClient) problem(getenv func(string) string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.host == "" && strings.EqualFold(getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		return "switched off by AWS_EC2_METADATA_DISABLED"
	case m.err != nil && errs.KindOf(m.err) == errs.Config:
		return httpx.Explain(m.host, m.err).Error()
	case m.err != nil:
		return "no answer from " + m.host
	case m.status == http.StatusNotFound:
		return "this machine has no role, or no metadata of version 2"
	default:
		return fmt.Sprintf("it answered with status %d, and no credentials", m.status)
	}
}
