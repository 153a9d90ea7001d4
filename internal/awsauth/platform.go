package awsauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/skret/skret/internal/errs"
	"github.com/skret/skret/internal/httpx"
)

const (
	platformTries = 3
	maxPlatform   = 1 << 20 // bytes of an answer
)

// statusError is an answer of a platform that is no success.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

// ask makes a request of a service of the platform that skret runs on, and makes it
// again where again says so of its error.
func ask(ctx context.Context, client *http.Client, method, address string, header map[string]string, again func(error) bool) ([]byte, error) {
	for try := 1; ; try++ {
		reply, err := askOnce(ctx, client, method, address, header)
		if err == nil || !again(err) || ctx.Err() != nil || try == platformTries {
			return reply, err
		}
		if err := httpx.Sleep(ctx, 100*time.Millisecond<<(try-1)); err != nil {
			return nil, err
		}
	}
}

// passing tells whether an error may go away by itself.
func passing(err error) bool {
	status, answered := errors.AsType[statusError](err)
	return !answered || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

func askOnce(ctx context.Context, client *http.Client, method, address string, header map[string]string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	for name, text := range header {
		r.Header.Set(name, text)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxPlatform))
}

// readIssued reads credentials of a platform.
func readIssued(reply []byte, source string) (aws.Credentials, error) {
	var i issued
	if json.Unmarshal(reply, &i) != nil || i.AccessKeyID == "" || i.SecretAccessKey == "" {
		return aws.Credentials{}, errors.New("the answer has no credentials")
	}
	return i.credentials(source), nil
}

// containerRole is the role of a container: its agent gives the credentials.
type containerRole struct {
	http      *http.Client
	address   string
	token     string // what the agent wants to be shown
	tokenFile string // it is in this file instead
}

// Retrieve asks the agent.
func (c containerRole) Retrieve(ctx context.Context) (aws.Credentials, error) {
	token := c.token
	if c.tokenFile != "" {
		data, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return aws.Credentials{}, err
		}
		token = string(data)
	}
	header := map[string]string{"Accept": "application/json"}
	if token != "" {
		if strings.ContainsAny(token, "\r\n") {
			return aws.Credentials{}, errors.New("the authorization token has a line break in it")
		}
		header["Authorization"] = token
	}
	reply, err := ask(ctx, c.http, http.MethodGet, c.address, header, passing)
	if err != nil {
		return aws.Credentials{}, err
	}
	return readIssued(reply, "CredentialsEndpointProvider")
}

// instanceRole asks the metadata service of an EC2 instance, in version 2 only:
// version 1 answers to whoever can make this machine send a GET. It remembers what
// came of it, for messages.
type instanceRole struct {
	http    *http.Client
	address string
	off     bool // by AWS_EC2_METADATA_DISABLED

	mu     sync.Mutex
	err    error           // of the last request
	status int             // of the last answer; 0 when there never was one
	last   aws.Credentials // that came
}

// newInstanceRole returns the role. Where there is no metadata service, that is known
// within a second. address and mode, which is IPv4 or IPv6, are "" unless they are
// configured.
func newInstanceRole(get func(string) string, address, mode string) *instanceRole {
	standard := "http://169.254.169.254"
	if strings.EqualFold(mode, "IPv6") {
		standard = "http://[fd00:ec2::254]"
	}
	off, _ := truth(get("AWS_EC2_METADATA_DISABLED"))
	return &instanceRole{
		address: strings.TrimSuffix(cmp.Or(address, standard), "/"), off: off,
		http: httpx.Client(httpx.Options{
			NoProxy: true, LinkLocal: true, Dial: 250 * time.Millisecond, FirstByte: 600 * time.Millisecond, Timeout: 2 * time.Second,
		}),
	}
}

var errMetadataOff = errors.New("the metadata service is switched off")

// The service has new credentials long before the old ones end.
const (
	roleTime  = time.Hour        // after which they are asked for again
	extension = 10 * time.Minute // for which the old ones are used when there are none
)

// Retrieve returns the credentials. While the service gives none, a process that runs
// for long goes on with those that it has, whatever was said of their end.
func (m *instanceRole) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.fetch(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.last = c
		if soon := time.Now().Add(roleTime); c.Expires.After(soon) {
			c.Expires = soon
		}
	case m.last.HasKeys() && ctx.Err() == nil:
		c, err = m.last, nil
		c.Expires = time.Now().Add(extension)
	}
	return c, err
}

// fetch asks for a token, for the name of the role, and for its credentials.
func (m *instanceRole) fetch(ctx context.Context) (aws.Credentials, error) {
	if m.off {
		return aws.Credentials{}, errMetadataOff
	}
	token, err := m.ask(ctx, http.MethodPut, "/latest/api/token", map[string]string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": "300"})
	if err != nil {
		return aws.Credentials{}, err
	}
	header := map[string]string{"X-Aws-Ec2-Metadata-Token": string(token)}
	const roles = "/latest/meta-data/iam/security-credentials/"
	names, err := m.ask(ctx, http.MethodGet, roles, header)
	if err != nil {
		return aws.Credentials{}, err
	}
	name, _, _ := strings.Cut(string(names), "\n")
	reply, err := m.ask(ctx, http.MethodGet, roles+strings.TrimSpace(name), header)
	if err != nil {
		return aws.Credentials{}, err
	}
	return readIssued(reply, "EC2RoleProvider")
}

// ask makes a request. No answer is worth another try only once the service is known
// to exist.
func (m *instanceRole) ask(ctx context.Context, method, path string, header map[string]string) ([]byte, error) {
	note := func(err error) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		status, answered := errors.AsType[statusError](err)
		switch {
		case answered:
			m.status, m.err = int(status), nil
		case err == nil:
			m.status, m.err = http.StatusOK, nil
		default:
			m.err = err
		}
		return m.status != 0 && passing(err)
	}
	reply, err := ask(ctx, m.http, method, m.address+path, header, note)
	if err == nil {
		note(nil)
	}
	return reply, err
}

// gave tells whether credentials came.
func (m *instanceRole) gave() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last.HasKeys()
}

// problem says why the service gave no credentials.
func (m *instanceRole) problem() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	host := strings.TrimPrefix(m.address, "http://")
	switch {
	case m.off:
		return "switched off by AWS_EC2_METADATA_DISABLED"
	case m.err != nil && errs.KindOf(m.err) == errs.Config:
		return httpx.Explain(host, m.err).Error()
	case m.err != nil || m.status == 0:
		return "no answer from " + host
	case m.status == http.StatusNotFound:
		return "this machine has no role, or no metadata of version 2"
	default:
		return fmt.Sprintf("it answered with status %d, and no credentials", m.status)
	}
}
