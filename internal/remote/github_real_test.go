//go:build real

package remote

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
)

// program runs a program with an empty home and returns what it printed.
func program(t *testing.T, env []string, stdin, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8"}, env...)
	c.Dir = t.TempDir()
	c.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%.2000s", name, args, err, stderr.String())
	}
	return string(out)
}

// gh, which GitHub makes, takes the fake for a GitHub, and sees what skret wrote.
func TestRealGHWritesAndReadsTheFake(t *testing.T) {
	gh := realtest.Need(t, "gh", "apt-get install gh")
	srv := aGitHub(t)
	web := srv.AddRepository("acme/web")
	address, certificate := srv.TLS()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	host := hostOf(address)
	env := []string{"GH_HOST=" + host, "GH_ENTERPRISE_TOKEN=" + marker, "SSL_CERT_FILE=" + ca, "GH_PROMPT_DISABLED=1", "GH_NO_UPDATE_NOTIFIER=1"}
	run := func(args ...string) string {
		t.Helper()
		return program(t, env, "", gh, args...)
	}
	repo := host + "/acme/app"
	const value = "é \"quoted\"\n\tlines"
	for place, c := range map[string]struct {
		where []string
		o     GitHubOptions
	}{
		"/repos/acme/app/actions":                 {[]string{"--repo", repo}, GitHubOptions{Repository: "acme/app"}},
		"/repos/acme/app/environments/production": {[]string{"--repo", repo, "--env", "production"}, GitHubOptions{Repository: "acme/app", Environment: "production"}},
		"/repos/acme/app/dependabot":              {[]string{"--repo", repo, "--app", "dependabot"}, GitHubOptions{Repository: "acme/app", App: "dependabot"}},
		"/orgs/acme/actions":                      {[]string{"--org", "acme"}, GitHubOptions{Organization: "acme"}},
		"/orgs/acme/dependabot":                   {[]string{"--org", "acme", "--app", "dependabot"}, GitHubOptions{Organization: "acme", App: "dependabot"}},
	} {
		g, _ := target(t, srv, c.o)
		set := []string{"secret", "set", "theirs", "--body", value}
		if c.o.Organization != "" {
			set = append(set, "--visibility", "selected", "--repos", "web")
		}
		run(append(set, c.where...)...)
		if got := srv.Secrets(place)["THEIRS"]; got.Value != value || c.o.Organization != "" && (len(got.Repositories) != 1 || got.Repositories[0] != web) {
			t.Errorf("%s: gh wrote %+v", place, got)
		}
		for i := range 120 { // more than a page
			if err := g.Put(t.Context(), entry(fmt.Sprintf("OURS_%03d", i), value), nil); err != nil && i < 99 {
				t.Fatal(err)
			}
		}
		if err := put(t, g, "THEIRS", "ours now"); err != nil {
			t.Fatal(err)
		}
		most := min(g.MaxNames(), 121)
		lines := strings.Split(strings.TrimSpace(run(append([]string{"secret", "list"}, c.where...)...)), "\n")
		es, err := g.List(t.Context())
		if err != nil || len(es) != most || len(lines) != most || !strings.HasPrefix(lines[0], "OURS_000\t") {
			t.Errorf("%s: gh lists %d, %q ...; we %d, %v", place, len(lines), lines[0], len(es), err)
		}
		if got := srv.Secrets(place)["THEIRS"]; got.Value != "ours now" || c.o.Organization != "" && len(got.Repositories) != 1 {
			t.Errorf("%s: we wrote %+v", place, got)
		}
		run(append([]string{"secret", "delete", "OURS_000"}, c.where...)...)
		if es, err = g.List(t.Context()); err != nil || len(es) != most-1 || es[0].Key != "OURS_001" {
			t.Errorf("%s: after gh deleted one: %d, %v", place, len(es), err)
		}
	}
}

