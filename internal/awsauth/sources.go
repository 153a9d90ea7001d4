package awsauth

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/skret/skret/internal/httpx"
)

// processProvider runs a credential_process. It has no standard input, which
// may hold a secret that is being piped in or belong to the command that is
// started next; what it writes to stderr is shown line by line.
func (o Options) processProvider(command string) aws.CredentialsProvider {
	return processcreds.NewProviderCommand(processcreds.NewCommandBuilderFunc(func(ctx context.Context) (*exec.Cmd, error) {
		shell := []string{"sh", "-c"}
		if runtime.GOOS == "windows" {
			shell = []string{"cmd.exe", "/C"}
		}
		c := exec.CommandContext(ctx, shell[0], append(shell[1:], command)...)
		c.Stderr = &lines{each: func(line string) { o.Notice("credential_process: " + line) }}
		c.WaitDelay = time.Second
		return c, nil
	}))
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

// instanceProvider gets the role of an EC2 instance. Where there is no
// metadata service, that is known within a second.
func instanceProvider(cfg aws.Config) aws.CredentialsProvider {
	client := &metadataClient{Client: httpx.Client(httpx.Options{
		NoProxy: true, LinkLocal: true, Dial: 250 * time.Millisecond, FirstByte: 600 * time.Millisecond, Timeout: 2 * time.Second,
	})}
	return ec2rolecreds.New(func(r *ec2rolecreds.Options) {
		r.Client = imds.NewFromConfig(cfg, func(i *imds.Options) {
			i.HTTPClient = client
			i.EnableFallback = aws.FalseTernary // version 1 answers to whoever can make this machine send a GET
			i.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
				s.Retryables = []retry.IsErrorRetryable{
					retry.RetryableError{},
					retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
					retry.IsErrorRetryableFunc(client.slow),
				}
				s.MaxBackoff = 200 * time.Millisecond
			})
		})
	})
}

// metadataClient remembers whether there ever was an answer.
type metadataClient struct {
	*http.Client
	answered atomic.Bool
}

// Do is that of http.Client.
func (m *metadataClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := m.Client.Do(r)
	if err == nil {
		m.answered.Store(true)
	}
	return resp, err
}

// slow makes a time-out worth another try once the service is known to exist.
func (m *metadataClient) slow(err error) aws.Ternary {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return aws.BoolTernary(m.answered.Load())
	}
	return aws.UnknownTernary
}
