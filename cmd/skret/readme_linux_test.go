package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/skret/skret/internal/fake"
)

// What the README tells a newcomer to type works, typed line by line on a
// terminal in a new folder, with a new home.

// readmeLines returns the commands of the code block that follows the heading.
func readmeLines(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("the README has no %q", heading)
	}
	after, _, _ = strings.Cut(after, "\n## ")
	return commandLines(after)
}

// commandLines returns the lines of the code blocks that are in no language.
func commandLines(text string) []string {
	var lines []string
	for i, block := range strings.Split(text, "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "\n") {
			continue
		}
		for line := range strings.SplitSeq(block, "\n") {
			if strings.TrimSpace(line) != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// typed runs a command line as a person would, answering what is asked, and
// returns what the terminal shows.
func (p *project) typed(t *testing.T, line string) string {
	t.Helper()
	c := p.onTerminal(t, nil, "sh", "-c", line)
	answers := map[string]string{
		"value of ": "postgres://localhost/app\n", "[y/N] ": "y\n",
		"start URL of IAM Identity Center: ": "https://acme.awsapps.com/start\n", "region of IAM Identity Center [us-east-1]: ": "\n",
	}
	c.mu.Lock()
	for !c.ended {
		for ask, reply := range answers {
			if bytes.Contains(c.out, []byte(ask)) {
				delete(answers, ask)
				c.send(reply)
			}
		}
		c.more.Wait()
	}
	c.mu.Unlock()
	status, out := c.end()
	if status.ExitStatus() != 0 {
		t.Errorf("%s: status %d\n%s", line, status.ExitStatus(), out)
	}
	return out
}

// emptyProject is a folder with nothing in it, and a new home.
func emptyProject(t *testing.T, env ...string) *project {
	t.Helper()
	p := newProject(t, "provider: local", env...)
	if err := os.Remove(filepath.Join(p.dir, ".skret.yaml")); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadmeWithAWS(t *testing.T) {
	aws := fake.NewSSM()
	aws.AnyRegion = true
	t.Cleanup(aws.Close)
	p := emptyProject(t, aws.Env()...)
	for name, text := range map[string]string{
		"credentials": "[production]\naws_access_key_id = " + fake.AccessKey + "\naws_secret_access_key = " + fake.SecretKey + "\n",
		"make":        "#!/bin/sh\necho \"$1 with $DATABASE_URL\"\n", // not every machine has one
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.env = append(p.env, "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(p.dir, "credentials"), "PATH="+p.dir+":"+os.Getenv("PATH"))
	var out string
	for _, line := range readmeLines(t, "Start, with AWS") {
		out += p.typed(t, line)
	}
	if want := "deploy with postgres://localhost/app"; !strings.Contains(out, want) {
		t.Errorf("%q is not in\n%s", want, out)
	}

	p.skret(t, "set", "OLD_TOKEN", "x")
	for _, v := range []string{"b", "c", "d"} {
		p.skret(t, "set", "DATABASE_URL", v)
	}
	for _, line := range readmeLines(t, "Everyday") {
		p.typed(t, line)
	}
	if got := p.skret(t, "get", "DATABASE_URL"); string(got) != "c" {
		t.Errorf("after the rollback: %q", got)
	}
}

// The guide's commands work, one after the other, and so do the README's.
func TestGuideAuthentication(t *testing.T) {
	const account = "123456789012"
	c := fake.NewCloud()
	t.Cleanup(c.Close)
	c.Assign(account, "Deploy")
	c.Role("arn:aws:iam::"+account+":role/deploy", fake.Trust{AWS: []string{account}})
	p := newProject(t, "provider: aws\n    path: /shop/prod\n    region: "+fake.Region, c.Env()...)
	yaml := "version: \"1\"\nproject: shop\nenvironments:\n  prod:\n    provider: aws\n    path: /shop/prod\n    region: " + fake.Region + "\n"
	admin := c.User("admin")
	profile := "[admin]\naws_access_key_id = " + admin.ID + "\naws_secret_access_key = " + admin.Secret + "\n"
	for name, text := range map[string]string{".skret.yaml": yaml, "credentials": profile} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.env = append(p.env, "BROWSER=browse", "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(p.dir, "credentials"))
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "authentication.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## IAM Identity Center") // status and doctor come before the login there
	lines := append(readmeLines(t, "Sign in"), commandLines(rest)...)
	if len(lines) < 12 {
		t.Fatalf("only %q", lines)
	}
	for _, line := range lines {
		p.typed(t, line)
	}
}

func TestReadmeWithoutAccount(t *testing.T) {
	colleague, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p := emptyProject(t)
	var out string
	for _, line := range readmeLines(t, "Start, without any account") {
		out += p.typed(t, strings.ReplaceAll(line, "age1...", colleague.Recipient().String()))
	}
	for _, want := range []string{"DATABASE_URL=postgres://localhost/app\r\n", "age1"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
