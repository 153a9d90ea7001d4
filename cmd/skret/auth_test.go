package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/policy"
)

// newCloud starts a cloud for the time of the test; its devices are approved at
// once, and one role is assigned.
func newCloud(t testing.TB) *fake.Cloud {
	t.Helper()
	c := fake.NewCloud()
	t.Cleanup(c.Close)
	c.Set(func(r *fake.CloudRules) { r.Polls, r.Lax = 1, true })
	c.Assign(fake.Account, "Deploy")
	c.SSM.Put("/app/dev/KEY", "v")
	return c
}

// onCloud is a project in the cloud, without any credentials.
func onCloud(t testing.TB, c *fake.Cloud, settings ...string) *project {
	t.Helper()
	return newProject(t, strings.Join(append([]string{"provider: aws", "path: /app/dev", "region: " + fake.Region}, settings...), "\n    "), c.Env()...)
}

// result is what a command did.
type result struct {
	stdout, stderr string
	code           int
}

// do runs the command with something on its standard input.
func (p *project) do(stdin string, args ...string) result {
	c := exec.Command("skret", args...)
	var stdout, stderr bytes.Buffer
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = p.dir, p.env, strings.NewReader(stdin), &stdout, &stderr
	_ = c.Run()
	return result{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// want runs the command and asserts its exit code and a part of its stderr.
func (p *project) want(t testing.TB, code int, part string, args ...string) result {
	t.Helper()
	r := p.do("", args...)
	if r.code != code || !strings.Contains(r.stderr, part) {
		t.Errorf("skret %q: exit %d, want %d with %q:\n%s%s", args, r.code, code, part, r.stdout, r.stderr)
	}
	return r
}

// ssoLogin signs in to IAM Identity Center by a device code.
func (p *project) ssoLogin(t testing.TB, more ...string) result {
	t.Helper()
	return p.want(t, 0, "", append([]string{"auth", "login", "aws", "--method", "sso", "--flow", "device",
		"--opt", "start_url=https://acme.awsapps.com/start", "--opt", "region=" + fake.Region}, more...)...)
}

// keyLogin signs in by an access key.
func (p *project) keyLogin(t testing.TB, name string, k fake.Key) {
	t.Helper()
	r := p.do(k.ID+"\n"+k.Secret+"\n"+k.Token, "auth", "login", "aws", "--method", "access-key", "--from-stdin", "--name", name)
	if r.code != 0 {
		t.Fatalf("login as %s: %s", name, r.stderr)
	}
}

// signer is who signed the last request to SSM.
func signer(c *fake.Cloud) string {
	calls := c.SSM.Calls()
	if len(calls) == 0 {
		return "nobody"
	}
	return calls[len(calls)-1].ARN
}

// After the login nothing is asked but SSM, until the credentials near their end.
func TestWarmCommandAsksNobodyButSSM(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.ssoLogin(t)
	c.Forget()
	for range 3 {
		p.skret(t, "get", "KEY")
	}
	if n := c.Count("", ""); n != 0 {
		t.Errorf("%d requests besides SSM's", n)
	}
	if got := signer(c); !strings.Contains(got, "AWSReservedSSO_Deploy") {
		t.Errorf("signed by %s", got)
	}
}

// However many processes find the access token expired, one renews it.
func TestOneProcessRenews(t *testing.T) { oneProcessRenews(t, 3) }

func oneProcessRenews(t *testing.T, rounds int) {
	const processes = 50
	c := newCloud(t)
	p := onCloud(t, c)
	for range rounds {
		c.Set(func(r *fake.CloudRules) { r.TokenLife = 50 * time.Second }) // as good as expired
		p.ssoLogin(t, "--no-verify")
		c.Set(func(r *fake.CloudRules) { r.TokenLife = time.Hour })
		c.Forget()
		var wg sync.WaitGroup
		for range processes {
			wg.Go(func() {
				if r := p.do("", "get", "KEY"); r.code != 0 || r.stdout != "v" {
					t.Errorf("exit %d: %s", r.code, r.stderr)
				}
			})
		}
		wg.Wait()
		if n, m := c.Count("oidc", "CreateToken:refresh_token"), c.Count("sso", "GetRoleCredentials"); n != 1 || m != 1 {
			t.Fatalf("%d renewals and %d times role credentials for %d processes", n, m, processes)
		}
	}
}

// A process that is killed while it renews leaves what the next one, or a new
// login, goes on from; and what was written is not lost.
func TestKilledRenewalIsMended(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	for round := range 12 {
		c.Set(func(r *fake.CloudRules) { r.TokenLife = 50 * time.Second })
		p.ssoLogin(t, "--no-verify")
		c.Set(func(r *fake.CloudRules) { r.TokenLife = time.Hour })
		cmd := exec.Command("skret", "get", "KEY")
		cmd.Dir, cmd.Env = p.dir, p.env
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Duration(round*4) * time.Millisecond): // anywhere in it
			_ = cmd.Process.Kill()
			<-ended
		}
		r := p.do("", "get", "KEY")
		if r.code != 0 && (r.code != 4 || !strings.Contains(r.stderr, "hint: sign in again with skret auth login aws")) {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
		if r.code != 0 {
			c.Set(func(r *fake.CloudRules) { r.TokenLife = time.Hour })
			p.ssoLogin(t)
			p.skret(t, "get", "KEY")
		}
	}
}

func TestRefreshTokenIsNeverDropped(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	c.Set(func(r *fake.CloudRules) { r.OmitRefresh, r.TokenLife = true, 50*time.Second }) // as good as expired
	p.ssoLogin(t, "--no-verify", "--opt", "account_id="+fake.Account, "--opt", "role_name=Deploy")
	for _, role := range []string{"A", "B", "C"} {
		c.Assign(fake.Account, role)
		p.skret(t, "get", "KEY", "--account", fake.Account, "--role", role)
	}
	if n := c.Count("oidc", "CreateToken:refresh_token"); n < 2 {
		t.Errorf("%d renewals", n)
	}
}

// The order of identities: every source alone, and every pair of them, judged by
// who really signed.
func TestOrderOfIdentities(t *testing.T) {
	c := newCloud(t)
	for _, u := range []string{"signin", "profile", "default", "env", "named"} {
		c.User(u)
	}
	key := func(u string) fake.Key { return c.Keys(u)[0] }
	config := filepath.Join(t.TempDir(), "credentials")
	text := ""
	for _, u := range []string{"profile", "named"} {
		text += fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", u, key(u).ID, key(u).Secret)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// In the order in which they win; the two of one step are never together.
	type source struct {
		name, who string
		args      []string
		env       []string
		yaml      string
		stored    bool
	}
	sources := []source{
		{name: "--auth", who: "user/signin", args: []string{"--auth", "signin"}},
		{name: "--profile", who: "user/profile", args: []string{"--profile", "profile"}},
		{name: "SKRET_AUTH", who: "user/signin", env: []string{"SKRET_AUTH=signin"}},
		{name: "SKRET_PROFILE", who: "user/profile", env: []string{"SKRET_PROFILE=profile"}},
		{name: "auth:", who: "user/signin", yaml: "auth: signin"},
		{name: "default sign-in", who: "user/default", stored: true},
		{name: "environment keys", who: "user/env", env: []string{"AWS_ACCESS_KEY_ID=" + key("env").ID, "AWS_SECRET_ACCESS_KEY=" + key("env").Secret}},
		{name: "AWS_PROFILE", who: "user/named", env: []string{"AWS_PROFILE=named"}},
		{name: "profile:", who: "user/profile", yaml: "profile: profile"},
	}
	try := func(t *testing.T, want string, some ...source) {
		t.Helper()
		var settings []string
		for _, s := range some {
			if s.yaml != "" {
				settings = append(settings, s.yaml)
			}
		}
		p := onCloud(t, c, settings...)
		p.env = append(p.env, "AWS_SHARED_CREDENTIALS_FILE="+config)
		stored := false
		for _, s := range some {
			stored = stored || s.stored
		}
		if stored {
			p.keyLogin(t, "default", key("default"))
		}
		if !stored {
			p.keyLogin(t, "zzz", key("default")) // so that signin is not the default one
		}
		p.keyLogin(t, "signin", key("signin"))
		if !stored {
			p.skret(t, "auth", "logout", "aws", "--name", "zzz")
			p.keyLogin(t, "zzz", key("default"))
			if slices.ContainsFunc(some, func(s source) bool { return s.who == "user/signin" }) {
				p.skret(t, "auth", "use", "aws", "zzz")
			} else {
				p.skret(t, "auth", "logout", "--all")
			}
		}
		args := []string{"get", "KEY"}
		for _, s := range some {
			args, p.env = append(args, s.args...), append(p.env, s.env...)
		}
		c.SSM.Forget()
		r := p.do("", args...)
		if r.code != 0 || !strings.HasSuffix(signer(c), ":"+want) {
			t.Errorf("exit %d, signed by %s, want %s\n%s", r.code, signer(c), want, r.stderr)
		}
	}
	for i, a := range sources {
		t.Run(a.name, func(t *testing.T) { try(t, a.who, a) })
		for _, b := range sources[i+1:] {
			clash := a.name[:2] == "--" && b.name[:2] == "--" || strings.HasPrefix(a.name, "SKRET") && strings.HasPrefix(b.name, "SKRET")
			t.Run(a.name+" and "+b.name, func(t *testing.T) {
				if clash {
					p := onCloud(t, c)
					p.env = slices.Concat(p.env, a.env, b.env)
					if r := p.do("", slices.Concat([]string{"get", "KEY"}, a.args, b.args)...); r.code != 8 && r.code != 2 || !strings.Contains(r.stderr, "does not go with") {
						t.Errorf("exit %d: %s", r.code, r.stderr)
					}
					return
				}
				try(t, a.who, a, b)
			})
		}
	}
}

// A chosen identity that fails is not replaced by another.
func TestAChosenIdentityThatFailsStays(t *testing.T) {
	c := newCloud(t)
	env := c.User("env")
	p := onCloud(t, c)
	p.ssoLogin(t, "--no-verify")
	p.env = append(p.env, env.Env()...)
	c.Revoke()
	c.SSM.Forget()
	r := p.want(t, 4, "hint: sign in again with skret auth login aws", "get", "KEY")
	if !strings.Contains(r.stderr, `the sign-in "default" is used, and not the access key in AWS_ACCESS_KEY_ID`) || len(c.SSM.Calls()) != 0 {
		t.Errorf("%d requests: %s", len(c.SSM.Calls()), r.stderr)
	}
	if p.skret(t, "get", "KEY", "--auth", "chain"); !strings.HasSuffix(signer(c), "user/env") {
		t.Errorf("signed by %s", signer(c))
	}
	p.want(t, 4, `there is no sign-in named "nobody", which --auth names`, "get", "KEY", "--auth", "nobody")
}

// An identity of another account or role is refused before the first request.
func TestAccountGuard(t *testing.T) {
	c := newCloud(t)
	c.Assign("999988887777", "Admin")
	user := c.User("env")
	p := onCloud(t, c, `account: "999988887777"`)
	p.env = append(p.env, user.Env()...)
	r := p.want(t, 4, "signs in account "+fake.Account+", and the environment is bound to 999988887777", "get", "KEY")
	if len(c.SSM.Calls()) != 0 {
		t.Errorf("SSM was asked: %s", r.stderr)
	}
	p.want(t, 8, "environment dev is bound to account 999988887777", "get", "KEY", "--account", fake.Account)
	// It is known from then on, and STS is not asked again.
	c.Forget()
	p.want(t, 4, "wrong account", "get", "KEY")
	if n := c.Count("", ""); n != 0 {
		t.Errorf("%d requests", n)
	}

	// With IAM Identity Center it also chooses.
	p = onCloud(t, c, `account: "999988887777"`, "role: Admin")
	p.ssoLogin(t, "--opt", "account_id="+fake.Account, "--opt", "role_name=Deploy")
	p.skret(t, "get", "KEY")
	if got := signer(c); !strings.Contains(got, "999988887777") || !strings.Contains(got, "_Admin_") {
		t.Errorf("signed by %s", got)
	}
	p = onCloud(t, c, "role: Other")
	p.env = append(p.env, user.Env()...)
	p.want(t, 4, "bound to role Other", "get", "KEY")
	p = onCloud(t, c)
	p.ssoLogin(t, "--opt", "account_id="+fake.Account, "--opt", "role_name=Deploy")
	p.want(t, 4, "in that account you have Deploy", "get", "KEY", "--role", "Nope")
	p.skret(t, "get", "KEY") // the sign-in is as good as before
}

// Nothing secret of a sign-in is seen in any output, at debug level, or in any
// file but sealed.
func TestSignInsStaySealed(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	user, other := c.User("one"), c.User("two")
	c.Role("arn:aws:iam::"+fake.Account+":role/app", fake.Trust{AWS: []string{user.ARN}})
	p.ssoLogin(t, "--log-level", "debug")
	p.keyLogin(t, "key", user)
	p.keyLogin(t, "other", other)
	mark := func(what, text string) {
		if strings.Contains(text, fake.SecretMark) {
			t.Errorf("%s: a secret is in it: %s", what, text)
		}
	}
	for _, args := range [][]string{
		{"get", "KEY"}, {"list"}, {"auth", "status"}, {"auth", "status", "--format", "json"}, {"auth", "status", "--offline"}, {"auth", "status", "--prompt"},
		{"auth", "doctor"}, {"auth", "doctor", "--format", "json"}, {"auth", "rotate", "--name", "other"}, {"auth", "rotate"}, {"auth", "use", "aws", "key"},
		{"auth", "login", "aws", "--name", "role", "--method", "assume-role", "--opt", "role_arn=arn:aws:iam::" + fake.Account + ":role/app", "--opt", "source=key"},
		{"get", "KEY", "--auth", "role"}, {"get", "KEY", "--auth", "default"}, {"config"}, {"run", "--", "dumpenv"}, {"auth", "login", "aws", "--method", "oidc", "--name", "x"},
		{"auth", "policy"}, {"auth", "logout", "aws", "--name", "role"}, {"auth", "logout", "--all"}, {"get", "KEY"}, {"auth", "status"},
	} {
		r := p.do("", append(args, "--log-level", "debug")...)
		mark(strings.Join(args, " "), r.stdout+r.stderr)
	}
	_ = filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, _ := os.ReadFile(path)
			mark(path, string(b))
		}
		return nil
	})
}

