//go:build real

package format_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skret/skret/internal/format"
	"github.com/skret/skret/internal/realtest"
	"github.com/skret/skret/internal/secret"
)

// The programs that the formats are for read what skret writes. Every value is
// either refused by its key, or comes back byte for byte, and no program makes
// the file that hundreds of the values try to make.
//
// PowerShell is asked where there is one. It is in no package of Debian or npm,
// so its absence fails nothing; TestReadBack reads its text by the documented rules.

const manyValues = 2000

// reader is a program that reads a format: it gets a file with the text and
// returns the values of V0, V1 ... as it sees them, those of keep alone.
type reader func(t *testing.T, file string, keep []int) []string

func judge(t *testing.T, name string, seed uint64, read reader) {
	t.Helper()
	f, ok := format.Lookup(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	dir := t.TempDir()
	canary := filepath.Join(dir, "canary")
	all := set(values(seed, manyValues, canary)...)

	var kept secret.Set
	var keep []int
	_, allErr := f.Text(all)
	for i, v := range all {
		if _, err := f.Text(secret.Set{v}); err == nil {
			kept, keep = append(kept, v), append(keep, i)
		} else if !strings.Contains(allErr.Error(), string(v.Key)) {
			t.Errorf("%s is refused alone, and not named among all", v.Key)
		}
	}
	text, err := f.Text(kept)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got := read(t, file, keep)
	if len(got) != len(kept) {
		t.Fatalf("%d values of %d", len(got), len(kept))
	}
	for i, v := range kept {
		if want := v.Value.Reveal(); got[i] != want {
			t.Errorf("%s: %.200q, want %.200q", v.Name, got[i], want)
		}
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("a value was run")
	}
	t.Logf("%d values exact, %d refused", len(kept), len(all)-len(kept))
}

// output runs a program in an environment of its own and returns its stdout.
func output(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	c.Dir = t.TempDir()
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%.2000s", name, err, stderr.String())
	}
	return string(out)
}

// names returns the names of the values that were kept.
func names(keep []int) []string {
	var ns []string
	for _, i := range keep {
		ns = append(ns, fmt.Sprintf("V%d", i))
	}
	return ns
}

// byNUL takes values apart that are ended by a NUL.
func byNUL(s string) []string { return strings.Split(strings.TrimSuffix(s, "\x00"), "\x00") }

// byJSON picks the values from a JSON object.
func byJSON(t *testing.T, s string, keep []int) (vs []string) {
	t.Helper()
	var m map[string]*string
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%v\n%.500s", err, s)
	}
	for _, n := range names(keep) {
		if m[n] == nil {
			t.Errorf("%s is not there", n)
			m[n] = new(string)
		}
		vs = append(vs, *m[n])
	}
	return vs
}

// shellReader evaluates the file by the words of load, in a locale.
func shellReader(install, load, locale string, shell ...string) reader {
	return func(t *testing.T, file string, keep []int) []string {
		path := realtest.Need(t, shell[0], install)
		script := load + "\nfor n in " + strings.Join(names(keep), " ") + "; do eval \"printf '%s\\\\0' \\\"\\$$n\\\"\"; done"
		if shell[0] == "zsh" {
			script = "setopt shwordsplit\n" + script
		}
		args := append(shell[1:len(shell):len(shell)], "-c", script, "judge", file)
		return byNUL(output(t, []string{"LC_ALL=" + locale}, path, args...))
	}
}

func TestRealShell(t *testing.T) {
	for i, locale := range []string{"C", "C.UTF-8"} {
		for j, c := range []struct {
			install string
			shell   []string
		}{
			{"install a POSIX shell", []string{"sh"}},
			{"apt-get install dash", []string{"dash"}},
			{"apt-get install bash", []string{"bash"}},
			{"apt-get install bash", []string{"bash", "--posix"}},
			{"apt-get install zsh", []string{"zsh", "-f"}},
		} {
			t.Run(strings.Join(c.shell, " ")+" "+locale, func(t *testing.T) {
				judge(t, "shell", uint64(10*i+j), shellReader(c.install, `eval "$(cat "$1")"`, locale, c.shell...))
			})
		}
	}
}