// Libsodium opens what is sealed, whatever the value.
func TestRealLibsodiumOpensWhatWeSeal(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's own, which has Debian's libsodium
	if err := exec.Command(python, "-c", "import nacl").Run(); err != nil {
		t.Fatal("PyNaCl is not installed: apt-get install python3-nacl")
	}
	pair := strings.Fields(program(t, nil, "", python, "-c", `
import base64, nacl.public
k = nacl.public.PrivateKey.generate()
print(base64.b64encode(bytes(k)).decode(), base64.b64encode(bytes(k.public_key)).decode())`))

	values := []string{"", "x", "\n", "\x00\xff", "é😀", strings.Repeat("v", 48<<10)}
	srv := services(t, marker)
	const at = "/api/v3/repos/acme/app/actions/secrets/"
	srv.On("GET "+at+"public-key", fake.ServiceAnswer{Body: `{"key_id":"012345678912345678","key":"` + pair[1] + `"}`})
	g, err := GitHubTarget(Client(newClock().options(), given(t, "github", srv.URL, marker)), repository)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		name := fmt.Sprint("S", i)
		srv.On("PUT "+at+name, fake.ServiceAnswer{Status: 201, Body: "{}"})
		if err := g.Put(t.Context(), secret.Entry{Key: secret.Key(name), Value: secret.NewValue(v)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var boxes []string
	for _, c := range srv.Calls()[1:] {
		var in sealed
		if err := json.Unmarshal([]byte(c.Body), &in); err != nil || in.KeyID != "012345678912345678" {
			t.Fatalf("%+v %v", in, err)
		}
		boxes = append(boxes, in.Value)
	}
	opened := strings.Split(program(t, nil, strings.Join(boxes, "\n"), python, "-c", `
import base64, sys, nacl.public
box = nacl.public.SealedBox(nacl.public.PrivateKey(base64.b64decode(sys.argv[1])))
print("\n".join(base64.b64encode(box.decrypt(base64.b64decode(line, validate=True))).decode() for line in sys.stdin.read().split("\n")))`, pair[0]), "\n")
	for i, v := range values {
		if got, err := base64.StdEncoding.DecodeString(opened[i]); err != nil || string(got) != v {
			t.Errorf("value %d of %d bytes: libsodium has %d bytes, %v", i, len(v), len(got), err)
		}
	}
}

// GitHub's own description of its API judges every request, and every answer of
// the fake: prism stands between the two, and refuses what is not in it.
func TestRealPrismKnowsWhatIsAskedAndAnswered(t *testing.T) {
	srv := aGitHub(t)
	front, judged := prism(t, srv.URL+"/api/v3")
	places := []GitHubOptions{
		{Repository: "acme/app", Variables: []string{"V*"}},
		{Repository: "acme/app", App: "dependabot"},
		{Repository: "acme/app", App: "codespaces"},
		{Repository: "acme/app", Environment: "production", Variables: []string{"V*"}},
		{Repository: "acme/app", Environment: "prod/eu (1) é"},
	}
	for _, app := range []string{"actions", "dependabot", "codespaces"} {
		selected := GitHubOptions{Organization: "acme", App: app, Visibility: "selected", Repositories: []string{"app", "web"}}
		asItWas := GitHubOptions{Organization: "acme", App: app}
		if app == "actions" {
			selected.Variables, asItWas.Variables = []string{"V*"}, []string{"V*"}
		}
		places = append(places, selected, asItWas, GitHubOptions{Organization: "acme", App: app, Visibility: "all"})
	}
	for _, o := range places {
		o.AllowEmpty = true
		g, err := GitHubTarget(Client(newClock().options(), given(t, "github", front, marker)), o)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range map[string][]string{"A": {"a", ""}, "BIG": {strings.Repeat("b", 48<<10)}, "V": {"v", "w\n"}} {
			for _, v := range values {
				if err := put(t, g, name, v); err != nil {
					t.Fatalf("%s: %v", g.ID(), err)
				}
			}
		}
		if es, err := g.List(t.Context()); err != nil || len(es) != 3 {
			t.Errorf("%s: %v %v", g.ID(), es, err)
		}
		if o.Organization == "" { // of an organization, the next one finds them
			if err := g.Delete(t.Context(), "A", "BIG", "V"); err != nil {
				t.Error(err)
			}
		}
	}
	if judged() < 100 {
		t.Errorf("prism judged %d requests", judged())
	}
}

// prism starts prism before a GitHub, and returns an address for a client, and how
// many requests were judged. What prism objects to fails the test.
func prism(t *testing.T, upstream string) (address string, judged func() int) {
	t.Helper()
	const install = "npm install -g --ignore-scripts @stoplight/prism-cli@5.16.0 @octokit/openapi@23.0.2"
	bin := realtest.Need(t, "prism", install)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	c := exec.CommandContext(t.Context(), bin, "proxy", "--errors", "--port", port, description(t, bin, install), upstream)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CHOKIDAR_USEPOLLING=1"}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "is listening") {
	}
	if lines.Err() != nil || !strings.Contains(lines.Text(), "is listening") {
		t.Fatalf("prism ended without listening: %q %v", lines.Text(), lines.Err())
	}
	go io.Copy(io.Discard, out) // so that it never waits for a reader

	at := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	if status := wrongRequest(t, at.String()); status != http.StatusUnprocessableEntity {
		t.Fatalf("prism answers a wrong request with %d", status)
	}
	var n atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(at)
	proxy.ModifyResponse = func(r *http.Response) error {
		n.Add(1)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json") {
			why, err := io.ReadAll(r.Body)
			t.Errorf("%s %s: %s", r.Request.Method, r.Request.URL, why)
			r.Body = io.NopCloser(bytes.NewReader(why))
			return err
		}
		return nil
	}
	front := httptest.NewServer(http.StripPrefix("/api/v3", proxy))
	t.Cleanup(front.Close)
	return front.URL, func() int { return int(n.Load()) }
}

// wrongRequest asks what GitHub's description does not allow.
func wrongRequest(t *testing.T, at string) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at+"/repos/acme/app/actions/secrets/A", strings.NewReader(`{"encrypted_value":"eA=="}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// description returns GitHub's description of the part of its API that is used
// here: the whole takes four times as long to start. It stands beside prism. How a repository
// looks is left out, since that has dozens of members.
func description(t *testing.T, prism, install string) (file string) {
	t.Helper()
	real, err := filepath.EvalSymlinks(prism)
	if err != nil {
		t.Fatal(err)
	}
	modules, _, _ := strings.Cut(real, "@stoplight")
	text, err := os.ReadFile(filepath.Join(modules, "@octokit", "openapi", "generated", "api.github.com.json"))
	if err != nil {
		t.Fatalf("GitHub's description is not installed beside prism: %s", install)
	}
	var whole map[string]json.RawMessage
	var paths, kept map[string]map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(whole["paths"], &paths); err != nil {
		t.Fatal(err)
	}
	kept = map[string]map[string]any{}
	for path, of := range paths {
		if path != "/repos/{owner}/{repo}" && !strings.Contains(path, "/secrets") && !strings.Contains(path, "/variables") || strings.HasPrefix(path, "/user") {
			continue
		}
		if get, ok := of["get"].(map[string]any); ok && (strings.HasSuffix(path, "/{repo}") || strings.HasSuffix(path, "/repositories")) {
			get["responses"] = map[string]any{"200": map[string]any{"description": "A repository, or several."}}
		}
		kept[path] = of
	}
	delete(whole, "x-webhooks")
	if whole["paths"], err = json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "github.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
