//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
	"github.com/skret/skret/internal/realtest"
)

func TestRealOneProcessRenewsInTwentyRounds(t *testing.T) { oneProcessRenews(t, 20) }

func TestRealSignInsStaySealedUnderEveryFault(t *testing.T) {
	sealedUnderFaults(t, "html", "empty", "cut", "garbage", "redirect", "drop", "lose")
}

// The aws command line uses the sign-in through credential_process, and signs as
// it says: it judges what auth token prints, and the fakes.
func TestRealAWSUsesTheSignIn(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	p.ssoLogin(t)
	skret, err := exec.LookPath("skret")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(p.dir, "config")
	if err := os.WriteFile(config, []byte("[profile skret]\nregion = "+fake.Region+"\ncredential_process = "+skret+" auth token aws\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	aws := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(realtest.Need(t, "aws", "pip install awscli"), append(args, "--profile", "skret", "--output", "text")...)
		cmd.Dir = p.dir
		for _, v := range p.env {
			if k, value, _ := strings.Cut(v, "="); value != "" && k != "AWS_CONFIG_FILE" { // an empty AWS_CA_BUNDLE is a file to it
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+config, "PYENV_ROOT="+os.Getenv("PYENV_ROOT"))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("aws %q: %v\n%s", args, err, &stderr)
		}
		return string(out)
	}
	if out := aws("sts", "get-caller-identity", "--query", "Arn"); !strings.Contains(out, "AWSReservedSSO_Deploy") {
		t.Errorf("aws is %s", out)
	}
	if out := aws("ssm", "get-parameter", "--name", "/app/dev/KEY", "--with-decryption", "--query", "Parameter.Value"); strings.TrimSpace(out) != "v" {
		t.Errorf("aws reads %q", out)
	}
}

// moto takes the sign-ins: an access key, a role, a token of an issuer.
func TestRealMotoTakesTheSignIns(t *testing.T) {
	m := realtest.Moto(t)
	p := newProject(t, "provider: aws\n    path: /app/dev\n    region: us-east-1")
	for _, v := range m.Env(t) {
		if k, _, _ := strings.Cut(v, "="); k != "HOME" && k != "USERPROFILE" && k != "AWS_ACCESS_KEY_ID" && k != "AWS_SECRET_ACCESS_KEY" {
			p.env = append(p.env, v)
		}
	}
	m.AWS(t, "iam", "create-user", "--user-name", "ci")
	key := strings.Fields(m.AWS(t, "iam", "create-access-key", "--user-name", "ci", "--query", "AccessKey.[AccessKeyId,SecretAccessKey]", "--output", "text"))
	m.AWS(t, "iam", "create-role", "--role-name", "app", "--assume-role-policy-document", "{}")
	m.AWS(t, "ssm", "put-parameter", "--name", "/app/dev/KEY", "--value", "v", "--type", "SecureString")
	p.keyLogin(t, "default", fake.Key{ID: key[0], Secret: key[1]})
	role := "role_arn=" + m.AWS(t, "iam", "get-role", "--role-name", "app", "--query", "Role.Arn", "--output", "text")
	p.want(t, 0, "assumed-role/app/skret", "auth", "login", "aws", "--name", "role", "--method", "assume-role", "--opt", role, "--opt", "source=default")
	if err := os.WriteFile(filepath.Join(p.dir, "jwt"), []byte("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZXhwIjo0MTAyNDQ0ODAwfQ.eHh4"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(t, 0, "assumed-role/app/skret", "auth", "login", "aws", "--name", "oidc", "--method", "oidc", "--opt", role, "--opt", "token_file=jwt")
	for _, name := range []string{"default", "role", "oidc"} {
		if got := p.skret(t, "get", "KEY", "--auth", name); string(got) != "v" {
			t.Errorf("%s: %q", name, got)
		}
	}
	p.want(t, 0, "is replaced by", "auth", "rotate")
	if got := p.skret(t, "get", "KEY"); string(got) != "v" {
		t.Errorf("after the rotation: %q", got)
	}
}

// Debian's aws command line, version 2, signs in to the fake by its own means, and
// skret reads what it keeps. Its release has no variable for the address of a
// service; rules for endpoints in ~/.aws/models are its own way to one.
func TestRealAWSSignsInAndSkretReadsIt(t *testing.T) {
	c := newCloud(t)
	p := onCloud(t, c)
	aws := realtest.Need(t, "/usr/bin/aws", "apt-get install awscli")
	home := filepath.Join(p.dir, "home")
	rules := `{"version":"1.0","parameters":{"Region":{"builtIn":"AWS::Region","required":false,"documentation":"","type":"String"},` +
		`"UseDualStack":{"builtIn":"AWS::UseDualStack","required":true,"default":false,"documentation":"","type":"Boolean"},` +
		`"UseFIPS":{"builtIn":"AWS::UseFIPS","required":true,"default":false,"documentation":"","type":"Boolean"},` +
		`"Endpoint":{"builtIn":"SDK::Endpoint","required":false,"documentation":"","type":"String"}},` +
		`"rules":[{"conditions":[],"endpoint":{"url":"` + c.URL("oidc") + `","properties":{},"headers":{}},"type":"endpoint"}]}`
	config := "[profile dev]\nsso_session = acme\nsso_account_id = " + fake.Account + "\nsso_role_name = Deploy\nregion = " + fake.Region +
		"\n[sso-session acme]\nsso_region = " + fake.Region + "\nsso_start_url = https://acme.awsapps.com/start\nsso_registration_scopes = sso:account:access\n"
	for name, text := range map[string]string{".aws/models/sso-oidc/2019-06-10/endpoint-rule-set-1.json": rules, ".aws/config": config} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	login := exec.Command(aws, "sso", "login", "--profile", "dev", "--no-browser")
	login.Dir, login.Env = p.dir, []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	if out, err := login.CombinedOutput(); err != nil {
		t.Fatalf("aws sso login: %v\n%s", err, out)
	}
	p.env = append(p.env, "AWS_CONFIG_FILE="+filepath.Join(home, ".aws", "config"))
	if got := p.skret(t, "get", "KEY", "--profile", "dev"); string(got) != "v" || !strings.Contains(signer(c), "AWSReservedSSO_Deploy") {
		t.Errorf("%q, signed by %s", got, signer(c))
	}
}

// A key in hardware, which softhsm2 plays: AWS's own helper signs with it in a
// profile's credential_process, and skret pins that profile.
func TestRealKeyInHardwareByAProfile(t *testing.T) {
	helper := realtest.Need(t, "rolesanywhere-credential-helper", "go install github.com/aws/rolesanywhere-credential-helper@v1.4.0")
	softhsm := realtest.Need(t, "softhsm2-util", "apt-get install softhsm2")
	c := newCloud(t)
	role := "arn:aws:iam::" + fake.Account + ":role/host"
	c.Role(role, fake.Trust{Anywhere: true})
	p := onCloud(t, c)
	certificate, key := c.Certificate("rsa", "host", "")
	conf := filepath.Join(p.dir, "softhsm.conf")
	for name, text := range map[string]string{
		"leaf.pem": string(certificate), "leaf.key": string(key), "tokens/x": "",
		"softhsm.conf": "directories.tokendir = " + filepath.Join(p.dir, "tokens") + "\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(p.dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"--init-token", "--free", "--label", "skret", "--so-pin", "1234", "--pin", "1234"},
		{"--import", "leaf.key", "--token", "skret", "--label", "leaf", "--id", "01", "--pin", "1234"},
	} {
		cmd := exec.Command(softhsm, args...)
		cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "SOFTHSM2_CONF="+conf)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Remove(filepath.Join(p.dir, "leaf.key")); err != nil { // the only copy is in the token now
		t.Fatal(err)
	}
	config := filepath.Join(p.dir, "config")
	process := "env SOFTHSM2_CONF=" + conf + " " + helper + " credential-process --certificate leaf.pem" +
		" --private-key 'pkcs11:token=skret;object=leaf;type=private?pin-value=1234' --pkcs11-lib /usr/lib/softhsm/libsofthsm2.so" +
		" --trust-anchor-arn " + fake.TrustAnchor + " --profile-arn " + fake.AnywhereProfile + " --role-arn " + role + " --endpoint " + c.URL("rolesanywhere")
	if err := os.WriteFile(config, []byte("[profile host]\ncredential_process = "+process+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "AWS_CONFIG_FILE="+config)
	p.want(t, 0, "assumed-role/host/", "auth", "login", "aws", "--method", "profile", "--opt", "profile=host")
	if got := p.skret(t, "get", "KEY"); string(got) != "v" || !strings.Contains(signer(c), "assumed-role/host/") {
		t.Errorf("%q, signed by %s", got, signer(c))
	}
}
