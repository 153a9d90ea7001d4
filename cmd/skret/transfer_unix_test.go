//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// onGitHub is a project with n secrets, and a GitHub to sync them to. hook is
// called for every operation: before it is done, and after a write.
func onGitHub(t *testing.T, n int, hook func(op string, done bool)) (*project, *fake.GitHub) {
	t.Helper()
	g := fake.NewGitHub(githubToken)
	t.Cleanup(g.Close)
	g.AddRepository("acme/app")
	if hook != nil {
		g.OnCall = func(op string) { hook(op, false) }
		g.OnWrite = func(op string) { hook(op, true) }
	}
	p := newProject(t, "provider: local", "GH_HOST="+g.URL, "GH_ENTERPRISE_TOKEN="+githubToken)
	args := []string{"set"}
	for i := range n {
		args = append(args, fmt.Sprintf("K%02d=value-%d", i, i))
	}
	p.skret(t, args...)
	return p, g
}

const actions = "/repos/acme/app/actions"

// syncs is the command line that these tests are about.
var syncs = []string{"sync", "--to", "github", "--repo", "acme/app"}

// At any moment the process may be killed: the next run completes, and writes
// nothing again that had been acknowledged and was written down.
func TestSyncAfterKillsCompletes(t *testing.T) {
	const rounds, secrets = 50, 10
	r := rand.New(rand.NewPCG(9, 9))
	var wg sync.WaitGroup
	turns := make(chan struct{}, 4)
	for range rounds {
		at := int64(1 + r.IntN(2+2*secrets)) // list, key, and each write twice
		wg.Add(1)
		turns <- struct{}{}
		go func() {
			defer func() { <-turns; wg.Done() }()
			var n atomic.Int64
			var victim atomic.Pointer[os.Process]
			started, killed := make(chan struct{}), make(chan struct{})
			p, g := onGitHub(t, secrets, func(_ string, done bool) {
				switch i := n.Add(1); {
				case i == at:
					<-started
					_ = victim.Load().Kill()
					close(killed)
				case i > at:
					select {
					case <-killed:
						return
					default:
					}
					if <-killed; !done { // what was on the way with it has not arrived
						panic(http.ErrAbortHandler)
					}
				}
			})
			c := exec.Command("skret", syncs...)
			c.Dir, c.Env = p.dir, p.env
			if err := c.Start(); err != nil {
				t.Error(err)
				return
			}
			victim.Store(c.Process)
			close(started)
			_ = c.Wait()
			written := journal(t, p)
			g.Forget()
			if res := p.do("", syncs...); res.code != 0 {
				t.Errorf("killed at %d, and the next run fails: %s", at, res.stderr)
			}
			for _, name := range written {
				if g.Count("put secret:"+name) > 0 {
					t.Errorf("killed at %d: %s was written down, and is written again", at, name)
				}
			}
			for i := range secrets {
				if got := g.Secrets(actions)[fmt.Sprintf("K%02d", i)].Value; got != fmt.Sprintf("value-%d", i) {
					t.Errorf("killed at %d: K%02d is %q", at, i, got)
				}
			}
			g.Forget()
			if res := p.do("", syncs...); res.code != 0 || g.Count("put secret") != 0 {
				t.Errorf("killed at %d: the third run writes %d: %s", at, g.Count("put secret"), res.stderr)
			}
		}()
	}
	wg.Wait()
}

// journal returns the names that a killed process had written down.
func journal(t *testing.T, p *project) (names []string) {
	t.Helper()
	_ = filepath.WalkDir(p.dir, func(name string, d fs.DirEntry, _ error) error {
		if d == nil || d.Name() != "journal.jsonl" && d.Name() != "state.json" {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(string(data), `": "`, `":"`), `"name":"`) {
			if word, _, ok := strings.Cut(part, `"`); ok && strings.HasPrefix(word, "K") {
				names = append(names, word)
			}
		}
		return nil
	})
	return names
}

// A signal ends the beginning of new writes; what is on the way is waited for, and
// the next run writes the rest alone.
func TestInterruptedSyncResumes(t *testing.T) {
	const secrets = 40
	held := make(chan struct{})
	var once sync.Once
	began := make(chan struct{})
	p, g := onGitHub(t, secrets, func(op string, done bool) {
		if strings.HasPrefix(op, "put secret") && !done {
			once.Do(func() { close(began) })
			<-held
		}
	})
	c := exec.Command("skret", syncs...)
	c.Dir, c.Env = p.dir, p.env
	var out strings.Builder
	c.Stderr = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-began
	_ = c.Process.Signal(syscall.SIGINT)
	// A write that waits for us can only end after the signal was sent.
	close(held)
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d: %s", code, out.String())
	}
	first := len(g.Secrets(actions))
	if first == 0 || first == secrets || !strings.Contains(out.String(), "not tried") {
		t.Errorf("%d were written: %s", first, out.String())
	}
	g.Forget()
	if res := p.do("", syncs...); res.code != 0 || g.Count("put secret") != secrets-first {
		t.Errorf("the next run writes %d, want %d: %s", g.Count("put secret"), secrets-first, res.stderr)
	}
}

