//go:build real

package format_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
)

// The programs that dotenv files are written for read thousands of files, each
// program in one process: files that skret wrote, and hostile ones that skret has
// to read as the program does, or refuse.

const manyFiles = 10000

// parser reads files and returns what is in each, nil for one that it refuses.
type parser func(t *testing.T, texts []string) []map[string]*string

// byScript gives a program the texts in a JSON file behind its arguments, and
// takes a JSON array.
func byScript(name string, args ...string) parser {
	return func(t *testing.T, texts []string) []map[string]*string {
		out := output(t, []string{"PYTHONUTF8=1", "PYTHONWARNINGS=ignore"}, name, append(slices.Clip(args), jsonFile(t, texts))...)
		var all []map[string]*string
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatalf("%v\n%.500s", err, out)
		}
		if len(all) != len(texts) {
			t.Fatalf("%d files of %d", len(all), len(texts))
		}
		return all
	}
}

func jsonFile(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "texts.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// byShell sources all files in one shell, which knows no commands. It is told the
// names to print, and gets no file that skret refuses: those run commands.
func byShell(shell string) parser {
	return func(t *testing.T, texts []string) []map[string]*string {
		path := realtest.Need(t, shell, "apt-get install "+shell)
		dir := t.TempDir()
		var todo strings.Builder
		names := make([][]string, len(texts))
		for i, text := range texts {
			es, err := readText("dotenv", "posix", text)
			if err != nil {
				continue
			}
			for _, e := range es {
				names[i] = append(names[i], string(e.Key))
			}
			file := filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&todo, file, strings.Join(names[i], " "))
		}
		list := filepath.Join(dir, "list")
		if err := os.WriteFile(list, []byte(todo.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		script := `PATH=/nowhere; set -a; while read -r f names; do . "$f"; for n in $names; do eval "printf '%s\\0' \"\$$n\""; unset $n; done; done < "$1"`
		all := byNUL(output(t, []string{"LC_ALL=C.UTF-8"}, path, "-c", script, "judge", list))
		got := make([]map[string]*string, len(texts))
		for i, ns := range names {
			got[i] = map[string]*string{}
			for _, n := range ns {
				if len(all) == 0 {
					t.Fatalf("no more values at %q", texts[i])
				}
				got[i][n], all = &all[0], all[1:]
			}
		}
		return got
	}
}

// parsers returns the programs with the dialect of each.
func parsers(t *testing.T) map[string]struct {
	dialect string
	parse   parser
} {
	node := realtest.Need(t, "node", "apt-get install nodejs")
	python := realtest.Need(t, "/usr/bin/python3", "apt-get install python3 python3-dotenv")
	modules, golang := npmDotenv(t), goJudge(t)
	const js = "const p = %s; process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(process.argv[1])).map(s => p(s))))"
	const py = "import io, json, logging, sys\nfrom dotenv import dotenv_values\nlogging.disable()\n" +
		"print(json.dumps([dotenv_values(stream=io.TextIOWrapper(io.BytesIO(s.encode()))) for s in json.load(open(sys.argv[1]))]))"
	ps := map[string]struct {
		dialect string
		parse   parser
	}{
		"node":          {"node", byScript(node, "-e", fmt.Sprintf(js, "require('util').parseEnv"))},
		"python-dotenv": {"python", byScript(python, "-c", py)},
		"compose":       {"compose", byScript(golang, "compose")},
		"godotenv":      {"godotenv", byScript(golang, "godotenv")},
		"bash":          {"posix", byShell("bash")},
		"dash":          {"posix", byShell("dash")},
	}
	for _, m := range []string{"dotenv", "dotenv16", "dotenv17"} {
		ps[m] = struct {
			dialect string
			parse   parser
		}{"dotenv", byScript(node, "-e", fmt.Sprintf(js, "require('"+filepath.Join(modules, "node_modules", m)+"').parse"))}
	}
	return ps
}

// agree asserts that a program read a file as skret did.
func agree(t *testing.T, program, text string, es []secret.Entry, got map[string]*string) {
	t.Helper()
	same := len(es) == len(got)
	for _, e := range es {
		v := got[string(e.Key)]
		same = same && v != nil && *v == e.Value.Reveal()
	}
	if !same {
		shown, _ := json.Marshal(got)
		t.Errorf("%s: %.300q\n is %.300s\n and not %.300q", program, text, shown, list(es))
	}
}

func TestRealDotenvFiles(t *testing.T) {
	f, _ := format.Lookup("dotenv")
	r := rand.New(rand.NewPCG(80, 1))
	var texts []string
	var sets [][]secret.Entry
	for _, v := range values(81, 2*manyFiles, "canary") {
		vs := set(v, values(r.Uint64(), len(hostile)+1, "canary")[r.IntN(len(hostile)+1)])
		text, err := f.Text(vs)
		if err != nil || len(text) > 4096 {
			continue
		}
		es, err := readText("dotenv", "", string(text))
		if err != nil || list(es) != "V0="+vs[0].Value.Reveal()+"|V1="+vs[1].Value.Reveal() {
			t.Fatalf("%q: %v", text, err)
		}
		texts, sets = append(texts, string(text)), append(sets, es)
	}
	if texts = texts[:min(len(texts), manyFiles)]; len(texts) < manyFiles {
		t.Errorf("only %d files", len(texts))
	}
	ps := parsers(t)
	for _, name := range slices.Sorted(maps.Keys(ps)) {
		t.Run(name, func(t *testing.T) {
			for i, got := range ps[name].parse(t, texts) {
				agree(t, name, texts[i], sets[i], got)
			}
		})
	}
}

// Every hostile file is read as the program reads it, or refused.
func TestRealDialects(t *testing.T) {
	r := rand.New(rand.NewPCG(82, 1))
	var texts []string
	for range manyFiles {
		texts = append(texts, hostileDotenv(r))
	}
	ps := parsers(t)
	for _, name := range slices.Sorted(maps.Keys(ps)) {
		t.Run(name, func(t *testing.T) {
			read, alike := 0, 0
			for i, got := range ps[name].parse(t, texts) {
				es, err := readText("dotenv", ps[name].dialect, texts[i])
				strict, strictErr := readText("dotenv", "", texts[i])
				if err == nil {
					read++
					agree(t, name, texts[i], es, got)
				}
				if strictErr == nil {
					alike++
					agree(t, name+", strict", texts[i], strict, got)
				}
				if t.Failed() && i > 500 {
					return
				}
			}
			t.Logf("%d files of %d read, %d of them alike by all", read, len(texts), alike)
			if read < len(texts)/20 || alike < len(texts)/100 {
				t.Error("too few are read to judge by")
			}
		})
	}
}

// docker fails at the first line that it does not take, so it gets those alone
// that skret takes.
func TestRealDockerDialect(t *testing.T) {
	r := rand.New(rand.NewPCG(83, 1))
	var text strings.Builder
	want, refused := map[string]string{}, 0
	for i := range manyFiles {
		for line := range strings.Lines(hostileDotenv(r)) {
			line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\ufeff") + "\n"
			if i := strings.IndexAny(line, "="); i > 0 {
				line = strings.TrimRight(line[:i], "0123456789") + fmt.Sprint(len(want)) + line[i:]
			}
			es, err := readText("docker", "", line)
			if err != nil {
				refused++
				continue
			}
			for _, e := range es {
				if _, twice := want[string(e.Key)]; twice {
					t.Fatalf("%d: %q comes twice", i, e.Key)
				}
				want[string(e.Key)] = e.Value.Reveal()
			}
			text.WriteString(line)
		}
	}
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := dockerEnv(t, file)
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%q is %q and not %q", name, v, value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d names of %d", len(got), len(want))
	}
	t.Logf("%d lines read, %d refused", len(want), refused)
}

