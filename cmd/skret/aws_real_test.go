//go:build real

package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// skret finds the role of an EC2 instance in metadata of version 2 as another
// project has it, and writes to SSM with it.
func TestRealCredentialsOfAnInstance(t *testing.T) {
	moto, metadata := realtest.Moto(t), realtest.Metadata(t)
	skret := func(args ...string) (stdout, stderr string) {
		t.Helper()
		c := exec.Command("skret", args...)
		c.Dir = t.TempDir()
		c.Env = append(moto.Env(t), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_EC2_METADATA_DISABLED=",
			"AWS_EC2_METADATA_SERVICE_ENDPOINT="+metadata, "HTTP_PROXY=http://127.0.0.1:1", "SKRET_PATH=/app/dev")
		var out, err strings.Builder
		c.Stdout, c.Stderr = &out, &err
		if e := c.Run(); e != nil {
			t.Fatalf("skret %q: %v\n%s", args, e, &err)
		}
		return out.String(), err.String()
	}
	_, stderr := skret("set", "KEY=value", "--log-level", "info")
	if !strings.Contains(stderr, "the role of this EC2 instance") {
		t.Errorf("credentials are from elsewhere: %s", stderr)
	}
	if got := moto.AWS(t, "ssm", "get-parameter", "--name", "/app/dev/KEY", "--with-decryption", "--query", "Parameter.Value", "--output", "text"); got != "value" {
		t.Errorf("aws reads %q", got)
	}
	if stdout, _ := skret("get", "KEY"); stdout != "value" {
		t.Errorf("skret reads %q", stdout)
	}
}

// What skret's commands write the aws command line reads, and the other way
// round.
func TestRealAWSCommandLine(t *testing.T) {
	moto := realtest.Moto(t)
	p := newProject(t, "provider: aws\n    path: /app/dev\n    kms_key_id: alias/team", moto.Env(t)...)
	pem := "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
	p.skret(t, "set", "PEM="+pem, "UNI=日本語 ünï", "FULL="+strings.Repeat("x", 4096))
	p.skret(t, "set", "PEM", "second", "--tag", "team=web", "--description", "of the web")
	read := func(args ...string) string {
		return moto.AWS(t, append([]string{"ssm"}, append(args, "--output", "text")...)...)
	}
	if got := read("get-parameter", "--name", "/app/dev/PEM:1", "--with-decryption", "--query", "Parameter.Value"); got != pem {
		t.Errorf("version 1 of PEM: %q", got)
	}
	if got := read("get-parameter", "--name", "/app/dev/UNI", "--with-decryption", "--query", "Parameter.Value"); got != "日本語 ünï" {
		t.Errorf("UNI: %q", got)
	}
	if got := read("get-parameter", "--name", "/app/dev/FULL", "--with-decryption", "--query", "length(Parameter.Value)"); got != "4096" {
		t.Errorf("FULL: %s", got)
	}
	if got := read("list-tags-for-resource", "--resource-type", "Parameter", "--resource-id", "/app/dev/PEM", "--query", "TagList[].[Key,Value]"); got != "team\tweb" {
		t.Errorf("tags: %q", got)
	}
	if got := read("describe-parameters", "--parameter-filters", "Key=Name,Values=/app/dev/PEM", "--query", "Parameters[0].[KeyId,Description,Type]"); got != "alias/team\tof the web\tSecureString" {
		t.Errorf("described: %q", got)
	}
	moto.AWS(t, "ssm", "put-parameter", "--name", "/app/dev/db/URL", "--value", "postgres://x", "--type", "SecureString")
	moto.AWS(t, "ssm", "label-parameter-version", "--name", "/app/dev/PEM", "--parameter-version", "1", "--labels", "stable")
	if got := string(p.skret(t, "get", "db/URL")); got != "postgres://x" {
		t.Errorf("skret reads %q", got)
	}
	if got := string(p.skret(t, "history", "PEM", "--format", "json")); !strings.Contains(got, "stable") {
		t.Errorf("no label in %s", got)
	}
	p.skret(t, "rollback", "PEM", "1", "--yes")
	if got := read("get-parameter", "--name", "/app/dev/PEM", "--with-decryption", "--query", "Parameter.[Version,Value]"); got != "3\t"+pem {
		t.Errorf("after the rollback: %q", got)
	}
	p.skret(t, "delete", "PEM", "UNI", "FULL", "--yes")
	if got := read("get-parameters-by-path", "--path", "/app/dev", "--recursive", "--query", "Parameters[].Name"); got != "/app/dev/db/URL" {
		t.Errorf("left: %q", got)
	}
}
