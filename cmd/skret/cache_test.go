package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// cached is a project whose secrets are in a fake SSM and cached.
func cached(t *testing.T, mode string) (*project, *fake.SSM) {
	t.Helper()
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	p := newProject(t, "provider: aws\n    path: /app/dev\n    cache: {mode: "+mode+"}", append(aws.Env(), "AWS_MAX_ATTEMPTS=1")...)
	return p, aws
}

func (p *project) cacheFolder() string {
	return filepath.Join(p.dir, "home", ".skret", "cache", "secrets")
}

// With the cache on a value is seen nowhere but where it was asked for, either.
func TestMarkerStaysInsideWithCache(t *testing.T) {
	t.Parallel()
	p, aws := cached(t, "prefer")
	p.skret(t, "set", "DENIED=x")
	markerStaysInside(t, p)
	p.skret(t, "run", "--", "true")
	aws.Fault(fake.Fault{Do: "drop", Times: -1})
	for _, args := range [][]string{{"get", "TOKEN"}, {"get", "TOKEN", "--offline"}} {
		if got := p.skret(t, args...); string(got) != marker {
			t.Errorf("the value is not what was stored: %q", got)
		}
	}
	p.want(t, 0, "", "cache", "status", "--format", "json")
	p.nothingLeft(t)
}

// Whoever is killed while he asks anew leaves what is kept as it was.
func TestCacheAfterKills(t *testing.T) {
	p, aws := cached(t, "prefer")
	var n, at atomic.Int64
	var victim atomic.Pointer[os.Process]
	var started atomic.Pointer[chan struct{}]
	aws.OnCall = func() {
		if n.Add(1) == at.Load() {
			<-*started.Load()
			_ = victim.Load().Kill()
		}
	}
	for i := range 30 {
		aws.Put(fmt.Sprintf("/app/dev/K%02d", i), "value")
	}
	p.skret(t, "run", "--", "true")
	for request := range int64(4) { // of the list
		begun := make(chan struct{})
		started.Store(&begun)
		n.Store(0)
		at.Store(request + 1)
		c := exec.Command("skret", "run", "--refresh", "--", "true")
		c.Dir, c.Env = p.dir, p.env
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		victim.Store(c.Process)
		close(begun)
		_ = c.Wait()
		if r := p.do("", "get", "K01", "--offline"); r.code != 0 || !strings.HasPrefix(r.stdout, "value") {
			t.Errorf("killed at request %d: exit %d: %s", request+1, r.code, r.stderr)
		}
	}
	at.Store(0)
	p.skret(t, "run", "--refresh", "--", "true")
	files, err := os.ReadDir(p.cacheFolder())
	if err != nil || len(files) > 2 {
		t.Errorf("%v, %v", files, err)
	}
}

// Of many processes that read and write at once, each sees what was written before
// it began.
func TestCacheOfManyProcesses(t *testing.T) {
	p, aws := cached(t, "prefer")
	aws.Put("/app/dev/KEY", "0")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := p.do("", "run", "--", "true"); r.code != 0 || strings.Contains(r.stderr, "is not used") {
					t.Errorf("exit %d: %s", r.code, r.stderr)
				}
			}
		})
	}
	for i := range 10 {
		value := fmt.Sprint(i)
		if r := p.do(value, "set", "KEY"); r.code != 0 {
			t.Error(r.stderr)
		}
		if r := p.do("", "get", "KEY"); r.stdout != value {
			t.Errorf("after %s: %q, %s", value, r.stdout, r.stderr)
		}
	}
	close(stop)
	wg.Wait()
}
