package realtest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// MotoServer is a running moto server: a Python implementation of AWS.
type MotoServer struct {
	URL string // http://127.0.0.1:port
}

// Moto starts moto on loopback for the time of the test.
func Moto(t testing.TB) *MotoServer {
	t.Helper()
	bin := Need(t, "moto_server", "pip install 'moto[server]'")
	c := exec.CommandContext(t.Context(), bin, "-H", "127.0.0.1", "-p", "0")
	c.Env = append(clean(t), "PYTHONUNBUFFERED=1")
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, c)
	running := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := running.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out) // so that it never waits for a reader
			return &MotoServer{URL: m[1]}
		}
	}
	t.Fatal("moto_server ended without saying where it runs")
	return nil
}

// Reset deletes all that moto has.
func (m *MotoServer) Reset(t testing.TB) {
	t.Helper()
	resp, err := http.Post(m.URL+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("moto does not reset: %s", resp.Status)
	}
}

// Env returns an environment for a program of ours or of others that is to talk
// to moto, and finds nothing of this machine.
func (m *MotoServer) Env(t testing.TB) []string {
	return append(clean(t), "AWS_ENDPOINT_URL="+m.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1")
}

// AWS runs the aws command line on moto and returns what it printed, without
// the newline at the end.
func (m *MotoServer) AWS(t testing.TB, args ...string) string {
	t.Helper()
	c := exec.Command(Need(t, "aws", "pip install awscli"), args...)
	c.Env = m.Env(t)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("aws %q: %v\n%s", args, err, &stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// Metadata starts amazon-ec2-metadata-mock on loopback, version 2 only, for the
// time of the test, and returns its URL.
func Metadata(t testing.TB) string {
	t.Helper()
	bin := Need(t, "ec2-metadata-mock", "go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	c := exec.CommandContext(t.Context(), bin, "--hostname", "127.0.0.1", "--port", port, "--imdsv2")
	c.Env = clean(t)
	start(t, c)
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("ec2-metadata-mock does not listen: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// start starts a server and stops it at the end of the test.
func start(t testing.TB, c *exec.Cmd) {
	t.Helper()
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Cancel()
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = c.Process.Kill()
			<-ended
		}
	})
}

// clean returns an environment with an empty home and nothing of AWS.
func clean(t testing.TB) []string {
	t.Helper()
	home := t.TempDir()
	env := []string{"HOME=" + home, "USERPROFILE=" + home, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "LC_ALL=C.UTF-8",
		"AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials")}
	for _, k := range []string{"PATH", "TMPDIR", "SYSTEMROOT", "PYENV_ROOT", "PYENV_VERSION"} {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}