// The second of two processes says for whom it waits, and then has nothing to do.
func TestTwoSyncsAtOnce(t *testing.T) {
	held, began := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p, g := onGitHub(t, 3, func(op string, done bool) {
		if strings.HasPrefix(op, "put secret") && !done {
			once.Do(func() { close(began) })
			<-held
		}
	})
	first := exec.Command("skret", syncs...)
	first.Dir, first.Env = p.dir, p.env
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	<-began
	second := exec.Command("skret", syncs...)
	second.Dir, second.Env = p.dir, p.env
	said, err := second.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, _ := said.Read(buf)
	if !strings.Contains(string(buf[:n]), "waiting: ") || !strings.Contains(string(buf[:n]), "is writing to github:") {
		t.Errorf("the second says %q", buf[:n])
	}
	close(held)
	rest := new(strings.Builder)
	for err == nil {
		n, err = said.Read(buf)
		rest.Write(buf[:n])
	}
	if err1, err2 := first.Wait(), second.Wait(); err1 != nil || err2 != nil || !strings.Contains(rest.String(), "3 unchanged") {
		t.Errorf("%v, %v: %s", err1, err2, rest)
	}
	if writes := g.Count("put secret"); writes != 3 {
		t.Errorf("%d writes", writes)
	}
}

// No token and no value goes where a redirect points.
func TestTransfersFollowNoRedirect(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.Path)
	}))
	t.Cleanup(elsewhere.Close)
	secure := httptest.NewTLSServer(elsewhere.Config.Handler)
	t.Cleanup(secure.Close)
	for i, status := range []int{301, 302, 303, 307, 308} {
		// Another port, another host, another scheme.
		to := []string{elsewhere.URL, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), secure.URL}[i%3]
		p, g := onGitHub(t, 1, nil)
		g.Fault(fake.Fault{Op: "put secret", Do: "redirect", Status: status, Message: to, Times: -1})
		if r := p.do("", syncs...); r.code == 0 {
			t.Errorf("%d: exit 0: %s", status, r.stderr)
		}
		d := fake.NewDoppler()
		t.Cleanup(d.Close)
		d.AddToken(dopplerToken)
		d.Fault(fake.Fault{Do: "redirect", Status: status, Message: to, Times: -1})
		p.env = append(p.env, "DOPPLER_API_HOST="+d.URL, "DOPPLER_TOKEN="+dopplerToken)
		if r := p.do("", "import", "--from", "doppler", "--project", "a", "--config", "b"); r.code == 0 {
			t.Errorf("%d: exit 0: %s", status, r.stderr)
		}
	}
	if len(seen) > 0 {
		t.Errorf("requests that went elsewhere: %q", seen)
	}
}

// A proxy is asked for a tunnel, and sees neither a token nor a value.
func TestAProxySeesNoToken(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(r.Method, " ", r.Host, " ", r.Header))
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	p := newProject(t, "provider: local", "GH_HOST=github.example.com", "GH_ENTERPRISE_TOKEN="+githubToken, "HTTPS_PROXY="+proxy.URL, "HTTP_PROXY="+proxy.URL)
	p.skret(t, "set", "A=marker-value")
	if r := p.do("", syncs...); r.code != 7 && r.code != 3 {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	all := strings.Join(seen, "\n")
	if !strings.Contains(all, "CONNECT github.example.com:443") || strings.Contains(all, "ghp_") || strings.Contains(all, "marker") || strings.Contains(all, "Authorization") {
		t.Errorf("the proxy sees:\n%s", all)
	}
}

// A marker in every value shows nowhere but where it belongs.
func TestTransfersTellNoValue(t *testing.T) {
	const marker = "mArKeR-4711-value"
	p, g := onGitHub(t, 1, nil)
	p.skret(t, "set", "M1="+marker, "M2="+marker+"\n2")
	file := filepath.Join(p.dir, "in.env")
	if err := os.WriteFile(file, []byte("M1='"+marker+"x'\nM3='"+marker+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(p.dir, "bad.env")
	if err := os.WriteFile(bad, []byte("A="+marker+" # x\nB=\""+marker+"\nC "+marker+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.Fault(fake.Fault{Op: "put secret:M2", Status: 422, Code: marker, Message: marker, Times: 1})
	for _, args := range [][]string{
		syncs, syncs, {"sync", "--to", "github", "--repo", "acme/app", "--dry-run"}, {"import", "--from", "dotenv", "--file", file}, {"import", "--from", "dotenv", "--file", bad},
		{"import", "--from", "json", "--file", file}, {"import", "--from", "yaml", "--file", bad}, {"import", "--from", "toml", "--file", bad}, {"import", "--from", "csv", "--file", bad},
		{"import", "--from", "dotenv", "--file", file, "--on-conflict", "overwrite"}, {"diff", "dev", file}, {"diff", "dev@v1", file}, {"diff", "dev", "github:acme/app"},
	} {
		for _, more := range [][]string{{"--log-level", "debug"}, {"--format", "json", "--log-level", "debug"}} {
			r := p.do("", append(append([]string{}, args...), more...)...)
			if strings.Contains(r.stdout+r.stderr, "mArKeR") {
				t.Errorf("skret %q shows a value:\n%s%s", args, r.stdout, r.stderr)
			}
		}
	}
	_ = filepath.WalkDir(p.dir, func(name string, d fs.DirEntry, _ error) error {
		if d == nil || !d.Type().IsRegular() || name == file || name == bad {
			return nil
		}
		if data, _ := os.ReadFile(name); strings.Contains(string(data), "mArKeR") {
			t.Errorf("%s holds a value", name)
		}
		return nil
	})
}
