package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/errs"
)

// marker stands for a secret in the wrong place: no error may show it.
const marker = "S3CR3T!MARKER"

// good is a configuration without faults.
const good = `version: "1"
project: shop
default_env: dev
required: [DATABASE_URL]
exclude: ["OLD_*"]
environments:
  dev:
    provider: local
    file: dev.yaml
    recipients:
      - age1qqqq
    required: [DEBUG_KEY]
  prod:
    provider: aws
    path: /shop/prod/
    region: eu-west-1
    profile: deploy
    kms_key_id: alias/shop
    tier: advanced
    keys: [DATABASE_URL, db/password]
    allow_env: [NODE_OPTIONS]
    exclude: ["TMP_*", "OLD_*"]
`

// write makes a file and what is missing above it, and returns its name.
func write(t testing.TB, text string, name ...string) string {
	t.Helper()
	file := filepath.Join(name...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// project makes a folder with a configuration, and returns the input for it
// with these variables (NAME=VALUE).
func project(t testing.TB, text string, variables ...string) Input {
	t.Helper()
	dir := t.TempDir()
	write(t, text, dir, Name)
	return Input{Dir: dir, Home: dir, Getenv: environ(variables...)}
}

func environ(variables ...string) func(string) string {
	return func(name string) string {
		for _, v := range variables {
			if n, value, _ := strings.Cut(v, "="); n == name {
				return value
			}
		}
		return ""
	}
}

func load(t testing.TB, in Input) *Project {
	t.Helper()
	p, err := Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refused asserts that Load fails with this kind, and returns all that it says.
func refused(t testing.TB, in Input, kind errs.Kind) string {
	t.Helper()
	p, err := Load(in)
	if err == nil {
		t.Fatalf("loaded: %+v", p)
	}
	if got := errs.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v: %v", got, kind, err)
	}
	return said(err)
}

// said returns the messages of an error and all its hints.
func said(err error) string {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range j.Unwrap() {
			all = append(all, said(e))
		}
		return strings.Join(all, "\n")
	}
	return err.Error() + " | " + errs.HintOf(err)
}