// Of two logins at once on a machine the second waits for the first.
func TestTwoLoginsAtOnce(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { p.ssoLogin(t) })
	}
	wg.Wait()
	p.skret(t, "get", "KEY")
}

// Whatever the services answer, nothing secret is seen of it.
func TestSignInsStaySealedUnderFaults(t *testing.T) { sealedUnderFaults(t, "html", "redirect") }

func sealedUnderFaults(t *testing.T, faults ...string) {
	t.Helper()
	c := newCloud(t)
	p := onCloud(t, c)
	for _, at := range []struct{ service, op string }{
		{"oidc", "RegisterClient"}, {"oidc", "StartDeviceAuthorization"}, {"oidc", "CreateToken:refresh_token"}, {"sso", "GetRoleCredentials"}, {"sts", "GetCallerIdentity"},
	} {
		for _, do := range faults {
			c.Set(func(r *fake.CloudRules) { r.TokenLife = 50 * time.Second }) // so that it must be renewed
			p.ssoLogin(t, "--no-verify")
			c.Fault(at.service, fake.Fault{Op: at.op, Do: do, Times: -1})
			for _, args := range [][]string{{"get", "KEY"}, {"auth", "status"}, {"auth", "login", "aws", "--flow", "device"}} {
				r := p.do("", append(args, "--log-level", "debug")...)
				if strings.Contains(r.stdout+r.stderr, fake.SecretMark) {
					t.Errorf("%s %s %s, %q: a secret is in %s%s", at.service, at.op, do, args, r.stdout, r.stderr)
				}
			}
			c.Heal()
		}
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.ssoLogin(t)
	r := p.want(t, 0, `signed out of "default"`, "auth", "logout", "aws")
	if c.Sessions() != 0 || !strings.Contains(r.stderr, "stay valid until") {
		t.Errorf("%d sessions: %s", c.Sessions(), r.stderr)
	}
	p.want(t, 4, "no AWS credentials", "get", "KEY")
	p.want(t, 5, "not signed in", "auth", "logout", "aws")

	p.ssoLogin(t)
	c.Fault("sso", fake.Fault{Op: "Logout", Do: "drop", Times: 20})
	r = p.want(t, 0, "not ended at the service", "auth", "logout", "--all")
	if c.Sessions() != 1 {
		t.Errorf("%s", r.stderr)
	}
	p.want(t, 4, "no AWS credentials", "get", "KEY")
}

func TestRotate(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	user := c.User("ci")
	p.keyLogin(t, "default", user)
	c.Set(func(r *fake.CloudRules) { r.UnknownFor = 2 })
	p.want(t, 0, "is replaced by", "auth", "rotate")
	if keys := c.Keys("ci"); len(keys) != 1 || keys[0].ID == user.ID {
		t.Errorf("%v", keys)
	}
	p.skret(t, "get", "KEY")
	c.Fault("sts", fake.Fault{Op: "GetCallerIdentity", Code: "AccessDenied", Times: -1})
	now := c.Keys("ci")[0].ID
	if r := p.do("", "auth", "rotate"); r.code == 0 {
		t.Error("a key that is not verified is taken")
	}
	if keys := c.Keys("ci"); len(keys) != 1 || keys[0].ID != now {
		t.Errorf("the new key is left behind: %v", keys)
	}
	p.skret(t, "get", "KEY")
}

func TestRootKeysAreRefused(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	root := c.Root()
	text := root.ID + "\n" + root.Secret
	if r := p.do(text, "auth", "login", "aws", "--method", "access-key", "--from-stdin"); r.code != 4 || !strings.Contains(r.stderr, "root user") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if r := p.do(text, "auth", "login", "aws", "--method", "access-key", "--from-stdin", "--allow-root"); r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// Other programs get what the sign-in has, and never what the chain finds.
func TestTokenForOtherPrograms(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.want(t, 4, "there is no sign-in of skret's", "auth", "token", "aws")
	p.ssoLogin(t)
	out := string(p.skret(t, "auth", "token", "aws"))
	for _, part := range []string{`"Version": 1`, `"AccessKeyId": "ASIA`, `"Expiration": "`, `"AccountId": "` + fake.Account} {
		if !strings.Contains(out, part) {
			t.Errorf("%s is not in it", part)
		}
	}
	if out := string(p.skret(t, "auth", "token", "aws", "--format", "env")); strings.Count(out, "export AWS_") != 3 {
		t.Error("as lines for a shell")
	}
}

// The policies allow the calls that skret makes, and no other.
func TestPoliciesAllowWhatIsCalled(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.env = append(p.env, c.User("u").Env()...)
	actions := func() []string {
		all := map[string]bool{}
		for _, call := range c.SSM.Calls() {
			all["ssm:"+call.Op] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
	c.SSM.Forget()
	for _, args := range [][]string{{"list"}, {"get", "KEY"}, {"run", "--", "true"}, {"env"}, {"history", "KEY"}, {"get", "KEY", "--version", "1"}} {
		p.skret(t, args...)
	}
	if want := slices.Sorted(slices.Values(policy.Actions(policy.Read))); !slices.Equal(actions(), want) {
		t.Errorf("reading calls %q, and the policy has %q", actions(), want)
	}
	for _, args := range [][]string{{"set", "NEW=1"}, {"set", "KEY", "2", "--tag", "a=b"}, {"set", "KEY=3"}, {"rollback", "KEY", "1", "--yes"}, {"rename", "KEY", "KEY2"}, {"delete", "NEW", "--yes"}} {
		p.skret(t, args...)
	}
	if want := slices.Sorted(slices.Values(policy.Actions(policy.Write))); !slices.Equal(actions(), want) {
		t.Errorf("writing calls %q, and the policy has %q", actions(), want)
	}
}

func TestBootstrapIsUndone(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.env = append(p.env, c.User("admin").Env()...)
	p.want(t, 0, "made arn:aws:iam", "auth", "bootstrap", "--yes", "--iam-name", "skret-dev")
	u, ok := c.FindUser("skret-dev")
	if !ok || len(c.Keys("skret-dev")) != 1 || !strings.Contains(u.Policies["skret"], "parameter/app/dev/*") {
		t.Fatalf("%+v", u)
	}
	p.skret(t, "get", "KEY", "--auth", "dev")
	if !strings.HasSuffix(signer(c), "user/skret-dev") {
		t.Errorf("signed by %s", signer(c))
	}
	p.want(t, 0, "made arn:aws:iam::"+fake.Account+":role/skret-role", "auth", "bootstrap", "--yes", "--iam-name", "skret-role", "--name", "role", "--as-role", "--write")
	p.skret(t, "set", "KEY=w", "--auth", "role")
	if !strings.Contains(signer(c), "assumed-role/skret-role/") {
		t.Errorf("signed by %s", signer(c))
	}
	p.want(t, 6, `there is a sign-in named "dev" already`, "auth", "bootstrap", "--yes", "--iam-name", "other")
	c.Fault("iam", fake.Fault{Op: "CreateAccessKey", Code: "AccessDenied", Times: -1})
	p.want(t, 4, "access denied", "auth", "bootstrap", "--yes", "--iam-name", "second", "--name", "second")
	if _, left := c.FindUser("second"); left {
		t.Error("the user is left behind")
	}
}

// The console sign-in of aws login is read from where aws keeps it; when it is
// over, the command that renews it is named.
func TestConsoleSignIn(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	k := c.Issue("arn:aws:sts::"+fake.Account+":assumed-role/console/me", time.Hour)
	config := filepath.Join(p.dir, "config")
	cache := filepath.Join(p.dir, "cache")
	const session = "arn:aws:iam::111122223333:user/me"
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	keep := func(ends time.Time) {
		t.Helper()
		text := fmt.Sprintf(`{"accessToken":{"accessKeyId":%q,"secretAccessKey":%q,"sessionToken":%q,"accountId":%q,"expiresAt":%q},"tokenType":"aws_sigv4","refreshToken":"r","identityToken":"i","clientId":"arn:aws:signin:::devtools/same-device","dpopKey":%q}`,
			k.ID, k.Secret, k.Token, fake.Account, ends.UTC().Format(time.RFC3339), key)
		name := fmt.Sprintf("%x.json", sha256.Sum256([]byte(session)))
		if err := os.WriteFile(filepath.Join(cache, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("[profile web]\nlogin_session = "+session+"\nregion = "+fake.Region+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "AWS_CONFIG_FILE="+config, "AWS_LOGIN_CACHE_DIRECTORY="+cache)
	keep(time.Now().Add(time.Hour))
	p.want(t, 0, "assumed-role/console/me", "auth", "login", "aws", "--method", "login", "--opt", "profile=web")
	if p.skret(t, "get", "KEY"); !strings.HasSuffix(signer(c), "assumed-role/console/me") {
		t.Errorf("signed by %s", signer(c))
	}
	p.env = append(p.env, "AWS_ENDPOINT_URL_SIGNIN=http://127.0.0.1:1")
	keep(time.Now().Add(-time.Hour))
	p.want(t, 7, "no answer from 127.0.0.1:1", "get", "KEY")
	key = "no key"
	keep(time.Now().Add(-time.Hour))
	p.want(t, 4, "is damaged", "get", "KEY")
	key = ""
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	p.want(t, 4, "aws login --profile web", "get", "KEY")
}
