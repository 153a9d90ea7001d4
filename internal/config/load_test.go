package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommonCase(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, Name), []byte("version: \"1\"\nproject: x\ndefault_env: dev\nrequired: [A, B]\nenvironments:\n  dev:\n    provider: local\n    file: s.yaml\n  prod:\n    provider: aws\n    path: /a/b\n    region: us-east-1\n    required: [C]\n"), 0o600)
	p, err := Load(Input{Dir: dir, Home: dir, Flags: Flags{Env: "prod"}})
	t.Logf("%+v %v", p, err)
	p, err = Load(Input{Dir: dir, Home: dir, Flags: Flags{Path: "/x"}})
	t.Logf("%+v %v", p, err)
	p, err = Load(Input{Dir: dir, Home: dir})
	t.Logf("%+v %v", p, err)
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	os.WriteFile(filepath.Join(dir, Name), []byte("version: \"1\"\nproject: x\ndefault_env: dev\nrequired: [A, B]\nenvironments:\n  dev:\n    provider: local\n    file: s.yaml\n  prod:\n    provider: aws\n    path: /a/b\n    region: us-east-1\n    required: [C]\n"), 0o600)
	for b.Loop() {
		Load(Input{Dir: dir, Home: dir})
	}
}
