//go:build real

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/realtest"
)

// What import and sync write into SSM the aws command line reads, byte for byte,
// and what it writes skret carries on.
func TestRealMotoTakesTransfers(t *testing.T) {
	moto := realtest.Moto(t)
	p := newProject(t, "provider: aws\n    path: /app/dev", moto.Env(t)...)
	read := func(name string) string {
		return moto.AWS(t, "ssm", "get-parameter", "--name", name, "--with-decryption", "--query", "Parameter.Value", "--output", "text")
	}
	in := "PEM=\"-----BEGIN X-----\nabc\n-----END X-----\"\nUNI='日本語'\nBLANK=' two '\n"
	if err := os.WriteFile(filepath.Join(p.dir, "in.env"), []byte(in), 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(t, 0, "3 created", "import", "--from", "dotenv", "--file", "in.env")
	p.want(t, 0, "3 unchanged", "import", "--from", "dotenv", "--file", "in.env")
	if got := read("/app/dev/PEM"); got != "-----BEGIN X-----\nabc\n-----END X-----" {
		t.Errorf("PEM: %q", got)
	}
	if got := read("/app/dev/UNI"); got != "日本語" {
		t.Errorf("UNI: %q", got)
	}
	moto.AWS(t, "ssm", "put-parameter", "--name", "/other/KEY", "--value", "of aws", "--type", "SecureString")
	p.want(t, 0, "1 created", "import", "--from", "aws", "--from-path", "/other")
	p.want(t, 0, "4 created", "sync", "--to", "aws", "--to-path", "/copy")
	if got := read("/copy/KEY"); got != "of aws" {
		t.Errorf("KEY: %q", got)
	}
	p.skret(t, "delete", "KEY", "--yes")
	p.want(t, 0, "deleted KEY", "sync", "--to", "aws", "--to-path", "/copy", "--prune")
	if got := moto.AWS(t, "ssm", "get-parameters-by-path", "--path", "/copy", "--query", "length(Parameters)", "--output", "text"); got != "3" {
		t.Errorf("%s are left", got)
	}
	p.skret(t, "set", "UNI=second")
	if got := string(p.skret(t, "diff", "dev@v1", "dev")); !strings.HasPrefix(got, "update\tUNI\t") {
		t.Errorf("the past: %q", got)
	}
}
