package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skret/skret/internal/fake"
)

const marker = "mArKeR-7f3a91c0 'd\"e$f"

// encodings are the forms in which the marker could get out.
func encodings() [][]byte {
	return [][]byte{
		[]byte("mArKeR-7f3a91c0"),
		[]byte(url.QueryEscape(marker)),
		[]byte(hex.EncodeToString([]byte(marker))),
		[]byte(base64.StdEncoding.EncodeToString([]byte(marker)))[:24],
		[]byte(base64.StdEncoding.EncodeToString([]byte("x" + marker)))[4:24],
		[]byte(base64.StdEncoding.EncodeToString([]byte("xy" + marker)))[4:24],
	}
}

// A value is seen nowhere but where it was asked for: not in what any command
// says, in success or failure, at debug level, and in no file.
func TestMarkerStaysInside(t *testing.T) {
	markerStaysInside(t, newProject(t, "provider: local\n    file: .skret.secrets.yaml"))
}

func TestMarkerStaysInsideWithAWS(t *testing.T) {
	aws := fake.NewSSM()
	t.Cleanup(aws.Close)
	p := newProject(t, "provider: aws\n    path: /app/dev", aws.Env()...)
	p.skret(t, "set", "DENIED=x")
	aws.Set(func(r *fake.Rules) { r.Unreadable = map[string]bool{"/app/dev/DENIED": true} })
	aws.Fault(fake.Fault{Op: "PutParameter", Code: "ValidationException", Message: "bad value " + marker, Skip: 3})
	markerStaysInside(t, p)
}

// nothingLeft asserts that no file of the project holds the marker.
func (p *project) nothingLeft(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, form := range encodings() {
			if bytes.Contains(b, form) {
				t.Errorf("%s holds the value", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// markerStaysInside runs every command on secrets whose values are the marker.
func markerStaysInside(t *testing.T, p *project) {
	t.Helper()
	for _, c := range []struct{ stdin, line string }{
		{marker, "set TOKEN"},
		{marker, "set TOKEN --format json"},
		{marker, "set db/url --description what-it-is"},
		{marker + "\n", "set LINE"},
		{"", "set A=" + marker + " B"},
		{"", "set A=" + marker + " b//c=" + marker},
		{"", "set TOKEN --if-version 99 " + marker},
		{marker, "set TOKEN --type Nonsense"},
		{marker, "set 'no key'"},
		{"", "list"}, {"", "list --format json"},
		{"", "history TOKEN"}, {"", "history TOKEN --format json"},
		{"", "rollback TOKEN 1 --yes"}, {"", "rollback TOKEN 77 --yes"},
		{"", "get NOTHING"}, {"", "get TOKEN --version 77"}, {"", "get TOKEN LINE"},
		{"", "config"}, {"", "config --format json"},
		{"", "run -- true"}, {"", "run -- no-such-command"}, {"", "run --only [ -- true"},
		{"", "run --only TOKEN -- false"},
		{"", "env --only NOTHING"}, {"", "env --format nonsense"}, {"", "env --format docker --only '[' "},
		{"", "delete db/url"}, {"", "delete db/url LINE NOTHING --yes"},
		{"", "completion bash"}, {"", "version"}, {"", "__complete get ''"}, {"", "local identity"}, {"", "local recipients list"},
		{"", "local encrypt"}, {"", "init"}, {"", "--nonsense"},
	} {
		cmd := exec.Command("skret", append([]string{"--log-level", "debug"}, words(c.line)...)...)
		cmd.Dir, cmd.Env, cmd.Stdin = p.dir, p.env, strings.NewReader(c.stdin)
		out, _ := cmd.CombinedOutput()
		for _, form := range encodings() {
			if bytes.Contains(out, form) {
				t.Errorf("%.40s...: the value is in the output: %s", c.line, out)
			}
		}
	}
	if got := p.skret(t, "get", "TOKEN"); string(got) != marker {
		t.Errorf("the value is not what was stored: %q", got)
	}
	p.nothingLeft(t)
}

// words splits a line at blanks; the marker, which has some, stays whole.
func words(line string) []string {
	ws := strings.Fields(strings.ReplaceAll(line, marker, "\x00"))
	for i, w := range ws {
		ws[i] = strings.Trim(strings.ReplaceAll(w, "\x00", marker), "'")
	}
	return ws
}