// hostileDotenv returns a file of a few lines, most of which are assignments.
func hostileDotenv(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	mostly := func(usual string, words ...string) string {
		if r.IntN(4) > 0 {
			return usual
		}
		return pick(words...)
	}
	piece := func() string {
		return pick("x", "yz", "0", "é", " ", "  ", "\t", "#", " #", "# c", " # c's", "=", ":", ".", "-", "/", "~", "*", "%", "!", "@", "{", "}", "[", "(", ";", "&", "|",
			"$", "$$", "$A", "$a", "${A}", "${", "${A:-b}", "$(", "$1", "'", "''", `"`, `""`, "`", `\`, `\\`, `\n`, `\t`, `\r`, `\"`, `\'`, `\$`, `\$A`, `\0`, `\x`,
			"\n", "\n\n", "\r\n", "\n \n", "\r", "\nB=", "\n'", "\u00a0", "\u2028", "\u0085", "\v", "\f", "\x1c", "\ufeff", "export ", "A", "ſ", "$ſ")
	}
	pieces := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteString(piece())
		}
		return b.String()
	}
	var b strings.Builder
	for i := range 1 + r.IntN(4) {
		name := fmt.Sprintf("%c%d", 'A'+i, i)
		value := pick("x", "a b", "'s t'", `"u v"`, `'a"b'`, `"it's"`, "'k\nl'", "'p\\q#r'", "x y z # c")
		switch q := pick("'", `"`, "`"); r.IntN(8) {
		case 0, 1:
			value = q + pieces(6) + q
		case 2, 3:
			value = pieces(6)
		case 4:
			value = q + pieces(4) + q + pieces(3)
		}
		b.WriteString(mostly("", " ", "\t", "  # c\n", "# 'c\n", " # c=d\n", "\n", "  \n", "export ", "export  ", "export\t", "\v", "\u00a0"))
		b.WriteString(mostly(name, name+".x", name+"-x", "1"+name, "a"+name, "", "é"+name, "UID", "A b"))
		b.WriteString(mostly("=", " =", "= ", " = ", ":", ": ", " : ", "\t=", "=\t", "==", "", "\n="))
		b.WriteString(value)
		b.WriteString(mostly("\n", "\n", "\n", "", " \n", "\r\n", "\t\n", " # c\n", "# c\n", " #c's \"\n", "\n# c=d", "\r", "\u2028\n", "\u00a0\n"))
	}
	// A byte order mark at the start means nothing to skret, whatever others make of it.
	return strings.TrimPrefix(b.String(), "\ufeff")
}
