package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skret/skret/internal/fake"
)

// One secret of a hundred that is refused is the only one that is named, and the
// only one that the next run writes.
func TestNinetyNineOfAHundred(t *testing.T) {
	g := fake.NewGitHub(githubToken)
	t.Cleanup(g.Close)
	g.AddRepository("acme/app")
	p := newProject(t, "provider: local", "GH_HOST="+g.URL, "GH_ENTERPRISE_TOKEN="+githubToken)
	args := []string{"set", "BAD=b"}
	for i := range 99 {
		args = append(args, fmt.Sprintf("GOOD_%02d=%d", i, i))
	}
	p.skret(t, args...)
	sync := []string{"sync", "--to", "github", "--repo", "acme/app"}

	// Once: a refusal that was tried again would go well, and be seen here.
	g.Fault(fake.Fault{Op: "put secret:BAD", Status: 422, Message: "no", Times: 1})
	r := p.want(t, 3, "99 created, 1 failed", sync...)
	for line := range strings.Lines(r.stderr) {
		if strings.Contains(line, "GOOD_") && !strings.HasPrefix(line, "skret: created GOOD_") {
			t.Errorf("of one that went well: %s", line)
		}
	}
	if !strings.Contains(r.stderr, "BAD") || strings.Contains(r.stderr, "created BAD") {
		t.Errorf("the one that failed is not told: %s", r.stderr)
	}
	if n := len(g.Secrets("/repos/acme/app/actions")); n != 99 {
		t.Errorf("%d arrived", n)
	}
	g.Forget()
	p.want(t, 0, "1 created, 99 unchanged", sync...)
	if all, one := g.Count("put secret"), g.Count("put secret:BAD"); all != 1 || one != 1 {
		t.Errorf("the next run writes %d, and %d times BAD", all, one)
	}
}

// front stands before a service and answers requests that away chooses with a
// redirect; it counts them.
func front(t *testing.T, service, to string, status int, away func(method string) bool) (address string, redirected *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(u)
	redirected = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !away(r.Method) {
			behind.ServeHTTP(w, r)
			return
		}
		redirected.Add(1)
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, redirected
}

// Neither what reads nor what writes goes where a redirect of these services
// points.
func TestNoServiceRedirectsATransfer(t *testing.T) {
	var elsewhere atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(s.Close)
	lab := fake.NewGitLab(gitlabToken)
	t.Cleanup(lab.Close)
	lab.Add("projects/acme/app")
	cf := fake.NewCloudflare(cloudflareToken)
	t.Cleanup(cf.Close)
	cf.AddWorker("worker")
	inf := fake.NewInfisical()
	t.Cleanup(inf.Close)
	inf.AddIdentity("client-1", "universal-auth", "client-secret-1", -1)

	read := func(method string) bool { return method == http.MethodGet }
	write := func(method string) bool { return method != http.MethodGet }
	for _, c := range []struct {
		service string
		env     func(address string) []string
		args    []string
	}{
		{lab.URL, func(a string) []string { return []string{"GITLAB_HOST=" + a, "GITLAB_TOKEN=" + gitlabToken} },
			[]string{"sync", "--to", "gitlab", "--project", "acme/app"}},
		{cf.URL, func(a string) []string {
			return []string{"CLOUDFLARE_API_BASE_URL=" + a, "CLOUDFLARE_API_TOKEN=" + cloudflareToken}
		}, []string{"sync", "--to", "cloudflare-workers", "--script", "worker"}},
		{inf.URL, func(a string) []string {
			return []string{"INFISICAL_API_URL=" + a, "INFISICAL_CLIENT_ID=client-1", "INFISICAL_CLIENT_SECRET=client-secret-1"}
		}, []string{"import", "--from", "infisical", "--project-id", "p", "--infisical-env", "prod"}},
	} {
		p := newProject(t, "provider: local")
		p.skret(t, "set", "A=1")
		own := p.env
		try := func(status int, what string, away func(string) bool) {
			address, redirected := front(t, c.service, s.URL, status, away)
			p.env = slices.Concat(own, c.env(address))
			r := p.do("", c.args...)
			if r.code == 0 || redirected.Load() == 0 {
				t.Errorf("%q, %d for %s: exit %d after %d redirects: %s", c.args, status, what, r.code, redirected.Load(), r.stderr)
			}
		}
		for _, status := range []int{301, 302, 303} {
			try(status, "reads", read)
		}
		for _, status := range []int{307, 308} { // by these a client sends the body again
			try(status, "writes", write)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// In no form is a value in what import, sync, copy and diff say, whether they do
// what is asked or fail, nor in a file that is not meant to have it.
func TestMarkerStaysInsideTransfers(t *testing.T) {
	lab := fake.NewGitLab(gitlabToken)
	t.Cleanup(lab.Close)
	lab.Add("projects/acme/app")
	d := fake.NewDoppler()
	t.Cleanup(d.Close)
	d.AddToken(dopplerToken)
	d.Set("app", "prd", "FAR", fake.DopplerSecret{Raw: marker})
	p := newProject(t, "provider: local\n  prod:\n    provider: local\n    file: prod.yaml\n  empty:\n    provider: local\n    file: empty.yaml\ndefault_env: dev",
		"GITLAB_HOST="+lab.URL, "GITLAB_TOKEN="+gitlabToken, "DOPPLER_API_HOST="+d.URL, "DOPPLER_TOKEN="+dopplerToken)
	for _, env := range []string{"dev", "prod"} {
		if r := p.do(marker+env, "set", "M", "-e", env); r.code != 0 {
			t.Fatal(r.stderr)
		}
	}
	doc, err := json.Marshal(map[string]string{"M": marker + "file", "NEW": marker})
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(t.TempDir(), "in.json") // it is meant to have it
	for name, text := range map[string][]byte{in: doc, in + ".cut": doc[:len(doc)-2]} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gitlab := []string{"sync", "--to", "gitlab", "--project", "acme/app"}
	for _, c := range []struct {
		code int
		args []string
	}{
		{9, []string{"diff", "dev", "prod", "--exit-code"}},
		{6, []string{"copy", "dev", "prod"}},
		{0, []string{"copy", "dev", "prod", "--overwrite", "--dry-run"}},
		{0, []string{"copy", "dev", "empty"}},
		{0, []string{"copy", "dev", "prod", "--overwrite"}},
		{6, []string{"import", "--from", "json", "--file", in}},
		{8, []string{"import", "--from", "json", "--file", in + ".cut"}},
		{0, []string{"import", "--from", "json", "--file", in, "--on-conflict", "overwrite"}},
		{0, []string{"import", "--from", "doppler", "--project", "app", "--config", "prd"}},
		{0, []string{"diff", "dev", in}},
		{8, append(slices.Clip(gitlab), "--masked")}, // it has blanks
		{0, append(slices.Clip(gitlab), "--dry-run")},
		{0, gitlab},
		{0, gitlab},
	} {
		for _, more := range [][]string{{"--log-level", "debug"}, {"--log-level", "debug", "--format", "json"}} {
			r := p.do("", slices.Concat(c.args, more)...)
			if r.code != c.code {
				t.Errorf("skret %q: exit %d, want %d: %s", c.args, r.code, c.code, r.stderr)
			}
			for _, form := range encodings() {
				if bytes.Contains([]byte(r.stdout+r.stderr), form) {
					t.Errorf("skret %q shows a value:\n%s%s", c.args, r.stdout, r.stderr)
				}
			}
		}
	}
	if v := lab.Variables("projects/acme/app")["M"].Value; v != marker+"file" {
		t.Errorf("it did not arrive: %q", v)
	}
	p.nothingLeft(t)
}
