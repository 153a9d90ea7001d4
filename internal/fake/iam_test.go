package fake_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/skret/skret/internal/awsauth/anywhere"
	"github.com/skret/skret/internal/fake"
)

// iam makes a call that AWS's signer signs, and returns the text of an element of
// the answer, or the error's code.
func iam(t *testing.T, c *fake.Cloud, k fake.Key, want string, params ...string) string {
	t.Helper()
	form := url.Values{"Version": {"2010-05-08"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL("iam"), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(form.Encode()))
	creds := aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.Token}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), "iam", fake.Region, c.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []string
	for d := xml.NewDecoder(resp.Body); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && (start.Name.Local == want || start.Name.Local == "Code") {
			var text string
			if err := d.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, " ")
}

func TestKeysAreRotatedAsIAMAllows(t *testing.T) {
	c := newCloud(t)
	old := c.User("ada")
	c.Set(func(r *fake.CloudRules) { r.UnknownFor = 2 })
	var fresh fake.Key
	fresh.ID = iam(t, c, old, "AccessKeyId", "Action", "CreateAccessKey")
	fresh, _ = c.Key(fresh.ID)
	if got := iam(t, c, old, "AccessKeyId", "Action", "CreateAccessKey", "UserName", "ada"); got != "LimitExceeded" {
		t.Errorf("a third key: %s", got)
	}
	for _, want := range []string{"InvalidClientTokenId", "InvalidClientTokenId", ""} {
		_, err := stsOf(c, fresh).GetCallerIdentity(t.Context(), nil)
		wantCode(t, err, want)
	}
	if got := iam(t, c, fresh, "AccessKeyId", "Action", "ListAccessKeys"); got != old.ID+" "+fresh.ID {
		t.Errorf("the keys are %s", got)
	}
	if got := iam(t, c, fresh, "ServiceName", "Action", "GetAccessKeyLastUsed", "AccessKeyId", old.ID); got != "iam" {
		t.Errorf("the key was last used by %s", got)
	}
	iam(t, c, fresh, "", "Action", "UpdateAccessKey", "AccessKeyId", old.ID, "Status", "Inactive")
	_, err := stsOf(c, old).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "InvalidClientTokenId")
	iam(t, c, fresh, "", "Action", "DeleteAccessKey", "AccessKeyId", old.ID)
	if got := iam(t, c, fresh, "", "Action", "DeleteAccessKey", "AccessKeyId", old.ID); got != "NoSuchEntity" {
		t.Errorf("a key is deleted twice: %s", got)
	}
}

func TestUsersAndRolesKeepTheirPolicies(t *testing.T) {
	c := newCloud(t)
	k := c.User("admin")
	const doc = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}]}`
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + fake.Account + `"},"Action":"sts:AssumeRole"}]}`
	for _, step := range []struct {
		code   string
		params []string
	}{
		{"", []string{"Action", "CreateUser", "UserName", "app"}},
		{"EntityAlreadyExists", []string{"Action", "CreateUser", "UserName", "app"}},
		{"", []string{"Action", "PutUserPolicy", "UserName", "app", "PolicyName", "p", "PolicyDocument", doc}},
		{"MalformedPolicyDocument", []string{"Action", "PutUserPolicy", "UserName", "app", "PolicyName", "p", "PolicyDocument", "{"}},
		{"DeleteConflict", []string{"Action", "DeleteUser", "UserName", "app"}},
		{"NoSuchEntity", []string{"Action", "GetUser", "UserName", "nobody"}},
		{"", []string{"Action", "CreateRole", "RoleName", "ci", "AssumeRolePolicyDocument", trust}},
		{"", []string{"Action", "PutRolePolicy", "RoleName", "ci", "PolicyName", "p", "PolicyDocument", doc}},
		{"DeleteConflict", []string{"Action", "DeleteRole", "RoleName", "ci"}},
		{"", []string{"Action", "CreateOpenIDConnectProvider", "Url", "https://issuer.example", "ClientIDList.member.1", "aud"}},
	} {
		if got := iam(t, c, k, "", step.params...); got != step.code {
			t.Errorf("%q: %q, want %q", step.params, got, step.code)
		}
	}
	if u, ok := c.FindUser("app"); !ok || u.Policies["p"] != doc {
		t.Errorf("%+v", u)
	}
	if got := iam(t, c, k, "Arn", "Action", "ListOpenIDConnectProviders"); got != "arn:aws:iam::"+fake.Account+":oidc-provider/issuer.example" {
		t.Error(got)
	}
	// The role that IAM made is one that STS gives.
	_, err := stsOf(c, k).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + fake.Account + ":role/ci"), RoleSessionName: aws.String("me")})
	wantCode(t, err, "")
}

func TestRolesAnywhereGivesKeysThatSign(t *testing.T) {
	c := newCloud(t)
	const role = "arn:aws:iam::" + fake.Account + ":role/server"
	c.Role(role, fake.Trust{Anywhere: true})
	for _, algorithm := range []string{"rsa", "ecdsa"} {
		for what, good := range map[string]bool{"": true, "chain": true, "stranger": false} {
			t.Run(algorithm+" "+what, func(t *testing.T) {
				creds, err := anywhereSession(t, c, role, algorithm, what)
				if (err == nil) != good {
					t.Fatalf("%v", err)
				}
				if !good {
					return
				}
				who, err := stsOf(c, fake.Key{ID: creds.AccessKeyID, Secret: creds.SecretAccessKey, Token: creds.SessionToken}).GetCallerIdentity(t.Context(), nil)
				if err != nil || !strings.HasPrefix(*who.Arn, "arn:aws:sts::"+fake.Account+":assumed-role/server/") {
					t.Errorf("%v: %v", who, err)
				}
			})
		}
	}
	if _, err := anywhereSession(t, c, role+"x", "ecdsa", ""); err == nil {
		t.Error("a role is given that trusts nobody")
	}
}

func anywhereSession(t *testing.T, c *fake.Cloud, role, algorithm, what string) (aws.Credentials, error) {
	t.Helper()
	certificate, key := c.Certificate(algorithm, "server", what)
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, append(certificate, key...), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := anywhere.New(anywhere.Options{
		TrustAnchorARN: fake.TrustAnchor, ProfileARN: fake.AnywhereProfile, RoleARN: role, Certificate: file, HTTP: http.DefaultClient,
		Log: slog.New(slog.DiscardHandler), Now: c.Now,
		Getenv: func(name string) string {
			return map[string]string{"AWS_ENDPOINT_URL_ROLESANYWHERE": c.URL("rolesanywhere")}[name]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Retrieve(t.Context())
}

func TestAContainersRoleIsForWhoHasItsToken(t *testing.T) {
	c := newCloud(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(fake.ContainerToken), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{
		"variable": c.ContainerEnv(""), "file": c.ContainerEnv(file), "wrong": append(c.ContainerEnv(""), "AWS_CONTAINER_AUTHORIZATION_TOKEN=x"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, kv := range append(c.Env(), env...) {
				k, v, _ := strings.Cut(kv, "=")
				t.Setenv(k, v)
				if v == "" {
					os.Unsetenv(k)
				}
			}
			cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
			if err != nil {
				t.Fatal(err)
			}
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			if name == "wrong" {
				wantCode(t, err, "AccessDeniedException")
				return
			}
			if err != nil || !strings.Contains(*who.Arn, ":assumed-role/task-role/") {
				t.Errorf("%v: %v", who, err)
			}
		})
	}
}