func TestRealFish(t *testing.T) {
	fish := realtest.Need(t, "fish", "apt-get install fish")
	for i, locale := range []string{"C", "C.UTF-8"} {
		t.Run(locale, func(t *testing.T) {
			judge(t, "fish", uint64(20+i), func(t *testing.T, file string, keep []int) []string {
				script := "cat " + file + " | source; for n in " + strings.Join(names(keep), " ") + "; printf '%s\\0' $$n; end"
				return byNUL(output(t, []string{"LC_ALL=" + locale}, fish, "-N", "-c", script))
			})
		})
	}
}

func TestRealDotenv(t *testing.T) {
	node := realtest.Need(t, "node", "apt-get install nodejs")
	modules, golang := npmDotenv(t), goJudge(t)
	all := "set -a; . \"$1\"; set +a"
	readers := map[string]reader{
		"sh":   shellReader("install a POSIX shell", all, "C", "sh"),
		"dash": shellReader("apt-get install dash", all, "C.UTF-8", "dash"),
		"bash": shellReader("apt-get install bash", all, "C.UTF-8", "bash"),
		"node --env-file": func(t *testing.T, file string, keep []int) []string {
			return byJSON(t, output(t, nil, node, "--env-file="+file, "-e", "process.stdout.write(JSON.stringify(process.env))"), keep)
		},
		"node parseEnv": func(t *testing.T, file string, keep []int) []string {
			return byJSON(t, output(t, nil, node, "-e", "process.stdout.write(JSON.stringify(require('util').parseEnv(require('fs').readFileSync(process.argv[1],'utf8'))))", file), keep)
		},
		"python-dotenv": func(t *testing.T, file string, keep []int) []string {
			return byJSON(t, python(t, "python3-dotenv", "from dotenv import dotenv_values\nprint(json.dumps(dotenv_values(sys.argv[1])))", file), keep)
		},
	}
	for _, m := range []string{"dotenv", "dotenv16", "dotenv17"} {
		readers[m] = func(t *testing.T, file string, keep []int) []string {
			script := "process.stdout.write(JSON.stringify(require(process.argv[1]).parse(require('fs').readFileSync(process.argv[2]))))"
			return byJSON(t, output(t, nil, node, "-e", script, filepath.Join(modules, "node_modules", m), file), keep)
		}
	}
	for _, m := range []string{"compose", "godotenv"} {
		readers[m] = goReader(golang, m)
	}
	for i, name := range slices.Sorted(maps.Keys(readers)) {
		t.Run(name, func(t *testing.T) { judge(t, "dotenv", uint64(30+i), readers[name]) })
	}
}

