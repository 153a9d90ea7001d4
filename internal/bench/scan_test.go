//go:build bench && unix

package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// scan measures how long 1,000 secrets are looked for in 100 MB of a repository,
// besides what git itself takes to look for one word in it.
func (s *suite) scan(t *testing.T) {
	const secrets, size = 1000, 100 << 20
	dir := project(t, "provider: local\n    file: .skret.secrets.yaml\n")
	if err := os.Remove(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	args := []string{"set", "--"}
	for i := range secrets {
		args = append(args, fmt.Sprintf("KEY_%04d=%s", i, word(6+rnd.IntN(40))))
	}
	program{path: s.skret, args: args, dir: dir, env: s.env}.run(t)

	// Text like that of programs: words that repeat, some that are random, in lines.
	var words []string
	for range 5000 {
		words = append(words, word(1+rnd.IntN(8)))
	}
	var text bytes.Buffer
	files := 0
	for written := 0; written < size; written += text.Len() {
		text.Reset()
		for n := 4<<10 + rnd.IntN(60<<10); text.Len() < n; {
			for range 3 + rnd.IntN(12) {
				text.WriteString(words[rnd.IntN(len(words))])
				text.WriteByte(" =(\".,\t"[rnd.IntN(7)])
			}
			text.WriteByte('\n')
		}
		name := filepath.Join(dir, fmt.Sprintf("src/%02d/%d.txt", files%50, files))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		files++
	}
	git := program{path: "git", dir: dir, env: s.env}
	if path, err := exec.LookPath("git"); err == nil {
		git.path = path
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}} {
		git.args = args
		git.run(t)
	}
	git.args = []string{"grep", "-c", "-F", "-e", "version"} // .skret.yaml has it: to find nothing is a failure
	scan := program{path: s.skret, args: []string{"scan"}, dir: dir, env: s.env}
	m := medians(t, 5, scan, git)
	s.row(fmt.Sprintf("scan, 1,000 secrets in 100 MB, %d files", files), m[0].Seconds(), 3, "s", ms(m...))
	s.row("  / git grep -F of one word", ratio(m), 20, "x", "")
	scan.args = []string{"scan", "--staged"}
	m = medians(t, 3, scan)
	s.row("  --staged, all of it new", m[0].Seconds(), 3, "s", ms(m...))
}