// npmDotenv returns a folder in which dotenv is installed, in three versions.
func npmDotenv(t *testing.T) string {
	t.Helper()
	npm := realtest.Need(t, "npm", "apt-get install npm")
	modules := t.TempDir()
	// npm goes by the machine's settings: registry, proxy, certificates.
	output(t, os.Environ(), npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", modules, "dotenv@18.0.10", "dotenv16@npm:dotenv@16.6.1", "dotenv17@npm:dotenv@17.2.3")
	return modules
}

// goJudge builds a program of the parsers of docker compose, godotenv and HCL, in
// a module of its own: skret needs none of them.
func goJudge(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module judge\n\ngo 1.24\n\nrequire (\n\tgithub.com/compose-spec/compose-go/v2 v2.16.2\n\tgithub.com/hashicorp/hcl/v2 v2.25.0\n\tgithub.com/joho/godotenv v1.5.1\n)\n",
		"main.go": `package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/joho/godotenv"
)

// tfvars takes the values as Terraform does; numbers and the like are left out.
func tfvars(r io.Reader) (map[string]string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	f, diags := hclsyntax.ParseConfig(b, "judge", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	as, diags := f.Body.JustAttributes()
	if diags.HasErrors() {
		return nil, diags
	}
	m := map[string]string{}
	for name, a := range as {
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() {
			return nil, diags
		}
		if v.Type().FriendlyName() == "string" {
			m[name] = v.AsString()
		}
	}
	return m, nil
}

// It reads each text of a JSON array, and prints an array of what is in them.
func main() {
	parse := map[string]func(io.Reader) (map[string]string, error){"compose": compose.Parse, "godotenv": godotenv.Parse, "tfvars": tfvars}[os.Args[1]]
	b, err := os.ReadFile(os.Args[2])
	var texts []string
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	if err != nil {
		panic(err)
	}
	all := []map[string]string{}
	for _, s := range texts {
		m, err := parse(strings.NewReader(s))
		if err != nil {
			m = nil
		}
		all = append(all, m)
	}
	json.NewEncoder(os.Stdout).Encode(all)
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("go", "build", "-mod=mod", "-o", "judge", ".")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "judge")
}

// goReader is one of the parsers of goJudge.
func goReader(golang, parser string) reader {
	return func(t *testing.T, file string, keep []int) []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		one := strings.TrimSpace(output(t, nil, golang, parser, jsonFile(t, []string{string(text)})))
		return byJSON(t, one[1:len(one)-1], keep)
	}
}

func TestRealTFVars(t *testing.T) {
	judge(t, "tfvars", 90, goReader(goJudge(t), "tfvars"))
}

// python runs a script with Debian's Python, which has Debian's modules.
func python(t *testing.T, install, script string, args ...string) string {
	t.Helper()
	path := realtest.Need(t, "/usr/bin/python3", "apt-get install python3 "+install)
	return output(t, []string{"PYTHONUTF8=1"}, path, append([]string{"-c", "import json, sys\n" + script}, args...)...)
}

func TestRealPython(t *testing.T) {
	for name, script := range map[string]string{
		"yaml": "import yaml\nprint(json.dumps(yaml.safe_load(open(sys.argv[1], 'rb'))))",
		"json": "print(json.dumps(json.load(open(sys.argv[1], 'rb'))))",
		"toml": "import tomllib\nprint(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))",
		"csv":  "import csv\ncsv.field_size_limit(1 << 30)\nprint(json.dumps(dict(list(csv.reader(open(sys.argv[1], newline='')))[1:])))",
	} {
		t.Run(name, func(t *testing.T) {
			judge(t, name, 50, func(t *testing.T, file string, keep []int) []string {
				return byJSON(t, python(t, "python3-yaml", script, file), keep)
			})
		})
	}
}

func TestRealDocker(t *testing.T) {
	judge(t, "docker", 60, func(t *testing.T, file string, keep []int) []string {
		doc, err := json.Marshal(dockerEnv(t, file))
		if err != nil {
			t.Fatal(err)
		}
		return byJSON(t, string(doc), keep)
	})
}

// dockerEnv returns the variables that docker makes of a file. The client parses it
// by itself; an engine that only listens tells what it made of it.
func dockerEnv(t *testing.T, file string) map[string]string {
	t.Helper()
	docker := realtest.Need(t, "docker", "apt-get install docker.io")
	var made struct{ Env []string }
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.45") })
	mux.HandleFunc("POST /{version}/containers/create", func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"Id":"0123456789ab","Warnings":[]}`)
	})
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	output(t, nil, docker, "-H", "unix://"+l.Addr().String(), "create", "--env-file", file, "image")
	seen := map[string]string{}
	for _, kv := range made.Env {
		k, v, _ := strings.Cut(kv, "=")
		seen[k] = v
	}
	return seen
}

// See above: a machine without PowerShell is no failure.
func TestRealPowerShell(t *testing.T) {
	pwsh, err := exec.LookPath("pwsh")
	if err != nil {
		t.Skip("there is no pwsh here; the text is read by its documented rules in TestReadBack")
	}
	judge(t, "powershell", 70, func(t *testing.T, file string, keep []int) []string {
		script := "Get-Content -Encoding ascii '" + file + "' | Invoke-Expression\n" +
			"'" + strings.Join(names(keep), " ") + "'.Split(' ') | ForEach-Object { [Console]::Out.Write([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([Environment]::GetEnvironmentVariable($_))) + \"`n\") }"
		var vs []string
		for line := range strings.Lines(output(t, nil, pwsh, "-NoProfile", "-NonInteractive", "-Command", script)) {
			var b []byte
			if err := json.Unmarshal([]byte(`"`+strings.TrimSpace(line)+`"`), &b); err != nil {
				t.Fatal(err)
			}
			vs = append(vs, string(b))
		}
		return vs
	})
}

// Every variable that a shell has of its own is refused, or is a plain one: a
// child sees the exact value, and nothing is run.
func TestRealSpecialVariables(t *testing.T) {
	known := strings.Fields(`RANDOM SRANDOM SECONDS LINENO OPTIND OPTARG OPTERR PPID UID EUID GID EGID HISTCMD BASHPID EPOCHSECONDS EPOCHREALTIME
		SHLVL TMOUT HISTSIZE HISTFILESIZE HISTFILE COLUMNS LINES GROUPS DIRSTACK FUNCNAME PIPESTATUS FUNCNEST IGNOREEOF POSIXLY_CORRECT
		MAILCHECK MAIL MAILPATH SHELLOPTS BASHOPTS COMP_WORDBREAKS PWD OLDPWD _ TERM EDITOR LANG LC_ALL USERNAME ARGV0 PROMPT ARGC ERRNO STTY
		WATCH LOGCHECK PS1 PS2 PS4 HISTCHARS CDPATH FIGNORE MANPATH BAUD DIRSTACKSIZE KEYTIMEOUT LISTMAX SAVEHIST TTY TTYIDLE REPLY TZ IFS PATH`)
	dir := t.TempDir()
	canary := filepath.Join(dir, "canary")
	for _, c := range []struct {
		format, list, load string
		shell              []string
	}{
		{"shell", "", `eval "$1"`, []string{"dash"}},
		{"shell", "compgen -v", `eval "$1"`, []string{"bash"}},
		{"shell", "zmodload zsh/parameter zsh/zle zsh/sched zsh/watch; print -l ${(k)parameters}", `eval "$1"`, []string{"zsh", "-f"}},
		{"dotenv", "", `set -a; eval "$1"`, []string{"dash"}},
		{"dotenv", "compgen -v", `set -a; eval "$1"`, []string{"bash"}},
		{"fish", "set -n", `printf '%s' $argv[1] | source`, []string{"fish", "-N"}},
	} {
		path := realtest.Need(t, c.shell[0], "apt-get install "+c.shell[0])
		f, _ := format.Lookup(c.format)
		try := known
		if c.list != "" {
			try = append(strings.Fields(output(t, nil, path, append(c.shell[1:], "-c", c.list)...)), known...)
		}
		for _, name := range try {
			for _, value := range []string{"a[$(touch " + canary + ")]x", "(touch " + canary + ")", "5", "a:b:::c", ""} {
				text, err := f.Text(secret.Set{{Name: name, Value: secret.NewValue(value)}})
				if err != nil {
					continue
				}
				// The child is env, whose path is written out: PATH may be what is tried.
				args := append(c.shell[1:len(c.shell):len(c.shell)], "-c", c.load+"\nexec /usr/bin/env -0")
				if c.shell[0] != "fish" {
					args = append(args, "judge")
				}
				out := output(t, nil, path, append(args, string(text))...)
				if !strings.Contains("\x00"+out, "\x00"+name+"="+value+"\x00") {
					t.Errorf("%s, %s: %s=%q is lost", c.shell[0], c.format, name, value)
				}
				if os.Remove(canary) == nil {
					t.Errorf("%s, %s: %s=%q was run", c.shell[0], c.format, name, value)
				}
			}
		}
	}
}
